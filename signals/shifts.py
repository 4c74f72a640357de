"""How far a series left its normal range: robust, free of scale, honest about short and constant baselines.

The score is that of BARO's RobustScorer (Pham et al., FSE 2024) with two changes: the median of the incident is compared,
not its largest point, so that single outliers do not count; and the spread has a floor, a share of the larger level, so
that a constant series does not win by a division through nearly nothing.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from signals.aspects import Meaning, meaning
from signals.observed import Flags, Floats, Ints, Series, Window, Windows

FLOOR = 0.02
"""Least spread, as a share of the larger of both levels: no shift scores above 1 / FLOOR."""
IQR_TO_SIGMA = 1.349
"""Interquartile range of a normal distribution with standard deviation 1."""
TAILS_TO_SIGMA = 4.107
"""Distance of the 2nd and 98th percentile of the same: what jumps now and then is wide, however tight its middle."""
LEAST_BEFORE = 2
"""Points of a baseline below which nothing can be called a shift."""
FEW = 8
"""Points of a baseline below which its spread is not to be trusted: the score shrinks with them."""
SHARE_FLOOR = 0.001
"""Least spread of a share of failures: one in a thousand."""
NOTABLE = 3.0
"""Score from which a shift is worth saying: three standard deviations."""


@dataclass(frozen=True, slots=True)
class Shift:
    """One series before and during; of a share of good outcomes, the share of bad ones. ``score`` is signed, in robust standard deviations; ``at`` is when it began (µs)."""

    series: Series
    meaning: Meaning
    before: float
    during: float
    score: float
    at: int | None
    gone: bool = False
    """Points came before, and none during."""
    spread: float = 0.0
    points: int = 0
    """Points during."""

    def of_so_many(self, requests: float) -> Shift:
        """The shift of a share, of which each point rests on so many requests: few requests make noise (binomial)."""
        share = min(max(self.during, 0.0), 1.0)
        noise = math.sqrt(share * (1 - share) / max(requests * self.points, 1.0))
        wide = max(self.spread, noise)
        return replace(self, score=self.score * self.spread / wide, spread=wide) if wide > 0 else self

    @property
    def ratio(self) -> float:
        """During over before; infinity where there was nothing before."""
        return self.during / self.before if self.before else math.inf if self.during else 1.0

    @property
    def worse(self) -> float:
        """The score towards what is worse for this metric; a shift for the better is negative."""
        return self.score if self.meaning.share or self.meaning.bad == "up" else -self.score if self.meaning.bad == "down" else abs(self.score)

    @property
    def strength(self) -> float:
        """Natural logarithm of how much likelier such a shift is at the cause than anywhere: 0 at two deviations."""
        return evidence(self.worse)


def evidence(score: float) -> float:
    """Strength of a score in robust standard deviations: grows with its logarithm, as shifts have heavy tails."""
    return math.log(score / 2) if score > 2 else min(score, 0.0) / 4 if score < 0 else 0.0


def within(times: Ints, windows: Sequence[Window]) -> Flags:
    """Which times lie in any of the windows."""
    chosen = np.zeros(len(times), np.bool_)
    for one in windows:
        chosen |= (times >= one.start) & (times < one.end)
    return chosen


def shift(series: Series, windows: Windows) -> Shift | None:
    """How ``series`` moved; None when it has too few points before to tell."""
    before, inside = within(series.times, windows.baseline), within(series.times, (windows.incident,))
    normal, now = series.values[before], series.values[inside]
    about = meaning(series.metric, series.unit)
    if len(normal) < LEAST_BEFORE:
        return None
    if about.share:
        series = _failing(series)
        normal, now = series.values[before], series.values[inside]
    near = series.values[within(series.times, (nearest(windows),))]
    level = float(np.median(near if len(near) else normal))
    if not len(now):
        return Shift(series, about, level, level, 0.0, None, gone=_stopped(series.times[before], windows))
    level_now = _level(now, level)
    far = [series.values[within(series.times, (one,))] for one in windows.baseline]
    least = SHARE_FLOOR if about.share else 0.0
    spread = max([spread_of(values, level, level_now, least) for values in far if len(values) >= LEAST_BEFORE], default=0.0) or \
        spread_of(normal, level, level_now, least)
    score = (level_now - level) / spread if spread else 0.0
    score *= min(1.0, math.sqrt(len(normal) / FEW))
    return Shift(series, about, level, level_now, score, _onset(series.times[inside], now, level, spread, score), False, spread, len(now))


def _level(now: Floats, usual: float) -> float:
    """The level of an incident: the median; of a few points, each of which is much of it, the mean without the farthest."""
    if len(now) >= FEW or len(now) < 3:
        return float(np.median(now))
    return float(np.mean(np.delete(now, np.argmax(np.abs(now - usual)))))


def _failing(series: Series) -> Series:
    """A share of good outcomes (0 to 1, or percent) as the share of bad ones, 0 to 1."""
    whole = 100.0 if len(series.values) and float(series.values.max()) > 1.5 else 1.0
    return Series(series.entity, series.metric, series.times, np.clip((whole - series.values) / whole, 0.0, 1.0), series.unit)


def nearest(windows: Windows) -> Window:
    """The stretch of the baseline that the level is taken from: the last before the incident, for levels drift over days."""
    earlier = [one for one in windows.baseline if one.end <= windows.incident.start]
    return max(earlier, key=lambda one: one.end, default=windows.baseline[0] if windows.baseline else windows.incident)


def spread_of(normal: Floats, level: float, level_now: float, least: float = 0.0) -> float:
    """The spread of a baseline in the unit of the series, not below its floor; 0 only when all is 0."""
    floor = max(FLOOR * max(abs(level), abs(level_now)), least)
    if len(normal) < FEW:  # quantiles of so few points say little: their whole range
        return max(float(normal.max() - normal.min()), floor)
    bottom, low, high, top = np.percentile(normal, [2, 25, 75, 98])
    return max(float(high - low) / IQR_TO_SIGMA, float(top - bottom) / TAILS_TO_SIGMA, floor)


def _stopped(times: Ints, windows: Windows) -> bool:
    """Whether points that came steadily stopped: at least three more were due."""
    if len(times) < FEW:
        return False
    usual = float(np.median(np.diff(times)))
    return windows.incident.end - max(windows.incident.start, int(times[-1])) > 3 * max(usual, 1.0)


def _onset(times: Ints, values: Floats, level: float, spread: float, score: float) -> int | None:
    """The first time at which the values are on the side of the shift, beyond a third of it."""
    if abs(score) < NOTABLE:
        return None
    beyond = (values - level) * math.copysign(1.0, score) > abs(score) * spread / 3
    return int(times[int(np.argmax(beyond))]) if beyond.any() else None
