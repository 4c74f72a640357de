"""The risk of an action, 0 to 1: one documented formula that never falls when a reason for worry grows.

risk = 1 - (1 - w1 f1)(1 - w2 f2) …   over the factors below, each 0 to 1 (a noisy or: Pearl 1988, section 4.3.2).
History then moves it: see :func:`fused`.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

from agent.decision.learning import PRIOR_HARMED, PRIOR_HELPED, History
from tools.actions.action import Preview, Reversible

REVERSIBILITY: Mapping[Reversible, float] = {"exactly": 0.0, "in_effect": 0.4, "no": 1.0}
WEIGHTS = {"reversibility": 0.35, "blast radius": 0.4, "doubt of the cause": 0.4, "criticality": 0.3, "recent changes": 0.15, "flapping": 0.4}
"""What each factor adds at most. Chosen so that one full factor alone asks for care (0.15 to 0.4) and two already alarm."""
MANY_PODS, MANY_DEPENDENTS, MANY_CHANGES, MANY_ACTIONS = 50, 10, 5, 3
"""From so many on the factor is full."""
UNKNOWN_BLAST = 0.7
"""Nobody knows who would feel it: nearly as bad as everybody."""
CRITICAL_LABELS: Mapping[str, frozenset[str]] = {
    "tier": frozenset({"0", "1", "critical", "tier-0", "tier-1"}), "criticality": frozenset({"critical", "high"}),
    "oncalm.io/critical": frozenset({"true"}),
}
FLOOR = 0.6
"""However good history is, no less than so much of the formula's risk remains."""
PRIOR_HARM = PRIOR_HARMED / (PRIOR_HARMED + PRIOR_HELPED)


@dataclass(frozen=True, slots=True)
class Circumstances:
    """What the preview does not know. Counts are of the last hour; ``confidence`` of the cause is 0 to 1."""

    confidence: float
    dependents: int = 0
    """Services that call the target's, directly or not."""
    recent_changes: int = 0
    """Changes to the target by anyone."""
    recent_actions: int = 0
    """Actions of ours on the same target: flapping."""
    unknown: tuple[str, ...] = ()
    """What could not be read of these, in words: it is told, and not taken for nothing."""


@dataclass(frozen=True, slots=True)
class Risk:
    """The score after history, the formula's own, and each factor's share of worry (0 to 1, unweighted)."""

    score: float
    formula: float
    factors: Mapping[str, float]
    history: History

    def words(self) -> tuple[str, ...]:
        """The score, what makes it, and what history says."""
        told = sorted(((WEIGHTS[name] * value, name) for name, value in self.factors.items() if value > 0), reverse=True)
        made = ", ".join(f"{name} {part:.2f}" for part, name in told) or "nothing"
        return f"risk {self.score:.2f}: {made}", self.history.words()


def assess(preview: Preview, seen: Circumstances, history: History | None = None) -> Risk:
    """The risk of what a preview shows. A confidence that is no number counts as none."""
    history = history or History()
    factors = {
        "reversibility": REVERSIBILITY.get(preview.reversible, 1.0), "blast radius": _blast(preview),
        "doubt of the cause": 1.0 if math.isnan(seen.confidence) else 1 - min(max(seen.confidence, 0.0), 1.0),
        "criticality": _criticality(preview.labels, seen.dependents),
        "recent changes": _of(seen.recent_changes, MANY_CHANGES), "flapping": _of(seen.recent_actions, MANY_ACTIONS),
    }
    left = 1.0
    for name, value in factors.items():
        left *= 1 - WEIGHTS[name] * value
    formula = 1 - left
    return Risk(fused(formula, history), formula, factors, history)


def fused(formula: float, history: History) -> float:
    """The formula's risk moved by what history taught: up by as much of the rest as harm exceeds the prior, down by as much
    of itself as harm stays below it, never below ``FLOOR`` of it; a harmful verdict outweighs any record but a long one."""
    more = (history.harm - PRIOR_HARM) / (1 - PRIOR_HARM)
    if more >= 0:
        return formula + (1 - formula) * more
    return formula * max(FLOOR, 1 + more)


def _of(count: int, many: int) -> float:
    return min(max(count, 0) / many, 1.0)


def _blast(preview: Preview) -> float:
    """The larger of the share and the number of pods; unknown is not small. A notice touches nobody."""
    blast = preview.blast
    if preview.action.target.system == "notice":
        return 0.0
    share = None if blast.share is None or math.isnan(blast.share) else min(max(blast.share, 0.0), 1.0)
    if blast.pods is None and share is None:
        return UNKNOWN_BLAST
    return max(share or 0.0, _of(blast.pods or 0, MANY_PODS))


def _criticality(labels: Mapping[str, str], dependents: int) -> float:
    marked = any(labels.get(key, "").lower() in values for key, values in CRITICAL_LABELS.items())
    return 1.0 if marked else _of(dependents, MANY_DEPENDENTS)
