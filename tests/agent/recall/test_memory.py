"""Trust in an investigation falls with age and bad outcomes; what is damaged is not recalled."""

from __future__ import annotations

import sqlite3
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from agent.recall.memory import LEAST, Investigation, Memory

NOON = datetime(2026, 11, 2, 12, 0, tzinfo=UTC)


def made(**more: object) -> Investigation:
    return Investigation.model_validate({
        "made": NOON, "question": "why?", "query": {"operation": "count"}, "calls": [], "conclusion": {}, "model": "m", **more})


def test_trust_halves_in_a_fortnight() -> None:
    assert made().trust(NOON) == 1.0
    assert made().trust(NOON + timedelta(days=14)) == pytest.approx(0.5)
    assert made(good=1).trust(NOON + timedelta(days=28)) == pytest.approx(0.5)
    assert made(bad=1).trust(NOON) == 0.5
    assert made(bad=2).trust(NOON) < LEAST


def test_too_old_or_too_often_wrong_is_not_recalled(tmp_path: Path) -> None:
    memory = Memory(tmp_path)
    one = made()
    memory.keep("s", one)
    found = [memory.find("s", NOON + timedelta(days=days)) for days in (0, 23, 25)]
    memory.judge(one.id, good=False)
    after_bad = memory.find("s", NOON)
    for _ in range(2):
        memory.judge(one.id, good=True)

    assert [f is not None for f in found] == [True, True, False]
    assert after_bad is None
    assert memory.find("s", NOON) is not None


def test_better_trusted_of_two_is_recalled(tmp_path: Path) -> None:
    memory = Memory(tmp_path)
    old, new = made(made=NOON - timedelta(days=5)), made()
    memory.keep("s", old)
    memory.keep("s", new)
    first = memory.find("s", NOON)
    memory.judge(new.id, good=False)
    second = memory.find("s", NOON)

    assert (first and first.id, second and second.id) == (new.id, old.id)


def test_forgotten_is_gone_and_unknown_ids_are_told(tmp_path: Path) -> None:
    memory = Memory(tmp_path)
    one = made()
    memory.keep("s", one)

    assert memory.forget(one.id)
    assert not memory.forget(one.id)
    assert not memory.judge("nonsense", good=True)
    assert memory.all() == []


def test_only_the_latest_of_a_symptom_are_kept(tmp_path: Path) -> None:
    memory = Memory(tmp_path)
    for n in range(9):
        memory.keep("s", made(made=NOON + timedelta(hours=n)))

    assert [one.made.hour for one in memory.all()] == [16, 17, 18, 19, 20]


def test_changed_investigation_is_not_recalled(tmp_path: Path) -> None:
    memory = Memory(tmp_path)
    memory.keep("s", made(question="why did it fail?"))
    memory.close()
    with sqlite3.connect(tmp_path / "cache.db") as db:
        raw = db.execute("SELECT value FROM Cache").fetchone()[0]
        db.execute("UPDATE Cache SET value = ?", (bytes(raw[:-3]) + b"xxx",))
    memory = Memory(tmp_path)

    assert memory.find("s", NOON) is None
    assert memory.problems


def test_a_cause_that_people_said_was_wrong_is_not_recalled_until_they_take_it_back(tmp_path: Path) -> None:
    memory = Memory(tmp_path)
    one = made(good=5)
    memory.keep("s", one)
    memory.link(one.id, "inv-1")

    wrong = memory.judge_run("inv-1", "a1", right=False), memory.find("s", NOON)
    memory.judge_run("inv-1", "a1", right=True)

    assert wrong == (1, None)
    assert memory.find("s", NOON) is not None
    assert memory.judge_run("inv-2", "a1", right=False) == 0


def test_documents_that_came_to_an_investigation_are_kept_once_each_and_bounded(tmp_path: Path) -> None:
    memory = Memory(tmp_path)
    one = made()
    memory.keep("s", one)
    for number in (*range(30), 29):
        memory.link(one.id, f"inv-{number}")

    assert memory.all()[0].runs == [f"inv-{number}" for number in range(10, 30)]
