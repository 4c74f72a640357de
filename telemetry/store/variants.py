"""Words that tell sibling messages apart, as parameters: ``at provider paybuddy`` beside ``at provider klarify``.

A template keeps a word constant when few values occur; a question may still ask "by provider". Keys that are alike
except in one word give that word a name: the word before it. Where the name is known, other keys that hold it with
one of its values carry it too. The same is done for constant ``name=value`` pairs.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import replace

from telemetry.store.manifest import KeyRow

MOST_KEYS = 5_000
"""Keys beyond which only ``name=value`` pairs are looked for."""
MOST_TOKENS = 40
_TOKEN = re.compile(r"<:\w+:>|[A-Za-z0-9_$@][\w.$@/-]*|[^\w\s]")
_PAIR = re.compile(r"(?<![\w.<:-])([A-Za-z_][\w.-]{0,40})\s?=\s?([A-Za-z][\w.@-]{0,60})(?=[\s,;:)\]}\"']|$)")
_NAME = re.compile(r"[A-Za-z][A-Za-z_-]{1,30}")
_BINDS = frozenset("a an the of to in on at for from by with and or is was are were be been as not no has have had that this it its".split())
_VALUE = re.compile(r"(?=.*[A-Za-z])[\w.$@/-]{2,60}")


def name_variants(keys: Iterable[KeyRow]) -> dict[int, KeyRow]:
    """The keys by id, with their constant words that have a name added to their ``words``."""
    rows = {key.id: key for key in keys}
    found: dict[int, list[tuple[str, str]]] = defaultdict(list)
    for key in rows.values():
        found[key.id] += [(m[1], m[2]) for m in _PAIR.finditer(key.text)]
    if 1 < len(rows) <= MOST_KEYS:
        tokens = {key.id: _TOKEN.findall(key.text)[:MOST_TOKENS] for key in rows.values()}
        _spread(tokens, _siblings(tokens), found)
    return {ident: _extended(key, found[ident]) for ident, key in rows.items()}


def _siblings(tokens: dict[int, list[str]]) -> dict[str, set[str]]:
    """Names of the places where keys that are otherwise alike differ, with the words seen there."""
    places: dict[tuple[str, ...], set[str]] = defaultdict(set)
    for parts in tokens.values():
        for at, token in enumerate(parts):
            if _VALUE.fullmatch(token):
                places[(*parts[:at], "\0", *parts[at + 1:])].add(token)
    named: dict[str, set[str]] = defaultdict(set)
    for place, values in places.items():
        name = _name(place, place.index("\0")) if len(values) > 1 else None
        if name:
            named[name] |= values
    return named


def _name(parts: tuple[str, ...] | list[str], at: int) -> str | None:
    """The word before a place, past signs of assignment and words that only bind."""
    for before in reversed(parts[max(0, at - 3):at]):
        if _NAME.fullmatch(before) and before.lower() not in _BINDS:
            return before.lower()
        if before.startswith("<:"):
            return None
    return None


def _spread(tokens: dict[int, list[str]], named: dict[str, set[str]], found: dict[int, list[tuple[str, str]]]) -> None:
    for ident, parts in tokens.items():
        for at, token in enumerate(parts):
            if _VALUE.fullmatch(token):
                name = _name(parts, at)
                if name and token in named.get(name, ()):
                    found[ident].append((name, token))


def _extended(key: KeyRow, found: list[tuple[str, str]]) -> KeyRow:
    taken = {name for _, name in key.slots} | {name for name, _ in key.words}
    fresh: dict[str, str] = {}
    for name, value in found:
        if name not in taken:
            fresh.setdefault(name, value)
    return replace(key, words=(*key.words, *fresh.items())) if fresh else key
