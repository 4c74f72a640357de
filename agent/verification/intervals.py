"""Intervals that two samples are compared by. 95 %; two that do not meet differ."""

from __future__ import annotations

import math

import numpy as np

from signals.observed import Ints

Z = 1.959964
"""Normal quantile of .975."""


def wilson(hits: int, of: int) -> tuple[float, float]:
    """Wilson's score interval of a proportion (JASA 1927), sound for few samples and for none or all hit; (0, 1) of nothing."""
    if of <= 0:
        return 0.0, 1.0
    share, z2 = hits / of, Z * Z
    middle = (share + z2 / (2 * of)) / (1 + z2 / of)
    half = Z / (1 + z2 / of) * math.sqrt(share * (1 - share) / of + z2 / (4 * of * of))
    return max(0.0, min(share, middle - half)), min(1.0, max(share, middle + half))


def quantile_interval(values: Ints, share: float) -> tuple[float, float, float] | None:
    """A quantile with its interval by order statistics, free of distribution (Conover 1999, 3.2; normal ranks).

    None with too few values for the interval to lie within the sample.
    """
    size = len(values)
    half = Z * math.sqrt(size * share * (1 - share))
    low, high = math.floor(size * share - half), math.ceil(size * share + half)
    if low < 1 or high > size:
        return None
    ordered = np.sort(values)
    return float(np.quantile(ordered, share)), float(ordered[low - 1]), float(ordered[high - 1])
