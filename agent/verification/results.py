"""What a look saw, as plain data that JSON can hold."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, Literal

from tools.actions.action import Json

Result = Literal["confirmed", "worse", "unchanged", "not_assessed"]
Verdict = Literal["confirmed", "worse", "not_assessed"]
Seen = Literal["good", "bad", "same", "void", "open"]
"""A look as a whole: what was wrong is well; something is worse; what was wrong still is; the change is not there any
more; nothing can be told yet."""


@dataclass(frozen=True, slots=True)
class Check:
    """One thing looked at after the action, against how it was before."""

    name: str
    """What and of whom: ``rollout``, ``restarts``, ``spec``, ``alert``, ``errors:cart``, ``latency:cart`` …"""
    result: Result
    statement: str
    """One sentence with the numbers before and after."""
    source: str = ""
    """Where the numbers are from: ``cluster``, ``traces``, ``logs``, ``metrics``, ``alert``."""
    symptom: bool = False
    """Whether it was wrong before the action: only getting such well is a repair."""
    void: bool = False
    """What was approved is not in place any more, so that nothing seen now speaks of it."""
    figures: Mapping[str, Json] = field(default_factory=dict)

    def document(self) -> dict[str, Any]:
        """As JSON holds it."""
        return {**asdict(self), "figures": dict(self.figures)}


@dataclass(frozen=True, slots=True)
class Look:
    """All checks of one moment; times in µs since 1970 (UTC)."""

    at: int
    start: int
    """Where the stretch begins that telemetry was judged by; it ends at ``at``."""
    checks: tuple[Check, ...]

    @property
    def seen(self) -> Seen:
        """Void and worse come first; what was wrong has to be well in every part that could be assessed."""
        if any(one.void for one in self.checks):
            return "void"
        if any(one.result == "worse" for one in self.checks):
            return "bad"
        wrong = {one.result for one in self.checks if one.symptom}
        return "same" if "unchanged" in wrong else "good" if "confirmed" in wrong else "open"

    def told(self) -> list[str]:
        """The sentences that carry what was seen."""
        carrying: Mapping[Seen, Sequence[Check]] = {
            "void": [one for one in self.checks if one.void],
            "bad": [one for one in self.checks if one.result == "worse"],
            "same": [one for one in self.checks if one.symptom and one.result == "unchanged"],
            "good": [one for one in self.checks if one.symptom and one.result == "confirmed"],
            "open": [one for one in self.checks if one.result == "not_assessed"],
        }
        return [one.statement for one in carrying[self.seen]]

    def document(self) -> dict[str, Any]:
        """As JSON holds it."""
        return {"at": self.at, "start": self.start, "seen": self.seen, "checks": [one.document() for one in self.checks]}


def look_from(document: Mapping[str, Any]) -> Look:
    """The look that :meth:`Look.document` wrote."""
    return Look(int(document["at"]), int(document["start"]), tuple(Check(**one) for one in document["checks"]))
