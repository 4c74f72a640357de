"""Names and values without their secrets: what a name says is a secret is one, whatever it looks like."""

from __future__ import annotations

from functools import lru_cache

from telemetry.redact import names_secret, redact
from telemetry.secret_kinds import MARK

HIDDEN = f"{MARK}attribute]"
"""Stands for the value of an attribute whose name says that it is a secret."""


def masked(text: str) -> str:
    """The text without its secrets."""
    return _masked(text) if len(text) <= 256 else redact(text)[0]


def masked_value(name: str, value: str) -> str:
    """The value of an attribute without its secrets."""
    return HIDDEN if value and hides(name) else masked(value)


@lru_cache(10_000)
def hides(name: str) -> bool:
    """Whether an attribute of this name holds a secret; of a dotted name the last part counts, too."""
    return names_secret(name) or names_secret(name.rpartition(".")[2])


@lru_cache(50_000)
def _masked(text: str) -> str:
    return redact(text)[0]
