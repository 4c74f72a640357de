"""The verdict over looks: hold, relapse, rollback, restart; and the checks on invented telemetry."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime

import numpy as np
import pytest

from agent.verification.intervals import wilson
from agent.verification.results import Check, Look, Result
from agent.verification.rollback import TakenBack, take_back
from agent.verification.subject import Plan, Rollout, Subject
from agent.verification.telemetry_checks import requests
from agent.verification.verifier import Eyes, Verification, begin, look, run, step, verification_from
from signals.observed import Observed, Spans, Window
from tools.actions.action import Edit, Json, Target

S = 1_000_000
TARGET = Target("Deployment", "cart", "shop")
SUBJECT = Subject("a1", TARGET, 1000 * S, Window(700 * S, 1000 * S), (Window(0, 700 * S),), ("cart",))
PLAN = Plan(settle=0, interval=60, window=60, patience=300, hold=180)


def spans(rates: Sequence[tuple[int, int, float, int]], every: float = 0.5) -> Observed:
    """One span each ``every`` seconds; stretches (start s, end s, share failing, µs)."""
    rng = np.random.default_rng(7)
    parts = []
    for begin_, end, failing, micros in rates:
        start = np.arange(begin_ * S, end * S, int(every * S), dtype=np.int64)
        parts.append((start, rng.random(len(start)) < failing, (micros * rng.lognormal(0, 0.2, len(start))).astype(np.int64)))
    start, error, duration = (np.concatenate(each) for each in zip(*parts, strict=True))
    zero, none = np.zeros(len(start), np.int64), np.full(len(start), -1, np.int64)
    return Observed(spans=Spans(np.arange(len(start)), none, start, duration, zero, zero, none, error, ("cart",), ("GET",), ()))


def walked(kinds: str, plan: Plan = PLAN) -> Verification:
    """A verification after looks: g(ood), b(ad), s(ame), o(pen)."""
    held = begin(SUBJECT, plan)
    results: dict[str, Result] = {"g": "confirmed", "b": "worse", "s": "unchanged", "o": "not_assessed"}
    for kind in kinds:
        held = step(held, Look(held.due, held.due - 1, (Check("x", results[kind], kind, symptom=True),)))
    return held


@pytest.mark.parametrize(("looks", "verdict", "undo"), [
    ("gggg", "confirmed", False), ("ggg", None, False), ("gbb", "worse", True), ("gss", "worse", True), ("gsggg", "confirmed", False),
    ("bb", "worse", True), ("bgggg", "confirmed", False), ("sssss", "worse", True), ("ooooo", "not_assessed", False),
    ("gooooo", "not_assessed", False), ("ggooo", None, False),
])
def test_only_what_lasts_is_confirmed(looks: str, verdict: str | None, undo: bool) -> None:
    held = walked(looks)

    assert (held.verdict, held.undo) == (verdict, undo)


def test_a_verification_goes_on_after_a_restart_as_if_nothing_had_been() -> None:
    held = walked("gg")

    assert verification_from(json.loads(json.dumps(held.document()))) == held


def test_errors_that_fell_to_normal_are_confirmed_and_told_with_numbers() -> None:
    observed = spans([(0, 700, 0.005, 9000), (700, 1000, 0.3, 9000), (1000, 1060, 0.0, 9000)])
    found = {one.name: one for one in requests(SUBJECT, observed, Window(1000 * S, 1060 * S))}

    assert found["errors:cart"].result == "confirmed"
    assert "0 of 120" in found["errors:cart"].statement
    assert found["latency:cart"].result == "unchanged"
    assert not found["latency:cart"].symptom


def test_latency_that_doubled_is_worse_and_few_requests_are_not_judged() -> None:
    slow = spans([(0, 1000, 0.0, 9000), (1000, 1060, 0.0, 20000)])
    few = spans([(0, 1000, 0.0, 9000), (1000, 1060, 1.0, 20000)], every=10)

    assert {one.name: one.result for one in requests(SUBJECT, slow, Window(1000 * S, 1060 * S))}["latency:cart"] == "worse"
    assert {one.result for one in requests(SUBJECT, few, Window(1000 * S, 1060 * S))} == {"not_assessed"}


def test_no_errors_among_no_requests_is_no_repair() -> None:
    quiet = spans([(0, 700, 0.0, 9000), (700, 1000, 0.3, 9000), (1059, 1060, 0.0, 9000)])

    assert "worse" in {one.result for one in requests(SUBJECT, quiet, Window(1000 * S, 1060 * S)) if one.name == "arrivals:cart"}


class World:
    """A cluster whose state is set by the test."""

    def __init__(self, now: Rollout, fields: Mapping[str, Json]) -> None:
        self.now, self.held = now, fields

    def rollout(self, target: Target) -> Rollout | None:
        return self.now

    def fields(self, target: Target, paths: Sequence[str]) -> Mapping[str, Json]:
        return {path: self.held.get(path) for path in paths}


def test_a_change_that_gitops_reverted_is_neither_repaired_nor_rolled_back() -> None:
    subject = Subject("a1", TARGET, 1000 * S, SUBJECT.before, edits=(Edit("spec.replicas", 2, 4),), rollout=Rollout(2, 2, 1))
    taken = look(subject, PLAN, Eyes(cluster=World(Rollout(2, 2, 2), {"spec.replicas": 2})), 1060 * S)
    held = step(begin(subject, PLAN), taken)

    assert (held.verdict, held.undo) == ("not_assessed", False)
    assert "GitOps" in held.statement


def test_worse_calls_once_for_the_rollback_and_its_result_is_verified() -> None:
    clock = [1000.0]
    subject = Subject("a1", TARGET, 1000 * S, SUBJECT.before, edits=(Edit("spec.replicas", 2, 4),), rollout=Rollout(2, 2, 2))
    world = World(Rollout(4, 4, 1, crashing=3), {"spec.replicas": 4})
    kept: list[Verification] = []

    def wait(seconds: float) -> bool:
        clock[0] += seconds
        return False

    def now() -> datetime:
        return datetime.fromtimestamp(clock[0], UTC)

    held = run(begin(subject, PLAN), Eyes(cluster=world), clock=now, wait=wait, keep=kept.append)
    asked: list[str] = []
    held, second = take_back(held, lambda approval, why: (asked.append(approval), TakenBack(True, round(clock[0] * S), "taken back"))[1], kept.append, before=world.now)
    world.now, world.held = Rollout(2, 2, 2), {"spec.replicas": 2}
    assert second is not None
    second = run(second, Eyes(cluster=world), clock=now, wait=wait, keep=kept.append)

    assert (held.verdict, held.undone, asked) == ("worse", "done", ["a1"])
    assert second.verdict == "confirmed"
    assert take_back(held, lambda *_: pytest.fail("called twice"), kept.append)[1] is None


def test_a_stopped_run_gives_its_state() -> None:
    held = run(begin(SUBJECT, PLAN), Eyes(), clock=lambda: datetime.fromtimestamp(1000, UTC), wait=lambda _: True, keep=lambda _: None)

    assert held.verdict is None


def test_wilson_is_that_of_the_paper() -> None:
    assert wilson(0, 20) == pytest.approx((0, 0.1611), abs=1e-3)
    assert wilson(10, 20) == pytest.approx((0.2993, 0.7007), abs=1e-3)
