"""Schedules, runs and deliveries in the state database: every step is one transaction, and compare-and-set."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Literal
from uuid import uuid4

from agent.audit.journal import micros, moment
from agent.state_db.database import Database
from agent.summaries.document import Summary
from agent.summaries.keeping import insert
from api.scheduling.due import Due
from api.scheduling.schedule import Schedule, schedule_from
from telemetry.errors import UsageError
from tools.actions.action import canonical

if TYPE_CHECKING:
    from sqlalchemy import Connection, Row

RETRIES = (30, 60, 120, 300, 600, 1_800, 3_600, 7_200, 14_400, 28_800, 28_800)
"""Seconds before each further attempt: about a day in all."""
State = Literal["waiting", "sending", "sent", "maybe", "gave_up"]


class NoSuchScheduleError(UsageError):
    """There is no schedule of that id."""


@dataclass(frozen=True, slots=True)
class Planned:
    """A schedule as it is stored."""

    id: str
    schedule: Schedule
    created: datetime
    settled: datetime

    def document(self) -> dict[str, Any]:
        """As ``--json`` and HTTP show it."""
        upcoming = next(self.schedule.times.after(self.settled), None)
        return {"id": self.id, **self.schedule.model_dump(mode="json"), "created": self.created.isoformat(), "next": upcoming.isoformat() if upcoming else None}


@dataclass(frozen=True, slots=True)
class Run:
    """One due time of a schedule. ``start`` is where its period begins."""

    schedule: str
    due: datetime
    state: str
    start: datetime
    missed: int
    attempts: int
    why: str
    summary: str | None


@dataclass(frozen=True, slots=True)
class Delivery:
    """One place's share of a run."""

    schedule: str
    due: datetime
    place: int
    told: str
    state: State
    attempts: int
    why: str

    @property
    def key(self) -> str:
        """What names exactly this delivery, however often it is tried."""
        return f"{self.schedule}-{int(self.due.timestamp())}-{self.place}"


class Plans:
    """All of it, in one state database. Methods raise StoreError."""

    def __init__(self, database: Database) -> None:
        self.database = database

    def add(self, schedule: Schedule, now: datetime) -> Planned:
        """Keep a schedule; it is due from now on. Raises UsageError for a name that is taken."""
        from agent.summaries.tables import schedules as table

        made = Planned(uuid4().hex[:12], schedule, now, now)
        with self.database.writing() as connection:
            if connection.execute(table.select().where(table.c.name == schedule.name)).first():
                raise UsageError("there is a schedule of that name", where=f"schedule {schedule.name}", remedy="remove it first, or give another name")
            connection.execute(table.insert().values(id=made.id, name=schedule.name, document=canonical(schedule.model_dump(mode="json")).decode(),
                                                     created=micros(now), settled=micros(now)))
        return made

    def remove(self, ident: str, now: datetime) -> None:
        """Forget a schedule, by id or name; what is not sent yet is not sent. Raises NoSuchScheduleError."""
        from agent.summaries.tables import schedules, summary_deliveries

        with self.database.writing() as connection:
            row = connection.execute(schedules.select().where((schedules.c.id == ident) | (schedules.c.name == ident))).first()
            if row is None:
                raise NoSuchScheduleError("there is no such schedule", where=f"schedule {ident[:40]}", remedy="see `oncalm schedules list`")
            connection.execute(schedules.delete().where(schedules.c.id == row.id))
            waiting = (summary_deliveries.c.schedule == row.id) & (summary_deliveries.c.state == "waiting")
            connection.execute(summary_deliveries.update().where(waiting).values(state="gave_up", why="the schedule was removed", changed=micros(now)))

    def list(self) -> Sequence[Planned]:
        """All schedules, by name."""
        from agent.summaries.tables import schedules as table

        with self.database.reading() as connection:
            rows = connection.execute(table.select().order_by(table.c.name)).all()
        return [_planned(row) for row in rows]

    def runs(self, schedule: str, limit: int = 5) -> Sequence[Run]:
        """Its newest runs."""
        from agent.summaries.tables import summary_runs as table

        with self.database.reading() as connection:
            rows = connection.execute(table.select().where(table.c.schedule == schedule).order_by(table.c.due.desc()).limit(limit)).all()
        return [_run(row) for row in rows]

    def deliveries(self, schedule: str, due: datetime | None = None) -> Sequence[Delivery]:
        """Its deliveries, the newest due time first."""
        from agent.summaries.tables import summary_deliveries as table

        query = table.select().where(table.c.schedule == schedule)
        query = query.where(table.c.due == micros(due)) if due else query
        with self.database.reading() as connection:
            return [_delivery(row) for row in connection.execute(query.order_by(table.c.due.desc(), table.c.place).limit(200))]

    def claim(self, planned: Planned, due: Due, now: datetime) -> bool:
        """Put down that this due time is taken, whatever comes then. False when somebody else was faster, or it is gone."""
        from agent.summaries.tables import schedules, summary_runs

        schedule = planned.schedule
        late = now - due.last > schedule.patience and schedule.missed == "skip"
        first = due.first if schedule.missed == "catch_up" else due.last
        # What is caught up reaches back over the missed times, within bounds; one that asks for longer gets what it asks for.
        start = min(max(first - schedule.reach, due.last - timedelta(days=31)), due.last - schedule.reach)
        with self.database.writing() as connection:
            moved = connection.execute(schedules.update().where(
                schedules.c.id == planned.id, schedules.c.settled == micros(planned.settled)).values(settled=micros(due.last)))
            if not moved.rowcount:
                return False
            connection.execute(summary_runs.insert().values(
                schedule=planned.id, due=micros(due.last), state="skipped" if late else "claimed", start=micros(start), missed=due.count - 1, attempts=0,
                next=micros(now), why="it was missed by more than its grace" if late else "", changed=micros(now)))
        return True

    def to_make(self, now: datetime) -> Sequence[Run]:
        """Runs whose summary is not made yet, and may be tried now."""
        from agent.summaries.tables import summary_runs as table

        with self.database.reading() as connection:
            rows = connection.execute(table.select().where(table.c.state == "claimed", table.c.next <= micros(now)).order_by(table.c.due)).all()
        return [_run(row) for row in rows]

    def made(self, run: Run, summary: Summary, places: Sequence[str], now: datetime) -> bool:
        """Keep a run's summary, with a waiting delivery for each place, in one step. False when it was made already."""
        from agent.summaries.tables import summary_deliveries, summary_runs

        with self.database.writing() as connection:
            if not _set(connection, summary_runs, run, "claimed", state="made", changed=micros(now)):
                return False
            kept = insert(connection, summary, schedule=run.schedule)
            _set(connection, summary_runs, run, "made", summary=kept.id)
            if places:
                connection.execute(summary_deliveries.insert(), [
                    {"schedule": run.schedule, "due": micros(run.due), "place": at, "told": told, "state": "waiting", "attempts": 0, "next": micros(now), "why": "",
                     "changed": micros(now)} for at, told in enumerate(places)])
        return True

    def not_made(self, run: Run, why: str, now: datetime) -> None:
        """A summary could not be made: again later, or never."""
        from agent.summaries.tables import summary_runs

        wait = RETRIES[run.attempts] if run.attempts < 6 else None
        with self.database.writing() as connection:
            _set(connection, summary_runs, run, "claimed", state="claimed" if wait else "failed", attempts=run.attempts + 1,
                 next=micros(now + timedelta(seconds=wait or 0)), why=why[:1_000], changed=micros(now))

    def settle_dead(self, now: datetime) -> int:
        """Only to be called by the one who may send: whatever is being sent has lost its sender, and may have arrived."""
        from agent.summaries.tables import summary_deliveries as table

        with self.database.writing() as connection:
            return connection.execute(table.update().where(table.c.state == "sending").values(
                state="maybe", why="its sender died while it was being sent: it may have arrived, and is not sent again", changed=micros(now))).rowcount

    def to_send(self, now: datetime, limit: int = 200) -> Sequence[Delivery]:
        """Deliveries that are due."""
        from agent.summaries.tables import summary_deliveries as table

        with self.database.reading() as connection:
            return [_delivery(row) for row in connection.execute(table.select().where(
                table.c.state == "waiting", table.c.next <= micros(now)).order_by(table.c.next).limit(limit))]

    def begin(self, delivery: Delivery, now: datetime) -> bool:
        """Put down durably that it is being sent; False when somebody else was faster."""
        return self._move(delivery, "waiting", now, state="sending", attempts=delivery.attempts + 1)

    def ended(self, delivery: Delivery, state: State, why: str, now: datetime) -> None:
        """It was sent, or may have been, or never will be."""
        self._move(delivery, "sending", now, state=state, why=why[:1_000])

    def later(self, delivery: Delivery, why: str, now: datetime, asked: float | None = None) -> None:
        """It surely did not arrive: again later, or given up after about a day. ``asked``: seconds the other side wants."""
        if delivery.attempts >= len(RETRIES):
            self.ended(delivery, "gave_up", f"given up after {delivery.attempts + 1} attempts: {why}", now)
            return
        wait = max(RETRIES[delivery.attempts], min(asked or 0, 86_400))
        self._move(delivery, "sending", now, state="waiting", why=why[:1_000], next=micros(now + timedelta(seconds=wait)))

    def _move(self, delivery: Delivery, before: State, now: datetime, **values: Any) -> bool:
        from agent.summaries.tables import summary_deliveries as table

        with self.database.writing() as connection:
            done = connection.execute(table.update().where(
                table.c.schedule == delivery.schedule, table.c.due == micros(delivery.due), table.c.place == delivery.place,
                table.c.state == before).values(**values, changed=micros(now)))
            return bool(done.rowcount)


def _set(connection: Connection, table: Any, run: Run, before: str, **values: Any) -> bool:
    done = connection.execute(table.update().where(table.c.schedule == run.schedule, table.c.due == micros(run.due), table.c.state == before).values(**values))
    return bool(done.rowcount)


def _planned(row: Row[Any]) -> Planned:
    return Planned(row.id, schedule_from(json.loads(row.document)), moment(row.created), moment(row.settled))


def _run(row: Row[Any]) -> Run:
    return Run(row.schedule, moment(row.due), row.state, moment(row.start), row.missed, row.attempts, row.why, row.summary)


def _delivery(row: Row[Any]) -> Delivery:
    return Delivery(row.schedule, moment(row.due), row.place, row.told, row.state, row.attempts, row.why)
