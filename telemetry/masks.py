"""Names and values without their secrets: what a name says is a secret is one, whatever it looks like."""

from __future__ import annotations

import re
from functools import lru_cache

from telemetry.redact import may_hold_secret, names_secret, redact
from telemetry.secret_kinds import MARK

HIDDEN = f"{MARK}attribute]"
"""Stands for the value of an attribute whose name says that it is a secret."""

_PLAIN = re.compile(r"[0-9a-f]*[a-f][0-9a-f]*|[a-z]{1,12}")
"""Identifiers in hex and short words: no rule finds a secret in them, and most never come twice."""


def masked(text: str) -> str:
    """The text without its secrets."""
    if _PLAIN.fullmatch(text):
        return text
    return _masked(text) if len(text) <= 256 else _redacted(text)


def masked_value(name: str, value: str) -> str:
    """The value of an attribute without its secrets."""
    return HIDDEN if value and hides(name) else masked(value)


@lru_cache(10_000)
def hides(name: str) -> bool:
    """Whether an attribute of this name holds a secret; of a dotted name the last part counts, too."""
    return names_secret(name) or names_secret(name.rpartition(".")[2])


@lru_cache(50_000)
def _masked(text: str) -> str:
    return _redacted(text)


def _redacted(text: str) -> str:
    return redact(text)[0] if may_hold_secret(text) else text
