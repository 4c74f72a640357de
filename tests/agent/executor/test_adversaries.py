"""Whoever tries to get another thing done than what was approved is refused, and the audit says so."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from agent.approvals.errors import (
    AlreadyAnsweredError,
    ApprovalRefusedError,
    DigestError,
    ForgedError,
    LapsedError,
    NoSuchApprovalError,
    NotAllowedError,
)
from agent.approvals.people import Person
from agent.approvals.record import sealed
from agent.audit.keys import Key
from agent.audit.verifying import verify
from agent.executor.errors import NotExecutedError
from agent.executor.ledger import RunLedger, grant_of
from tests.agent.desk import ANN, BOB, EVE, NOON, VIC, WEB, Clock, Desk
from tests.agent.world import edited
from tools.actions.action import canonical
from tools.actions.errors import NotGrantedError
from tools.guard import carry_out


def write(desk: Desk, sql: str, **values: Any) -> None:
    """What somebody with the database, and without the key, may do."""
    import sqlalchemy

    with desk.journal.database.writing() as connection:
        connection.execute(sqlalchemy.text(sql), values)


def clock(desk: Desk) -> Clock:
    assert isinstance(desk.clock, Clock)
    return desk.clock


def refused(desk: Desk, kind: type[Exception], act: Callable[[], object]) -> str:
    """The audit's words on an attempt that was refused and did nothing."""
    before = len(desk.refusals())
    with pytest.raises(kind):
        act()
    said = desk.refusals()[before:]
    assert len(said) == 1
    assert desk.world.effects() == []
    return said[0]


def test_role_that_may_not_approve(either: Desk) -> None:
    asked = either.ask()

    said = refused(either, NotAllowedError, lambda: either.approve(asked, VIC))
    refused(either, NotAllowedError, lambda: either.approve(asked, Person("carl", "responder")))

    assert "a viewer may not approve" in said
    assert either.approvals.show(asked.id).state == "pending"


def test_requester_where_two_are_needed(either: Desk) -> None:
    asked = either.ask(decision="ask_two", by=BOB)

    refused(either, NotAllowedError, lambda: either.approve(asked, BOB))
    assert either.approve(asked, EVE).state == "pending"
    refused(either, AlreadyAnsweredError, lambda: either.approve(asked, Person(" EVE ", "admin")))
    assert either.approve(asked, Person("dan", "approver")).approvers == ("dan", "eve")


def test_forged_digest(either: Desk) -> None:
    asked = either.ask()

    refused(either, DigestError, lambda: either.approvals.approve(asked.id, BOB, digest="0" * 64))


def test_replayed_decision(either: Desk) -> None:
    first = either.approve(either.ask())
    second = either.ask(7)

    refused(either, AlreadyAnsweredError, lambda: either.approve(first))
    refused(either, DigestError, lambda: either.approvals.approve(second.id, BOB, digest=first.record["digest"]))
    either.approvals.supersede(second.id, ANN, reason="another plan")
    refused(either, LapsedError, lambda: either.approve(second))


def test_expired_deadline(either: Desk) -> None:
    asked, late = either.ask(), either.approved(6)
    clock(either).turn(minutes=30)

    refused(either, LapsedError, lambda: either.approve(asked))
    refused(either, NotExecutedError, lambda: either.executor.run(late.id))
    assert either.approvals.show(asked.id).history[-1].after == "expired"


def test_clock_moved_back_revives_nothing(either: Desk) -> None:
    asked, late = either.ask(), either.approved(6)
    clock(either).turn(minutes=31)
    either.approvals.expire_due()
    clock(either).turn(minutes=-30)

    refused(either, LapsedError, lambda: either.approve(asked))
    refused(either, NotExecutedError, lambda: either.executor.run(late.id))


def test_clock_moved_back_before_the_expiry_was_noted(either: Desk) -> None:
    asked = either.ask()
    clock(either).turn(minutes=31)
    either.ask(9)
    clock(either).turn(minutes=-30)

    assert asked.id not in {line.id for line in either.approvals.list()}
    refused(either, LapsedError, lambda: either.approve(asked))
    assert any('"clock_moved_back"' in line for line in either.journal.export())


def test_clock_moved_far_back_gives_no_more_time(desk: Desk) -> None:
    asked = desk.ask()
    clock(desk).turn(days=-1)
    desk.approvals.expire_due()
    clock(desk).turn(minutes=31)

    refused(desk, LapsedError, lambda: desk.approve(asked))


def test_action_edited_after_its_approval(desk: Desk) -> None:
    asked = desk.approved(5)
    grant, ledger = grant_of(asked, NOON.replace(hour=13)), RunLedger(desk.journal)

    with pytest.raises(NotGrantedError, match="edited"):
        carry_out(edited(asked.preview, 50), grant, ledger, desk.world, now=NOON)
    assert desk.world.effects() == []


def test_record_edited_in_the_database(either: Desk) -> None:
    asked = either.approved(5)
    forged = json.loads(canonical(dict(asked.record)))
    preview = edited(asked.preview, 50)
    forged |= {"preview": preview.document(), "digest": preview.digest}
    text = canonical(forged).decode()
    write(either, "UPDATE approvals SET record = :r, digest = :d, seal = :s WHERE id = :i", r=text, d=preview.digest,
          i=asked.id, s=sealed(asked.id, text, Key(b"a guess of the key")))

    refused(either, ForgedError, lambda: either.executor.run(asked.id))
    assert any("another record" in one.what for one in verify(either.journal).problems)


def test_state_written_into_the_database(either: Desk) -> None:
    asked = either.ask()
    write(either, "UPDATE approvals SET state = 'approved' WHERE id = :i", i=asked.id)

    said = refused(either, NotExecutedError, lambda: either.executor.run(asked.id))

    assert "0 of 1 approvals" in said or "nobody" in said
    assert any("by the audit it is pending" in one.what for one in verify(either.journal).problems)


def test_answer_written_into_the_database(either: Desk) -> None:
    asked = either.ask()
    write(either, "UPDATE approvals SET state = 'approved' WHERE id = :i", i=asked.id)
    write(either, "INSERT INTO answers (approval, person, role, answer, via, reason, digest, at, seal) "
          "VALUES (:i, 'bob', 'admin', 'approve', 'cli', '', :d, 0, :s)", i=asked.id, d=asked.record["digest"], s="0" * 64)

    assert "not given through OnCalm" in refused(either, ForgedError, lambda: either.executor.run(asked.id))


def test_history_wound_back_does_not_run_again(either: Desk) -> None:
    asked = either.approved(5)
    either.executor.run(asked.id)
    write(either, "DELETE FROM ledger")
    write(either, "UPDATE approvals SET state = 'approved' WHERE id = :i", i=asked.id)
    either.world.path.unlink()  # so that the target looks as it did

    refused(either, NotExecutedError, lambda: either.executor.run(asked.id))


def test_unknown_approval(desk: Desk) -> None:
    refused(desk, NoSuchApprovalError, lambda: desk.approvals.approve("nothing", BOB, digest=""))


def test_model_cannot_propose_as_a_viewer_nor_approve(desk: Desk) -> None:
    refused(desk, NotAllowedError, lambda: desk.ask(by=VIC))
    for name in ("policy", "executor", " Policy "):
        with pytest.raises(Exception, match="no name of a person"):
            Person(name, "admin")


def test_what_is_not_worth_asking_is_not_asked(desk: Desk) -> None:
    for told in ({"decision": "allow"}, {"decision": "refuse"}, {"risk": 1.5}):
        refused(desk, ApprovalRefusedError, lambda told=told: desk.ask(**told))
    assert desk.approvals.list() == []
    assert desk.world.effects(WEB) == []


def test_forged_one_does_not_keep_others_from_being_settled(desk: Desk) -> None:
    forged, honest = desk.approved(5), desk.approved(6)
    for one in (forged, honest):
        write(desk, "UPDATE approvals SET state = 'executing' WHERE id = :i", i=one.id)
    write(desk, "UPDATE approvals SET record = '{}' WHERE id = :i", i=forged.id)

    assert [one.id for one in desk.executor.recover()] == [honest.id]
