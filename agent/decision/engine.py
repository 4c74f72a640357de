"""Decides on a previewed action: obstacles, policy, risk and history, with every reason in words."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from agent.decision.learning import Told, learned
from agent.decision.policy import ORDER, Decided, Policy, Question, rule_on
from agent.decision.risk import Circumstances, Risk, assess
from tools.actions.action import Preview

FLAPPING = 3
"""So many actions on one target within the hour and the next is no repair: somebody has to look."""
UNSURE, ALLOWED_RISK = 0.3, 0.8
"""Below this confidence, or above this risk, a rule that allows is not enough: a person looks."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """What was decided. ``rule`` is the rule that decided, "" for none; ``policy`` the digest of the policy."""

    decision: Decided
    risk: Risk
    policy: str
    reasons: tuple[str, ...]
    rule: str = ""
    alternatives: tuple[Mapping[str, Any], ...] = ()

    def document(self) -> dict[str, Any]:
        """As JSON holds it."""
        return {"decision": self.decision, "risk": round(self.risk.score, 4), "policy": self.policy, "rule": self.rule, "reasons": list(self.reasons),
                "factors": {name: round(value, 4) for name, value in self.risk.factors.items()}, "alternatives": [dict(one) for one in self.alternatives]}


def decide(policy: Policy | None, preview: Preview, seen: Circumstances, *, now: datetime, cause: str = "",
           outcomes: Iterable[Told] = (), alternatives: Iterable[Mapping[str, Any]] = ()) -> Verdict:
    """Allow, ask one, ask two, or refuse. ``policy`` is None when it could not be read: then everything is refused; with
    nothing configured it is ``Policy()``. ``now`` is aware."""
    action = preview.action
    risk = assess(preview, seen, learned(outcomes, cause, action.name))
    kept = tuple(alternatives)
    if policy is None:
        return Verdict("refuse", risk, "", ("the policy cannot be read", *risk.words()), alternatives=kept)
    ruling = rule_on(policy, Question(action.name, action.target, preview.labels, risk.score, seen.confidence, now))
    restraints = list(_restraints(preview, seen, risk, ruling.decision))
    decision = max([ruling.decision, *(least for least, _ in restraints)], key=ORDER.index)
    stand = ruling.reasons if ruling.decision == decision else ()  # what calls for less than was decided explains nothing
    reasons = [*stand, *(why for _, why in restraints)]
    return Verdict(decision, risk, policy.digest, (*reasons, *risk.words(), *seen.unknown), ruling.rule, kept)


def _restraints(preview: Preview, seen: Circumstances, risk: Risk, decision: Decided) -> Iterable[tuple[Decided, str]]:
    """What no rule can lift: each with the least that it calls for."""
    for obstacle in preview.obstacles:
        if obstacle.blocking:
            yield "refuse", f"{obstacle.why}{'; better: ' + obstacle.better if obstacle.better else ''}"
    if seen.recent_actions >= FLAPPING:
        yield "refuse", f"{seen.recent_actions} actions were taken on {preview.action.target} within the hour: one more is no repair"
    if decision == "allow" and preview.action.target.system != "notice":
        if not seen.confidence >= UNSURE:
            yield "ask", f"the cause is only known with {seen.confidence:.2f}: a person has to look"
        if risk.score > ALLOWED_RISK:
            yield "ask", f"the risk of {risk.score:.2f} is too high for a rule alone"
