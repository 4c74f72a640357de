"""Notices that wait for delivery: rows in a SQLite file, durable when :meth:`Outbox.put` returns, each channel on its own.

At least once: a process that dies between delivery and its note delivers again, under the same key.
"""

from __future__ import annotations

import random
import sqlite3
import time
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from pathlib import Path
from typing import cast

from agent.notifying.channels import Channel, Clock, Level, NotDeliveredError, Sender
from telemetry.errors import StoreError
from telemetry.redact import redact

FIRST, LONGEST, ATTEMPTS = 5.0, 900.0, 12
"""Seconds before the second attempt, doubled each time, at most so many; and attempts before it is given up (about 1.5 h)."""
LEASE = 120.0
"""Seconds for which a delivery is one process's; after a kill another takes it."""
_SCHEMA = """CREATE TABLE IF NOT EXISTS notices (
 key TEXT NOT NULL, channel TEXT NOT NULL, title TEXT NOT NULL, body TEXT NOT NULL, level TEXT NOT NULL,
 state TEXT NOT NULL DEFAULT 'waiting', attempts INTEGER NOT NULL DEFAULT 0, due REAL NOT NULL, error TEXT NOT NULL DEFAULT '',
 PRIMARY KEY (key, channel))"""


class Outbox:
    """One file; threads and processes may share it."""

    def __init__(self, path: Path, *, clock: Clock = time.time) -> None:
        self._path, self._clock = path, clock
        with self._open() as database:
            database.execute("PRAGMA journal_mode=WAL")
            database.execute(_SCHEMA)

    def put(self, key: str, channels: Sequence[str], title: str, body: str, level: Level) -> None:
        """Keep a notice for these channels; the same key again changes nothing. Secrets are masked; raises StoreError."""
        title, body = redact(title)[0], redact(body)[0]
        rows = [(key, name, title, body, level, self._clock()) for name in channels]
        with self._open() as database:
            database.executemany("INSERT OR IGNORE INTO notices (key, channel, title, body, level, due) VALUES (?,?,?,?,?,?)", rows)

    def deliver(self, channels: Sequence[Channel], send: Sender) -> int:
        """Try everything that is due, channels side by side; returns how many arrived. Call it again and again."""
        if not channels:
            return 0
        with ThreadPoolExecutor(len(channels), "oncalm-notice") as pool:
            return sum(pool.map(lambda channel: self._drain(channel, send), channels))

    def states(self) -> Mapping[str, int]:
        """How many are ``waiting``, ``sent`` and ``dead``."""
        with self._open() as database:
            return dict(database.execute("SELECT state, count(*) FROM notices GROUP BY state").fetchall())

    def _drain(self, channel: Channel, send: Sender) -> int:
        done = 0
        while (taken := self._take(channel.name)) is not None:
            key, title, body, level, attempts = taken
            try:
                send(channel, title, body, level, f"oncalm-{key}")
            except NotDeliveredError as error:
                self._failed(key, channel.name, attempts, str(error))
                break  # what waits behind it waits, too: the channel is down
            self._note("state = 'sent', error = ''", key, channel.name)
            done += 1
        return done

    def _take(self, channel: str) -> tuple[str, str, str, Level, int] | None:
        """The next due notice, counted as tried and leased before it is sent."""
        now = self._clock()
        with self._open() as database:
            row = database.execute(
                "UPDATE notices SET attempts = attempts + 1, due = ? WHERE rowid = (SELECT rowid FROM notices WHERE channel = ? "
                "AND state = 'waiting' AND due <= ? ORDER BY due, rowid LIMIT 1) RETURNING key, title, body, level, attempts", (now + LEASE, channel, now)).fetchone()
        return cast("tuple[str, str, str, Level, int] | None", row)

    def _failed(self, key: str, channel: str, attempts: int, why: str) -> None:
        pause = min(FIRST * 2.0 ** (attempts - 1), LONGEST) * random.uniform(0.8, 1.2)  # noqa: S311 - jitter
        state = "dead" if attempts >= ATTEMPTS else "waiting"
        self._note("state = ?, due = ?, error = ?", key, channel, state, self._clock() + pause, redact(why)[0])

    def _note(self, what: str, key: str, channel: str, *values: object) -> None:
        with self._open() as database:
            database.execute(f"UPDATE notices SET {what} WHERE key = ? AND channel = ?", (*values, key, channel))

    @contextmanager
    def _open(self) -> Iterator[sqlite3.Connection]:
        try:
            with closing(sqlite3.connect(self._path, timeout=30)) as database:
                self._path.chmod(0o600)
                database.execute("PRAGMA synchronous=FULL")
                with database:
                    yield database
        except sqlite3.Error as error:
            raise StoreError(f"notices cannot be kept: {error}", where=str(self._path), remedy="check the disk and the file's rights") from error
