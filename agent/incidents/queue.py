"""The stored queue of investigations: taken by compare-and-set under a lease, put off in a storm, and never done twice.

Within a transaction of the caller. A lease is kept alive by its holder and runs out when the holder's process died; the
worker holds the target's lock besides (:mod:`agent.state_db.locks`), so that a process that was only stopped for a
while is not mistaken for a dead one.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from agent.audit.journal import moment
from agent.incidents import statements
from agent.incidents.book import WORKER, Book
from agent.incidents.incident import stamp
from agent.incidents.settings import AlertSettings
from agent.incidents.tables import incidents, investigations

if TYPE_CHECKING:
    from sqlalchemy import Connection, Row

_T = investigations.c


@dataclass(frozen=True, slots=True)
class Task:
    """An investigation to do. ``attempt`` counts from 1."""

    incident: str
    symptom: str
    at: datetime
    attempt: int
    earlier: str | None


def candidates(connection: Connection, now: int, limit: int) -> list[str]:
    """Incidents whose investigation may be taken: those waiting, the weightiest and oldest first, and those whose holder died."""
    dead = (_T.state == "running") & (_T.lease < now)
    rows = connection.execute(investigations.select().with_only_columns(_T.incident).where((_T.state == "queued") | dead)
                              .order_by(_T.priority.desc(), _T.queued, _T.incident).limit(limit))
    return [row.incident for row in rows]


def take(book: Book, ident: str, holder: str, settings: AlertSettings) -> Task | None:
    """Take it, by compare-and-set; None when it is taken already, was tried too often (then it has failed), or is not needed any more."""
    row = book.connection.execute(investigations.select().where(_T.incident == ident)).one_or_none()
    if row is None or not (row.state == "queued" or (row.state == "running" and row.lease < book.now)):
        return None
    incident = book.get(ident)
    if row.attempts >= settings.attempts:
        _ended(book, row, "failed", why=f"its process ended {row.attempts} times before it was done")
        return None
    done = book.connection.execute(investigations.update().where(
        _T.incident == ident, _T.state == row.state, _T.attempts == row.attempts, _T.lease == row.lease).values(
        state="running", holder=holder, attempts=row.attempts + 1, began=book.now, lease=_until(book, settings), why=""))
    if done.rowcount != 1:
        return None
    book.note(incident, "investigation_began", WORKER, {"symptom": row.symptom, "attempt": row.attempts + 1})
    if incident.state == "open":
        book.move(incident, "investigating", WORKER)
    return Task(ident, row.symptom, moment(row.moment), row.attempts + 1, incident.earlier)


def keep_alive(connection: Connection, holder: str, idents: list[str], now: int, settings: AlertSettings) -> None:
    """Say that those investigations are still at work."""
    connection.execute(investigations.update().where(_T.incident.in_(idents), _T.holder == holder, _T.state == "running").values(
        lease=now + int(settings.lease.total_seconds() * 1e6)))


def finish(book: Book, task: Task, holder: str, result: Mapping[str, Any] | None, why: str) -> bool:
    """Keep what was found, or why nothing was; False when another has taken it over."""
    row = _own(book, task, holder)
    if row is None:
        return False
    _ended(book, row, "done" if result is not None else "failed", result=result, why=why)
    return True


def give_back(book: Book, task: Task, holder: str) -> None:
    """It was not finished, for our process ends in order: another may take it, and this attempt does not count."""
    row = _own(book, task, holder)
    if row is not None:
        book.connection.execute(investigations.update().where(_T.incident == task.incident).values(
            state="queued", holder="", lease=0, attempts=row.attempts - 1))


def shed(book: Book, settings: AlertSettings) -> int:
    """Put off what is too much to wait, those of least priority; how many."""
    rows = book.connection.execute(statements.TOO_MANY, {"room": settings.waiting}).all()
    for row in rows:
        why = f"{settings.waiting} investigations of more weight wait; it is taken up when there is calm"
        book.connection.execute(statements.PUTS_OFF, {"of_id": row.incident, "why": why})
        book.note(book.get(row.incident), "put_off", WORKER, {"why": why, "priority": row.priority})
    return len(rows)


def calm(book: Book, settings: AlertSettings) -> int:
    """Take up again what was put off, as far as there is room, and say of what is too old that it was not investigated; how many."""
    waiting = book.connection.execute(investigations.select().with_only_columns(_T.incident).where(_T.state == "queued").limit(settings.waiting)).all()
    room = settings.waiting // 2 - len(waiting)
    if room <= 0:
        return 0
    since = book.now - int(settings.put_off.total_seconds() * 1e6)
    rows = book.connection.execute(investigations.select().where(_T.state == "put_off").order_by(
        _T.priority.desc(), _T.queued, _T.incident).limit(room)).all()
    for row in rows:
        if row.queued < since or book.get(row.incident).state == "resolved":
            _ended(book, row, "failed", why="it was put off in a storm, and its time was over before there was calm")
        else:
            book.connection.execute(investigations.update().where(_T.incident == row.incident).values(state="queued", why=""))
    return len(rows)


def again(book: Book, ident: str) -> bool:
    """Put it into the queue once more, before what waits there with its weight; False while it waits or is under way."""
    return bool(book.connection.execute(investigations.update().where(_T.incident == ident, _T.state.in_(("done", "failed", "put_off"))).values(
        state="queued", attempts=0, holder="", lease=0, queued=book.now, began=None, ended=None, why="")).rowcount)


def document(row: Row[Any] | None) -> dict[str, Any] | None:
    """How an investigation stands, with what it found."""
    if row is None:
        return None
    return {"state": row.state, "attempts": row.attempts, "symptom": row.symptom, "at": stamp(row.moment), "queued": stamp(row.queued),
            "began": stamp(row.began), "ended": stamp(row.ended), "why": row.why, "result": json.loads(row.result) if row.result else None}


def earlier_result(connection: Connection, ident: str | None) -> dict[str, Any] | None:
    """What was found in an earlier incident, or in the one before it."""
    for _ in range(10):
        if ident is None:
            return None
        row = connection.execute(investigations.select().where(_T.incident == ident, _T.state == "done")).one_or_none()
        if row is not None and row.result:
            found: dict[str, Any] = json.loads(row.result)
            return {"incident": ident, **found}
        ident = connection.execute(incidents.select().with_only_columns(incidents.c.earlier).where(incidents.c.id == ident)).scalar()
    return None


def _own(book: Book, task: Task, holder: str) -> Row[Any] | None:
    """The row, if this attempt is still ours."""
    return book.connection.execute(investigations.select().where(
        _T.incident == task.incident, _T.state == "running", _T.holder == holder, _T.attempts == task.attempt)).one_or_none()


def _ended(book: Book, row: Row[Any], state: str, *, result: Mapping[str, Any] | None = None, why: str = "") -> None:
    book.connection.execute(investigations.update().where(_T.incident == row.incident).values(
        state=state, ended=book.now, why=why, holder="", lease=0,
        result=json.dumps(result, ensure_ascii=False) if result is not None else row.result))  # what was found before is not lost
    told = {"why": why} if result is None else {"answer": str(result.get("answer", ""))[:4_000], "suspects": _named(result)}
    book.note(book.get(row.incident), "investigated" if state == "done" else "investigation_failed", WORKER, told)


def _named(result: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The first suspects, in short."""
    suspects = result.get("suspects")
    rows = [one for one in suspects if isinstance(one, Mapping)] if isinstance(suspects, list) else []
    return [{name: one.get(name) for name in ("entity", "cause", "statement", "score")} for one in rows[:3]]


def _until(book: Book, settings: AlertSettings) -> int:
    return book.now + int(settings.lease.total_seconds() * 1e6)
