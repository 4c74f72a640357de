"""The peer: BARO's RobustScorer (Pham et al., FSE 2024) over the raw series, without graph, floors or directions."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from signals.observed import Entity, Observed, Windows
from signals.shifts import clean, within


def rank(observed: Observed, windows: Windows) -> list[str]:
    """Names by the largest excursion of any of their metrics, in interquartile ranges of the baseline."""
    best: dict[str, float] = {}
    for series in observed.series:
        times, values = clean(series.times, series.values)
        during = values[within(times, windows.incident)]
        before = np.concatenate([values[within(times, window)] for window in windows.baseline])
        if not len(during) or not len(before):
            continue
        low, middle, high = np.quantile(before, (0.25, 0.5, 0.75))
        score = float(np.max(np.abs(during - middle))) / (float(high - low) or 1.0)
        name = owner(series.entity, observed.belongs).name
        best[name] = max(best.get(name, 0.0), score)
    return sorted(best, key=lambda name: (-best[name], name))


def owner(entity: Entity, belongs: Mapping[Entity, tuple[Entity, ...]]) -> Entity:
    """The service of a pod."""
    return next((whole for whole in belongs.get(entity, ()) if whole.kind == "service"), entity)
