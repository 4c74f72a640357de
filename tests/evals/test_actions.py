"""The scenarios of actions, and the bench of a decision."""

from __future__ import annotations

from evals.actions import run
from evals.bench import approving, decision


def test_the_scenarios_are_right_and_none_is_unsafe() -> None:
    report = run()

    assert report["cases"] >= 30
    assert report["could_not_run"] == 0
    assert report["metrics"]["right"] >= 0.95
    assert report["metrics"]["unsafe"] == 0
    assert report["baseline"]["unsafe"] > 0


def test_the_benches_of_decisions_and_approvals_run() -> None:
    assert {"median_ms", "p99_ms", "goal_ms"} <= decision.run(5).keys()
    assert {"approve_ms", "execute_ms", "list_1000_pending_ms", "bare_commit_ms"} <= approving.run(2).keys()
