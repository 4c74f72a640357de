"""Revisions of Deployments, StatefulSets and DaemonSets, and what changed from one to the next.

A Deployment's revisions are its ReplicaSets (annotation ``deployment.kubernetes.io/revision``), those of the others are
ControllerRevisions (kubernetes.io/docs/concepts/workloads/controllers). An undo takes an old ReplicaSet again and gives it
the next number, so that the time of creation is not the time of the rollout.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from telemetry.sources.elastic_fields import micros

Object = Mapping[str, Any]
NUMBER = "deployment.kubernetes.io/revision"
EARLIER = "deployment.kubernetes.io/revision-history"
CAUSE = "kubernetes.io/change-cause"
_NOISE = frozenset({"metadata.labels.pod-template-hash", "metadata.creationTimestamp", "$patch"})


@dataclass(frozen=True, slots=True)
class Revision:
    """One revision. ``time`` µs since 1970, when it was rolled out; None when nothing tells."""

    number: int
    name: str
    """Of the ReplicaSet or ControllerRevision."""
    time: int | None
    template: Object
    replicas: int | None = None
    """Pods it has now; None for ControllerRevisions."""
    undo: bool = False
    """Whether it is an earlier revision taken again."""
    cause: str = ""

    @property
    def images(self) -> tuple[str, ...]:
        """``container=image`` of every container."""
        return tuple(f"{one.get('name')}={one.get('image')}" for one in containers(self.template))


@dataclass(frozen=True, slots=True)
class Difference:
    """One field that differs; "" where it is not set."""

    path: str
    before: str
    after: str

    def __str__(self) -> str:
        return f"{self.path}: {self.before or '(none)'} → {self.after or '(none)'}"


def revisions(owner: Object, children: Iterable[Object]) -> list[Revision]:
    """The revisions of a workload, oldest first, from its ReplicaSets or ControllerRevisions (others are passed over)."""
    uid, name = at(owner, "metadata", "uid"), at(owner, "metadata", "name")
    own = [each for each in children if _owned(each, uid, name, str(owner.get("kind") or ""))]
    numbered = sorted(((number, each) for each in own if (number := _number(each)) is not None), key=lambda pair: pair[0])
    found: list[Revision] = []
    newest = 0
    for number, each in numbered:
        created = micros(at(each, "metadata", "creationTimestamp"))
        undo = bool(at(each, "metadata", "annotations", EARLIER)) or (created is not None and created < newest)
        newest = max(newest, created or 0)
        time = _renumbered(each) if undo else created
        found.append(Revision(number, str(at(each, "metadata", "name")), time, _template(each), _replicas(each), undo,
                              str(at(each, "metadata", "annotations", CAUSE) or "")))
    return found


def differences(before: Object, after: Object) -> list[Difference]:
    """What differs between two pod templates, images first; containers and variables are told by their names."""
    old, new = dict(_flat(before)), dict(_flat(after))
    changed = [Difference(path, old.get(path, ""), new.get(path, "")) for path in sorted(old.keys() | new.keys())
               if path not in _NOISE and old.get(path, "") != new.get(path, "")]
    return sorted(changed, key=lambda one: (not one.path.endswith(".image"), ".env." not in one.path, one.path))


def containers(template: Object) -> list[Object]:
    """The containers of a pod template, those that start first in front."""
    spec = template.get("spec")
    if not isinstance(spec, Mapping):
        return []
    return [one for key in ("initContainers", "containers") for one in spec.get(key) or () if isinstance(one, Mapping)]


def _owned(each: Object, uid: object, name: object, kind: str) -> bool:
    owners = at(each, "metadata", "ownerReferences") or ()
    return any((one.get("uid") == uid if uid and one.get("uid") else one.get("name") == name) and one.get("kind") in {kind, None}
               for one in owners if isinstance(one, Mapping))


def _number(each: Object) -> int | None:
    said = each.get("revision") if each.get("kind") == "ControllerRevision" else at(each, "metadata", "annotations", NUMBER)
    try:
        return int(str(said))
    except ValueError:
        return None


def _template(each: Object) -> Object:
    found = at(each, "data", "spec", "template") if each.get("kind") == "ControllerRevision" else at(each, "spec", "template")
    return found if isinstance(found, Mapping) else {}


def _replicas(each: Object) -> int | None:
    if each.get("kind") == "ControllerRevision":
        return None
    found = at(each, "status", "replicas")
    return found if isinstance(found, int) else 0


def _renumbered(each: Object) -> int | None:
    """When its number was written last, by who manages the field."""
    times = [micros(one.get("time")) for one in at(each, "metadata", "managedFields") or () if isinstance(one, Mapping)
             and one.get("subresource") != "status" and f"f:{NUMBER}" in (at(one, "fieldsV1", "f:metadata", "f:annotations") or {})]
    return max((time for time in times if time is not None), default=None)


def _flat(value: Any, path: str = "") -> Iterator[tuple[str, str]]:
    """Path and text of every leaf; the members of a list are told by their names where they have some."""
    if isinstance(value, Mapping):
        for key, one in value.items():
            yield from _flat(one, f"{path}.{key}" if path else str(key))
    elif isinstance(value, Sequence) and not isinstance(value, str):
        names = [one.get("name") or one.get("mountPath") or one.get("containerPort") if isinstance(one, Mapping) else None for one in value]
        unique = len(set(names)) == len(names) and None not in names
        if value and not any(isinstance(one, Mapping) for one in value):
            yield path, " ".join(map(str, value))
            return
        for number, one in enumerate(value):
            key = str(names[number]) if unique else str(number)
            whole = one if not unique or not isinstance(one, Mapping) else {k: v for k, v in one.items() if k != "name"} or {"": ""}
            if isinstance(whole, Mapping) and set(whole) == {"value"}:  # a variable
                yield f"{path}.{key}", str(whole["value"])
            else:
                yield from _flat(whole, f"{path}.{key}")
    elif value is not None:
        yield path, str(value).lower() if isinstance(value, bool) else str(value)


def at(each: Any, *path: str) -> Any:
    """What lies at a path of keys, or None."""
    for key in path:
        if not isinstance(each, Mapping):
            return None
        each = each.get(key)
    return each
