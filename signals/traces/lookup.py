"""One trace under the glass: its critical path, its slowest and failing spans, and itself beside its normal shape."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass

import numpy as np

from signals.observed import Flags, Ints
from signals.traces.forest import Forest
from signals.traces.outcomes import origins


@dataclass(frozen=True, slots=True)
class Stretch:
    """Time on the critical path that one span itself took, µs; ``row`` is the forest's."""

    row: int
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class ShapeLine:
    """One operation of a trace beside the same in normal traces of its root operation."""

    service: str
    operation: str
    calls: int
    usual_calls: float
    self_time: int
    """µs, all calls together."""
    usual_self_time: float
    share: float
    """In which part of the normal traces it occurs."""


def rows_of(forest: Forest, trace: int) -> Ints:
    """The trace's rows, by start, parents before children."""
    rows = np.flatnonzero(forest.spans.trace == trace)
    return rows[np.lexsort((forest.depth[rows], forest.start[rows]))]


def critical_path(forest: Forest, root: int) -> list[Stretch]:
    """What the end of ``root`` waited for, in order of time.

    From the end backwards: the child that ended last before the point reached is followed, then what its parent did
    before that child began (CRISP, Zhang et al., USENIX ATC 2022). Children are clipped to their parents.
    """
    children: dict[int, list[int]] = defaultdict(list)
    for row in np.flatnonzero(forest.root == forest.root[root]).tolist():
        if forest.spans.parent[row] >= 0:
            children[int(forest.spans.parent[row])].append(row)
    found: list[Stretch] = []
    waiting = [(root, int(forest.start[root]), int(forest.end[root]))]
    while waiting:
        row, low, high = waiting.pop()
        at = high
        for child in sorted(children[row], key=lambda each: (-int(forest.end[each]), each)):
            end = min(int(forest.end[child]), high)
            start = max(int(forest.start[child]), low)
            if end > at or start >= end:
                continue
            if end < at:
                found.append(Stretch(row, end, at))
            waiting.append((child, start, end))
            at = start
        if at > low:
            found.append(Stretch(row, low, at))
    return sorted(found, key=lambda each: (each.start, each.end, each.row))


def slowest(forest: Forest, rows: Ints, most: int = 10) -> Ints:
    """The rows with the longest self time, longest first."""
    return rows[np.argsort(-forest.self_time[rows], kind="stable")[:most]]


def failing(forest: Forest, rows: Ints) -> Ints:
    """Rows that failed; those where an error begins first."""
    bad = rows[forest.spans.error[rows]]
    return bad[np.argsort(~origins(forest)[bad], kind="stable")]


def beside_normal(forest: Forest, trace: int, normal: Flags) -> list[ShapeLine]:
    """The trace's operations beside normal traces of the same root operation; what is missing has no calls.

    :param normal: rows of traces that are normal. Without any of the same root, the usual is all 0.
    """
    spans = forest.spans
    width = max(len(spans.operations), 1)
    kind = spans.service * width + spans.operation
    rows = rows_of(forest, trace)
    if not len(rows):
        return []
    alike = normal & (kind[forest.root] == kind[forest.root[rows[0]]]) & (spans.trace != trace)
    traces = max(1, len(np.unique(spans.trace[alike])))
    lines = []
    for each in np.unique(np.concatenate([kind[rows], kind[alike]])).tolist():
        mine, usual = rows[kind[rows] == each], np.flatnonzero(alike & (kind == each))
        lines.append(ShapeLine(
            spans.services[each // width], spans.operations[each % width], len(mine), len(usual) / traces,
            int(forest.self_time[mine].sum()), float(forest.self_time[usual].sum() / traces), len(np.unique(spans.trace[usual])) / traces,
        ))  # fmt: skip
    return sorted(lines, key=lambda line: (-abs(line.self_time - line.usual_self_time), line.service, line.operation))
