"""Counts and latencies by what they belong to, as the kernel keeps them (``bpf/tally.h``)."""

from __future__ import annotations

import struct
from collections.abc import Iterable
from dataclasses import dataclass

FINE, POWERS = 4, 40
ERROR = 1 / (2 * FINE)
"""The most a percentile of a tally is off, as a share of itself."""
_TALLY = struct.Struct(f"=5Q{FINE * POWERS}I")


@dataclass(frozen=True, slots=True)
class Tally:
    """``marked``, ``extra``: what the probe says. ``most``: the longest in ns, exact."""

    count: int = 0
    marked: int = 0
    ns: int = 0
    most: int = 0
    extra: int = 0
    slots: tuple[int, ...] = (0,) * (FINE * POWERS)

    def __add__(self, other: Tally) -> Tally:
        """Both together."""
        slots = tuple(map(int.__add__, self.slots, other.slots))
        return Tally(self.count + other.count, self.marked + other.marked, self.ns + other.ns, max(self.most, other.most), self.extra + other.extra, slots)

    def quantile(self, share: float) -> float | None:
        """The latency in ns below which ``share`` of them are, within :data:`ERROR`; None of nothing."""
        whole, seen = sum(self.slots), 0
        for at, number in enumerate(self.slots):
            seen += number
            if number and seen >= share * whole:
                return min(_middle(at), float(self.most)) if self.most else _middle(at)
        return None

    def spread(self) -> Spread:
        """Its latencies in figures."""
        mean = self.ns / self.count if self.count else None
        return Spread(self.count, _ms(mean), _ms(self.quantile(0.5)), _ms(self.quantile(0.9)), _ms(self.quantile(0.99)), _ms(self.most) if self.count else None)


@dataclass(frozen=True, slots=True)
class Spread:
    """Latencies in milliseconds; percentiles within :data:`ERROR` of themselves, mean and greatest exact."""

    count: int
    mean_ms: float | None
    p50_ms: float | None
    p90_ms: float | None
    p99_ms: float | None
    max_ms: float | None


def tally(data: bytes) -> Tally:
    """From the bytes of ``struct tally``."""
    count, marked, ns, most, extra, *slots = _TALLY.unpack_from(data)
    return Tally(count, marked, ns, most, extra, tuple(slots))


def together(tallies: Iterable[Tally]) -> Tally:
    """All of them as one."""
    return sum(tallies, Tally())


def _middle(slot: int) -> float:
    power, step = divmod(slot, FINE)
    if power < 2:
        return float(step)
    width = 1 << (power - 2)
    return (1 << power) + step * width + width / 2


def _ms(ns: float | None) -> float | None:
    return None if ns is None else round(ns / 1e6, 6)
