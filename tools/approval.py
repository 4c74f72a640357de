"""A grant: the proof that exactly one action may be carried out now. Made from a stored approval, checked by the guard."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Grant:
    """``digest`` names the action (:attr:`tools.actions.action.Preview.digest`); after ``deadline`` (UTC) it is void."""

    approval: str
    """The approval's id."""
    digest: str
    deadline: datetime
    approvers: tuple[str, ...]
    """Who approved it; ``policy`` for an action that a rule allows."""
    rollback: bool = False
    """Whether it is for the inverse, which was approved together with the action."""


class Ledger(Protocol):
    """Where it is written that an action begins, before it does, and how it ended. Both are durable when they return."""

    def begin(self, grant: Grant) -> bool:
        """Note that the granted action begins; False when it has begun before, or may not any more: then nothing is done."""
        ...

    def end(self, grant: Grant, *, succeeded: bool | None, message: str) -> None:
        """Note how it ended; None when nobody knows."""
        ...
