"""Spans as a clean forest: duplicates dropped, cycles cut, clocks aligned; with depth, root, self time.

Everything is whole columns; ancestors are walked by pointer doubling, so that depth costs a logarithm.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from signals.observed import Flags, Ints, Spans
from telemetry.numbering import numbered


@dataclass(frozen=True, slots=True)
class Forest:
    """Spans in which every row has at most one parent, in the same trace, earlier in no cycle. Times µs."""

    spans: Spans
    rows: Ints
    """Which row of the spans given each row was."""
    root: Ints
    """The row of the topmost ancestor; the row itself for a root."""
    depth: Ints
    """0 for a root."""
    start: Ints
    """Starts with the skew between services taken out."""
    skew: Ints
    """What was added to each start."""
    self_time: Ints
    """Duration not covered by any child."""
    cut: int
    """Parents that were left out because they led into a cycle or another trace."""
    doubled: int
    """Duplicates that were dropped."""

    @property
    def end(self) -> Ints:
        """Aligned ends."""
        return self.start + self.spans.duration

    def begun(self) -> Ints:
        """When the trace of each row began: its earliest aligned start."""
        if not len(self.rows):
            return self.start
        _, place = numbered(self.spans.trace)
        first = np.full(int(place.max()) + 1, np.iinfo(np.int64).max)
        np.minimum.at(first, place, self.start)
        return first[place]


def plant(spans: Spans) -> Forest:
    """Make a forest of spans in any order and any state."""
    named = (spans.parent >= 0) & (spans.parent < len(spans))
    clean, rows = _without_doubles(replace(spans, parent=np.where(named, spans.parent, -1)))
    parent = _in_trace(clean)
    looped = _looped(parent)
    cut = int(np.sum((clean.parent >= 0) & (parent < 0))) + int(looped.sum())
    clean = replace(clean, parent=np.where(looped, -1, parent), duration=np.maximum(clean.duration, 0))
    skew, root, depth = _climb(clean.parent, _offsets(clean))
    return Forest(clean, rows, root, depth, clean.start + skew, skew, self_times(clean, clean.start + skew), cut,
                  len(spans) - len(rows))  # fmt: skip


def _without_doubles(spans: Spans) -> tuple[Spans, Ints]:
    """Keep the first of spans that are the same: by id, else by all that is known; children follow."""
    size = len(spans)
    keep = _first_by_id(spans.ids) if spans.ids else _first_alike(spans)
    rows = np.flatnonzero(keep == np.arange(size))
    if len(rows) == size:
        return spans, rows
    place = np.full(size + 1, -1)
    place[rows] = np.arange(len(rows))
    parent = np.where(spans.parent >= 0, place[keep[np.maximum(spans.parent, 0)]], -1)
    return pick(replace(spans, parent=parent), rows), rows


def pick(spans: Spans, rows: Ints) -> Spans:
    """Some rows of the spans; ``parent`` is taken over as it stands."""
    return replace(
        spans, trace=spans.trace[rows], parent=spans.parent[rows], start=spans.start[rows], duration=spans.duration[rows],
        service=spans.service[rows], operation=spans.operation[rows], pod=spans.pod[rows], error=spans.error[rows],
        orphan=None if spans.orphan is None else spans.orphan[rows],
        ids=tuple(spans.ids[row] for row in rows) if spans.ids else (),
    )  # fmt: skip


def _first_by_id(ids: tuple[str, ...]) -> Ints:
    if len(set(ids)) == len(ids):
        return np.arange(len(ids))
    seen: dict[str, int] = {}
    return np.array([seen.setdefault(each, row) for row, each in enumerate(ids)], dtype=np.int64)


def _first_alike(spans: Spans) -> Ints:
    """The first row that equals each in trace, parent, time, service, operation and pod."""
    size = len(spans)
    columns = (spans.pod, spans.operation, spans.service, spans.duration, spans.start, spans.parent, spans.trace)
    order = np.lexsort(columns)
    if size == 0:
        return order
    fresh = np.ones(size, dtype=bool)
    fresh[1:] = np.any([column[order][1:] != column[order][:-1] for column in columns], axis=0)
    first = np.empty(size, dtype=np.int64)
    first[order] = order[np.flatnonzero(fresh)][np.cumsum(fresh) - 1]
    return first


def _in_trace(spans: Spans) -> Ints:
    """Parents that exist and are in the same trace."""
    size = len(spans)
    known = (spans.parent >= 0) & (spans.parent < size)
    above = np.where(known, spans.parent, 0)
    return np.where(known & (spans.trace[above] == spans.trace), above, -1) if size else spans.parent


def _looped(parent: Ints) -> Flags:
    """Which rows lie on a cycle: those that are still reached after more steps than there are rows."""
    size = len(parent)
    looped = np.zeros(size + 1, dtype=bool)
    step = np.append(np.where(parent < 0, size, parent), size)
    for _ in range(max(1, size).bit_length()):
        if np.all(step == size):
            return looped[:size]
        step = step[step]
    looped[step] = True
    return looped[:size]


def _climb(parent: Ints, own: Ints) -> tuple[Ints, Ints, Ints]:
    """Of every row: the sum of ``own`` up to the root, the root, and the depth. No cycles."""
    size = len(parent)
    up = np.append(np.where(parent < 0, size, parent), size)
    total, depth = np.append(own, 0), np.append((parent >= 0).astype(np.int64), 0)
    while not np.all(up == size):
        total, depth, up = total + total[up], depth + depth[up], up[up]
    root = np.where(parent < 0, np.arange(size), parent)
    while np.any(root[root] != root):
        root = root[root]
    return total[:size], root, depth[:size]


def _offsets(spans: Spans) -> Ints:
    """What to add to a child's clock so that it fits its parent's; only where most calls between the two services misfit.

    The rule for one span is Jaeger's clock skew adjuster: a child outside its parent is moved to the parent's middle,
    one that is longer than its parent to the parent's start. A pair of services most of whose calls fit has no skew,
    and what misfits is asynchronous.
    """
    own = np.zeros(len(spans), dtype=np.int64)
    child = np.flatnonzero(spans.parent >= 0)
    child = child[spans.service[child] != spans.service[spans.parent[child]]]
    if not len(child):
        return own
    above = spans.parent[child]
    slack = spans.duration[above] - spans.duration[child]
    lag = spans.start[child] - spans.start[above]
    outside = (lag < 0) | (lag > np.maximum(slack, 0))
    needed = np.where(outside, np.where(slack >= 0, slack // 2 - lag, np.where(lag < 0, -lag, 0)), 0)
    _, pair = np.unique(spans.service[above] * len(spans.services) + spans.service[child], return_inverse=True)
    skewed = np.bincount(pair, weights=outside) * 2 > np.bincount(pair)
    own[child] = np.where(skewed[pair], needed, 0)
    return own


def self_times(spans: Spans, start: Ints) -> Ints:
    """Duration less the union of the children's intervals, each clipped to its parent's."""
    child = np.flatnonzero(spans.parent >= 0)
    own = spans.duration.copy()
    if not len(child):
        return own
    above = spans.parent[child]
    low = np.clip(start[child] - start[above], 0, spans.duration[above])
    high = np.clip(start[child] + spans.duration[child] - start[above], 0, spans.duration[above])
    order = np.lexsort((low, above))
    above, low, high = above[order], low[order], high[order]
    base = np.cumsum(np.append(0, (above[1:] != above[:-1]).astype(np.int64))) * (int(spans.duration.max()) + 1)
    reached = np.maximum.accumulate(high + base)
    before = np.maximum(np.append(0, reached[:-1]), low + base)
    np.subtract.at(own, above, np.maximum(reached - before, 0))
    return own
