"""Notices on disk until they are told: plain rows of SQLite, one a notice and channel. Threads and processes may share it.

Who sends a row holds it for a while; when its process is killed, the row is free again and is sent again: at least once.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Literal

from agent.notifying.notice import Channel, Notice
from telemetry.errors import StoreError

RowState = Literal["waiting", "sent", "gave_up", "too_late"]
_TABLES = """
CREATE TABLE IF NOT EXISTS notices (
    id INTEGER PRIMARY KEY, key TEXT NOT NULL, channel TEXT NOT NULL, event TEXT NOT NULL, title TEXT NOT NULL,
    body TEXT NOT NULL, useful_until REAL, state TEXT NOT NULL, made REAL NOT NULL, due REAL NOT NULL,
    held_until REAL NOT NULL DEFAULT 0, attempts INTEGER NOT NULL DEFAULT 0, why TEXT NOT NULL DEFAULT '', ended REAL,
    UNIQUE (key, channel));
CREATE INDEX IF NOT EXISTS notices_due ON notices (state, channel, due);
CREATE TABLE IF NOT EXISTS pauses (channel TEXT PRIMARY KEY, until REAL NOT NULL);
"""
_ROW = "id, key, channel, event, title, body, state, made, due, attempts, why"


@dataclass(frozen=True, slots=True)
class Row:
    """One notice for one channel. Times in seconds since 1970 (UTC)."""

    id: int
    key: str
    channel: str
    event: str
    title: str
    body: str
    state: RowState
    made: float
    due: float
    attempts: int
    why: str


class Outbox:
    """The rows in the file ``path``."""

    def __init__(self, path: Path, clock: Callable[[], datetime]) -> None:
        self.path = path
        self._clock = clock

    def put(self, notice: Notice, channels: Sequence[Channel]) -> int:
        """Keep it for every channel that wants its event; returns for how many it is new. Durable. Raises StoreError."""
        now = self._now()
        until = notice.useful_until.timestamp() if notice.useful_until else None
        rows = [(notice.key, one.name, notice.event, notice.title, notice.body, until, now, now) for one in channels if notice.event in one.events]
        with self._writing() as db:
            before = db.total_changes
            db.executemany("INSERT OR IGNORE INTO notices (key, channel, event, title, body, useful_until, state, made, due) "
                           "VALUES (?, ?, ?, ?, ?, ?, 'waiting', ?, ?)", rows)
            return db.total_changes - before

    def claim(self, channel: str, seconds: float) -> Row | None:
        """The next due row of a channel, held for so long; None when none is due, or the channel is paused."""
        now = self._now()
        with self._writing() as db:
            db.execute("UPDATE notices SET state = 'too_late', ended = ?, why = 'its time was over before it could be told' "
                       "WHERE state = 'waiting' AND useful_until < ? AND held_until <= ?", (now, now, now))
            row = db.execute(
                f"SELECT {_ROW} FROM notices WHERE state = 'waiting' AND channel = ? AND due <= ? AND held_until <= ? "
                "AND NOT EXISTS (SELECT 1 FROM pauses WHERE pauses.channel = notices.channel AND until > ?) ORDER BY due, id LIMIT 1",
                (channel, now, now, now)).fetchone()
            if row is None:
                return None
            db.execute("UPDATE notices SET held_until = ?, attempts = attempts + 1 WHERE id = ?", (now + seconds, row[0]))
            found = Row(*row)
            return Row(**{**{name: getattr(found, name) for name in Row.__slots__}, "attempts": found.attempts + 1})

    def sent(self, row: int) -> None:
        """It was taken by the other side."""
        self._end(row, "sent", "")

    def gave_up(self, row: int, why: str) -> None:
        """It is not tried any more; :meth:`again` does."""
        self._end(row, "gave_up", why)

    def later(self, row: Row, seconds: float, why: str, *, pause: float) -> None:
        """Try it again after ``seconds``, and nothing on its channel for ``pause`` seconds."""
        now = self._now()
        with self._writing() as db:
            db.execute("UPDATE notices SET due = ?, held_until = 0, why = ? WHERE id = ? AND state = 'waiting'", (now + seconds, why, row.id))
            db.execute("INSERT INTO pauses VALUES (?, ?) ON CONFLICT (channel) DO UPDATE SET until = max(until, excluded.until)", (row.channel, now + pause))

    def age(self, row: Row) -> float:
        """Seconds since it was put."""
        return self._now() - row.made

    def again(self) -> int:
        """Take up again all that was given up, from the start; how many."""
        now = self._now()
        with self._writing() as db:
            db.execute("DELETE FROM pauses")
            return db.execute("UPDATE notices SET state = 'waiting', made = ?, due = ?, attempts = 0, held_until = 0 WHERE state = 'gave_up'", (now, now)).rowcount

    def rows(self, state: RowState | None = None, limit: int = 1_000) -> list[Row]:
        """The newest rows, in one state or all."""
        with self._writing() as db:
            found = db.execute(f"SELECT {_ROW} FROM notices WHERE ? IS NULL OR state = ? ORDER BY id DESC LIMIT ?", (state, state, limit))
            return [Row(*one) for one in found]

    def _end(self, row: int, state: RowState, why: str) -> None:
        with self._writing() as db:
            db.execute("UPDATE notices SET state = ?, why = ?, ended = ?, held_until = 0 WHERE id = ? AND state = 'waiting'", (state, why, self._now(), row))

    def _now(self) -> float:
        return self._clock().timestamp()

    @contextmanager
    def _writing(self) -> Iterator[sqlite3.Connection]:
        """One transaction, alone among writers, on disk when it ends."""
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            fresh = not self.path.exists()
            db = sqlite3.connect(self.path, timeout=30, isolation_level=None)
        except (OSError, sqlite3.Error) as error:
            raise self._broken(error) from error
        try:
            if fresh:
                self.path.chmod(0o600)
            db.execute("PRAGMA journal_mode=WAL")
            db.execute("PRAGMA synchronous=FULL")
            db.executescript(_TABLES)
            db.execute("BEGIN IMMEDIATE")
            yield db
            db.execute("COMMIT")
        except (OSError, sqlite3.Error) as error:
            raise self._broken(error) from error
        finally:
            db.close()

    def _broken(self, error: Exception) -> StoreError:
        return StoreError(f"the outbox of notifications cannot be used: {error}", where=str(self.path), remedy="make room, and let it be written")
