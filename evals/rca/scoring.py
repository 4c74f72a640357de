"""AS@k and Avg@5 as BARO and RCAEval define them: is a right name among the first k; the mean of AS@1 to AS@5."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from evals.rca.cases import Truth


@dataclass(frozen=True, slots=True)
class Outcome:
    """Where the truth was found in one case: its rank from 1, 0 for not at all."""

    id: str
    truth: Truth
    place: int
    peer: int
    """The same of the baseline."""
    first: str
    """Whom ours named first."""
    chance: float
    seconds: float
    statement: str = ""
    inner: int = 0
    """Where in the first suspect's code positions a right one stands, from 1; 0 for not at all."""


def place(names: Sequence[str], truth: Truth) -> int:
    """The rank of the first right name."""
    return next((number for number, name in enumerate(names, start=1) if name in truth.names), 0)


def figures(places: Sequence[int]) -> dict[str, float]:
    """as1, as3, as5 and avg5 of ranks."""
    at = {k: sum(0 < rank <= k for rank in places) / max(1, len(places)) for k in range(1, 6)}
    return {"as1": round(at[1], 4), "as3": round(at[3], 4), "as5": round(at[5], 4), "avg5": round(sum(at.values()) / 5, 4)}


def tables(outcomes: Sequence[Outcome], *, peer: bool = False) -> dict[str, object]:
    """All figures: over all, by fault type, by group."""
    def some(chosen: Sequence[Outcome]) -> dict[str, float]:
        return figures([o.peer if peer else o.place for o in chosen]) | {"cases": len(chosen)}

    faults = sorted({o.truth.fault for o in outcomes})
    groups = sorted({o.truth.group for o in outcomes if o.truth.group})
    found: dict[str, object] = dict(figures([o.peer if peer else o.place for o in outcomes]))
    found["per_type"] = {fault: some([o for o in outcomes if o.truth.fault == fault]) for fault in faults}
    if groups:
        found["per_group"] = {group: some([o for o in outcomes if o.truth.group == group]) for group in groups}
    return found


def inner(outcomes: Sequence[Outcome]) -> dict[str, float]:
    """Of cases whose code position is known: is a right one among the first k of the first suspect's."""
    coded = [outcome for outcome in outcomes if outcome.truth.group == "code"]
    return figures([o.inner if o.place == 1 else 0 for o in coded]) | {"cases": len(coded)} if coded else {}


def brier(outcomes: Sequence[Outcome]) -> float:
    """How well the first suspect's probability is calibrated: mean square of probability minus right (0 is best)."""
    return round(sum((o.chance - (o.place == 1)) ** 2 for o in outcomes) / max(1, len(outcomes)), 4)
