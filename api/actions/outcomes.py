"""What became of a proposal, and what an engineer says of it afterwards."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from agent.approvals.outcomes import CauseVerdict, EffectVerdict, Outcome
    from agent.approvals.people import Person
    from agent.approvals.record import Approval
    from agent.approvals.service import Approvals
    from agent.decision.engine import Verdict
    from tools.actions.action import Preview


@dataclass(frozen=True, slots=True)
class Asked:
    """What became of a proposal: the approval that waits, unless it was refused."""

    preview: Preview
    verdict: Verdict
    approval: Approval | None


class Outcomes:
    """Of one home, whose investigations are recalled less when their cause was wrong."""

    def __init__(self, approvals: Approvals, home: Path) -> None:
        self._approvals, self._home = approvals, home

    def of(self, approval: str) -> dict[str, Any]:
        """What became of a proposal, in words, as its investigation shows it: ``approval``, ``state``, ``told``, ``verified``."""
        from agent.approvals.wording import told

        found = self._approvals.show(approval)
        kept = next((one for one in self._approvals.history(target=found.line.target) if one.approval == approval), None)
        return {"approval": approval, "state": found.state, "told": told(found), "verified": kept.verified if kept else None,
                "statement": kept.statement if kept else "", "cause_verdict": kept.cause_verdict if kept else None,
                "effect_verdict": kept.effect_verdict if kept else None}

    def judge(self, approval: str, by: Person, *, cause: CauseVerdict | None = None, effect: EffectVerdict | None = None) -> Outcome:
        """Keep what an engineer says afterwards. A wrong cause is trusted less, and its investigation is recalled no more."""
        from agent.recall.memory import Memory

        kept = self._approvals.verdict(approval, by, cause=cause, effect=effect)
        investigation, folder = self._approvals.show(approval).record.get("investigation"), self._home / "cache" / "recall"
        if cause is not None and investigation and folder.exists():
            memory = Memory(folder)
            try:
                memory.judge_run(str(investigation), approval, right=cause == "right")
            finally:
                memory.close()
        return kept
