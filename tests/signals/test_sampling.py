"""A sample of traces keeps whole traces, and their records."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from signals.observed import Entity, LogEvents, Observed, Spans, Window, Windows
from signals.sampling import sampled

WINDOWS = Windows((Window(0, 1000),), Window(1000, 2000))


def _observed(traces: int) -> Observed:
    rows = np.arange(2 * traces)
    trace = rows // 2
    spans = Spans(trace, np.where(rows % 2, rows - 1, -1), trace * 2000 // traces + rows % 2, np.full(len(rows), 5), rows % 2, rows % 2,
                  np.full(len(rows), -1), np.zeros(len(rows), np.bool_), ("a", "b"), ("x", "y"), (), None, tuple(map(str, rows)))
    logs = LogEvents(spans.start.copy(), np.zeros(len(rows), np.int64), rows % 2, np.where(rows % 3 == 0, -1, trace), ("t",), ("t",), ("info",),
                     ("",), (Entity("service", "a"), Entity("service", "b")), rows.copy())
    return Observed(spans=spans, logs=logs)


def test_few_traces_stay_as_they_are() -> None:
    observed = _observed(10)

    assert sampled(observed, WINDOWS, 10) is observed


def test_each_side_is_cut_to_its_share_and_traces_stay_whole() -> None:
    some = sampled(_observed(400), WINDOWS, 30)

    assert some.spans is not None
    assert len(np.unique(some.spans.trace)) == 60
    assert len(some.spans) == 120
    children = some.spans.parent >= 0
    assert np.array_equal(some.spans.trace[children], some.spans.trace[some.spans.parent[children]])


def test_records_go_with_their_traces_and_point_at_their_spans() -> None:
    whole = _observed(400)
    some = sampled(whole, WINDOWS, 30)

    assert some.logs is not None
    assert some.logs.span is not None
    assert some.spans is not None
    assert (some.logs.trace == -1).sum() == (whole.logs.trace == -1).sum()  # type: ignore[union-attr]
    named = some.logs.trace >= 0
    assert np.array_equal(some.spans.trace[some.logs.span[named]], some.logs.trace[named])


def test_records_in_no_request_are_left_out() -> None:
    whole = _observed(400)
    assert whole.logs is not None
    some = sampled(replace(whole, logs=replace(whole.logs, span=None)), WINDOWS, 30)

    assert some.logs is not None
    assert len(some.logs) > 0
    assert (some.logs.trace >= 0).all()
