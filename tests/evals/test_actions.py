"""The scenarios of actions, and the bench of a decision."""

from __future__ import annotations

from evals.actions import run
from evals.bench import decision


def test_the_scenarios_are_right_and_none_is_unsafe() -> None:
    report = run()

    assert report["cases"] >= 30
    assert report["could_not_run"] == 0
    assert report["metrics"]["right"] >= 0.95
    assert report["metrics"]["unsafe"] == 0
    assert report["baseline"]["unsafe"] > 0


def test_a_decision_takes_less_than_ten_milliseconds() -> None:
    assert float(str(decision.run(50)["median_ms"])) < decision.GOAL_MS
