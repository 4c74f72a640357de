"""What happens inside each span, in order: it starts, calls others, writes lines, ends. The steps from one to the next.

A *frame* is a span seen as the run of one operation. Its *steps* are pairs of consecutive events. Calls are told by
service and operation, lines by code position, else by template. A client's span, which does nothing but wait for
another service, is no frame: it is folded into the call that its parent makes, told by what it reaches over there
(instrumentation names all of a client's spans alike, ``HTTP GET``), or *unanswered* when it reaches nothing.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from signals.observed import Flags, Ints, LogEvents
from signals.traces.forest import Forest

START, END, FAILED = 0, 1, 2
"""Symbols of every alphabet: the frame starts, ends, ends as an error."""
ERRORS = frozenset({"ERROR", "ERR", "FATAL", "CRITICAL", "CRIT", "SEVERE", "ALERT", "EMERG", "EMERGENCY", "PANIC"})
"""Levels that say something failed: syslog's from err up, and the names logging libraries give them."""
UNANSWERED = " unanswered"
"""Ends the name of a call that reached nobody."""


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
    failing: Flags
    """Which symbols tell of an error: a run that fails, a line of such a level."""
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
    written = np.flatnonzero(frames >= 0) if frames is not None else np.zeros(0, np.int64)
    talks = np.zeros(len(spans), dtype=bool)
    if frames is not None:
        talks[frames[written]] = True
    client, reached = _clients(forest, kind, len(kinds), talks)
    run = np.flatnonzero(~client)
    child = np.flatnonzero((spans.parent >= 0) & ~client[np.maximum(spans.parent, 0)])
    called = np.where(client[child], np.where(reached[child] >= 0, reached[child], kind[child] + len(kinds)), kind[child])
    frame = [run, spans.parent[child], run]
    symbol = [np.full(len(run), START), called + 3, np.where(spans.error[run], FAILED, END)]
    time = [forest.start[run], forest.start[child], forest.end[run]]
    place = [np.zeros(len(run), np.int64), np.ones(len(child), np.int64), np.full(len(run), 2)]
    calls = _call_names(forest, kinds, operations)
    names = ["start", "end", "end as an error", *calls, *(f"{each}{UNANSWERED}" for each in calls)]
    callee = np.concatenate([np.full(3, -1), kinds // operations, np.full(len(kinds), -1)])
    failing = np.arange(len(names)) == FAILED
    if logs is not None and frames is not None and len(logs):
        numbers, texts = _lines(logs)
        written = written[~client[frames[written]]]
        frame.append(frames[written])
        symbol.append(numbers[logs.template[written]] + len(names))
        time.append(logs.time[written] + forest.skew[frames[written]])
        place.append(np.ones(len(written), np.int64))
        names += texts
        callee = np.concatenate([callee, np.full(len(texts), -1)])
        bad = {text for text, level in zip(_texts(logs), logs.levels, strict=True) if level.upper() in ERRORS}
        failing = np.concatenate([failing, np.array([text in bad for text in texts], dtype=bool)])
    return _paired(np.concatenate(frame), np.concatenate(place), np.concatenate(time), np.concatenate(symbol), kind,
                   tuple(names), callee, failing, kinds // operations, kinds % operations)  # fmt: skip


def _clients(forest: Forest, kind: Ints, kinds: int, talks: Flags) -> tuple[Flags, Ints]:
    """Which spans are a client's, and the kind of what each reaches over there (-1 for nothing).

    An operation is a client's when most of its spans have children in other services only, and when none writes a line.
    """
    spans = forest.spans
    child = np.flatnonzero(spans.parent >= 0)
    above = spans.parent[child]
    abroad = spans.service[child] != spans.service[above]
    reached = np.full(len(spans), -1, dtype=np.int64)
    reached[above[abroad][::-1]] = kind[child[abroad]][::-1]
    busy = talks.copy()
    busy[above[~abroad]] = True
    waits = np.bincount(kind, weights=(reached >= 0) & ~busy, minlength=kinds)
    other = np.bincount(kind, weights=busy, minlength=kinds)
    is_client = (waits * 2 > np.bincount(kind, minlength=kinds)) & (other * 20 <= waits)
    return is_client[kind] & (spans.parent >= 0) & ~busy, reached


def _paired(
    frame: Ints, place: Ints, time: Ints, symbol: Ints, kind: Ints, names: tuple[str, ...], callee: Ints, failing: Flags,
    service: Ints, operation: Ints,
) -> Steps:
    order = np.lexsort((symbol, time, place, frame))
    frame, time, symbol = frame[order], time[order], symbol[order]
    same = np.flatnonzero(frame[1:] == frame[:-1])
    return Steps(frame[same], kind[frame[same]], symbol[same], symbol[same + 1], time[same + 1], names, callee,
                 failing, service, operation)  # fmt: skip


def _call_names(forest: Forest, kinds: Ints, operations: int) -> list[str]:
    spans = forest.spans
    return [f"{spans.services[each // operations]} {spans.operations[each % operations]}" for each in kinds.tolist()]


def _lines(logs: LogEvents) -> tuple[Ints, list[str]]:
    """A number for each template, shared by those of one code position, and the numbers' names."""
    texts = _texts(logs)
    known = {text: number for number, text in enumerate(dict.fromkeys(texts))}
    return np.array([known[text] for text in texts], dtype=np.int64), list(known)


def _texts(logs: LogEvents) -> list[str]:
    """What each template is called: where it is written, else its pattern."""
    return [where or pattern for where, pattern in zip(logs.positions, logs.templates, strict=True)]
