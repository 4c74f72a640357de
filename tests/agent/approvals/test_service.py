"""One service for every door: what is asked is kept as it was asked, and answered by those who may."""

from __future__ import annotations

from datetime import timedelta

import pytest

from agent.approvals.errors import (
    AlreadyAnsweredError,
    DigestError,
    LapsedError,
    NotAllowedError,
    NotAskedError,
)
from agent.approvals.people import Person
from agent.approvals.record import Proposal
from agent.approvals.states import STATES
from agent.approvals.wording import told
from telemetry.errors import UsageError
from tests.agent.desk import ANN, BOB, EVE, NOON, ROOT, VIC, WEB, Clock, Desk
from tools.actions.action import Obstacle, Target


def clock(desk: Desk) -> Clock:
    assert isinstance(desk.clock, Clock)
    return desk.clock


def test_record_is_what_was_asked(either: Desk) -> None:
    asked = either.ask(5, reasons=["12 pods wait"], investigation="inv-1")

    found = either.again().approvals.show(asked.id)

    assert found.record == asked.record
    assert found.preview == either.world.preview("scale", WEB, {"replicas": 5})
    assert found.record["deadline"] == (NOON + timedelta(minutes=30)).isoformat()
    assert (found.record["requester"], found.record["needed"], found.record["evidence"]) == ("ann", 1, [{"id": "E1"}])


def test_document_holds_the_diff_the_inverse_and_the_history(desk: Desk) -> None:
    document = desk.approved().document()

    assert document["preview"]["diff"] == [{"path": "spec.replicas", "before": 2, "after": 5}]
    assert document["preview"]["inverse"]["params"] == {"replicas": 2}
    assert [passed["after"] for passed in document["history"]] == ["approved"]
    assert document["answers"][0]["person"] == "bob"


def test_same_request_gives_the_same_approval(either: Desk) -> None:
    first = either.ask(key="inv-1/1")

    assert either.ask(key="inv-1/1").id == first.id
    with pytest.raises(DigestError):
        either.ask(9, key="inv-1/1")
    assert len(either.approvals.list()) == 1


def test_new_plan_takes_the_place_of_the_old(either: Desk) -> None:
    old = either.ask(5)
    new = either.ask(6, replaces=old.id)

    found = either.approvals.show(old.id)

    assert (found.state, found.superseded_by) == ("superseded", new.id)
    assert [line.id for line in either.approvals.list()] == [new.id]


def test_what_stands_against_it_is_told_before_anyone_is_asked(desk: Desk) -> None:
    preview = desk.world.preview("scale", WEB, {"replicas": 5})
    managed = type(preview)(**{name: getattr(preview, name) for name in preview.__slots__}
                            | {"obstacles": (Obstacle("managed", "Argo CD would revert it", "change it in Git"),)})

    with pytest.raises(NotAskedError, match="Argo CD would revert it — change it in Git"):
        desk.approvals.propose(Proposal(managed, "ask", 0.1, "p"), ANN)
    assert "Argo CD" in desk.refusals()[0]


def test_two_people_have_to_say_yes(either: Desk) -> None:
    asked = either.ask(decision="ask_two")

    assert (either.approve(asked, BOB).state, either.approvals.list()[0].given) == ("pending", 1)
    assert either.approve(asked, EVE).state == "approved"


@pytest.mark.parametrize("again", ["bob", "BOB", " bob ", "ｂｏｂ"])
def test_one_person_is_one_however_typed(desk: Desk, again: str) -> None:
    asked = desk.ask(decision="ask_two")
    desk.approve(asked, BOB)

    with pytest.raises(AlreadyAnsweredError):
        desk.approve(asked, Person(again, "approver"))


@pytest.mark.parametrize("name", ["", "  ", "x" * 201, "a\nb", "policy", "Executor", "clock"])
def test_name_that_is_none_is_refused(name: str) -> None:
    with pytest.raises(UsageError):
        Person(name, "approver")


def test_rejection_needs_a_reason_and_a_right(either: Desk) -> None:
    asked = either.ask()

    with pytest.raises(UsageError, match="say why"):
        either.approvals.reject(asked.id, BOB, reason="  ")
    with pytest.raises(NotAllowedError):
        either.approvals.reject(asked.id, VIC, reason="no")
    assert "NOT executed, NOT queued" in told(either.approvals.reject(asked.id, BOB, reason="wrong service"))
    with pytest.raises(AlreadyAnsweredError):
        either.approvals.reject(asked.id, EVE, reason="no")


def test_requester_may_withdraw(desk: Desk) -> None:
    assert desk.approvals.reject(desk.ask().id, ANN, reason="found another cause").state == "rejected"


def test_approval_may_be_taken_back_until_it_begins(desk: Desk) -> None:
    asked = desk.approved()

    assert desk.approvals.reject(asked.id, BOB, reason="wait").state == "rejected"
    with pytest.raises(Exception, match="NOT executed: it is rejected"):
        desk.executor.run(asked.id)
    assert desk.world.effects() == []


def test_deadlines_that_passed_are_recorded(either: Desk) -> None:
    pending, approved, young = either.ask(5), either.approved(6), either.ask(7, lifetime=timedelta(hours=2))
    clock(either).turn(minutes=30)

    assert {line.id for line in either.approvals.list(("expired",))} == {pending.id, approved.id}  # though nothing was recorded yet
    assert [line.id for line in either.approvals.list()] == [young.id]
    assert set(either.approvals.expire_due()) == {pending.id, approved.id}
    assert either.approvals.expire_due() == []
    assert either.approvals.show(pending.id).history[-1].actor == "clock"


def test_forward_jump_of_the_clock_does_not_stop_time(desk: Desk) -> None:
    clock(desk).turn(days=365)
    desk.approvals.expire_due()
    clock(desk).turn(days=-365)
    asked = desk.ask()
    clock(desk).turn(minutes=31)

    with pytest.raises(LapsedError):
        desk.approve(asked)


def test_clocks_of_replicas_may_differ_a_little(desk: Desk) -> None:
    asked = desk.ask()
    for _ in range(20):  # two machines, one a second behind, take turns
        clock(desk).turn(seconds=-1)
        desk.approvals.expire_due()
        clock(desk).turn(seconds=1)
        desk.approvals.expire_due()

    clock(desk).turn(minutes=29, seconds=50)
    assert desk.approve(asked).state == "approved"
    assert not any("clock_moved_back" in line for line in desk.journal.export())


def test_people_are_reminded_once(either: Desk) -> None:
    asked, told = either.ask(), []
    either.approvals.remind(lambda line: told.append(line.id))
    clock(either).turn(minutes=26)

    for _ in range(2):
        either.again().approvals.remind(lambda line: told.append(line.id))

    assert told == [asked.id]


def test_dead_channel_stops_no_other_reminder(desk: Desk) -> None:
    first, second, told = desk.ask(5), desk.ask(6), []
    clock(desk).turn(minutes=26)

    def tell(line: object) -> None:
        told.append(line)
        if len(told) == 1:
            raise ConnectionError("smtp.example: refused")

    assert desk.approvals.remind(tell) == [first.id, second.id]
    assert any("smtp.example: refused" in line for line in desk.journal.export())


def test_verdict_is_kept_also_on_what_was_rejected(desk: Desk) -> None:
    asked = desk.ask()
    desk.approvals.reject(asked.id, BOB, reason="wrong cause")

    outcome = desk.approvals.verdict(asked.id, BOB, cause="wrong")

    assert (outcome.verified, outcome.cause, outcome.cause_verdict) == ("not_executed", "too_few", "wrong")
    with pytest.raises(NotAllowedError):
        desk.approvals.verdict(asked.id, VIC, cause="right")
    with pytest.raises(UsageError):
        desk.approvals.verdict(asked.id, BOB)


def test_words_of_every_state_say_whether_it_was_done(desk: Desk) -> None:
    from dataclasses import replace

    asked = desk.ask()
    for state in STATES:
        words = told(replace(asked, line=replace(asked.line, state=state)))
        done = state in {"succeeded", "confirmed", "rolled_back", "rollback_failed"}
        assert ("executed once" in words) is done
        assert ("NOT executed" in words) is (state in {"pending", "approved", "rejected", "expired", "superseded"})


def test_reason_cannot_move_a_terminal(desk: Desk) -> None:
    found = desk.approvals.reject(desk.ask().id, BOB, reason="no\x1b[2J\u202eway" + "x" * 5_000)

    assert "\x1b" not in found.line.reason
    assert "\u202e" not in found.line.reason
    assert len(found.line.reason) <= 2_000


def test_a_thousand_pending_are_listed(either: Desk) -> None:
    proposals = [Proposal(either.world.preview("scale", Target("Deployment", f"a{n}", "s"), {"replicas": 3}), "ask", 0.2, "p") for n in range(1_000)]
    many(either, proposals)

    assert len(either.approvals.list()) == 1_000


def many(desk: Desk, proposals: list[Proposal]) -> None:
    """Ask for many at once: in one transaction, for a thousand syncs take their time."""
    from agent.approvals import asking

    with desk.journal.writing() as writing:
        for proposal in proposals:
            asking.propose(writing, desk.journal.key, proposal, ROOT)
