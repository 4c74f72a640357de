"""Latencies as the kernel counts them: 16 steps to each power of two (``measure`` in ``bpf/common.h``)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

STEPS, POWERS, OUTCOMES = 16, 48, 7
ERROR = 1 / (2 * STEPS)
"""The most a figure is off, as a share of itself: half a step."""


@dataclass(frozen=True, slots=True)
class Latencies:
    """One histogram; ``buckets`` has ``STEPS * POWERS`` counts."""

    buckets: tuple[int, ...]

    @property
    def count(self) -> int:
        """How many there are."""
        return sum(self.buckets)

    def quantile(self, share: float) -> float | None:
        """The latency in ns below which ``share`` of them are, within :data:`ERROR`; None of nothing."""
        wanted, seen = share * self.count, 0
        for at, number in enumerate(self.buckets):
            seen += number
            if number and seen >= wanted:
                return middle(at)
        return None

    def document(self) -> dict[str, float | int | None]:
        """Count and percentiles, in milliseconds."""
        shares = {"p50_ms": 0.5, "p90_ms": 0.9, "p99_ms": 0.99, "max_ms": 1.0}
        return {"count": self.count, **{name: None if (ns := self.quantile(share)) is None else round(ns / 1e6, 6) for name, share in shares.items()}}

    def __add__(self, other: Latencies) -> Latencies:
        """Both together."""
        return Latencies(tuple(map(sum, zip(self.buckets, other.buckets, strict=True))))


def middle(bucket: int) -> float:
    """The middle of a bucket, in ns."""
    power, step = divmod(bucket, STEPS)
    width = 2 ** (power - 4) if power >= 4 else 1
    low = 2**power + step * width if power >= 4 else step
    return low + width / 2 if power > 4 else float(low)


def by_outcome(numbers: Sequence[int]) -> list[Latencies]:
    """The array ``latencies``, one histogram an outcome (0 none, 1 to 5 a status's class, 6 an error)."""
    size = STEPS * POWERS
    return [Latencies(tuple(numbers[at * size:(at + 1) * size])) for at in range(OUTCOMES)]
