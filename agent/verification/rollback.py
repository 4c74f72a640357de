"""After the verdict: the rollback is called for where it is due, and its result is verified as the action was."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from agent.verification.subject import Rollout
from agent.verification.verifier import Verification, begin
from signals.observed import Window
from tools.actions.action import Edit


@dataclass(frozen=True, slots=True)
class TakenBack:
    """What the rollback came to; ``at`` in µs since 1970 (UTC)."""

    done: bool
    at: int
    message: str


Rollback = Callable[[str, str], TakenBack]
"""Called with the approval's id and the reason. It runs the inverse under the guard at most once, however often it is called."""


def take_back(held: Verification, rollback: Rollback, keep: Callable[[Verification], None], *, before: Rollout | None = None) -> tuple[Verification, Verification | None]:
    """Call for the rollback if the verdict does; gives the state, and the verification of the rollback when it was done.

    ``asked`` is kept first: a process that dies in between calls again, and the executor knows that it was done.
    """
    if not held.undo or held.verdict is None or held.undone in {"done", "failed"} or held.subject.phase == "rollback":
        return held, None
    held = replace(held, undone="asked")
    keep(held)
    result = rollback(held.subject.approval, "; ".join(held.reasons))
    held = replace(held, undone="done" if result.done else "failed", reasons=(*held.reasons, result.message))
    keep(held)
    return held, after_rollback(held, result, before) if result.done else None


def after_rollback(held: Verification, result: TakenBack, before: Rollout | None = None) -> Verification:
    """Verifies a rollback: what the action made worse is to be again as it was before the action.

    ``before`` is the rollout just before the rollback.
    """
    old = held.subject
    subject = replace(
        old, phase="rollback", acted=result.at, before=Window(old.acted, max(result.at, old.acted + 1)), healthy=(old.before,),
        edits=tuple(Edit(one.path, one.after, one.before) for one in old.edits), rollout=before, restarts=0, alerting=True)
    return begin(subject, replace(held.plan, undo_unhelpful=False))
