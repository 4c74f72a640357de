"""One holder of a target at a time, among threads, processes and (with PostgreSQL) machines. A killed holder lets go.

SQLite: ``flock`` on a file beside the database. PostgreSQL: a session's advisory lock on a connection of its own, so a
pooler that shares sessions between transactions must not stand between.
"""

from __future__ import annotations

import fcntl
import hashlib
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from agent.state_db.database import Database
from telemetry.errors import OnCalmError

_STEP = 0.01


class TargetBusyError(OnCalmError):
    """Another action on the same target is under way."""


class TargetLocks:
    """Locks by name."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._folder = Path(f"{database.url.database}.locks")

    @contextmanager
    def held(self, name: str, *, seconds: float = 10.0) -> Iterator[None]:
        """Hold ``name``, waiting up to ``seconds`` for it. Raises TargetBusyError, StoreError and OSError."""
        with (self._file if self._database.sqlite else self._advisory)(name, time.monotonic() + seconds):
            yield

    @contextmanager
    def _file(self, name: str, until: float) -> Iterator[None]:
        self._folder.mkdir(exist_ok=True, mode=0o700)
        # Files stay: one that is removed while another opens it would be two locks of one name.
        with (self._folder / hashlib.sha256(name.encode()).hexdigest()[:32]).open("a") as handle:
            while True:
                try:
                    fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
                    break
                except BlockingIOError:
                    _wait(name, until)
            yield

    @contextmanager
    def _advisory(self, name: str, until: float) -> Iterator[None]:
        from sqlalchemy.exc import SQLAlchemyError

        number = int.from_bytes(hashlib.sha256(b"oncalm target " + name.encode()).digest()[:8], "big", signed=True)
        with self._database.told():
            connection = self._database.aside().connect()
        try:
            with self._database.told():
                while not connection.exec_driver_sql(f"SELECT pg_try_advisory_lock({number})").scalar():
                    _wait(name, until)
            yield
        finally:
            try:
                connection.exec_driver_sql(f"SELECT pg_advisory_unlock({number})")
            except SQLAlchemyError:  # a session that is gone holds no lock
                connection.invalidate()
            connection.close()


def _wait(name: str, until: float) -> None:
    if time.monotonic() >= until:
        raise TargetBusyError("another action on this target is under way; nothing was done", where=name,
                              remedy="wait for it, then try again")
    time.sleep(_STEP)
