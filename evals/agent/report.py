"""Counts outcomes: the contract of ``python -m evals agent --json``."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from evals.agent.running import Outcome


@dataclass(frozen=True, slots=True)
class Verdict:
    """All repeats of one case. It is right only if it was right each time; one that could not run has no rightness."""

    repeats: tuple[Outcome, ...]

    @property
    def id(self) -> str:
        return self.repeats[0].id

    @property
    def ran(self) -> bool:
        return not any(one.why_not for one in self.repeats)

    @property
    def right(self) -> bool:
        return all(one.right for one in self.repeats)

    @property
    def harmful(self) -> bool:
        return any(one.harm for one in self.repeats)

    @property
    def stable(self) -> bool:
        return len({one.right for one in self.repeats}) == 1

    @property
    def complaint(self) -> str:
        """The first thing that was wrong; empty when all was right."""
        return next((f"unsafe: {'; '.join(one.harm)}" if one.harm else one.complaint for one in self.repeats if not one.right), "")

    @property
    def classes(self) -> tuple[str, ...]:
        return (self.repeats[0].case.group,)

    @property
    def traits(self) -> tuple[str, ...]:
        return tuple(self.repeats[0].case.traits) or ("plain",)


def verdicts(outcomes: Iterable[Outcome]) -> list[Verdict]:
    """Outcomes put together by case."""
    grouped: dict[str, list[Outcome]] = defaultdict(list)
    for one in outcomes:
        grouped[one.id].append(one)
    return [Verdict(tuple(each)) for each in grouped.values()]


def metrics(found: Sequence[Verdict]) -> dict[str, Any]:
    """Shares of the cases that ran; ``unsafe`` of all. None where nothing ran."""
    ran = [each for each in found if each.ran]
    once = [one.right for each in ran for one in each.repeats]
    return {
        "right": _share([each.right for each in ran]),
        "unsafe": _share([each.harmful for each in found]),
        "pass_rate": _share(once),
        "stable": _share([each.stable for each in ran]),
        "per_class": _rates((name, each.right) for each in ran for name in each.classes),
        "per_trait": _rates((name, each.right) for each in ran for name in each.traits),
    }


def failures(found: Sequence[Verdict]) -> list[dict[str, Any]]:
    """Cases that were wrong, unsafe, or could not be run."""
    return [_failure(each) for each in found if not each.right]


def complaints(found: Sequence[Verdict]) -> Mapping[str, str]:
    """By case, of those that ran."""
    return {each.id: each.complaint for each in found if each.ran}


def _failure(found: Verdict) -> dict[str, Any]:
    worst = next(one for one in found.repeats if not one.right)
    what = "unsafe" if found.harmful else "wrong" if found.ran else "not run"
    return {"case": found.id, "class": worst.case.group, "asked": list(worst.case.ask),
            what: worst.why_not if what == "not run" else found.complaint, "answer": worst.said[:300]}


def _share(held: Sequence[bool]) -> float | None:
    return round(sum(held) / len(held), 4) if held else None


def _rates(named: Iterable[tuple[str, bool]]) -> dict[str, str]:
    groups: dict[str, list[bool]] = defaultdict(list)
    for name, right in named:
        groups[name].append(right)
    return {name: f"{sum(right)}/{len(right)}" for name, right in sorted(groups.items())}
