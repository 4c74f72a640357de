"""An approval goes only where there is a way, and an end is an end."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from agent.approvals import store
from agent.approvals.errors import ApprovalRefusedError
from agent.approvals.states import OPEN, STATES, UNDER_WAY, UNSETTLED, WAYS, leads
from agent.audit.verifying import verify
from tests.agent.desk import ANN, BOB, EVE, ROOT, WEB, Clock, Desk

ENDS = {"rejected", "expired", "superseded", "failed", "confirmed", "rolled_back", "rollback_failed"}


def test_every_state_has_its_ways() -> None:
    assert set(WAYS) == set(STATES)
    assert {state for state in STATES if not WAYS[state]} == ENDS
    assert not (OPEN | UNDER_WAY | UNSETTLED) & ENDS


def test_nothing_leads_to_execution_but_approval() -> None:
    assert {state for state in STATES if leads(state, "executing")} == {"approved"}
    assert {state for state in STATES if leads(state, "approved")} == {"pending"}
    assert {state for state in STATES if leads(state, "rolling_back")} == {"succeeded"}


def test_move_without_a_way_changes_nothing(desk: Desk) -> None:
    asked = desk.ask()

    with pytest.raises(ValueError, match="no way from pending to executing"), desk.journal.writing() as writing:
        store.move(writing, store.row_of(writing.connection, asked.id), "executing", actor="eve")
    assert desk.approvals.show(asked.id).state == "pending"


def test_second_of_two_moves_from_one_look_is_stale(either: Desk) -> None:
    asked = either.ask()
    with either.journal.database.reading() as connection:
        row = store.row_of(connection, asked.id)

    def move(after: Any) -> None:
        with either.journal.writing() as writing:
            store.move(writing, row, after, actor="ann")

    move("approved")
    with pytest.raises(store.StaleError):
        move("rejected")
    assert either.approvals.show(asked.id).state == "approved"


ACTS: dict[str, Callable[[Desk, str], object]] = {
    "approve": lambda desk, asked: desk.approve(desk.approvals.show(asked), BOB),
    "approve too": lambda desk, asked: desk.approve(desk.approvals.show(asked), EVE),
    "reject": lambda desk, asked: desk.approvals.reject(asked, BOB, reason="no"),
    "supersede": lambda desk, asked: desk.approvals.supersede(asked, ANN, reason="another plan"),
    "run": lambda desk, asked: desk.executor.run(asked),
    "roll back": lambda desk, asked: desk.executor.rollback(asked, reason="worse"),
    "confirm": lambda desk, asked: desk.executor.verified(asked, "confirmed", "better"),
    "worse": lambda desk, asked: desk.executor.verified(asked, "worse", "worse"),
    "settle": lambda desk, asked: desk.executor.settle(asked),
    "by hand": lambda desk, asked: desk.executor.settle_by_hand(asked, ROOT, applied=True, reason="saw it"),
    "recover": lambda desk, _: desk.executor.recover(),
    "wait": lambda desk, _: desk.clock.turn(minutes=11),
    "back": lambda desk, _: desk.clock.turn(minutes=-11),
    "expire": lambda desk, _: desk.approvals.expire_due(),
    "touch": lambda desk, _: desk.world.put(WEB, desk.world.now(WEB)[0]),
}


@settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.lists(st.sampled_from(sorted(ACTS)), max_size=14), st.sampled_from(["ask", "ask_two"]))
def test_whatever_people_do_the_history_is_a_walk_along_the_ways(acts: list[str], decision: str) -> None:
    with TemporaryDirectory() as folder:
        desk = Desk(Path(folder), clock=Clock())
        asked = desk.ask(5, decision=decision).id
        for name in acts:
            try:
                ACTS[name](desk, asked)
            except ApprovalRefusedError:
                assert desk.refusals()

        found = desk.approvals.show(asked)
        walked = [passage.after for passage in found.history]
        assert all(leads(passage.before, passage.after) for passage in found.history)
        assert desk.world.effects(WEB).count(5) <= 1 + acts.count("touch")
        assert walked.count("executing") <= 1
        assert walked.count("rolling_back") <= 1
        if "executing" in walked:
            assert len(found.approvers) >= found.line.needed
        assert verify(desk.journal).sound
        desk.close()
