"""Mining: distinct message keys become templates, behind drain3's Drain.

A *key* is a message with every masked variable written ``<:type:>``.
Drain sees each distinct *shape* (the key with all placeholders alike) once, in first-seen order, which equals
sequential Drain over all lines; :mod:`vectorstore.refine` then splits and merges what Drain found.
Use: ``generalise`` a new key, ``add`` it, and call ``assign`` when a batch is done.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import zip_longest
from typing import TYPE_CHECKING, Any

from vectorstore.drain import drain_module
from vectorstore.drawing import render
from vectorstore.patterns import VAR, Shape
from vectorstore.refine import Group, Part, merge, shape_of, split

if TYPE_CHECKING:
    from drain3.drain import Drain, Node

SIMILARITY = 0.6
DEPTH = 4
CATCH_ALL = "<:text:>"
"""The key of messages that come when no further cluster may be opened; the whole text is its value."""
_VERSION = 1


@dataclass(frozen=True, slots=True)
class Word:
    """A word of a key that varies among the keys of its template but not among the key's records."""

    name: str
    value: str
    position: int
    """How many slots of the key stand before it."""


@dataclass(frozen=True, slots=True)
class Assigned:
    """Where a key belongs: its template's id, and the words that are variables there (type ``word``)."""

    template: str
    words: tuple[Word, ...]


@dataclass(frozen=True, slots=True)
class Mined:
    """A template. ``params`` are (name, type) in text order, as its first-seen key has them."""

    id: str
    pattern: str
    display: str
    params: tuple[tuple[str, str], ...]
    keys: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Assignments:
    """All keys and templates; ``changed`` are the keys whose assignment differs from the last call's."""

    keys: Mapping[str, Assigned]
    templates: Mapping[str, Mined]
    changed: frozenset[str]


@dataclass(slots=True)
class _Cluster:
    shapes: list[Shape] = field(default_factory=list)
    keys: int = 0


class Miner:
    """Templates of a growing set of keys. Not thread-safe; the state is plain data (see ``snapshot``)."""

    def __init__(self, *, keys_per_cluster: int = 2000, clusters: int = 20000) -> None:
        """Bound memory: further keys of a full cluster are generalised, further clusters go to CATCH_ALL."""
        self._drain: Drain = drain_module().Drain(depth=DEPTH, sim_th=SIMILARITY, parametrize_numeric_tokens=True)
        self._limits = (keys_per_cluster, clusters)
        self._order: dict[str, int] = {}
        self._names: dict[str, tuple[str, ...]] = {}
        self._shapes: dict[Shape, list[str]] = {}
        self._home: dict[Shape, int] = {}
        self._clusters: dict[int, _Cluster] = {}
        self._dirty: set[int] = set()
        self._parts: dict[int, list[Part]] = {}
        self._known: dict[frozenset[Part], tuple[int, Mined, dict[str, Assigned]]] = {}
        self._assigned: dict[str, Assigned] = {}

    def __contains__(self, key: str) -> bool:
        return key in self._order

    def __len__(self) -> int:
        return len(self._order)

    def add(self, keys: Iterable[str], names: Iterable[Sequence[str]] = ()) -> None:
        """Take up keys in first-seen order; a known key changes nothing.

        ``names`` are the slot names of each key, for display; without them the key's text names its slots.
        """
        for key, named in zip_longest(keys, names, fillvalue=()):
            if not isinstance(key, str) or key in self._order:
                continue
            if named:
                self._names[key] = tuple(named)
            self._order[key] = len(self._order)
            shape = shape_of(key)
            home = self._home.get(shape)
            if home is None:
                home = self._drain.add_log_message(" ".join(shape))[0].cluster_id
                self._home[shape] = home
                self._shapes[shape] = []
                self._clusters.setdefault(home, _Cluster()).shapes.append(shape)
            self._shapes[shape].append(key)
            self._clusters[home].keys += 1
            self._dirty.add(home)

    def generalise(self, key: str) -> tuple[str, tuple[str, ...]]:
        """Return the key to store a message under, and the values of its ``<:word:>`` or ``<:text:>`` places.

        The key itself and no values, unless its cluster is full: then the words that vary in the cluster are
        written ``<:word:>``. When no cluster may be opened any more: CATCH_ALL and the whole text of the key.
        """
        shape = shape_of(key)
        if key in self._order or key == CATCH_ALL:
            return key, ()
        per_cluster, clusters = self._limits
        home = self._home.get(shape)
        found = self._drain.id_to_cluster[home] if home else self._match(shape)
        if found is None:
            return (key, ()) if len(self._clusters) < clusters else (CATCH_ALL, (key,))
        if self._clusters[found.cluster_id].keys < per_cluster:
            return key, ()
        tokens = key.split()
        values = []
        for at, (mine, theirs) in enumerate(zip(shape, found.log_template_tokens, strict=True)):
            if mine != theirs and VAR not in mine:
                values.append(tokens[at])
                tokens[at] = "<:word:>"
        return " ".join(tokens), tuple(values)

    def _match(self, shape: Shape) -> Any:
        drain = self._drain
        return drain.tree_search(drain.root_node, shape, SIMILARITY, include_params=False)

    def assign(self) -> Assignments:
        """Refine what changed since the last call and return everything. Linear in the keys touched."""
        for home in self._dirty:
            self._parts[home] = split(self._clusters[home].shapes)
        self._dirty.clear()
        groups = merge([part for home in sorted(self._parts) for part in self._parts[home]])
        known: dict[frozenset[Part], tuple[int, Mined, dict[str, Assigned]]] = {}
        templates: dict[str, Mined] = {}
        changed: set[str] = set()
        for group in groups:
            parts = frozenset(group.parts)
            size = sum(len(self._shapes[s]) for part in group.parts for s in part.shapes)
            entry = self._known.get(parts)
            if entry is None or entry[0] != size:
                entry = (size, *self._describe(group))
                for key, assigned in entry[2].items():
                    if self._assigned.get(key) != assigned:
                        self._assigned[key] = assigned
                        changed.add(key)
            known[parts] = entry
            templates[entry[1].id] = entry[1]
        self._known = known
        return Assignments(self._assigned, templates, frozenset(changed))

    def _describe(self, group: Group) -> tuple[Mined, dict[str, Assigned]]:
        keys = sorted(
            (key for part in group.parts for shape in part.shapes for key in self._shapes[shape]),
            key=self._order.__getitem__,
        )
        drawn = render(group, keys, self._names.get(keys[0], ()))
        name = template_id(keys[0])
        mined = Mined(name, drawn.pattern, drawn.display, drawn.params, tuple(keys))
        words = (tuple(Word(*word) for word in found) for found in drawn.words)
        return mined, {key: Assigned(name, found) for key, found in zip(keys, words, strict=True)}

    def snapshot(self) -> dict[str, Any]:
        """Return the state as plain JSON data."""
        return {
            "version": _VERSION,
            "limits": list(self._limits),
            "keys": list(self._order),
            "names": {key: list(names) for key, names in self._names.items()},
            "homes": [self._home[shape_of(key)] for key in self._order],
            "clusters": [
                [number, cluster.size, list(cluster.log_template_tokens)]
                for number, cluster in self._drain.id_to_cluster.items()
                if cluster is not None
            ],
            "tree": _dump(self._drain.root_node),
        }

    @classmethod
    def restore(cls, state: Mapping[str, Any]) -> Miner:
        """Rebuild a miner that behaves exactly as the one that made the snapshot. Raises ValueError."""
        if state.get("version") != _VERSION:
            raise ValueError(f"unknown miner state version {state.get('version')!r}")
        cluster_of = drain_module().LogCluster
        miner = cls(keys_per_cluster=state["limits"][0], clusters=state["limits"][1])
        for number, size, tokens in state["clusters"]:
            cluster = cluster_of(tokens, number)
            cluster.size = size
            miner._drain.id_to_cluster[number] = cluster
            miner._drain.clusters_counter = max(miner._drain.clusters_counter, number)
        _load(state["tree"], miner._drain.root_node)
        for at, (key, home) in enumerate(zip(state["keys"], state["homes"], strict=True)):
            miner._order[key] = at
            shape = shape_of(key)
            if shape not in miner._home:
                miner._home[shape] = home
                miner._clusters.setdefault(home, _Cluster()).shapes.append(shape)
            miner._shapes.setdefault(shape, []).append(key)
            miner._clusters[home].keys += 1
        miner._names.update((key, tuple(names)) for key, names in state.get("names", {}).items())
        miner._dirty.update(miner._clusters)
        return miner


def template_id(key: str) -> str:
    """A short id that depends on nothing but the text of the group's first key."""
    digest = hashlib.blake2b(key.encode("utf-8", "surrogatepass"), digest_size=8).digest()
    return base64.b32encode(digest).decode().lower()[:10]


def _dump(node: Node) -> list[Any]:
    return [list(node.cluster_ids), {token: _dump(child) for token, child in node.key_to_child_node.items()}]


def _load(state: list[Any], node: Node) -> None:
    node_of = drain_module().Node
    node.cluster_ids = list(state[0])
    for token, child in state[1].items():
        node.key_to_child_node[token] = node_of()
        _load(child, node.key_to_child_node[token])
