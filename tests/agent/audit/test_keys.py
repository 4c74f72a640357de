"""The key is made once, is its owner's alone, and is never made anew over records that it does not fit."""

from __future__ import annotations

import stat
import threading
from pathlib import Path

import pytest

from agent.audit.errors import AuditError, KeyLostError, TamperedError
from agent.audit.journal import Journal
from agent.audit.keys import Key, key_at
from agent.audit.tip import Tip, TipFile
from agent.audit.verifying import verify
from tests.agent.desk import NOON, Desk

KEY = Key(b"sixteen bytes or more")


def test_racing_processes_make_one_key(tmp_path: Path) -> None:
    found: list[str] = []
    threads = [threading.Thread(target=lambda: found.append(key_at(tmp_path / "key").id)) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len(found) == 8
    assert len(set(found)) == 1
    assert stat.S_IMODE((tmp_path / "key").stat().st_mode) == 0o600
    assert [path.name for path in tmp_path.iterdir()] == ["key"]


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o620])
def test_key_that_others_may_touch_is_refused(tmp_path: Path, mode: int) -> None:
    key_at(tmp_path / "key")
    (tmp_path / "key").chmod(mode)

    with pytest.raises(KeyLostError, match="read or written by others"):
        key_at(tmp_path / "key")


@pytest.mark.parametrize("content", ["", "no hex", "00", "é"])
def test_broken_key_is_refused(tmp_path: Path, content: str) -> None:
    (tmp_path / "key").write_text(content)
    (tmp_path / "key").chmod(0o600)

    with pytest.raises(KeyLostError):
        key_at(tmp_path / "key")


def test_lost_key_is_not_made_anew(desk: Desk) -> None:
    desk.ask()
    (desk.home / "audit.key").unlink()

    with pytest.raises(KeyLostError, match="cannot be read"):
        desk.again()
    assert not (desk.home / "audit.key").exists()


def test_other_key_writes_nothing(desk: Desk) -> None:
    asked = desk.approved()
    (desk.home / "audit.tip").unlink()
    other = Desk(desk.home, None, desk.clock, secret="another key of enough bytes")

    with pytest.raises(AuditError):
        other.executor.run(asked.id)
    with pytest.raises(KeyLostError), other.journal.writing():
        pass
    assert not verify(other.journal).sound
    assert desk.world.effects() == []


def test_given_secret_serves_every_replica(tmp_path: Path) -> None:
    one = Desk(tmp_path / "one", f"sqlite:///{tmp_path}/shared.db", lambda: NOON, secret="a secret of the deployment")
    asked = one.approved()
    two = Desk(tmp_path / "two", f"sqlite:///{tmp_path}/shared.db", lambda: NOON, world=one.world, secret="a secret of the deployment")

    assert two.executor.run(asked.id).state == "succeeded"
    assert verify(one.journal).sound
    assert not (tmp_path / "one" / "audit.key").exists()


def test_key_says_nothing_of_itself() -> None:
    assert "sixteen" not in repr(KEY)


def test_tip_only_goes_forward(tmp_path: Path) -> None:
    tip = TipFile(tmp_path / "tip", KEY)
    for seq in (1, 3, 2):
        tip.advance(Tip(seq, f"mac {seq}"))

    assert tip.read() == Tip(3, "mac 3")


def test_cut_write_of_the_tip_leaves_the_one_before(tmp_path: Path) -> None:
    tip = TipFile(tmp_path / "tip", KEY)
    tip.advance(Tip(1, "a"))
    tip.advance(Tip(2, "b"))
    content = (tmp_path / "tip").read_bytes()
    (tmp_path / "tip").write_bytes(b"x" * 40 + content[40:])

    assert tip.read() == Tip(1, "a")
    (tmp_path / "tip").write_bytes(b"x" * 1024)
    with pytest.raises(TamperedError):
        tip.read()


def test_tip_of_another_key_stops_everything(desk: Desk) -> None:
    asked = desk.approved()
    (desk.home / "audit.tip").unlink()
    TipFile(desk.home / "audit.tip", KEY).advance(Tip(99, "x"))

    with pytest.raises(TamperedError):
        desk.executor.run(asked.id)
    assert desk.world.effects() == []
    assert not verify(desk.journal).sound


def test_action_does_not_run_when_the_audit_cannot_be_written(desk: Desk) -> None:
    asked = desk.approved()
    with desk.journal.database.writing() as connection:
        connection.exec_driver_sql("CREATE TRIGGER full BEFORE INSERT ON audit BEGIN SELECT RAISE(ABORT, 'disk full'); END")

    with pytest.raises(Exception, match="disk full"):
        desk.executor.run(asked.id)
    assert desk.world.effects() == []
    assert desk.approvals.show(asked.id).state == "approved"


def test_home_of_another_database_starts_its_own_tip(tmp_path: Path) -> None:
    first = Desk(tmp_path / "home")
    first.ask()
    moved = Journal.of(tmp_path / "home", clock=lambda: NOON, url=f"sqlite:///{tmp_path}/new.db")

    with moved.writing() as writing:
        writing.note("opened", actor="ann")
    assert verify(moved).sound
