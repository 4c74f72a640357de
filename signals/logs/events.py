"""What happens inside each span, in order: it starts, calls others, writes lines, ends. The steps from one to the next.

A *frame* is a span seen as the run of one operation. Its *steps* are pairs of consecutive events. Calls are told by
service and operation, lines by code position, else by template.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from signals.evidence import groups
from signals.observed import Flags, Ints, LogEvents
from signals.traces.forest import Forest

START, END, FAILED = 0, 1, 2
"""Symbols of every alphabet: the frame starts, ends, ends as an error."""


@dataclass(frozen=True, slots=True)
class Steps:
    """Consecutive pairs of events within frames, as columns."""

    frame: Ints
    """Row in the forest."""
    kind: Ints
    """Number of the frame's (service, operation)."""
    before: Ints
    after: Ints
    """Symbols."""
    time: Ints
    """When the second event came, clocks aligned."""
    names: tuple[str, ...]
    """What each symbol is called: a code position, ``service operation``, a template."""
    callee: Ints
    """The service that a symbol calls, -1 for other symbols."""
    service: Ints
    """The service of each kind."""
    operation: Ints


def frames_of(logs: LogEvents, forest: Forest, services: tuple[str, ...], homes: Ints) -> Ints:
    """The frame each record belongs to: the span it names, else the innermost of its trace and service around its time; -1 for none.

    :param homes: number of the service that wrote each record, -1 when unknown.
    """
    found = np.full(len(logs), -1, dtype=np.int64)
    if logs.span is not None:
        place = np.full(int(max(forest.rows.max(initial=-1), logs.span.max(initial=-1))) + 2, -1)
        place[forest.rows] = np.arange(len(forest.rows))
        found = place[logs.span]
    open_ = np.flatnonzero((found < 0) & (logs.trace >= 0) & (homes >= 0))
    if len(open_) and len(forest.rows):
        found[open_] = _innermost(logs, forest, homes, open_, len(services))
    return found


def _innermost(logs: LogEvents, forest: Forest, homes: Ints, records: Ints, services: int) -> Ints:
    """The last started span of the same trace and service that has not ended, looking back a few starts."""
    spans = forest.spans
    width = max(services, 1)
    key = spans.trace * width + spans.service
    order = np.lexsort((forest.depth, spans.start, key))
    wanted = logs.trace[records] * width + homes[records]
    low, high = np.searchsorted(key[order], wanted), np.searchsorted(key[order], wanted, side="right")
    base = int(min(spans.start.min(), logs.time.min()))
    span_ = int(max(spans.start.max(), logs.time.max())) - base + 1
    _, dense = np.unique(np.concatenate([key[order], wanted]), return_inverse=True)
    at = np.searchsorted(dense[: len(order)] * span_ + spans.start[order] - base,
                         dense[len(order) :] * span_ + logs.time[records] - base, side="right") - 1  # fmt: skip
    found = np.full(len(records), -1, dtype=np.int64)
    for back in range(LOOK_BACK):
        place = at - back
        inside = (found < 0) & (place >= low) & (place < high)
        row = order[np.clip(place, 0, len(order) - 1)]
        inside &= spans.start[row] + spans.duration[row] >= logs.time[records]
        found = np.where(inside, row, found)
    return found


LOOK_BACK = 16
"""Spans of the same service and trace that may have started and ended since the one that writes."""


def steps(forest: Forest, logs: LogEvents | None, frames: Ints | None) -> Steps:
    """All steps of all frames. ``frames`` are those of the records (:func:`frames_of`)."""
    spans = forest.spans
    operations = max(len(spans.operations), 1)
    kinds, kind = np.unique(spans.service * operations + spans.operation, return_inverse=True)
    everyone = np.arange(len(spans))
    child = np.flatnonzero(spans.parent >= 0)
    frame = [everyone, child_of(spans.parent, child), everyone]
    symbol = [np.full(len(spans), START), kind[child] + 3, np.where(spans.error, FAILED, END)]
    time = [forest.start, forest.start[child], forest.end]
    place = [np.zeros(len(spans), np.int64), np.ones(len(child), np.int64), np.full(len(spans), 2)]
    names = ["start", "end", "end as an error", *_call_names(forest, kinds, operations)]
    callee = np.concatenate([np.full(3, -1), kinds // operations])
    if logs is not None and frames is not None and len(logs):
        written = np.flatnonzero(frames >= 0)
        numbers, texts = _lines(logs)
        frame.append(frames[written])
        symbol.append(numbers[logs.template[written]] + len(names))
        time.append(logs.time[written] + forest.skew[frames[written]])
        place.append(np.ones(len(written), np.int64))
        names += texts
        callee = np.concatenate([callee, np.full(len(texts), -1)])
    return _paired(np.concatenate(frame), np.concatenate(place), np.concatenate(time), np.concatenate(symbol), kind,
                   tuple(names), callee, kinds // operations, kinds % operations)  # fmt: skip


def child_of(parent: Ints, child: Ints) -> Ints:
    """The parents of some rows."""
    return parent[child]


def _paired(
    frame: Ints, place: Ints, time: Ints, symbol: Ints, kind: Ints, names: tuple[str, ...], callee: Ints, service: Ints, operation: Ints
) -> Steps:
    order = np.lexsort((symbol, time, place, frame))
    frame, time, symbol = frame[order], time[order], symbol[order]
    same = np.flatnonzero(frame[1:] == frame[:-1])
    return Steps(frame[same], kind[frame[same]], symbol[same], symbol[same + 1], time[same + 1], names, callee, service, operation)


def _call_names(forest: Forest, kinds: Ints, operations: int) -> list[str]:
    spans = forest.spans
    return [f"{spans.services[each // operations]} {spans.operations[each % operations]}" for each in kinds.tolist()]


def _lines(logs: LogEvents) -> tuple[Ints, list[str]]:
    """A number for each template, shared by those of one code position, and the numbers' names."""
    texts = [where or pattern for where, pattern in zip(logs.positions, logs.templates, strict=True)]
    known = {text: number for number, text in enumerate(dict.fromkeys(texts))}
    return np.array([known[text] for text in texts], dtype=np.int64), list(known)


def once(found: Steps, which: Flags) -> Ints:
    """Rows of the chosen steps, each (frame, before, after) once, the earliest."""
    rows = np.flatnonzero(which)
    width = len(found.names)
    order, starts, _ = groups((found.frame[rows] * width + found.before[rows]) * width + found.after[rows])
    return np.sort(rows[order[starts[:-1]]])
