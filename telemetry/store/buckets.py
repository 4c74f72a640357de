"""Quantiles of histograms, by interpolation inside the bucket that holds them.

As Prometheus' ``histogram_quantile`` does: linear in classic buckets, where the lowest begins at 0 when its bound is
above 0 and the highest counts as its lower bound; exponential in exponential buckets, whose bounds grow by a factor.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
QUANTILES = (0.5, 0.95, 0.99)


def quantiles(
    bounds: Floats, counts: Floats, wanted: Sequence[float] = QUANTILES, *, geometric: bool = False,
    high: Floats | None = None,
) -> Floats:
    """Quantiles of many histograms with the same bounds: ``counts`` is (histograms, len(bounds) + 1).

    Returns (histograms, quantiles), NaN for a histogram without values or without bounds. ``high`` is the largest
    value of each, NaN when unknown: where the highest bucket ends.
    """
    found = np.full((len(counts), len(wanted)), np.nan)
    if not len(bounds) or not len(counts):
        return found
    upto = np.cumsum(counts, axis=1)
    total = upto[:, -1]
    lows = np.concatenate(([min(0.0, bounds[0])], bounds))
    tops = np.broadcast_to(np.append(bounds, bounds[-1]), counts.shape).copy()
    if high is not None:
        tops[:, -1] = np.where(high > bounds[-1], high, bounds[-1])
    rows = np.arange(len(counts))
    for number, share in enumerate(wanted):
        rank = share * total
        at = np.minimum((upto < rank[:, None]).sum(axis=1), counts.shape[1] - 1)
        inside = np.divide(rank - (upto[rows, at] - counts[rows, at]), counts[rows, at],
                           out=np.zeros(len(rows)), where=counts[rows, at] > 0)
        low, top = lows[at], tops[rows, at]
        value = low + (top - low) * inside
        if geometric:
            value = _between(low, top, inside, value)
        found[:, number] = np.where(total > 0, value, np.nan)
    return found


def _between(low: Floats, top: Floats, inside: Floats, linear: Floats) -> Floats:
    """On a logarithmic scale where both ends lie on one side of zero."""
    same = (low > 0) & (top > 0) | (low < 0) & (top < 0)
    with np.errstate(divide="ignore", invalid="ignore"):
        curved = low * (top / low) ** inside
    return np.where(same, curved, linear)


def rebucket(bounds: Floats, counts: Floats, wanted: Floats) -> Floats:
    """One histogram's counts under other bounds: exact where bounds are shared, else values lie evenly in a bucket.

    What lies below the lowest or above the highest bound stays at it.
    """
    upto = np.cumsum(counts)
    if not len(bounds):
        return np.append(np.zeros(len(wanted)), upto[-1:] if len(upto) else [0.0])
    below = np.interp(wanted, bounds, upto[:-1], left=0.0, right=float(upto[-1]))
    return np.diff(np.concatenate(([0.0], below, upto[-1:])))
