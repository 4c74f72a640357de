"""Exponential histograms with their buckets written out (metrics data model, "ExponentialHistogram").

Bucket ``i`` of scale ``s`` holds values in ``(b^i, b^(i+1)]`` with ``b = 2^(2^-s)``; negative ones mirror them. Bounds of
a coarser scale are bounds of a finer one, to the last bit, since both are ``2^x`` of the same number.
"""

from __future__ import annotations

from itertools import pairwise
from typing import Any

from telemetry.otlp.decoded import RefusedError

MOST = 10_000
"""Buckets of one point at most; SDKs keep 160."""


def explicit(point: Any) -> tuple[tuple[float, ...], tuple[int, ...]]:
    """Bounds and counts of an exponential histogram's point; nothing without values. Raises RefusedError."""
    if len(point.positive.bucket_counts) + len(point.negative.bucket_counts) > MOST:
        raise RefusedError(f"an exponential histogram has more than {MOST} buckets")
    edges: list[tuple[float, float, int]] = []
    for low, high, count in reversed(_side(point.negative, point.scale)):
        edges.append((-high, -low, count))
    if point.zero_count:
        edges.append((-point.zero_threshold, point.zero_threshold, point.zero_count))
    edges += _side(point.positive, point.scale)
    bounds: list[float] = []
    counts: list[int] = []
    for low, high, count in edges:
        if not bounds:
            bounds, counts = [low], [0]
        elif low > bounds[-1]:
            bounds.append(low)
            counts.append(0)
        if high > bounds[-1]:
            bounds.append(high)
            counts.append(count)
        else:  # the zero bucket without a width, or one that a threshold covers
            counts[-1] += count
    if any(n >= 1 << 63 for n in counts) or not all(a < b for a, b in pairwise(bounds)):
        raise RefusedError("an exponential histogram's buckets make no sense")
    return tuple(bounds), (*counts, 0) if counts else ()


def _side(buckets: Any, scale: int) -> list[tuple[float, float, int]]:
    """(low, high, count) of the buckets of one sign, from zero outwards; empty ones at both ends are left out."""
    counts = list(buckets.bucket_counts)
    filled = [n for n, count in enumerate(counts) if count]
    if not filled:
        return []
    try:
        return [(_bound(buckets.offset + n, scale), _bound(buckets.offset + n + 1, scale), counts[n])
                for n in range(filled[0], filled[-1] + 1)]
    except OverflowError as error:
        raise RefusedError("an exponential histogram's buckets lie beyond what numbers can say") from error


def _bound(index: int, scale: int) -> float:
    return float(2.0 ** (index * 2.0 ** -scale))
