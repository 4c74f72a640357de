"""The version of a home's schema: a newer home is left alone rather than misread."""

from __future__ import annotations

import sqlite3
from contextlib import closing, suppress
from pathlib import Path

from telemetry.errors import StoreError

VERSION = 1
"""What this build writes and reads; kept as SQLite's ``user_version`` (0: before it was kept)."""


def check(home: Path) -> None:
    """Raise StoreError when ``home`` was made by a newer build. A damaged manifest is told by who opens it."""
    path = home / "manifest.db"
    found = 0
    with suppress(sqlite3.Error), closing(sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True)) as db:
        found = int(db.execute("PRAGMA user_version").fetchone()[0])
    if found > VERSION:
        raise StoreError(
            f"a newer OnCalm made this store (its schema is {found}, this build knows {VERSION})", where=str(home),
            remedy="update OnCalm, or choose another --home",
        )


def stamp(db: sqlite3.Connection) -> None:
    """Note the version in a manifest that is open for writing."""
    db.execute(f"PRAGMA user_version = {VERSION}")
