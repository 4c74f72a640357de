"""The server's own rows: whose conversation is whose, their answers, and investigations that outlive a process."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from agent.approvals.people import Person
from agent.audit.journal import micros, moment
from agent.notifying.notice import masked
from api.errors import NotFoundError
from api.server.tables import conversations, investigations, turns
from telemetry.errors import StoreError
from telemetry.redact import redact

if TYPE_CHECKING:
    from sqlalchemy import Connection, Row

    from agent.state_db.database import Database

PAGE = 200


class Kept:
    """Rows of one database; threads may share it. Methods raise StoreError, and NotFoundError for what is not this person's."""

    def __init__(self, database: Database, home: Path) -> None:
        self.database, self._checkpoints = database, home / "conversations.db"

    def begin(self, ident: str, person: Person, title: str) -> None:
        """A new conversation."""
        now = micros(datetime.now(UTC))
        with self.database.writing() as connection:
            connection.execute(conversations.insert().values(id=ident, person=person.id, title=masked(" ".join(title.split()))[:200], created=now, changed=now))

    def add(self, ident: str, document: Mapping[str, Any]) -> None:
        """Keep an answer as the conversation's next turn; one that was deleted meanwhile stays so."""
        from sqlalchemy import func, select

        now = micros(datetime.now(UTC))
        with self.database.writing() as connection:
            if connection.execute(conversations.update().where(conversations.c.id == ident).values(changed=now)).rowcount:
                number = connection.execute(select(func.count()).select_from(turns).where(turns.c.conversation == ident)).scalar_one() + 1
                connection.execute(turns.insert().values(conversation=ident, number=number, at=now, document=json.dumps(document)))

    def listed(self, person: Person) -> list[dict[str, Any]]:
        """This person's conversations, the newest first; an admin's list has everybody's."""
        asked = conversations.select().order_by(conversations.c.changed.desc()).limit(PAGE)
        with self.database.reading() as connection:
            rows = connection.execute(asked if person.may("admin") else asked.where(conversations.c.person == person.id)).all()
        return [_conversation(row) for row in rows]

    def show(self, ident: str, person: Person) -> dict[str, Any]:
        """A conversation with its turns."""
        with self.database.reading() as connection:
            row = _own(connection, ident, person)
            found = connection.execute(turns.select().where(turns.c.conversation == ident).order_by(turns.c.number)).all()
        return {**_conversation(row), "turns": [{"number": one.number, "at": moment(one.at).isoformat(), "answer": json.loads(one.document)} for one in found]}

    def check(self, ident: str, person: Person) -> None:
        """Raise NotFoundError unless the conversation is there and this person may go on with it."""
        with self.database.reading() as connection:
            _own(connection, ident, person)

    def fork(self, ident: str, person: Person) -> str:
        """A copy that goes its own way, what it remembers included."""
        fresh, now = uuid4().hex, micros(datetime.now(UTC))
        with self.database.writing() as connection:
            row = _own(connection, ident, person)
            connection.execute(conversations.insert().values(id=fresh, person=person.id, title=row.title, created=now, changed=now, forked_from=ident))
            for one in connection.execute(turns.select().where(turns.c.conversation == ident)).all():
                connection.execute(turns.insert().values(conversation=fresh, number=one.number, at=one.at, document=one.document))
        self.remember_as(ident, fresh)
        return fresh

    def remember_as(self, ident: str, fresh: str) -> None:
        """Copy what a conversation remembers to another, which then goes its own way."""
        with self._memory() as (db, tables):
            if not any(db.execute(f"SELECT 1 FROM {table} WHERE thread_id IN (?, ?) LIMIT 1", (ident, fresh)).fetchone() for table, _ in tables):
                return  # neither remembers anything: nothing is written
            for table, columns in tables:
                others = ", ".join(name for name in columns if name != "thread_id")
                db.execute(f"DELETE FROM {table} WHERE thread_id = ?", (fresh,))
                db.execute(f"INSERT INTO {table} (thread_id, {others}) SELECT ?, {others} FROM {table} WHERE thread_id = ?", (fresh, ident))

    def forget(self, prefix: str, keep: int) -> None:
        """Drop what conversations of this prefix remember, but for the ``keep`` newest."""
        with self._memory() as (db, tables):
            for table, columns in tables:
                if "checkpoint_id" in columns:  # these ids grow with time
                    db.execute(f"DELETE FROM {table} WHERE thread_id LIKE ? AND thread_id NOT IN (SELECT thread_id FROM {table} WHERE thread_id LIKE ? "
                               "GROUP BY thread_id ORDER BY max(checkpoint_id) DESC LIMIT ?)", (f"{prefix}%", f"{prefix}%", keep))

    def delete(self, ident: str, person: Person) -> None:
        """Drop a conversation, what it remembers first."""
        self.check(ident, person)
        with self._memory() as (db, tables):
            for table, _ in tables:
                db.execute(f"DELETE FROM {table} WHERE thread_id = ?", (ident,))
        with self.database.writing() as connection:
            connection.execute(turns.delete().where(turns.c.conversation == ident))
            connection.execute(conversations.delete().where(conversations.c.id == ident))

    def ask(self, person: Person, asked: Mapping[str, Any]) -> str:
        """A new investigation, queued and durable; its id."""
        ident = uuid4().hex
        with self.database.writing() as connection:
            connection.execute(investigations.insert().values(
                id=ident, person=person.id, role=person.role, asked=json.dumps({name: redact(said)[0] if isinstance(said, str) else said for name, said in asked.items()}), state="queued", created=micros(datetime.now(UTC))))
        return ident

    def note(self, ident: str, state: str, *, document: Mapping[str, Any] | None = None, error: Mapping[str, Any] | None = None) -> None:
        """How an investigation stands; what is over stays so."""
        from api.server.run import OVER

        ended = micros(datetime.now(UTC)) if state in OVER else None
        with self.database.writing() as connection:
            connection.execute(investigations.update().where(investigations.c.id == ident, investigations.c.state.not_in(OVER)).values(
                state=state, ended=ended, document=json.dumps(document) if document is not None else None, error=json.dumps(error) if error is not None else None))

    def investigations(self, state: str | None = None) -> list[dict[str, Any]]:
        """The newest first, without their results."""
        asked = investigations.select().order_by(investigations.c.created.desc()).limit(PAGE)
        with self.database.reading() as connection:
            rows = connection.execute(asked if state is None else asked.where(investigations.c.state == state)).all()
        return [_investigation(row) for row in rows]

    def investigation(self, ident: str) -> dict[str, Any]:
        """One, with its result once there is one."""
        with self.database.reading() as connection:
            row = connection.execute(investigations.select().where(investigations.c.id == ident)).one_or_none()
        if row is None:
            raise NotFoundError("there is no such investigation", where=f"investigation {ident[:40]}", remedy="GET /v1/investigations lists them")
        return {**_investigation(row), "result": json.loads(row.document) if row.document else None, "problem": json.loads(row.error) if row.error else None}

    def interrupted(self) -> Iterator[tuple[str, Person, dict[str, Any]]]:
        """Investigations that a process left queued or running, the oldest first."""
        with self.database.reading() as connection:
            rows = connection.execute(investigations.select().where(investigations.c.state.in_(("queued", "running"))).order_by(investigations.c.created)).all()
        for row in rows:
            yield row.id, Person(row.person, row.role), json.loads(row.asked)

    @contextmanager
    def _memory(self) -> Iterator[tuple[sqlite3.Connection, list[tuple[str, list[str]]]]]:
        """One transaction over the checkpoints, and their tables that hold rows by conversation, with their columns. Raises StoreError."""
        if not self._checkpoints.exists():
            with closing(sqlite3.connect(":memory:")) as none:
                yield none, []
            return
        try:
            with closing(sqlite3.connect(self._checkpoints, timeout=30)) as db, db:
                names = [row[0] for row in db.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
                tables = [(name, [row[1] for row in db.execute(f'PRAGMA table_info("{name}")')]) for name in names]
                yield db, [(name, columns) for name, columns in tables if "thread_id" in columns]
        except sqlite3.Error as error:
            raise StoreError(f"the conversations' memory says: {error}", where=str(self._checkpoints), remedy="see that the disk has room and no other program holds the file") from error


def _own(connection: Connection, ident: str, person: Person) -> Row[Any]:
    row = connection.execute(conversations.select().where(conversations.c.id == ident)).one_or_none()
    if row is None or not (row.person == person.id or person.may("admin")):
        raise NotFoundError("there is no such conversation", where=f"conversation {ident[:40]}", remedy="leave it out to begin one; GET /v1/conversations lists yours")
    return row


def _conversation(row: Row[Any]) -> dict[str, Any]:
    return {"id": row.id, "title": row.title, "person": row.person, "created": moment(row.created).isoformat(), "changed": moment(row.changed).isoformat(),
            "forked_from": row.forked_from}


def _investigation(row: Row[Any]) -> dict[str, Any]:
    return {"id": row.id, "person": row.person, "state": row.state, "created": moment(row.created).isoformat(),
            "ended": moment(row.ended).isoformat() if row.ended else None, "asked": json.loads(row.asked)}
