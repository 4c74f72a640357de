"""One file of SQLite, opened twice in one process and by others beside it, as a server and the command line do."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from agent.state_db.database import Database

_OTHER = "import sys; from agent.state_db.database import Database\nwith Database(sys.argv[1]).reading() as c: print(c.exec_driver_sql('SELECT clock FROM head').scalar())"


def other(url: str) -> int:
    """What another process reads, which opens the database, and closes it at its end."""
    done = subprocess.run([sys.executable, "-c", _OTHER, url], capture_output=True, text=True, check=True)
    return int(done.stdout)


def test_a_process_that_comes_and_goes_takes_nothing_from_one_that_opened_it_twice(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'state.db'}"
    first = Database(url)
    with first.reading() as connection:
        connection.exec_driver_sql("SELECT 1 FROM head")
    second = Database(url)  # closing the file here would let go of the locks of the first: POSIX counts them by process
    other(url)
    with first.writing() as connection:
        connection.exec_driver_sql("UPDATE head SET clock = 42")

    assert other(url) == 42
    first.close()
    second.close()
    assert other(url) == 42
