"""The bench of our own code: how its figures are made, and that the whole script is played. Timings decide nothing here."""

from __future__ import annotations

import pytest

from evals.bench import overhead
from evals.bench.stopwatch import Stopwatch


def test_open_spans_that_overlap_count_once() -> None:
    watch = Stopwatch()
    for start, end in ((1.0, 3.0), (2.0, 4.0), (6.0, 7.0), (8.0, 20.0)):
        watch.add("tool", start, end)

    assert watch.busy("tool", 0.0, 10.0) == pytest.approx(3 + 1 + 2)
    assert watch.busy("tool", 2.5, 3.5) == pytest.approx(1.0)


def test_call_is_measured_without_the_tool_in_it() -> None:
    watch = Stopwatch()
    watch.add("call", 0.0, 5.0, 1)
    watch.add("tool", 1.0, 4.0, 1)
    watch.add("call", 0.0, 9.0, 2)  # refused: no tool ran

    assert watch.around("call", "tool") == [2.0]


def test_turn_is_what_is_left_beside_tools_and_model() -> None:
    watch = Stopwatch()
    for start in (0.0, 0.1, 0.3):
        watch.add("model", start, start + 0.02)
    watch.add("tool", 0.15, 0.25)
    (turn,) = overhead.turns_of(watch, [1.0, 30.0, 1.0], [1.0, 10.0, 1.0])

    assert turn.ours == pytest.approx(200 - 100 - 10)
    assert turn.beside_sdk == pytest.approx(200 - 100 - 30)


def test_script_is_played_to_its_end() -> None:
    report = overhead.run(lines=300, turns=3, calls=2, runs=1)

    assert report["ms"]["turn"]["n"] == 2
    assert report["ms"]["tool_call"]["n"] == 3 * 2 + 1
    assert set(report["goals"]) == set(overhead.GOALS)
    assert "bare openai SDK" in overhead.table(report)


@pytest.mark.parametrize("given", [{"turns": 12}, {"calls": 0}, {"runs": 0}])
def test_what_cannot_be_played_is_refused(given: dict[str, int]) -> None:
    with pytest.raises(ValueError, match="--turns takes 1 to 11"):
        overhead.run(**given)
