"""How far a series rose during an incident whose beginning nobody gave: its best stretch against what came before.

The recording is short and holds the incident somewhere after its first part. The baseline is the first third; the rise is
that of the highest run of five points (a median, so that one outlier is no rise) over the rest.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np

from signals.observed import Entity, Floats, Series

_RUN = 5


@dataclass(frozen=True, slots=True)
class Rise:
    """``before`` is the baseline's median, ``spread`` its interquartile range, ``during`` the highest run's median."""

    before: float
    during: float
    spread: float
    at: int
    """When the highest run begins, µs since 1970."""

    @property
    def ratio(self) -> float:
        """How many times the baseline."""
        return self.during / self.before if self.before > 0 else float("inf") if self.during > 0 else 1.0

    @property
    def amount(self) -> float:
        """How much more than before."""
        return self.during - self.before


def rise(series: Series) -> Rise | None:
    """The rise of one series; None when there are too few points."""
    values: Floats = series.values
    if len(values) < 3 * _RUN:
        return None
    third = len(values) // 3
    base = values[:third]
    runs = np.array([np.median(values[start:start + _RUN]) for start in range(third, len(values) - _RUN + 1)])
    best = int(np.argmax(runs))
    low, high = np.percentile(base, [25, 75])
    before, during = float(np.median(base)), float(runs[best])
    begun = third + best + int(np.argmax(values[third + best:third + best + _RUN] >= (before + during) / 2))
    return Rise(before, during, float(high - low), int(series.times[begun]))


def mean_from(series: Series, at: int) -> float:
    """The mean of one run that begins at a time."""
    run = series.values[series.times >= at][:_RUN]
    return float(run.mean()) if len(run) else 0.0


def rises(series: Iterable[Series], prefix: str) -> Mapping[Entity, Rise]:
    """The largest rise of each entity among its series whose metric begins so."""
    found: dict[Entity, Rise] = {}
    for each in series:
        if each.metric.startswith(prefix):
            own = rise(each)
            if own is not None and (each.entity not in found or own.amount > found[each.entity].amount):
                found[each.entity] = own
    return found
