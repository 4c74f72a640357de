"""An attempt that is refused changes nothing, and is in the audit."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from agent.approvals.errors import ApprovalRefusedError
from agent.audit.journal import Journal, Writing

Result = TypeVar("Result")


def attempt(journal: Journal, what: str, *, subject: str, actor: str, act: Callable[[Writing], Result]) -> Result:
    """Do ``act`` in one transaction. A refusal is noted, kept, and then raised.

    ``act`` may write nothing before it refuses but that a deadline has passed. Any other exception takes everything back.
    """
    with journal.writing() as writing:
        try:
            return act(writing)
        except ApprovalRefusedError as error:
            refusal = error
            writing.note("refused", subject=subject, actor=actor, body={"attempt": what, "kind": type(error).__name__, "why": str(error)})
    raise refusal
