"""Fewer traces where there are very many: what shows in thousands of requests shows in a sample of them."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from signals.observed import Flags, Ints, LogEvents, Observed, Spans, Windows
from signals.periods import periods


def sampled(observed: Observed, windows: Windows, most: int) -> Observed:
    """At most ``most`` traces that begin in the baseline, and as many of the incident, evenly spaced in time.

    Records of no trace stay when they name a span; others are in no request. The same object when there are no more than that.
    """
    spans = observed.spans
    if spans is None or not len(spans):
        return observed
    begun = np.full(int(spans.trace.max()) + 1, np.iinfo(np.int64).max)
    np.minimum.at(begun, spans.trace, spans.start)
    kept = np.ones(len(begun), np.bool_)
    for side in periods(begun, windows):
        traces = np.flatnonzero(side)
        if len(traces) > most:
            order = traces[np.argsort(begun[traces], kind="stable")]
            kept[traces] = False
            kept[order[np.linspace(0, len(order) - 1, most).astype(np.int64)]] = True
    if kept.all():
        return observed
    place = np.full(len(spans) + 1, -1, np.int64)  # the last one for -1, no row
    rows = np.flatnonzero(kept[spans.trace])
    place[rows] = np.arange(len(rows))
    logs = _records(observed.logs, kept, place) if observed.logs is not None else None
    return replace(observed, spans=_rows(spans, rows, place), logs=logs)


def _rows(spans: Spans, rows: Ints, place: Ints) -> Spans:
    return replace(
        spans, trace=spans.trace[rows], parent=place[spans.parent[rows]], start=spans.start[rows], duration=spans.duration[rows],
        service=spans.service[rows], operation=spans.operation[rows], pod=spans.pod[rows], error=spans.error[rows],
        orphan=spans.orphan[rows] if spans.orphan is not None else None, ids=tuple(spans.ids[row] for row in rows) if spans.ids else ())


def _records(logs: LogEvents, kept: Flags, place: Ints) -> LogEvents:
    loose = logs.span >= 0 if logs.span is not None else np.False_
    held = np.where((logs.trace >= 0) & (logs.trace < len(kept)), kept[np.clip(logs.trace, 0, len(kept) - 1)], loose)
    span = place[logs.span[held]] if logs.span is not None else None
    return replace(logs, time=logs.time[held], template=logs.template[held], entity=logs.entity[held], trace=logs.trace[held], span=span)
