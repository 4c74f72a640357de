"""The states of an incident and the ways between them. Pure."""

from __future__ import annotations

from typing import Literal, get_args

State = Literal["open", "investigating", "mitigated", "resolved"]
STATES: tuple[State, ...] = get_args(State)
WAYS: dict[State, frozenset[State]] = {
    "open": frozenset({"investigating", "mitigated", "resolved"}),
    "investigating": frozenset({"mitigated", "resolved"}),
    "mitigated": frozenset({"open", "resolved"}),
    "resolved": frozenset({"open"}),
}
"""Where each may go; to ``open`` is to open it again."""


def leads(before: State, after: State) -> bool:
    """Whether there is a way."""
    return after in WAYS[before]
