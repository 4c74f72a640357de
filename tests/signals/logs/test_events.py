"""Which span a line belongs to, and what comes after what."""

from __future__ import annotations

import numpy as np

from signals.logs.events import frames_of, steps
from signals.observed import Entity, LogEvents
from signals.traces.forest import plant
from tests.signals.traces.build import spans


def lines(*at: tuple[int, int]) -> LogEvents:
    """Records at (time, trace), without the span that wrote them."""
    times, traces = np.array(at, dtype=np.int64).T
    return LogEvents(times, np.zeros(len(at), np.int64), np.zeros(len(at), np.int64), traces, ("hello",), ("t",), ("INFO",), ("A#1",),
                     (Entity("service", "a"),))  # fmt: skip


def test_line_without_span_goes_to_the_innermost_around_it() -> None:
    forest = plant(spans([(0, -1, "a", "x", 0, 100), (0, 0, "a", "y", 10, 20), (1, -1, "a", "x", 0, 100)]))
    found = frames_of(lines((15, 0), (50, 0), (15, 1), (500, 0), (15, 7)), forest, ("a",), np.zeros(5, np.int64))

    assert found.tolist() == [1, 0, 2, -1, -1]


def test_client_span_is_folded_into_the_call() -> None:
    rows = [(0, -1, "a", "serve", 0, 100), (0, 0, "a", "GET", 10, 50), (0, 1, "b", "stock", 20, 20), (0, 0, "a", "GET", 70, 9), (1, -1, "a", "GET", 0, 9)]
    more = [(2, -1, "a", "serve", 0, 100), (2, 5, "a", "GET", 10, 50), (2, 6, "b", "stock", 20, 20), (2, 5, "a", "GET", 61, 9), (2, 8, "b", "stock", 62, 2)]
    found = steps(plant(spans(rows + more)), None, None)
    named = [(found.names[a], found.names[b]) for a, b, f in zip(found.before, found.after, found.frame, strict=True) if f == 0]

    assert named == [("start", "b stock"), ("b stock", "a GET unanswered"), ("a GET unanswered", "end")]
