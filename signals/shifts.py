"""How far one series left its normal range, in units of its own noise: numbers only, free of scale.

The start is BARO's RobustScorer (Pham et al., FSE 2024): median and interquartile range instead of mean and deviation.
Added here: floors for constant and tiny baselines, a shift that lasts two points, several baselines, direction.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from signals.observed import Floats, Ints, Window

DRIFT = 0.1
"""A tenth of the level is what a healthy system drifts between two looks: less is no shift, however steady it was."""
FROM_NOTHING = 0.02
"""A fiftieth of what there is now: what rose from nothing has no noise of its own, and no shift counts more than fifty."""
PEER_FLOOR = 0.05
"""A twentieth of what its peers have of the same metric: threefold of next to nothing is next to nothing."""
SHARE_FLOOR = 0.001
"""One in a thousand requests fails in healthy systems (three nines is the commonest objective)."""
BLOCKS = 8
"""A long incident is looked at in about this many blocks, by their medians."""
EFFECTS = float(np.log(1e4))
"""A fault's effect may be anything from one to ten thousand times the noise, log-uniformly."""


@dataclass(frozen=True, slots=True)
class Shift:
    """A shift in units of noise: ``score`` ≥ 0; ``up`` says which way; ``at`` when it is first seen."""

    score: float
    before: float
    during: float
    up: bool
    at: int
    noise: float


def strength(score: float) -> float:
    """About the log-likelihood ratio of a shift of ``score`` noises: log-uniform effect against Student's t, 3 degrees.

    Metrics have heavy tails, so that a normal law would make outliers of one spike in a hundred. Rises with the score;
    zero at about 3.6.
    """
    z = max(score, 1.0)
    normal = 2 * 0.36755 * (1 + z * z / 3) ** -2
    return float(np.log(1 / (z * EFFECTS) / normal))


def counted(before: float, during: float, requests: float) -> float:
    """The log-likelihood ratio of so many failures among so many requests (binomial; n times the Kullback-Leibler divergence)."""
    usual = min(max(before, SHARE_FLOOR), 0.999)
    now = min(max(during, usual), 0.999)
    return requests * (now * math.log(now / usual) + (1 - now) * math.log((1 - now) / (1 - usual)))


def clean(times: Ints, values: Floats) -> tuple[Ints, Floats]:
    """Ascending, without repeats (the last one counts) and without what is not a number."""
    keep = np.isfinite(values)
    times, values = times[keep], values[keep]
    if len(times) > 1 and not np.all(times[1:] > times[:-1]):
        order = np.argsort(times, kind="stable")
        times, values = times[order], values[order]
        last = np.append(times[1:] != times[:-1], True)
        times, values = times[last], values[last]
    return times, values


def rates(times: Ints, values: Floats) -> tuple[Ints, Floats]:
    """Per second of a counter that only rises; after a reset it counts from zero (as Prometheus' ``rate``)."""
    steps = np.diff(values)
    steps = np.where(steps < 0, values[1:], steps)
    return times[1:], steps / (np.diff(times) / 1e6)


def within(times: Ints, window: Window) -> slice:
    """Where a window lies in ascending times."""
    low, high = np.searchsorted(times, (window.start, window.end))
    return slice(int(low), int(high))


def quantile(ordered: Floats, share: float) -> float:
    """A quantile of ascending values, between neighbours (numpy's own costs ten times as much on short arrays)."""
    place = share * (len(ordered) - 1)
    low = int(place)
    high = min(low + 1, len(ordered) - 1)
    return float(ordered[low] + (ordered[high] - ordered[low]) * (place - low))


def middle(values: Floats | Ints) -> float:
    """The median of values in any order."""
    return quantile(np.sort(values).astype(np.float64, copy=False), 0.5)


def noise(values: Floats, floor: float) -> float:
    """The spread of a baseline: of its middle half, or of its outer tenth when that lasts two points; never below the floor."""
    if len(values) < 4:
        return max(floor, float(np.ptp(values)) if len(values) else 0.0)
    ordered = np.sort(values)
    far = np.abs(values - quantile(ordered, 0.5))
    lasting = np.sort(np.minimum(far[1:], far[:-1]))
    return max(floor, (quantile(ordered, 0.75) - quantile(ordered, 0.25)) / 1.349, quantile(lasting, 0.9) / 1.645)


def measure(
    times: Ints, values: Floats, baseline: Sequence[Window], incident: Window, *, floor: float = 0.0, share: bool = False
) -> Shift | None:
    """The shift of a series that :func:`clean` prepared, or nothing without points on both sides.

    With several baselines it must stand out from each: what already differed before the onset is not the incident. A
    baseline of few points has its level only, its noise is that of the longest. Two values in a row must be away (one,
    when the incident has one or two), so that a single spike in a long incident is none.
    """
    inside, outside = _sides(times.tobytes(), tuple(baseline), incident)
    during, befores = values[inside], [values[part] for part in outside]
    if not len(during) or not befores:
        return None
    when, levels = _blocks(times[inside], during)
    longest = max(befores, key=len)
    usual = [middle(before) for before in befores]
    apart = (max(usual) - min(usual)) / 2
    found = []
    for before, level in zip(befores, usual, strict=True):
        nothing = FROM_NOTHING * float(np.max(np.abs(during))) if level == 0 else 0.0
        least = max(floor, SHARE_FLOOR if share else DRIFT * abs(level), apart, nothing, 1e-12)
        spread = noise(longest, least) if before is longest else max(noise(longest, least), noise(before, 0.0))
        found.append(_stands_out(when, levels, level, spread))
    return min(found, key=lambda shift: shift.score)


@lru_cache(maxsize=16)
def _sides(times: bytes, baseline: tuple[Window, ...], incident: Window) -> tuple[slice, tuple[slice, ...]]:
    """Where the incident lies in ascending times, and what baselines are in them. Series scraped together share their times."""
    ascending = np.frombuffer(times, np.int64)
    incident = covering(ascending, incident, baseline)
    befores = (within(ascending, _cut(window, incident)) for window in baseline)
    return within(ascending, incident), tuple(part for part in befores if part.stop > part.start)


def _cut(window: Window, incident: Window) -> Window:
    """A baseline without what :func:`covering` took."""
    return Window(window.start, min(window.end, incident.start)) if window.start < incident.start else window


def covering(times: Ints, incident: Window, baseline: Sequence[Window]) -> Window:
    """The incident with the point before it, which may stand for the interval in which it began.

    Some systems stamp an interval's start (CloudWatch), others its end (Prometheus); when a point is less than one
    usual step before the onset, nobody can tell on which side it is.
    """
    first = int(np.searchsorted(times, incident.start))
    if first < 1 or len(times) < 3:
        return incident
    step = middle(np.diff(times))
    last = int(times[first - 1])
    near = incident.start - last < step and any(window.start <= last < window.end for window in baseline)
    return Window(last, incident.end) if near else incident


def _blocks(times: Ints, values: Floats) -> tuple[Ints, Floats]:
    """A long stretch as the medians of its blocks, each with its first time."""
    size = len(values) // BLOCKS
    if size < 2:
        return times, values
    count = len(values) // size
    ordered = np.sort(values[: count * size].reshape(count, size), axis=1)
    return times[: count * size : size], (ordered[:, (size - 1) // 2] + ordered[:, size // 2]) / 2


def _stands_out(times: Ints, levels: Floats, before: float, spread: float) -> Shift:
    away = (levels - before) / spread
    best = _lasting(away), _lasting(-away)
    up = best[0][0] >= best[1][0]
    score, where = best[0] if up else best[1]
    far = away if up else -away
    first = int(np.argmax(far >= score / 2)) if score > 0 else where
    return Shift(max(0.0, score), before, float(levels[where]), up, int(times[first]), spread)


def _lasting(away: Floats) -> tuple[float, int]:
    """The largest excursion that two neighbours share (two points alone need not), and where it is."""
    if len(away) <= 2:
        where = int(np.argmax(away))
        return float(away[where]), where
    pairs = np.minimum(away[1:], away[:-1])
    where = int(np.argmax(pairs))
    return float(pairs[where]), where if away[where] <= away[where + 1] else where + 1
