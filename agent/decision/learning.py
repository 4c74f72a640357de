"""What history taught about an action against a cause: a share of harm with its uncertainty.

Outcomes are Bernoulli trials with a Beta prior (conjugate; Gelman et al., Bayesian Data Analysis, section 2.4): a few
cases move the mean little, and the credible interval says how little is known.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal, Protocol

PRIOR_HELPED, PRIOR_HARMED = 6.0, 2.0
"""As if eight cases had been seen, a quarter of them harmful: before anything is known, one in four is not trusted."""
HARMFUL_WEIGHT = 2.0
"""An engineer who says harmful counts as two cases; what a machine measured counts as one."""
Z90 = 1.6448536269514722
Result = Literal["helped", "harmed"]


class Told(Protocol):
    """One outcome, as the store of approvals keeps them."""

    @property
    def cause(self) -> str: ...
    @property
    def action(self) -> str: ...
    @property
    def verified(self) -> str: ...
    @property
    def cause_verdict(self) -> str | None: ...
    @property
    def effect_verdict(self) -> str | None: ...


@dataclass(frozen=True, slots=True)
class History:
    """Cases of one cause and action; ``harmed`` may be fractional, for a person's word weighs more."""

    helped: float = 0.0
    harmed: float = 0.0

    @property
    def cases(self) -> float:
        return self.helped + self.harmed

    @property
    def harm(self) -> float:
        """Posterior mean of the share of harm, 0 to 1."""
        return (PRIOR_HARMED + self.harmed) / (PRIOR_HARMED + PRIOR_HELPED + self.cases)

    @property
    def interval(self) -> tuple[float, float]:
        """About 90 % credible, by the normal approximation on the log-odds (delta method), always within 0 and 1."""
        a, b = PRIOR_HARMED + self.harmed, PRIOR_HELPED + self.helped
        middle, spread = math.log(a / b), Z90 * math.sqrt(1 / a + 1 / b)
        return _logistic(middle - spread), _logistic(middle + spread)

    def words(self) -> str:
        """One sentence."""
        low, high = self.interval
        if not self.cases:
            return "this action has not been tried against this cause yet"
        return (f"history: {self.cases:g} weighted cases, {self.harmed:g} of them harmful; the share of harm is about "
                f"{self.harm:.2f} ({low:.2f} to {high:.2f})")


def learned(outcomes: Iterable[Told], cause: str, action: str) -> History:
    """Count what became of this action against this cause. A person's verdict stands over what was measured; what was not
    executed, not assessed, or had its cause judged wrong says nothing of harm unless a person says harmful."""
    helped = harmed = 0.0
    for one in outcomes:
        if (one.cause, one.action) != (cause, action):
            continue
        result = _result(one)
        helped += result == "helped"
        harmed += (HARMFUL_WEIGHT if one.effect_verdict == "harmful" else 1.0) * (result == "harmed")
    return History(helped, harmed)


RIGHT_WEIGHT = 2.0
"""An engineer's word on a cause counts as two cases, as that on an effect does."""
PRIOR_RIGHT, PRIOR_WRONG = 6.0, 2.0


def trusted(outcomes: Iterable[Told], cause: str) -> float:
    """What share of its confidence a cause keeps after what engineers said of it, above 0 to 1: 1 while nobody said it was wrong.

    The posterior mean of its being right (Beta prior, as above) over the prior's. One "wrong" leaves 0.8, three leave 0.57;
    each "right" gives some back, and never more than all.
    """
    said = [one.cause_verdict for one in outcomes if one.cause == cause and cause]
    right, wrong = (RIGHT_WEIGHT * said.count(which) for which in ("right", "wrong"))
    prior = PRIOR_RIGHT / (PRIOR_RIGHT + PRIOR_WRONG)
    return min(1.0, (PRIOR_RIGHT + right) / (PRIOR_RIGHT + PRIOR_WRONG + right + wrong) / prior)


def _result(one: Told) -> Result | None:
    if one.effect_verdict == "harmful":
        return "harmed"
    if one.verified == "not_executed" or one.cause_verdict == "wrong":
        return None
    if one.effect_verdict == "helpful" or one.verified == "confirmed":
        return "helped"
    return "harmed" if one.verified in ("worse", "failed") else None


def _logistic(value: float) -> float:
    return 1 / (1 + math.exp(-value))
