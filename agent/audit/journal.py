"""The only way to write the state database: a transaction that holds the audit's head, tells the time, and must note what it does."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from agent.audit.chain import GENESIS, Entry, exported
from agent.audit.errors import KeyLostError, TamperedError
from agent.audit.keys import Key, key_at
from agent.audit.tip import Tip, TipFile
from agent.state_db.database import Database
from telemetry.redact import redact
from tools.actions.action import canonical

if TYPE_CHECKING:
    from sqlalchemy import Connection, Row

SKEW = timedelta(minutes=2)
"""A clock that is this much behind the newest one seen was moved back; less is another machine's."""
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_LONGEST = 2_000


def micros(when: datetime) -> int:
    """Microseconds since 1970. Raises TypeError for a time without a zone."""
    return (when - _EPOCH) // _MICROSECOND


def moment(at: int) -> datetime:
    """The time of :func:`micros`, in UTC."""
    return _EPOCH + at * _MICROSECOND


class Writing:
    """A transaction under way. ``now`` is the clock; ``mark`` is time that only goes forward, whatever the clock does."""

    def __init__(self, connection: Connection, key: Key, head: Row[Any], now: datetime) -> None:
        self.connection = connection
        self.now = micros(now)
        self._key = key
        self._noted: list[dict[str, Any]] = []
        self._seq, self._mac = int(head.seq), head.mac or GENESIS
        self.clock, self.mark = ticked(int(head.clock), int(head.mark), self.now)
        if self.clock < head.clock:
            self.note("clock_moved_back", actor="clock", body={"by_seconds": (head.clock - self.now) / 1e6})

    @property
    def tip(self) -> Tip:
        """The last entry so far."""
        return Tip(self._seq, self._mac)

    def note(self, event: str, *, subject: str = "", actor: str, body: Mapping[str, Any] | None = None) -> None:
        """Put an entry at the end of the audit; it is written with the transaction's end."""
        entry = Entry(self._seq + 1, self.now, event, subject[:40], actor[:200], canonical(dict(body or {})).decode(),
                      self._key.id, self._mac).signed(self._key)
        self._noted.append(exported(entry))
        self._seq, self._mac = entry.seq, entry.mac

    def close(self) -> None:
        """Write the entries, and the head that goes with them."""
        from agent.state_db import statements

        if self._noted:
            self.connection.execute(statements.NOTES, self._noted)
        self.connection.execute(statements.HEAD_MOVES, {"seq": self._seq, "mac": self._mac, "clock": self.clock, "mark": self.mark})


def ticked(clock: int, mark: int, now: int) -> tuple[int, int]:
    """The clock and the mark after a look at the time: the mark grows as the clock does, and never shrinks."""
    if now >= clock:
        return now, mark + (now - clock if clock else 0)
    return (now if clock - now > SKEW // _MICROSECOND else clock), mark


class Journal:
    """The audit of one state database. Threads may share it; processes have one each."""

    def __init__(self, database: Database, key: Key, tip: Path, *, clock: Callable[[], datetime]) -> None:
        """``tip`` is a file outside the database; ``clock`` tells the time in UTC."""
        self.database = database
        self.key = key
        self.tip_file = TipFile(tip, key)
        self.clock = clock

    @classmethod
    def of(cls, home: Path, *, clock: Callable[[], datetime], url: str | None = None, secret: str | None = None) -> Journal:
        """The journal of a home: its database or the one at ``url``, its key file or the given ``secret``.

        Raises StoreError, and KeyLostError when there are records and no key for them.
        """
        home.mkdir(parents=True, exist_ok=True)
        database = Database(url) if url else Database.at(home)
        key = Key(secret.encode()) if secret else key_at(home / "audit.key", make=_is_new(database))
        # Another database is another audit: a home that moves to PostgreSQL does not take its old tip along.
        name = f"audit-{hashlib.sha256(database.where.encode()).hexdigest()[:12]}.tip" if url else "audit.tip"
        return cls(database, key, home / name, clock=clock)

    @contextmanager
    def writing(self) -> Iterator[Writing]:
        """One transaction: all of it is there with its entries, or nothing is. An exception takes everything back.

        Raises StoreError, AuditError when the tip cannot be noted, TamperedError when the audit is shorter than the tip.
        """
        from agent.state_db import statements

        tip = self.tip_file.read()
        with self.database.writing() as connection:
            row = connection.execute(statements.HEAD).one()
            self._whole(tip, row)
            writing = Writing(connection, self.key, row, self.clock())
            yield writing
            writing.close()
        if writing.tip.seq > row.seq:
            self.tip_file.advance(writing.tip)

    def _whole(self, tip: Tip | None, row: Row[Any]) -> None:
        """Refuse to go on from an end that is not the one that was left."""
        if tip is not None and (tip.seq > row.seq or (tip.seq == row.seq and tip.mac != row.mac)):
            raise TamperedError(f"the audit ends at entry {row.seq}, and entry {tip.seq} was written", where=self.database.where,
                                remedy="run `oncalm audit verify`; put the right database back, or move the tip away and say why")
        if row.seq and row.last_mac != row.mac:
            raise TamperedError(f"the audit's last entry ({row.seq}) is not there", where=self.database.where, remedy="run `oncalm audit verify`")
        if row.seq and row.last_key != self.key.id:
            raise KeyLostError(f"the audit was written with the key {row.last_key}, and this one is {self.key.id}",
                               where=self.database.where, remedy="give the key it was written with")

    def entries(self, connection: Connection, *, after: int = 0) -> Iterator[Entry]:
        """Entries in order, from ``after`` on."""
        from agent.state_db.schema import audit

        rows = connection.execution_options(yield_per=1_000).execute(
            audit.select().where(audit.c.seq > after).order_by(audit.c.seq))
        for row in rows:
            yield Entry(**row._asdict())

    def export(self, *, after: int = 0) -> Iterator[str]:
        """Lines of JSON, one an entry, as they can be checked elsewhere with the key. Raises StoreError."""
        with self.database.reading() as connection:
            for entry in self.entries(connection, after=after):
                yield json.dumps(exported(entry), ensure_ascii=False)


def short(text: str) -> str:
    """Words from people and servers, of bounded length, without secrets and characters that move a terminal's cursor."""
    return "".join(c if c.isprintable() or c == "\n" else " " for c in redact(text.strip())[0])[:_LONGEST]


def _is_new(database: Database) -> bool:
    from agent.state_db.schema import head

    with database.reading() as connection:
        return not connection.execute(head.select().where(head.c.id == 1)).one().seq
