"""Integer codes as places among the distinct ones: what ``numpy.unique`` says, without sorting where codes are dense."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from telemetry.columns import Ints

_SPARE = 4
"""A table may have so many places a code; beyond, sorting is cheaper."""
_LEAST, _MOST = 1 << 16, 1 << 28


def distinct(codes: Ints) -> Ints:
    """The distinct codes, ascending."""
    held = _table(codes)
    return np.unique(codes) if held is None else np.flatnonzero(held[0]) + held[1]


def counted(codes: Ints) -> tuple[Ints, Ints]:
    """The distinct codes, ascending, and how often each occurs."""
    held = _table(codes)
    if held is None:
        values, counts = np.unique(codes, return_counts=True)
        return values, counts.astype(np.int64, copy=False)
    _, low, places = held
    counts = np.bincount(places)
    known = np.flatnonzero(counts)
    return known + low, counts[known]


def numbered(codes: Ints) -> tuple[Ints, Ints]:
    """The distinct codes, ascending, and the place of every code among them."""
    held = _table(codes)
    if held is None:
        values, place = np.unique(codes, return_inverse=True)
        return values, place.astype(np.int64, copy=False)
    flags, low, places = held
    place = np.cumsum(flags, dtype=np.int64) - 1
    return np.flatnonzero(flags) + low, place[places]


def firsts(place: Ints, count: int) -> Ints:
    """The first row of each of ``count`` places, all of which occur."""
    found = np.empty(count, np.int64)
    found[place[::-1]] = np.arange(len(place) - 1, -1, -1)  # of equal ones the last that is written stays
    return found


def _table(codes: Ints) -> tuple[NDArray[np.bool_], int, Ints] | None:
    """Which codes occur, from the lowest on, that one, and where each code is; None when they are too far apart for a table."""
    if not len(codes):
        return None
    low, high = int(codes.min()), int(codes.max())
    if high - low >= min(max(_LEAST, _SPARE * len(codes)), _MOST):
        return None
    places = codes - low if low else codes
    flags = np.zeros(high - low + 1, np.bool_)
    flags[places] = True
    return flags, low, places
