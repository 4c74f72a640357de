"""Integer codes as places among the distinct ones: what ``numpy.unique`` says, without sorting where codes are dense."""

from __future__ import annotations

import numpy as np

from telemetry.columns import Ints

_SPARE = 4
"""A table may have so many places a code; beyond, sorting is cheaper."""
_LEAST, _MOST = 1 << 16, 1 << 28


def distinct(codes: Ints) -> Ints:
    """The distinct codes, ascending."""
    held = _table(codes)
    return np.unique(codes) if held is None else np.flatnonzero(held[0]) + held[1]


def numbered(codes: Ints) -> tuple[Ints, Ints]:
    """The distinct codes, ascending, and the place of every code among them."""
    held = _table(codes)
    if held is None:
        values, place = np.unique(codes, return_inverse=True)
        return values, place.astype(np.int64, copy=False)
    flags, low = held
    place = np.cumsum(flags, dtype=np.int64) - 1
    return np.flatnonzero(flags) + low, place[codes - low]


def firsts(place: Ints, count: int) -> Ints:
    """The first row of each of ``count`` places, all of which occur."""
    found = np.empty(count, np.int64)
    found[place[::-1]] = np.arange(len(place) - 1, -1, -1)  # of equal ones the last that is written stays
    return found


def _table(codes: Ints) -> tuple[np.ndarray[tuple[int], np.dtype[np.bool_]], int] | None:
    """Which codes occur, from the lowest on; None when they are too far apart for a table."""
    if not len(codes):
        return None
    low, high = int(codes.min()), int(codes.max())
    if high - low >= min(max(_LEAST, _SPARE * len(codes)), _MOST):
        return None
    flags = np.zeros(high - low + 1, np.bool_)
    flags[codes - low] = True
    return flags, low
