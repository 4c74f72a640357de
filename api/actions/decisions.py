"""What policy, risk and history say of an action: before it is proposed, and again before it is carried out."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from api.actions.connections import actor

if TYPE_CHECKING:
    from agent.approvals.outcomes import Outcome
    from agent.approvals.people import Person
    from agent.approvals.record import Approval
    from agent.approvals.service import Approvals
    from agent.decision.engine import Verdict
    from agent.decision.policy import Policy
    from agent.executor.executor import Refusal
    from api.actions.risk_inputs import RiskReader
    from tools.actions.action import Preview, Target

HOUR = timedelta(hours=1)
UNSAID = 1.0
"""How sure a person is of the cause who asks for an action and says nothing of it."""
CONFIDENCE = "confidence of the cause"
"""Evidence of an approval of this kind has it as its ``value``."""


class Decisions:
    """Of one home."""

    def __init__(self, path: Path | None, home: Path, approvals: Approvals, risk: Callable[[Person | None], RiskReader], clock: Callable[[], datetime]) -> None:
        """``path``: the policy file; ``policy.yaml`` in the home when it is there. ``risk`` gives what a person may see of it."""
        self.path = path
        self._home, self._approvals, self._risk, self._clock = home, approvals, risk, clock

    def policy(self) -> Policy:
        """The policy as it is now. Raises UsageError when there is a file and it is wrong."""
        from agent.decision.policy import Policy
        from agent.decision.reading import read

        if self.path is None and (self._home / "policy.yaml").exists():
            self.path = self._home / "policy.yaml"  # one that was there and is gone is no reason to go without
        return read(self.path) if self.path else Policy()

    def decide(self, preview: Preview, *, cause: str = "", confidence: float = UNSAID, but: str = "",
               alternatives: Iterable[Mapping[str, Any]] = (), by: Person | None = None) -> Verdict:
        """What policy, risk and history say of an action now; ``but``: an approval that is not counted as an earlier action.

        ``by``: who looks at the cluster for it. Raises UsageError for a wrong policy.
        """
        from agent.decision.engine import decide
        from agent.decision.learning import trusted
        from agent.decision.risk import Circumstances

        name, now = preview.action.name, self._clock()
        known = self._history_of(cause, name, preview.action.target)
        kept = trusted(known, cause)
        confidence *= kept
        on_target = [one for one in self._approvals.history(target=str(preview.action.target)) if one.approval != but and one.verified != "not_executed"]
        around = self._risk(by).of(preview)
        seen = Circumstances(confidence, max(around.dependents, len(preview.blast.services) - 1, 0), around.changes,
                             sum(now - one.at <= HOUR for one in on_target), (*around.unknown, *_learned(kept, confidence)))
        return decide(self.policy(), preview, seen, now=now, cause=cause, outcomes=known,
                      alternatives=alternatives)

    def recheck(self, approval: Approval) -> Refusal | None:
        """Whether the policy of now still lets an approved action happen, with as many approvers as it has."""
        from agent.executor.executor import Refusal

        record = approval.record
        told = next((one.get("value") for one in record.get("evidence", ()) if one.get("kind") == CONFIDENCE), UNSAID)
        verdict = self.decide(approval.preview, cause=str(record.get("cause", "")), confidence=float(told), but=approval.id, by=actor(approval))
        if verdict.decision == "refuse":
            return Refusal("; ".join(verdict.reasons[:3]))
        needed = {"allow": 0, "ask": 1, "ask_two": 2}[verdict.decision]
        return Refusal(f"the policy asks {needed} now, and {record['needed']} were asked") if needed > record["needed"] else None

    def _history_of(self, cause: str, action: str, target: Target) -> list[Outcome]:
        """Outcomes of this cause by this action anywhere, and by any action on this target."""
        if not cause:
            return self._approvals.history(cause=cause, action=action)
        return [one for one in self._approvals.history(cause=cause) if one.action == action or one.target == str(target)]


def _learned(kept: float, confidence: float) -> tuple[str, ...]:
    return () if kept >= 1 else (f"engineers said that this cause was wrong before: its confidence counts {kept:.2f} of itself, {confidence:.2f}",)
