"""Homes whose state database has its schema already: migrating one for each test costs more than most tests do."""

from __future__ import annotations

import shutil
import tempfile
from functools import cache
from pathlib import Path

from agent.state_db.database import Database


@cache
def _made() -> tempfile.TemporaryDirectory[str]:
    """One for each process that tests, removed at its end."""
    folder = tempfile.TemporaryDirectory(prefix="oncalm-seed-")
    Database.at(Path(folder.name)).close()
    return folder


def seeded(home: Path) -> Path:
    """The home, with a new state database in it unless there is one."""
    home.mkdir(parents=True, exist_ok=True)
    if not (home / "state.db").exists():
        shutil.copyfile(Path(_made().name) / "state.db", home / "state.db")
        (home / "state.db").chmod(0o600)
    return home
