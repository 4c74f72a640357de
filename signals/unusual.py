"""The clearest stretch of time that differs from all others, over everything that was observed at once.

The best single epidemic change (Levin and Kline, 1985): every feature is a row of equal steps in robust standard
deviations, and a stretch counts by the mean of its few strongest features, for a fault shows in few of them.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from signals.observed import Floats, Ints, Observed, Window
from signals.shifts import middle

STEPS = 96
"""Equal steps into which the data is cut."""
LEAST = 4
"""Steps of a baseline, at least."""
CLEAR = 4.0
"""Standard deviations by which a stretch must differ, in its best features, to be called an incident."""
_BEST = 8
"""Features whose deviations are averaged: a fault shows in few of them."""
_MOST = 2000
"""Series that are looked at for a change point."""


def unusual(observed: Observed, scope: Window) -> Window | None:
    """The stretch of ``scope`` that differs most from the rest of it; None when none does clearly."""
    step = (scope.end - scope.start) // STEPS
    rows = np.array(list(_rows(observed, scope.start, step))) if step > 0 else np.zeros((0, STEPS))
    found = _stretch(rows) if len(rows) else None
    if found is None:
        return None
    first, last = found
    return Window(scope.start + first * step, scope.end if last == STEPS else scope.start + last * step)


def _rows(observed: Observed, low: int, step: int) -> Iterator[Floats]:
    """Features per step in robust standard deviations; those that never move are left out."""
    for values in _features(observed, low, step):
        level = middle(values)
        spread = 1.4826 * middle(np.abs(values - level))
        spread = max(spread, 0.05 * abs(level), 0.1 * float(values.std()))
        if spread > 0:
            yield np.clip((values - level) / spread, -10, 10)


def _features(observed: Observed, low: int, step: int) -> Iterator[Floats]:
    logs, spans = observed.logs, observed.spans
    if logs is not None:
        severe = np.array([level in {"error", "fatal"} for level in logs.levels], np.bool_)[logs.template]
        yield _counts(logs.time[severe], low, step)
        places = np.clip((logs.time - low) // step, 0, STEPS - 1)
        table = np.bincount(logs.template * STEPS + places, minlength=len(logs.templates) * STEPS).reshape(-1, STEPS)
        yield from np.sqrt(table[:_MOST][table[:_MOST].sum(axis=1) >= LEAST].astype(np.float64))
    if spans is not None:
        for service in range(len(spans.services)):
            own = spans.service == service
            yield _counts(spans.start[own & spans.error], low, step)
            yield _means(spans.start[own], np.log1p(spans.duration[own].astype(np.float64)), low, step)
    for series in observed.series[:_MOST]:
        yield _means(series.times, series.values, low, step)


def _counts(times: Ints, low: int, step: int) -> Floats:
    places = np.clip((times - low) // step, 0, STEPS - 1)
    return np.sqrt(np.bincount(places, minlength=STEPS)[:STEPS].astype(np.float64))


def _means(times: Ints, values: Floats, low: int, step: int) -> Floats:
    """Mean per step; empty steps get the median, which says nothing."""
    places = np.clip((times - low) // step, 0, STEPS - 1)
    counts = np.bincount(places, minlength=STEPS)[:STEPS]
    sums = np.bincount(places, weights=values, minlength=STEPS)[:STEPS]
    held = counts > 0
    out = np.full(STEPS, middle(values) if len(values) else 0.0)
    out[held] = sums[held] / counts[held]
    return out


def _stretch(rows: NDArray[np.float64]) -> tuple[int, int] | None:
    """The steps (first, last exclusive) that differ most from all others; None when none does clearly."""
    sums = np.concatenate([np.zeros((len(rows), 1)), np.cumsum(rows, axis=1)], axis=1)
    best, chosen = CLEAR, None
    for first in range(LEAST, STEPS):
        lasts = np.arange(first + 1, STEPS + 1)
        lasts = lasts[lasts - first <= STEPS // 2]
        if not len(lasts):
            continue
        inside = lasts - first
        mean_in = (sums[:, lasts] - sums[:, [first]]) / inside
        mean_out = (sums[:, [-1]] - sums[:, lasts] + sums[:, [first]]) / (STEPS - inside)
        deviation = np.abs(mean_in - mean_out) * np.sqrt(inside * (STEPS - inside) / STEPS)
        top = -np.sort(-deviation, axis=0)[:_BEST]
        score = top.mean(axis=0)
        place = int(np.argmax(score))
        if score[place] > best:
            best, chosen = float(score[place]), (first, int(lasts[place]))
    return chosen
