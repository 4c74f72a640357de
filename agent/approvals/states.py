"""The states of an approval and the ways between them. Pure."""

from __future__ import annotations

from typing import Literal, get_args

State = Literal[
    "pending", "approved", "rejected", "expired", "superseded", "executing", "succeeded", "failed", "unknown", "confirmed",
    "rolling_back", "rolled_back", "rollback_failed", "rollback_unknown",
]
STATES: tuple[State, ...] = get_args(State)

WAYS: dict[State, frozenset[State]] = {
    "pending": frozenset({"approved", "rejected", "expired", "superseded"}),
    "approved": frozenset({"executing", "rejected", "expired", "superseded"}),  # until it begins it may be taken back
    "executing": frozenset({"succeeded", "failed", "unknown"}),
    "unknown": frozenset({"succeeded", "failed"}),  # settled by a look, never by doing it again
    "succeeded": frozenset({"confirmed", "rolling_back"}),
    "rolling_back": frozenset({"rolled_back", "rollback_failed", "rollback_unknown"}),
    "rollback_unknown": frozenset({"rolled_back", "rollback_failed"}),
    "rejected": frozenset(), "expired": frozenset(), "superseded": frozenset(), "failed": frozenset(),
    "confirmed": frozenset(), "rolled_back": frozenset(), "rollback_failed": frozenset(),
}
"""Where each state may go. One that leads nowhere is an end."""

OPEN: frozenset[State] = frozenset({"pending", "approved"})
"""Nothing was done yet, and it may lapse."""
UNDER_WAY: frozenset[State] = frozenset({"executing", "rolling_back"})
"""Something is being sent, or its sender died."""
UNSETTLED: frozenset[State] = frozenset({"unknown", "rollback_unknown"})
"""Nobody knows yet what was done."""


def leads(before: State, after: State) -> bool:
    """Whether there is a way."""
    return after in WAYS[before]
