"""A trace under the glass."""

from __future__ import annotations

import numpy as np

from signals.traces.forest import plant
from signals.traces.lookup import Stretch, beside_normal, critical_path, failing, rows_of, slowest
from tests.signals.traces.build import spans


def test_critical_path_follows_what_ended_last() -> None:
    forest = plant(spans([(0, -1, "a", "x", 0, 100), (0, 0, "a", "y", 10, 30), (0, 0, "a", "z", 20, 60)]))

    assert critical_path(forest, 0) == [Stretch(0, 0, 20), Stretch(2, 20, 80), Stretch(0, 80, 100)]


def test_critical_path_covers_its_root_once() -> None:
    forest = plant(spans([(0, -1, "a", "x", 0, 100), (0, 0, "a", "y", 10, 30), (0, 1, "a", "w", 15, 10), (0, 0, "a", "z", 50, 40)]))

    assert sum(each.end - each.start for each in critical_path(forest, 0)) == 100


def test_slowest_is_by_self_time() -> None:
    forest = plant(spans([(0, -1, "a", "x", 0, 100), (0, 0, "a", "y", 1, 98)]))

    assert slowest(forest, rows_of(forest, 0), 1).tolist() == [1]


def test_failing_names_the_origin_first() -> None:
    forest = plant(spans([(0, -1, "a", "x", 0, 100), (0, 0, "b", "y", 1, 50)], errors=(0, 1)))

    assert failing(forest, rows_of(forest, 0)).tolist() == [1, 0]


def test_missing_call_stands_beside_its_usual_number() -> None:
    whole = [row for n in range(3) for row in ((n, -1, "a", "x", 0, 100), (n, 2 * n, "b", "y", 1, 50))]
    forest = plant(spans([*whole, (9, -1, "a", "x", 0, 100)]))
    lines = {line.operation: line for line in beside_normal(forest, 9, forest.spans.trace < 9)}

    assert (lines["y"].calls, lines["y"].usual_calls, lines["y"].share) == (0, 1.0, 1.0)
    assert np.isclose(lines["x"].usual_self_time, 50)
