"""What follows a verdict, at the executor: told twice, done once, also after a kill between the two."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from agent.verification.state import State, Verdict
from agent.verification.verifier import Ends
from telemetry.errors import OnCalmError

_BACK = frozenset({"rolled_back", "rollback_failed", "rollback_unknown"})


class Acting(Protocol):
    """The executor, as far as it is needed here."""

    def verified(self, approval: str, result: Verdict, statement: str) -> object:
        """Keep what verification saw."""
        ...

    def rollback(self, approval: str, *, reason: str) -> object:
        """Take the action back, once. Raises OnCalmError when it may not be."""
        ...


def ends_at(acting: Acting, state_of: Callable[[str], str], save: Callable[[State], None]) -> Ends:
    """Record and roll back through the executor. ``state_of`` tells an approval's stored state."""
    def record(state: State) -> None:
        if state.verdict is not None and state_of(state.approval) == "succeeded":  # else it was recorded, before a kill
            acting.verified(state.approval, state.verdict, state.statement)

    def rollback(approval: str, reason: str) -> str:
        try:
            acting.rollback(approval, reason=reason)
        except OnCalmError:
            if state_of(approval) not in _BACK:  # it was not taken back before a kill either
                raise
        return state_of(approval)

    return Ends(record, rollback, save)
