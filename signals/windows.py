"""What is normal and what is to be explained: the baseline and the incident window, given or found in the data.

The incident is an *epidemic* change: a stretch that differs from what lies before and after it (Levin and Kline, 1985).
All series are put on one grid, each in units of its own noise; the stretch with the largest sum of excess is taken
(Bentley's maximum subarray), once the excess of a usual moment is subtracted.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from signals.observed import Floats, Ints, Observed, Window, Windows
from signals.shifts import DRIFT, quantile
from signals.unusual import unusual

CELLS = 2000
"""Cells of time in which gaps are looked for."""
GAP = 0.1
"""Nothing for a tenth of all the time: the data are separate stretches (a reference week and today)."""
BINS = 120
LATENESS = 5 * 60 * 1_000_000
"""Alerts fire when a condition has held for some minutes (five is the usual ``for:``): so much earlier may be the onset."""
ARRIVING = 60 * 1_000_000
"""The newest telemetry may be so late: an alert of now falls behind the last record."""
CLIP, QUIET = 8.0, 3.0
"""A series counts with what exceeds three noises, at most eight: no single one decides."""
USUAL = 4.0
"""An incident's bins exceed by more than this in all: one series is not enough unless it is far away."""


def choose(observed: Observed, at: int | None = None) -> Windows:
    """The windows of an incident that was noticed ``at`` (µs), or of the most unusual stretch in the data.

    Stretches that a long gap divides from the incident's are baselines of their own.
    """
    parts = stretches(observed)
    if at is None:
        return _detected(observed, parts)
    home = next((part for part in parts if at < part.end), parts[-1])
    start = min(_onset(observed, home, at), _around(observed, home, at))
    before = (Window(home.start, start),) if start > home.start else ()
    others = tuple(part for part in parts if part != home)
    chosen = "the alert's time" if start == at else f"a change {(at - start) / 1e6:.0f} s before the alert"
    return Windows((*others, *before), Window(start, max(home.end, start + 1)), chosen)


def extent(observed: Observed) -> tuple[int, int]:
    """From when to when (exclusive) anything was observed; (0, 1) when nothing was."""
    columns = [times for times in _columns(observed) if len(times)]
    return (min(int(c.min()) for c in columns), max(int(c.max()) for c in columns) + 1) if columns else (0, 1)


def stretches(observed: Observed) -> list[Window]:
    """The data's time as stretches between long gaps, at least one."""
    low, high = extent(observed)
    width = max(1, -(-(high - low) // CELLS))
    counts = np.zeros(CELLS + 1, dtype=np.int64)
    for times in _columns(observed):
        counts += np.bincount((times - low) // width, minlength=CELLS + 1)
    full = np.flatnonzero(counts)
    breaks = np.flatnonzero(np.diff(full) > GAP * CELLS) if len(full) else full
    firsts = [low, *(low + int(full[b + 1]) * width for b in breaks)]
    lasts = [*(low + int(full[b] + 1) * width for b in breaks), high]
    return [Window(a, b) for a, b in zip(firsts, lasts, strict=True)]


def _columns(observed: Observed) -> Iterator[Ints]:
    yield from (series.times for series in observed.series)
    if observed.spans is not None:
        yield observed.spans.start
    if observed.logs is not None:
        yield observed.logs.time


def _detected(observed: Observed, parts: list[Window]) -> Windows:
    """The stretch of the most excess; without series the last quarter."""
    low, high = parts[0].start, parts[-1].end
    if len(parts) > 1:  # what is new is to be explained, by what was before it
        return Windows(tuple(parts[:-1]), parts[-1], "the last stretch of data, the ones before it as baseline")
    incident = unusual(observed, Window(low, high)) or _excessive(observed, low, high)
    if incident is None:
        start = high - max(1, (high - low) // 4)
        return Windows((Window(low, start),), Window(start, high), "the last quarter: nothing in the data stands out", begun=False)
    sides = (Window(low, incident.start), Window(incident.end, high))
    baseline = tuple(side for side in sides if side.end - side.start > (high - low) // 20)
    longest = max(sides, key=lambda side: side.end - side.start)
    return Windows(baseline[:1] or (longest,), incident, "the most unusual stretch of the data")


def _excessive(observed: Observed, low: int, high: int) -> Window | None:
    """The stretch of the most excess, which one series far away makes, too."""
    curve = excess(observed, Window(low, high))
    low_mark, high_mark = np.quantile(curve, (0.25, 0.75))
    first, last = heaviest(curve - max(float(high_mark + 2 * (high_mark - low_mark)), USUAL))
    width = (high - low) / BINS
    return Window(low + int(first * width), min(high, low + int(last * width) + 1)) if last > first else None


def _onset(observed: Observed, home: Window, at: int) -> int:
    """Since when, going back from the alert, moments have been unusual without a break."""
    scope = _beside(home, at)
    curve = excess(observed, scope)
    width = (scope.end - scope.start) / BINS
    here = int((at - scope.start) / width) if width else 0
    if here < 10:
        return at
    usual = max(float(np.quantile(curve[: max(1, here - int(LATENESS / width))], 0.95)), USUAL)
    first = here
    while first > 0 and curve[first - 1] > usual and (here - first + 1) * width <= LATENESS:
        first -= 1
    return at if first == here else int(scope.start + first * width)


def _around(observed: Observed, home: Window, at: int) -> int:
    """Where the clearest unusual stretch begins that the alert fell into; the alert's time when it fell into none.

    It takes logs and spans into account, and an incident whose bins are not all far away.
    """
    found = unusual(observed, _beside(home, at))
    return found.start if found is not None and at - LATENESS <= found.start < at < found.end + ARRIVING else at


def _beside(home: Window, at: int) -> Window:
    """The hour before an alert and the half hour after it, within what was observed."""
    return Window(max(home.start, at - BINS // 2 * LATENESS // 5), min(home.end, at + BINS // 4 * LATENESS // 5))


def excess(observed: Observed, scope: Window) -> Floats:
    """By how many noises the series exceed their usual range in each of the bins of a scope, summed; two bins in a row must."""
    total = np.zeros(BINS)
    span = scope.end - scope.start
    for series in observed.series:
        inside = (series.times >= scope.start) & (series.times < scope.end) & np.isfinite(series.values)
        bins = (series.times[inside] - scope.start) * BINS // span
        if len(bins) < 8:
            continue
        filled = np.bincount(bins, minlength=BINS)
        have = np.flatnonzero(filled)
        means = np.bincount(bins, series.values[inside], minlength=BINS)[have] / filled[have]
        ordered = np.sort(means)
        middle = quantile(ordered, 0.5)
        noise = max((quantile(ordered, 0.75) - quantile(ordered, 0.25)) / 1.349, DRIFT * abs(middle), 1e-12)
        far = np.abs(means - middle) / noise - QUIET
        beside = np.maximum(np.append(far[1:], 0), np.append(0, far[:-1]))
        total += np.interp(np.arange(BINS), have, np.clip(np.minimum(far, beside), 0, CLIP))
    return total


def heaviest(values: Floats) -> tuple[int, int]:
    """The half-open range of the largest sum (Bentley, *Programming Pearls*, column 8); empty when nothing is positive."""
    best, best_range, running, start = 0.0, (0, 0), 0.0, 0
    for place, value in enumerate(values.tolist()):
        if running <= 0:
            running, start = 0.0, place
        running += value
        if running > best:
            best, best_range = running, (start, place + 1)
    return best_range
