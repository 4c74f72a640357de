"""What differs between runs without and with something, when the machine is noisy: short runs in the order A B B A, and ratios of each such block.

Within a block what drifts steadily falls out. Over many blocks the median ratio is told with the interval in which it lies for 95 of 100
samples drawn from the blocks again (the percentile bootstrap, Efron 1979).
"""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from statistics import median

SAMPLES, SEED, WITHIN = 2000, 7, 0.95


@dataclass(frozen=True, slots=True)
class Run:
    """One run of a load: requests, requests a second, and seconds of CPU of the server and of server and load together.

    What comes in over loopback is taken in by whoever sends it: a program at the server's ingress costs the load its time.
    """

    requests: int
    rate: float
    server: float
    both: float


@dataclass(frozen=True, slots=True)
class Block:
    """Four runs in the order A B B A."""

    without: tuple[Run, Run]
    with_it: tuple[Run, Run]

    @property
    def throughput(self) -> float:
        """With / without."""
        return sum(run.rate for run in self.with_it) / sum(run.rate for run in self.without)

    def cpu(self, of: Callable[[Run], float]) -> float:
        """CPU of each request, with / without."""
        return _each(self.with_it, of) / _each(self.without, of)

    def more(self, of: Callable[[Run], float]) -> float:
        """µs of CPU more for each request."""
        return (_each(self.with_it, of) - _each(self.without, of)) * 1e6


def _each(runs: Sequence[Run], of: Callable[[Run], float]) -> float:
    return sum(map(of, runs)) / max(sum(run.requests for run in runs), 1)


def interval(values: Sequence[float]) -> dict[str, float]:
    """The median, and between what it lies. Raises statistics.StatisticsError without a value."""
    rng = random.Random(SEED)
    drawn = sorted(median(rng.choices(values, k=len(values))) for _ in range(SAMPLES))
    at = round(SAMPLES * (1 - WITHIN) / 2)
    return {"median": round(median(values), 4), "low": round(drawn[at], 4), "high": round(drawn[-1 - at], 4)}


def told(blocks: Sequence[Block]) -> dict[str, dict[str, float]]:
    """All that blocks tell: ratios with / without, and µs of CPU more a request."""
    ways: dict[str, Callable[[Block], float]] = {
        "throughput": lambda block: block.throughput, "cpu_a_request": lambda block: block.cpu(lambda run: run.both),
        "cpu_a_request_server": lambda block: block.cpu(lambda run: run.server), "cpu_us_more": lambda block: block.more(lambda run: run.both)}
    return {name: interval([way(block) for block in blocks]) for name, way in ways.items()}
