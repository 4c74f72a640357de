"""One holder of a target at a time; a killed holder lets go."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path

import pytest

from agent.state_db.database import Database
from agent.state_db.locks import TargetBusyError, TargetLocks
from tests.agent.desk import Desk
from tests.agent.forks import child, ended


def test_second_holder_waits_in_vain(either: Desk) -> None:
    locks = TargetLocks(either.journal.database)

    with locks.held("a"), pytest.raises(TargetBusyError, match="under way"), locks.held("a", seconds=0.05):
        pass
    with locks.held("a", seconds=0), locks.held("b", seconds=0):
        pass


def test_killed_holder_lets_go(tmp_path: Path, url: str | None) -> None:
    def database() -> Database:
        return Database(url) if url else Database.at(tmp_path)

    def hold() -> None:
        with TargetLocks(database()).held("a"):
            (tmp_path / "held").touch()
            time.sleep(30)

    pid = child(hold)
    while not (tmp_path / "held").exists():
        time.sleep(0.01)
    mine = database()
    with pytest.raises(TargetBusyError), TargetLocks(mine).held("a", seconds=0):
        pass
    os.kill(pid, signal.SIGKILL)
    ended(pid)

    with TargetLocks(mine).held("a", seconds=5):
        pass
    mine.close()
