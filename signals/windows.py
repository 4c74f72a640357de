"""What is normal and what is to be explained: the baseline and the incident window, given or found in the data."""

from __future__ import annotations

import numpy as np

from signals.observed import Observed, Window, Windows


def choose(observed: Observed, at: int | None = None) -> Windows:
    """The windows of an incident that was noticed ``at`` (µs); without it, the last quarter of the data."""
    low, high = extent(observed)
    start = at if at is not None else high - (high - low) // 4
    return Windows((Window(low, start),), Window(start, max(high, start + 1)), chosen="alert" if at is not None else "last quarter")


def extent(observed: Observed) -> tuple[int, int]:
    """From when to when (exclusive) anything was observed; (0, 1) when nothing was."""
    lows, highs = [], []
    columns = [series.times for series in observed.series]
    if observed.spans is not None:
        columns.append(observed.spans.start)
    if observed.logs is not None:
        columns.append(observed.logs.time)
    for times in columns:
        if len(times):
            lows.append(int(np.min(times)))
            highs.append(int(np.max(times)))
    return (min(lows), max(highs) + 1) if lows else (0, 1)
