"""A verification from the action to its end."""

from __future__ import annotations

import json

import pytest

from agent.verification.keeping import Kept
from agent.verification.state import state_from
from telemetry.errors import OnCalmError
from tests.agent.verification.world import ACTED, World, ill_until


def test_what_got_well_and_stayed_so_is_confirmed() -> None:
    world = World(ill_until(ACTED + 10))

    state = world.verifier().run(world.begin())

    assert (state.verdict, state.reason, world.rollbacks) == ("confirmed", "repaired", [])
    assert "before 29.8%" in state.statement
    assert world.now >= ACTED + 600


def test_what_got_worse_is_rolled_back_and_the_rollback_is_verified() -> None:
    world = World(lambda at: 0.0)
    world.failing = lambda at: 0.001 if at < ACTED or world.undone and at > ACTED + 160 else 0.4

    state = world.verifier().run(world.begin())

    assert (state.verdict, state.reason, len(world.rollbacks)) == ("worse", "harmed", 1)
    assert (state.rollback, state.rollback_verdict) == ("rolled_back", "confirmed")
    assert world.recorded[0].verdict == "worse"


def test_recovered_for_a_moment_is_not_repaired() -> None:
    sick = ill_until(ACTED + 10)
    world = World(lambda at: 0.3 if at > ACTED + 400 else sick(at))

    state = world.verifier(undo="worse").run(world.begin())

    assert (state.verdict, state.reason, world.rollbacks) == ("worse", "relapsed", [])


def test_what_did_not_help_is_undone() -> None:
    world = World(ill_until(float("inf")))

    state = world.verifier().run(world.begin())

    assert (state.verdict, state.reason, len(world.rollbacks)) == ("worse", "did_not_help", 1)


def test_what_helped_in_part_stays() -> None:
    world = World(lambda at: 0.4 if ACTED - 900 <= at < ACTED else 0.12 if at >= ACTED else 0.001)

    state = world.verifier().run(world.begin())

    assert (state.verdict, state.reason, world.rollbacks) == ("not_assessed", "helped_in_part", [])


def test_too_few_requests_prove_nothing() -> None:
    world = World(ill_until(ACTED + 10), every=120.0)

    state = world.verifier().run(world.begin())

    assert state.verdict == "not_assessed"
    assert world.rollbacks == []


def test_what_was_never_ill_is_not_confirmed() -> None:
    world = World(lambda at: 0.001)

    state = world.verifier().run(world.begin())

    assert (state.verdict, state.reason) == ("not_assessed", "nothing_was_ill")


def test_a_field_changed_by_somebody_else_ends_it_without_rollback() -> None:
    world = World(ill_until(ACTED + 10), fields={"spec.replicas": 7})

    state = world.verifier().run(world.begin())

    assert (state.verdict, state.reason, world.rollbacks) == ("not_assessed", "changed_by_others", [])
    assert "7" in state.statement


def test_slow_requests_that_became_fast_are_confirmed() -> None:
    world = World(lambda at: 0.001, millis=lambda at: 400.0 if ACTED - 900 <= at < ACTED + 20 else 20.0)

    state = world.verifier().run(world.begin())

    assert state.verdict == "confirmed"
    assert "slower than" in state.statement


def test_no_requests_any_more_are_no_cure() -> None:
    world = World(ill_until(float("inf")))
    observe = world.observe
    world.observe = lambda start, end: observe(start, min(end, ACTED * 1_000_000))  # type: ignore[method-assign]

    state = world.verifier().run(world.begin())

    assert state.verdict == "not_assessed"


def test_pods_that_lose_readiness_are_worse() -> None:
    world = World(lambda at: 0.001, ready=lambda at: 4 if at <= ACTED else 1)

    state = world.verifier().run(world.begin())

    assert (state.verdict, state.reason) == ("worse", "harmed")
    assert "1 of 4 ready" in state.statement


def test_an_alert_that_ends_is_confirmed_and_one_that_goes_on_did_not_help() -> None:
    ended = World(lambda at: 0.001, fires=lambda at: at < ACTED + 50)
    lasting = World(lambda at: 0.001, fires=lambda at: True)

    assert ended.verifier().run(ended.begin()).verdict == "confirmed"
    assert lasting.verifier().run(lasting.begin()).reason == "did_not_help"


@pytest.mark.parametrize("stop", [0, 40, 100, 300, 650])
def test_another_process_goes_on_from_the_json_of_an_interrupted_one(stop: int) -> None:
    world = World(ill_until(ACTED + 10), stop_at=ACTED + stop)
    state = world.verifier().run(world.begin())
    assert state.phase != "done"

    world.stop_at = float("inf")
    again = world.verifier().run(state_from(json.loads(json.dumps(state.document()))))

    assert (again.verdict, len(world.recorded)) == ("confirmed", 1)


def test_every_saved_state_leads_to_the_same_end() -> None:
    world = World(ill_until(float("inf")))
    whole = world.verifier().run(world.begin())

    for state in list(world.saved):
        other = World(ill_until(float("inf")), now=world.now)
        assert other.verifier().run(state_from(json.loads(json.dumps(state.document())))).verdict == whole.verdict


def test_a_rollback_that_is_refused_is_told() -> None:
    world = World(ill_until(float("inf")))

    def refused(approval: str, reason: str) -> str:
        raise OnCalmError("NOT rolled back: somebody changed the same fields since")

    world.rollback = refused  # type: ignore[method-assign]
    state = world.verifier().run(world.begin())

    assert (state.phase, state.rollback) == ("done", "rollback_refused")
    assert "somebody" in state.rollback_statement


def test_it_ends_within_its_limits_whatever_is_unreadable() -> None:
    world = World(ill_until(ACTED + 10))

    def broken(start: int, end: int) -> object:
        raise OnCalmError("the store is locked")

    world.observe = broken  # type: ignore[method-assign, assignment]
    state = world.verifier().run(world.begin())

    assert state.verdict == "not_assessed"
    assert "the store is locked" in state.statement
    assert world.now <= ACTED + 1_300


def test_states_are_kept_on_disk_and_unfinished_ones_are_found(tmp_path: object) -> None:
    from pathlib import Path

    kept, world = Kept(Path(str(tmp_path)) / "verifications"), World(ill_until(ACTED + 10))
    first = world.begin()
    kept.save(first)

    assert kept.unfinished() == [first]
    kept.save(world.verifier().run(first))
    assert kept.unfinished() == []
    assert kept.load("A1") is not None


@pytest.mark.parametrize("seed", range(10))
def test_chance_alone_rolls_nothing_back_and_a_cure_is_seen(seed: int) -> None:
    calm = World(lambda at: 0.01, every=1.0, seed=seed)
    cured = World(lambda at: 0.2 if ACTED - 900 <= at < ACTED + 20 else 0.01, every=1.0, seed=seed)

    assert calm.verifier().run(calm.begin()).reason == "nothing_was_ill"
    assert cured.verifier().run(cured.begin()).reason == "repaired"
