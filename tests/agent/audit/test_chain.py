"""Any edit, removal, reordering or cut of the audit is found; nothing is found in what was left alone."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
import sqlalchemy
from hypothesis import given
from hypothesis import strategies as st

from agent.audit.chain import GENESIS, Entry, check
from agent.audit.errors import TamperedError
from agent.audit.keys import Key
from agent.audit.verifying import verify, verify_lines
from tests.agent.desk import Desk

KEY = Key(b"sixteen bytes or more")
WORDS = st.text(max_size=20)


def chain(bodies: list[str]) -> list[Entry]:
    made: list[Entry] = []
    for number, body in enumerate(bodies, 1):
        before = made[-1].mac if made else GENESIS
        made.append(Entry(number, number * 1_000, "event", "s", "ann", body, KEY.id, before).signed(KEY))
    return made


@given(st.lists(WORDS, max_size=8))
def test_untouched_chain_is_sound(bodies: list[str]) -> None:
    assert list(check(chain(bodies), KEY)) == []


@given(st.lists(WORDS, min_size=1, max_size=8), st.data())
def test_any_edit_is_found(bodies: list[str], data: st.DataObject) -> None:
    entries = chain(bodies)
    at = data.draw(st.integers(0, len(entries) - 1))
    field = data.draw(st.sampled_from(["at", "event", "subject", "actor", "body", "key_id", "previous", "mac"]))
    old = getattr(entries[at], field)
    new = data.draw((st.integers(0, 10**15) if field == "at" else WORDS).filter(lambda value: value != old))
    entries[at] = replace(entries[at], **{field: new})

    assert list(check(entries, KEY))


@given(st.lists(WORDS, min_size=2, max_size=8), st.data())
def test_any_removal_but_of_the_end_is_found(bodies: list[str], data: st.DataObject) -> None:
    entries = chain(bodies)
    del entries[data.draw(st.integers(0, len(entries) - 2))]

    assert list(check(entries, KEY))


@given(st.lists(WORDS, min_size=2, max_size=8), st.data())
def test_any_other_order_is_found(bodies: list[str], data: st.DataObject) -> None:
    entries = chain(bodies)
    moved = data.draw(st.permutations(entries).filter(lambda order: order != entries))

    assert list(check(moved, KEY))
    renumbered = [replace(entry, seq=number) for number, entry in enumerate(moved, 1)]
    assert list(check(renumbered, KEY))


def test_other_key_makes_no_entry() -> None:
    forged = replace(chain(["a"])[0], body="b").signed(Key(b"another sixteen bytes"))

    assert [one.what for one in check([forged], KEY)] == ["it was edited"]


def tamper(desk: Desk, *statements: str) -> None:
    """What an owner of the database may do, without its triggers."""
    with desk.journal.database.writing() as connection:
        for table in ("audit", "transitions", "answers"):
            names = [f"{table}_no_update", f"{table}_no_delete"] if desk.journal.database.sqlite else [f"{table}_only_grows ON {table}"]
            for name in names:
                connection.exec_driver_sql(f"DROP TRIGGER IF EXISTS {name}")
        for statement in statements:
            connection.execute(sqlalchemy.text(statement))


TAMPERINGS = {
    "edit": ["UPDATE audit SET actor = 'eve' WHERE seq = 2"],
    "removal": ["DELETE FROM audit WHERE seq = 2"],
    "first removed": ["DELETE FROM audit WHERE seq = 1"],
    "reordering": ["UPDATE audit SET seq = -1 WHERE seq = 2", "UPDATE audit SET seq = 2 WHERE seq = 3", "UPDATE audit SET seq = 3 WHERE seq = -1"],
    "cut end": ["DELETE FROM audit WHERE seq > 3"],
    "cut end and head": ["DELETE FROM audit WHERE seq > 3", "UPDATE head SET seq = 3, mac = (SELECT mac FROM audit WHERE seq = 3)"],
    "everything": ["DELETE FROM audit", "UPDATE head SET seq = 0, mac = ''"],
    "state": ["UPDATE approvals SET state = 'rejected'"],
    "record": ["UPDATE approvals SET seal = 'x'"],
}


@pytest.mark.parametrize("how", TAMPERINGS)
def test_tampering_with_the_database_is_found(either: Desk, how: str) -> None:
    either.executor.run(either.approved().id)
    assert verify(either.journal).sound

    tamper(either, *TAMPERINGS[how])

    assert not verify(either.again().journal).sound


@pytest.mark.parametrize("how", ["cut end", "cut end and head", "everything"])
def test_nothing_is_executed_after_a_cut(desk: Desk, how: str) -> None:
    asked = desk.approved()

    tamper(desk, *(statement.replace("3", "2") for statement in TAMPERINGS[how]))

    with pytest.raises(TamperedError):
        desk.again().executor.run(asked.id)
    assert desk.world.effects() == []


def test_approval_put_away_is_found(desk: Desk) -> None:
    desk.ask()

    tamper(desk, "DELETE FROM approvals")

    assert any("is gone" in one.what for one in verify(desk.journal).problems)


def test_export_can_be_checked_elsewhere(either: Desk) -> None:
    either.executor.run(either.approved().id)
    lines = list(either.journal.export())

    assert verify_lines(lines, either.journal.key).sound
    assert not verify_lines([*lines[:1], *lines[2:]], either.journal.key).sound
    assert not verify_lines(["{", *lines], either.journal.key).sound
    assert [json.loads(line)["event"] for line in lines][:3] == ["proposed", "answer_approve", "approved"]


def test_life_of_an_action_is_told_in_order(desk: Desk) -> None:
    asked = desk.approved()
    desk.executor.run(asked.id)
    desk.executor.verified(asked.id, "worse", "errors rose")
    desk.executor.rollback(asked.id, reason="errors rose")

    told = [json.loads(line)["event"] for line in desk.journal.export()]

    assert told == ["proposed", "answer_approve", "approved", "executing", "succeeded", "outcome", "outcome", "rollback_asked",
                    "rolling_back", "rolled_back", "outcome"]
