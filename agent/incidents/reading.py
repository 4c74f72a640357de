"""Incidents as they are read: pages of them, and everything about one."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from agent.audit.journal import moment
from agent.incidents import queue
from agent.incidents.book import of_row
from agent.incidents.errors import NoSuchIncidentError
from agent.incidents.incident import Entry, Incident, Whole, stamp
from agent.incidents.tables import alerts, incidents, investigations, links, people, timeline
from telemetry.errors import UsageError

if TYPE_CHECKING:
    from sqlalchemy import Connection

APPROVAL = "approval"
"""Entries of a timeline of this kind tell what became of an approval."""
MOST = 500
"""Entries of a timeline, and alerts, that are read at once."""
_CURSOR = re.compile(r"(\d{1,18})_(inc-[0-9a-f]{16})")


def page(connection: Connection, states: Sequence[str], severity: str, service: str, cursor: str, limit: int) -> tuple[list[Incident], str | None]:
    """Incidents, the newest first, and the cursor of the next page. Raises UsageError for a cursor that is none."""
    from sqlalchemy import and_, or_

    columns = incidents.c
    asked = incidents.select().where(columns.state.in_(states))
    if severity:
        asked = asked.where(columns.severity == severity)
    if service:
        asked = asked.where(columns.service == service)
    if cursor:
        found = _CURSOR.fullmatch(cursor)
        if found is None:
            raise UsageError("this is no cursor", where="cursor", remedy="take the one that the page before gave")
        at = int(found[1])
        asked = asked.where(or_(columns.created < at, and_(columns.created == at, columns.id < found[2])))
    rows = connection.execute(asked.order_by(columns.created.desc(), columns.id.desc()).limit(limit + 1)).all()
    last = rows[limit - 1] if len(rows) > limit else None
    return [of_row(row) for row in rows[:limit]], f"{last.created}_{last.id}" if last is not None else None


def whole(connection: Connection, ident: str, after: int) -> Whole:
    """Everything about one. Raises NoSuchIncidentError."""
    row = connection.execute(incidents.select().where(incidents.c.id == ident)).one_or_none()
    if row is None:
        raise NoSuchIncidentError("there is no such incident", where=f"incident {ident[:40]}", remedy="see `oncalm incidents list`")
    entries = connection.execute(timeline.select().where(timeline.c.incident == ident, timeline.c.seq > after).order_by(timeline.c.seq).limit(MOST)).all()
    told = connection.execute(alerts.select().where(alerts.c.incident == ident).order_by(alerts.c.received.desc(), alerts.c.id).limit(MOST)).all()
    joined = connection.execute(people.select().where(people.c.incident == ident).order_by(people.c.at, people.c.person)).all()
    linked = connection.execute(links.select().where(links.c.incident == ident).order_by(links.c.at, links.c.digest)).all()
    found = connection.execute(investigations.select().where(investigations.c.incident == ident)).one_or_none()
    return Whole(
        of_row(row), tuple(Entry(one.seq, moment(one.at), one.kind, one.actor, json.loads(one.body)) for one in entries),
        tuple(_alert(one) for one in told), tuple({"person": one.person, "part": one.part, "since": stamp(one.at)} for one in joined),
        tuple({"url": one.url, "title": one.title, "by": one.by, "at": stamp(one.at)} for one in linked), queue.document(found))


def alerts_open(connection: Connection, ident: str) -> tuple[int, datetime | None]:
    """How many of an incident's alerts nobody told the end of, and when one of them was told of last. Raises NoSuchIncidentError."""
    from sqlalchemy import func, select

    if connection.execute(select(incidents.c.id).where(incidents.c.id == ident)).one_or_none() is None:
        raise NoSuchIncidentError("there is no such incident", where=f"incident {ident[:40]}", remedy="see `oncalm incidents list`")
    count, last = connection.execute(select(func.count(), func.max(alerts.c.seen)).where(alerts.c.incident == ident, alerts.c.status != "resolved")).one()
    return int(count), moment(last) if last is not None else None


@dataclass(frozen=True, slots=True)
class Standing:
    """How many there are. ``incidents`` by state and severity, without resolved ones; ``investigations`` by state, without done ones;
    ``oldest``: seconds that the oldest of them waits."""

    incidents: Mapping[tuple[str, str], int]
    investigations: Mapping[str, int]
    oldest: float


def standing(connection: Connection, now: int) -> Standing:
    """How incidents and their queue stand. ``now`` in microseconds since 1970."""
    from sqlalchemy import func, select

    many, queued = incidents.c, investigations.c
    rows = connection.execute(select(many.state, many.severity, func.count()).where(many.state != "resolved").group_by(many.state, many.severity)).all()
    states = dict.fromkeys(("queued", "put_off", "running", "failed"), 0)
    states |= {row[0]: row[1] for row in connection.execute(select(queued.state, func.count()).where(queued.state != "done").group_by(queued.state))}
    first = connection.execute(select(func.min(queued.queued)).where(queued.state.in_(("queued", "put_off")))).scalar()
    return Standing({(state, severity): count for state, severity, count in rows}, states, max(0.0, (now - first) / 1e6) if first is not None else 0.0)


def news(connection: Connection, ident: str, approval: Mapping[str, Any]) -> list[tuple[str, dict[str, Any]]]:
    """Who did what in an approval's life (its document) that the incident's timeline does not tell yet: actor and body."""
    rows = connection.execute(timeline.select().where(timeline.c.incident == ident, timeline.c.kind == APPROVAL)).all()
    told = {(body.get("approval"), body.get("state"), body.get("when")) for body in (json.loads(row.body) for row in rows)}
    action = approval["preview"]["action"]
    what = f"{action['name']} of {'/'.join(part for part in (action['target']['namespace'], action['target']['kind'], action['target']['name']) if part)}"
    passages = [{"actor": approval["requester"], "after": "asked", "at": approval["created"], "reason": ""}, *approval["history"]]
    found = [(str(one["actor"]), {"approval": approval["id"], "state": one["after"], "when": one["at"], "action": action["name"],
                                  "text": f"{str(one['after']).replace('_', ' ')}: {what}" + (f" ({one['reason']})" if one["reason"] else "")}) for one in passages]
    return [(actor, body) for actor, body in found if (body["approval"], body["state"], body["when"]) not in told]


def _alert(row: Any) -> dict[str, Any]:
    """An alert as it stands: what was told first, and what became of it."""
    return {**json.loads(row.document), "status": row.status, "ends_at": stamp(row.ends), "received": stamp(row.received), "seen": stamp(row.seen),
            "deliveries": row.deliveries}
