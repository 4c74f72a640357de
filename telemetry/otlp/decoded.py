"""What became of a request: the records, and what was refused and why."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import Generic, TypeVar

LATEST = 4_102_444_800_000_000
"""2100-01-01: no clock shows a later time."""
T = TypeVar("T")


class RefusedError(ValueError):
    """One record that cannot be kept; the others are."""


@dataclass(slots=True)
class Decoded(Generic[T]):
    """Records of a request; those that were refused are counted by reason."""

    records: list[T] = field(default_factory=list)
    reasons: Counter[str] = field(default_factory=Counter)

    @property
    def rejected(self) -> int:
        return sum(self.reasons.values())

    @property
    def message(self) -> str:
        """Why records were refused, for whoever sent them; "" when none were."""
        return "; ".join(f"{count} refused: {reason}" for reason, count in self.reasons.most_common(5))


def micros(nanoseconds: int, what: str) -> int:
    """Microseconds of a time in nanoseconds since 1970. Raises RefusedError."""
    time = nanoseconds // 1000
    if not 0 < time < LATEST:
        raise RefusedError(f"{what} is no time in nanoseconds since 1970")
    return time
