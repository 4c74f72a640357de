"""Summaries that are kept in the state database, the newest first."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from agent.audit.journal import micros, moment
from agent.state_db.database import Database
from agent.summaries.document import Summary
from agent.summaries.facts import (
    Approval,
    Budget,
    Change,
    Fact,
    Facts,
    Gap,
    Incident,
    Outcome,
    Service,
    Spending,
    Template,
    Watched,
)
from telemetry.errors import UsageError
from tools.actions.action import canonical

if TYPE_CHECKING:
    from sqlalchemy import Connection

KEPT = 2_000
"""So many are kept; the oldest go first."""
_KINDS: Mapping[str, type[Fact]] = {"records": Service, "templates": Template, "budgets": Budget, "changes": Change, "incidents": Incident, "approvals": Approval,
          "outcomes": Outcome, "watches": Watched, "spend": Spending, "gaps": Gap}


class NoSuchSummaryError(UsageError):
    """There is no summary of that id."""


class Kept:
    """The kept summaries of one state database."""

    def __init__(self, database: Database) -> None:
        self.database = database

    def keep(self, summary: Summary, *, schedule: str | None = None) -> Summary:
        """Keep it; the one that comes back has its id. Raises StoreError."""
        with self.database.writing() as connection:
            return insert(connection, summary, schedule=schedule)

    def list(self, limit: int = 50, cursor: str | None = None) -> tuple[list[dict[str, Any]], str | None]:
        """Their heads, the newest first, and the cursor of those after them. Raises UsageError for a cursor that is none."""
        from sqlalchemy import select, tuple_

        from agent.summaries.tables import summaries as table

        columns = [one for one in table.c if one.name != "document"]
        query = select(*columns).order_by(table.c.made.desc(), table.c.id.desc()).limit(limit + 1)
        if cursor is not None:
            made, _, ident = cursor.partition("-")
            if not made.isdigit() or len(made) > 18:
                raise UsageError("this is no cursor", where="cursor", remedy="give the `next` of the answer before")
            query = query.where(tuple_(table.c.made, table.c.id) < (int(made), ident))
        with self.database.reading() as connection:
            rows = connection.execute(query).all()
        told = [_head(row._asdict()) for row in rows[:limit]]
        return told, f"{rows[limit - 1].made}-{rows[limit - 1].id}" if len(rows) > limit else None

    def get(self, ident: str) -> Summary:
        """One of them. Raises NoSuchSummaryError."""
        from agent.summaries.tables import summaries as table

        with self.database.reading() as connection:
            row = connection.execute(table.select().where(table.c.id == ident)).one_or_none()
        if row is None:
            raise NoSuchSummaryError("there is no such summary", where=f"summary {ident[:40]}", remedy="see the list of them")
        return summary_from(json.loads(row.document))


def insert(connection: Connection, summary: Summary, *, schedule: str | None = None) -> Summary:
    """Keep it within a transaction; the one that comes back has its id."""
    from sqlalchemy import func, select

    from agent.summaries.tables import summaries as table

    kept = summary.model_copy(update={"id": uuid4().hex[:16]})
    connection.execute(table.insert().values(
        id=kept.id, kind=kept.kind, title=kept.title, made=micros(kept.made), start=micros(kept.period.start), end=micros(kept.period.end),
        team=kept.team[:200], schedule=schedule, document=canonical(kept.document()).decode()))
    over = connection.execute(select(func.count()).select_from(table)).scalar_one() - KEPT
    if over > 0:
        oldest = select(table.c.id).order_by(table.c.made, table.c.id).limit(over)
        connection.execute(table.delete().where(table.c.id.in_(oldest.scalar_subquery())))
    return kept


def summary_from(document: Mapping[str, Any]) -> Summary:
    """The summary that :meth:`Summary.document` wrote."""
    facts = Facts.model_validate(document["facts"])
    typed = {name: group.model_copy(update={"items": tuple(_KINDS[name].model_validate(one) for one in group.items)}) for name, group in facts.groups()}
    return Summary.model_validate({**document, "facts": facts.model_copy(update=typed)})


def _head(row: Mapping[str, Any]) -> dict[str, Any]:
    def stamp(value: int) -> str:
        return moment(value).isoformat()

    return {**row, **{name: stamp(row[name]) for name in ("made", "start", "end")}}

