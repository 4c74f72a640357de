"""The baseline of the same run: BARO's RobustScorer (Pham et al., FSE 2024) over the raw series, largest first.

Where a set has no metrics, services are ranked by how many more error records they have.
"""

from __future__ import annotations

from collections import defaultdict

import numpy as np

from signals.observed import Entity, Observed, Series, Windows
from signals.shifts import within


def ranked(observed: Observed, windows: Windows) -> list[Entity]:
    """Entities by their highest score: the largest deviation from the median in interquartile ranges."""
    best: dict[Entity, float] = defaultdict(float)
    for series in observed.series:
        entity = _whole(series.entity, observed)
        best[entity] = max(best[entity], _score(series, windows))
    if not best and observed.logs is not None:
        severe = np.array([level in {"error", "fatal"} for level in observed.logs.levels])[observed.logs.template]
        inside = within(observed.logs.time, (windows.incident,)) & severe
        for number, entity in enumerate(observed.logs.entities):
            best[_whole(entity, observed)] += float((inside & (observed.logs.entity == number)).sum())
    return sorted(best, key=lambda entity: (-best[entity], entity))


def _whole(entity: Entity, observed: Observed) -> Entity:
    return next((whole for whole in observed.belongs.get(entity, ()) if whole.kind == "service"), entity)


def _score(series: Series, windows: Windows) -> float:
    normal, now = series.values[within(series.times, windows.baseline)], series.values[within(series.times, (windows.incident,))]
    if not len(normal) or not len(now):
        return 0.0
    low, middle, high = np.percentile(normal, [25, 50, 75])
    return float(np.max(np.abs(now - middle)) / ((high - low) or 1.0))
