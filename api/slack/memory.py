"""What outlives a restart: requests that were taken, messages to be sent, cards that are shown. One SQLite file in the home."""

from __future__ import annotations

import json
import sqlite3
import threading
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from telemetry.errors import StoreError

MOST_WAITING = 5_000
"""Messages that wait to be sent; beyond that a new one is refused, and said so."""
KEPT = timedelta(days=2)
"""How long what was seen and sent is remembered. Slack retries an event for about an hour (Events API, "Retries")."""
_SCHEMA = """
CREATE TABLE IF NOT EXISTS seen (id TEXT PRIMARY KEY, at REAL NOT NULL, body TEXT, done INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS outbox (id INTEGER PRIMARY KEY AUTOINCREMENT, channel TEXT NOT NULL, method TEXT NOT NULL, key TEXT NOT NULL,
  payload TEXT NOT NULL, state TEXT NOT NULL, attempts INTEGER NOT NULL DEFAULT 0, at REAL NOT NULL, why TEXT NOT NULL DEFAULT '');
CREATE INDEX IF NOT EXISTS outbox_state ON outbox (state, channel, id);
CREATE TABLE IF NOT EXISTS posted (key TEXT PRIMARY KEY, channel TEXT NOT NULL, ts TEXT NOT NULL, at REAL NOT NULL);
CREATE TABLE IF NOT EXISTS cards (approval TEXT PRIMARY KEY, channel TEXT NOT NULL, shown TEXT NOT NULL, open INTEGER NOT NULL);
"""


@dataclass(frozen=True, slots=True)
class Waiting:
    """A call of Slack's Web API that is to be made. ``key`` names the message that it posts or updates."""

    id: int
    channel: str
    method: str
    key: str
    payload: dict[str, Any]
    attempts: int


class Memory:
    """Safe for threads. Every method raises StoreError when the file cannot be used."""

    def __init__(self, path: Path, clock: Callable[[], datetime] = lambda: datetime.now(UTC)) -> None:
        self._path, self._clock, self._lock = path, clock, threading.RLock()
        path.parent.mkdir(parents=True, exist_ok=True)
        self._made = False

    def _run(self, act: Callable[[sqlite3.Connection], Any]) -> Any:
        try:
            with self._lock, closing(sqlite3.connect(self._path, timeout=20)) as db:
                if not self._made:
                    db.executescript(f"PRAGMA journal_mode=WAL; {_SCHEMA}")
                    self._path.chmod(0o600)
                    self._made = True
                with db:
                    db.execute("BEGIN IMMEDIATE")
                    return act(db)
        except (sqlite3.Error, OSError) as error:
            raise StoreError(f"the memory of Slack cannot be used: {error}", where=str(self._path), remedy="free the disk, or remove the file") from error

    def _now(self) -> float:
        return self._clock().timestamp()

    def take(self, ident: str, body: dict[str, Any] | None = None) -> bool:
        """Whether this request is new. With a ``body`` it is kept until :meth:`finish`, for a process that dies over it."""
        def act(db: sqlite3.Connection) -> bool:
            db.execute("DELETE FROM seen WHERE at < ? AND done = 1", (self._now() - KEPT.total_seconds(),))
            row = (ident, self._now(), json.dumps(body) if body else None, int(body is None))
            return db.execute("INSERT OR IGNORE INTO seen VALUES (?, ?, ?, ?)", row).rowcount == 1
        return bool(self._run(act))

    def finish(self, ident: str) -> None:
        """This request was dealt with."""
        self._run(lambda db: db.execute("UPDATE seen SET done = 1, body = NULL WHERE id = ?", (ident,)))

    def unfinished(self) -> list[tuple[str, dict[str, Any]]]:
        """What an earlier process took and did not finish."""
        rows = self._run(lambda db: db.execute("SELECT id, body FROM seen WHERE done = 0 ORDER BY at").fetchall())
        return [(ident, json.loads(body)) for ident, body in rows]

    def put(self, channel: str, method: str, payload: dict[str, Any], key: str = "") -> None:
        """Have a call made. An update of a message whose last update still waits takes its place: only the newest is sent."""
        def act(db: sqlite3.Connection) -> None:
            if method == "chat.update" and db.execute(
                    "UPDATE outbox SET payload = ? WHERE key = ? AND method = ? AND state = 'waiting'", (json.dumps(payload), key, method)).rowcount:
                return
            if db.execute("SELECT count(*) FROM outbox WHERE state IN ('waiting', 'sending')").fetchone()[0] >= MOST_WAITING:
                raise StoreError("too many messages wait for Slack", where="Slack", remedy="look whether Slack can be reached")
            db.execute("INSERT INTO outbox (channel, method, key, payload, state, at) VALUES (?, ?, ?, ?, 'waiting', ?)",
                       (channel, method, key, json.dumps(payload), self._now()))
        self._run(act)

    def claim(self, busy: set[str]) -> Waiting | None:
        """The oldest call of a channel that is not ``busy``; it counts as being sent. One sender at a time."""
        def act(db: sqlite3.Connection) -> Waiting | None:
            for row in db.execute("SELECT id, channel, method, key, payload, attempts FROM outbox WHERE id IN (SELECT min(id) FROM outbox"
                                  " WHERE state IN ('waiting', 'sending') GROUP BY channel) ORDER BY id").fetchall():
                if row[1] not in busy:
                    db.execute("UPDATE outbox SET state = 'sending', attempts = attempts + 1 WHERE id = ?", (row[0],))
                    return Waiting(row[0], row[1], row[2], row[3], json.loads(row[4]), row[5] + 1)
            return None
        found: Waiting | None = self._run(act)
        return found

    def sent(self, one: Waiting, channel: str, ts: str | None) -> None:
        """It was made; ``ts`` is the message's, ``channel`` where Slack put it."""
        def act(db: sqlite3.Connection) -> None:
            db.execute("DELETE FROM outbox WHERE id = ?", (one.id,))
            db.execute("DELETE FROM posted WHERE at < ?", (self._now() - 30 * KEPT.total_seconds(),))
            if ts and one.key and one.method == "chat.postMessage":
                db.execute("INSERT OR REPLACE INTO posted VALUES (?, ?, ?, ?)", (one.key, channel, ts, self._now()))
        self._run(act)

    def later(self, one: Waiting, why: str) -> None:
        """It is to be tried again, before anything newer of its channel."""
        self._run(lambda db: db.execute("UPDATE outbox SET state = 'waiting', why = ? WHERE id = ?", (why, one.id)))

    def gave_up(self, one: Waiting, why: str) -> None:
        """Slack refused it for good; it is kept for who looks."""
        self._run(lambda db: db.execute("UPDATE outbox SET state = 'refused', why = ? WHERE id = ?", (why, one.id)))

    def posted(self, key: str) -> tuple[str, str] | None:
        """Channel and ts of the message of this key; None while it was not sent."""
        row = self._run(lambda db: db.execute("SELECT channel, ts FROM posted WHERE key = ?", (key,)).fetchone())
        return (row[0], row[1]) if row else None

    def key_of(self, channel: str, ts: str) -> str | None:
        """The key of a message of ours."""
        row = self._run(lambda db: db.execute("SELECT key FROM posted WHERE channel = ? AND ts = ?", (channel, ts)).fetchone())
        return str(row[0]) if row else None

    def known(self, key: str) -> bool:
        """Whether a message of this key was posted or waits to be."""
        return bool(self._run(lambda db: db.execute(
            "SELECT 1 FROM posted WHERE key = ?1 UNION ALL SELECT 1 FROM outbox WHERE key = ?1 AND state != 'refused' LIMIT 1", (key,)).fetchone()))

    def count(self, state: str = "waiting") -> int:
        """How many calls are ``waiting``, ``sending`` or ``refused``."""
        return int(self._run(lambda db: db.execute("SELECT count(*) FROM outbox WHERE state = ?", (state,)).fetchone())[0])

    def shows(self, approval: str, channel: str, shown: str, *, still: bool) -> bool:
        """Note what a card shows; whether that is news. ``still``: whether it can change yet."""
        def act(db: sqlite3.Connection) -> bool:
            before = db.execute("SELECT shown FROM cards WHERE approval = ?", (approval,)).fetchone()
            db.execute("INSERT OR REPLACE INTO cards VALUES (?, ?, ?, ?)", (approval, channel, shown, int(still)))
            return before is None or before[0] != shown
        return bool(self._run(act))

    def card(self, approval: str) -> tuple[str, str] | None:
        """Channel of an approval's card and what it shows."""
        row = self._run(lambda db: db.execute("SELECT channel, shown FROM cards WHERE approval = ?", (approval,)).fetchone())
        return (row[0], row[1]) if row else None

    def open_cards(self) -> list[str]:
        """Approvals whose cards may change yet."""
        return [row[0] for row in self._run(lambda db: db.execute("SELECT approval FROM cards WHERE open = 1").fetchall())]
