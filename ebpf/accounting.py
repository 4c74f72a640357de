"""What a session accounts for: everything seen was handed out, suppressed, lost, or is in flight."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass

NAMES = ("seen", "events", "suppressed", "lost", "duplicates", "gaps", "unparsed", "untracked", "calls")
"""The slots of the array ``counters`` (``enum counter`` in ``bpf/common.h``)."""


@dataclass(frozen=True, slots=True)
class Counts:
    """One look at the counters. ``calls``: runs of our programs, which is what the price is computed from."""

    seen: int = 0
    events: int = 0
    suppressed: int = 0
    lost: int = 0
    duplicates: int = 0
    gaps: int = 0
    unparsed: int = 0
    untracked: int = 0
    calls: int = 0
    in_flight: int = 0

    @property
    def holds(self) -> bool:
        """Whether the identity does: seen = events + suppressed + lost + in flight."""
        return self.seen == self.events + self.suppressed + self.lost + self.in_flight

    def document(self) -> dict[str, int | bool]:
        """As JSON, with whether the identity holds."""
        return {**asdict(self), "identity_holds": self.holds}

    def words(self) -> str:
        """What is not among the events, in a sentence."""
        told = [f"{getattr(self, name)} {words}" for name, words in _WORDS.items() if getattr(self, name)]
        return f"{self.seen} seen, {self.events} handed out" + (f"; {', '.join(told)}" if told else "")


_WORDS = {
    "suppressed": "over the budget (counted and measured, not shown)",
    "lost": "lost because the buffer was full",
    "in_flight": "without an end yet",
    "gaps": "places where bytes are missing",
    "unparsed": "pieces that belong to no request (joined in the middle, or another protocol)",
    "untracked": "left out for want of memory or because they were looked at in that moment",
}


def counts(numbers: Sequence[int], in_flight: int = 0) -> Counts:
    """From the array ``counters``, summed over CPUs."""
    return Counts(**dict(zip(NAMES, numbers, strict=False)), in_flight=in_flight)
