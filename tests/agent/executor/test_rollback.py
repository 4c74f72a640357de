"""An action that did not help is taken back by the inverse that was approved with it, once, or not at all."""

from __future__ import annotations

import pytest

from agent.executor.errors import NotExecutedError
from tests.agent.desk import WEB, Clock, Desk
from tests.agent.world import NoAnswer


def done(desk: Desk) -> str:
    asked = desk.approved(5)
    desk.executor.run(asked.id)
    desk.executor.verified(asked.id, "worse", "errors rose")
    return asked.id


def test_worse_is_taken_back_once(either: Desk) -> None:
    asked = done(either)

    assert either.executor.rollback(asked, reason="errors rose").state == "rolled_back"
    with pytest.raises(NotExecutedError, match="it is rolled_back"):
        either.executor.rollback(asked, reason="again")
    assert either.world.effects(WEB) == [5, 2]
    outcome, = either.approvals.history()
    assert (outcome.verified, outcome.rolled_back) == ("worse", True)


def test_status_of_the_target_may_have_moved_on(desk: Desk) -> None:
    asked = done(desk)
    desk.world.put(WEB, 5)  # another version of the same specification, as a status update makes it

    assert desk.executor.rollback(asked, reason="errors rose").state == "rolled_back"


def test_somebody_elses_change_is_not_rolled_over(desk: Desk) -> None:
    asked = done(desk)
    desk.world.put(WEB, 9)

    with pytest.raises(NotExecutedError, match="somebody changed the same fields"):
        desk.executor.rollback(asked, reason="errors rose")
    assert (desk.approvals.show(asked).state, desk.world.effects(WEB)) == ("succeeded", [5, 9])


def test_what_was_taken_back_by_hand_is_left(desk: Desk) -> None:
    asked = done(desk)
    desk.world.put(WEB, 2)

    with pytest.raises(NotExecutedError, match="took it back already"):
        desk.executor.rollback(asked, reason="errors rose")


def test_rollback_whose_answer_is_lost_is_looked_at(desk: Desk) -> None:
    asked = done(desk)

    found = desk.executing(NoAnswer(desk.world.path)).rollback(asked, reason="errors rose")

    assert [passage.after for passage in found.history][-3:] == ["rolling_back", "rollback_unknown", "rolled_back"]
    assert desk.world.effects(WEB) == [5, 2]


def test_inverse_is_approved_longer_than_the_action_but_not_for_ever(desk: Desk) -> None:
    asked = done(desk)
    assert isinstance(desk.clock, Clock)
    desk.clock.turn(days=2)

    with pytest.raises(NotExecutedError, match="the grant ended"):
        desk.executor.rollback(asked, reason="late")


def test_nothing_takes_back_what_never_ran(desk: Desk) -> None:
    asked = desk.approved(5)

    with pytest.raises(NotExecutedError, match="it is approved"):
        desk.executor.rollback(asked.id, reason="hm")
