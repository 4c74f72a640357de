"""What was approved is what runs, once; every other world, policy or answer leaves it alone."""

from __future__ import annotations

import pytest

from agent.approvals.errors import NotAllowedError
from agent.executor.errors import NotExecutedError
from agent.executor.executor import Refusal
from tests.agent.desk import BOB, ROOT, WEB, Desk
from tests.agent.world import NoAnswer, Refusing, World


def test_approved_action_runs_once(either: Desk) -> None:
    asked = either.approved(5)

    assert either.executor.run(asked.id).state == "succeeded"
    assert either.executor.run(asked.id).state == "succeeded"
    assert either.world.effects(WEB) == [5]


def test_pending_action_does_not_run(desk: Desk) -> None:
    asked = desk.ask()

    with pytest.raises(NotExecutedError, match="NOT executed: it is pending"):
        desk.executor.run(asked.id)
    assert desk.world.effects() == []
    assert "pending" in desk.refusals()[-1]


def test_changed_target_supersedes(either: Desk) -> None:
    asked = either.approved(5)
    either.world.put(WEB, 3)

    found = either.executor.run(asked.id)

    assert (found.state, either.world.effects(WEB)) == ("superseded", [3])
    assert "version 1" in found.line.reason


def test_policy_that_refuses_now_rejects(desk: Desk) -> None:
    asked = desk.approved(5)

    found = desk.executing(desk.world, lambda _: Refusal("a freeze began")).run(asked.id)

    assert (found.state, found.line.reason, found.history[-1].actor) == ("rejected", "a freeze began", "policy")
    assert desk.world.effects() == []


def test_policy_that_cannot_be_asked_stops_it(desk: Desk) -> None:
    asked = desk.approved(5)

    with pytest.raises(NotExecutedError, match="could not be checked"):
        desk.executing(desk.world, lambda _: 1 / 0).run(asked.id)
    assert (desk.approvals.show(asked.id).state, desk.world.effects()) == ("approved", [])


def test_refusal_of_the_server_is_told_in_full(desk: Desk) -> None:
    asked = desk.approved(5)

    found = desk.executing(Refusing(desk.world.path)).run(asked.id)

    assert found.state == "failed"
    assert "403 Forbidden: deployments.apps is forbidden: no verb patch" in found.line.reason


def test_conflict_says_that_the_world_changed(desk: Desk) -> None:
    asked = desk.approved(5)
    racing = World(desk.world.path, before=lambda what: desk.world.put(WEB, 4) if what == "effect" else None)

    found = desk.executing(racing).run(asked.id)

    assert found.state == "failed"
    assert "409 Conflict" in found.line.reason
    assert desk.world.effects(WEB) == [4]


def test_lost_answer_is_settled_by_looking(either: Desk) -> None:
    asked = either.approved(5)

    found = either.executing(NoAnswer(either.world.path)).run(asked.id)

    assert [passage.after for passage in found.history] == ["approved", "executing", "unknown", "succeeded"]
    assert either.world.effects(WEB) == [5]


def test_unclear_look_leaves_it_unknown_until_an_admin_says(desk: Desk) -> None:
    asked = desk.approved(5)
    world = NoAnswer(desk.world.path)
    world.looks = "unclear"
    executor = desk.executing(world)
    assert executor.run(asked.id).state == "unknown"

    assert executor.settle(asked.id).state == "unknown"
    with pytest.raises(NotAllowedError):
        executor.settle_by_hand(asked.id, BOB, applied=True, reason="saw it")
    assert executor.settle_by_hand(asked.id, ROOT, applied=True, reason="saw it").state == "succeeded"


def test_allowed_by_a_rule_runs_without_people(desk: Desk) -> None:
    asked = desk.ask(5, decision="allow", rule="restart at night")

    assert (asked.state, asked.approvers) == ("approved", ("policy",))
    assert desk.executor.run(asked.id).state == "succeeded"


def test_outcome_is_kept_for_learning(either: Desk) -> None:
    asked = either.approved(5)
    either.executor.run(asked.id)
    either.executor.verified(asked.id, "confirmed", "errors fell from 9 % to 0 %")
    either.approvals.verdict(asked.id, BOB, cause="right", effect="helpful")

    outcome, = either.approvals.history(cause="too_few", action="scale", target_kind="Deployment")

    assert (outcome.verified, outcome.cause_verdict, outcome.effect_verdict, outcome.judged_by) == ("confirmed", "right", "helpful", "bob")
    assert either.approvals.show(asked.id).state == "confirmed"
