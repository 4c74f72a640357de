"""How likely an ordinary run is kept: a budget of runs per second, shared fairly between paths."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

from agent.observe.settings import Sampling

_OTHER = "(other)"


@dataclass(frozen=True, slots=True)
class Verdict:
    """What becomes of a run. One kept run stands for ``1 / probability`` of its kind."""

    keep: bool
    probability: float
    reason: str
    """``error``, ``slow``, ``parent`` (who called keeps its trace) or ``rate``."""


@dataclass(slots=True)
class _Rate:
    """Runs in the past, each counting less the older it is."""

    weight: float
    at: float


class AdaptiveSampler:
    """Decides at the end of a run. Not safe for several threads: the caller locks.

    The rate of each path is an exponentially weighted count. The budget is shared by max-min fairness: a path that
    needs less than its share is kept whole and leaves the rest to the busy ones. The probability depends only on
    earlier runs, so that ``1 / probability`` sums up to the true count on average (Horvitz and Thompson, 1952).
    ``clock`` gives seconds that never go back, ``chance`` numbers in [0, 1).
    """

    def __init__(self, settings: Sampling, *, clock: Callable[[], float], chance: Callable[[], float]) -> None:
        self._settings = settings
        self._clock = clock
        self._chance = chance
        self._rates: dict[str, _Rate] = {}

    def decide(self, path: str, *, seconds: float, error: bool, parent: bool) -> Verdict:
        """Judge a run that took so many seconds; ``parent``: it belongs to a trace that its caller keeps."""
        if error:
            return Verdict(keep=True, probability=1.0, reason="error")
        if seconds >= self._settings.slow_seconds:
            return Verdict(keep=True, probability=1.0, reason="slow")
        if parent:
            return Verdict(keep=True, probability=1.0, reason="parent")
        probability = self._probability(path)
        return Verdict(keep=self._chance() < probability, probability=probability, reason="rate")

    def _probability(self, path: str) -> float:
        now = self._clock()
        mine = self._measure(path, now)
        rates = sorted(self._faded(rate, now) / self._settings.memory_seconds for rate in self._rates.values())
        rate = self._faded(mine, now) / self._settings.memory_seconds
        mine.weight, mine.at = self._faded(mine, now) + 1.0, now
        return min(1.0, _share(rates, self._settings.runs_per_second) / rate) if rate > 0 else 1.0

    def _measure(self, path: str, now: float) -> _Rate:
        """The measure of a path. When there are too many, those that fell silent make room; then they share one."""
        found = self._rates.get(path)
        if found is not None:
            return found
        if len(self._rates) >= self._settings.paths:
            for silent in [name for name, rate in self._rates.items() if self._faded(rate, now) < 0.01]:
                del self._rates[silent]
        name = path if len(self._rates) < self._settings.paths else _OTHER
        return self._rates.setdefault(name, _Rate(0.0, now))

    def _faded(self, rate: _Rate, now: float) -> float:
        return rate.weight * math.exp(-max(0.0, now - rate.at) / self._settings.memory_seconds)


def _share(rates: list[float], budget: float) -> float:
    """What each path may keep per second, so that they keep ``budget`` together (max-min fairness); rates ascend."""
    for position, rate in enumerate(rates):
        share = budget / (len(rates) - position)
        if rate >= share:
            return share
        budget -= rate
    return math.inf
