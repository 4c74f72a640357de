"""Texts of other servers, made safe to show: bounded, and without characters that cannot be seen."""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping
from typing import Any

from telemetry.unseen import unseen

_UNKNOWN = frozenset({"Co", "Cn"})
"""Unicode categories of private and unassigned characters: nobody knows what they show."""
_TEXT = 300
_TEXTS = frozenset({"description", "title"})
_DROPPED = frozenset({"$comment", "examples", "example", "default", "deprecated", "$schema", "$id"})
_NESTS = frozenset({"properties", "$defs", "definitions", "patternProperties", "dependentSchemas"})


def clean(text: str, most: int) -> str:
    """One line of at most ``most`` characters; no words are taken out."""
    joined = " ".join("".join(" " if c in "\n\r\t" else c for c in text[: 4 * most] if _shown(c)).split())
    return joined if len(joined) <= most else joined[: max(most - 1, 0)] + "…"


def _shown(character: str) -> bool:
    return character in "\n\r\t" or not (unseen(character) or unicodedata.category(character) in _UNKNOWN)


def clean_schema(node: Any, *, names: bool = False) -> Any:
    """A JSON schema with its texts cleaned and without keywords that only hold more text.

    With ``names`` the keys of ``node`` are names that the server chose, not keywords.
    """
    if isinstance(node, list):
        return [clean_schema(item) for item in node]
    if not isinstance(node, Mapping):
        return node
    if names:
        return {key: clean_schema(part) for key, part in node.items()}
    return {
        key: clean(part, _TEXT) if key in _TEXTS and isinstance(part, str) else clean_schema(part, names=key in _NESTS)
        for key, part in node.items() if key not in _DROPPED
    }
