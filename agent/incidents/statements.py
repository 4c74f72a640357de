"""Statements that every alert needs, built once: building one costs more than SQLite takes to run it."""

from __future__ import annotations

from sqlalchemy import bindparam

from agent.incidents.tables import alerts, deliveries, incidents, investigations, timeline

INCIDENT = incidents.select().where(incidents.c.id == bindparam("of_id"))
OF_GROUP = incidents.select().where(incidents.c.group_key == bindparam("of_group")).order_by(
    incidents.c.state == "resolved", incidents.c.created.desc()).limit(1)
"""The newest of a group, one that is not over before one that is."""
OPENS = incidents.insert()
CHANGES = incidents.update().where(
    incidents.c.id == bindparam("of_id"), incidents.c.version == bindparam("of_version"), incidents.c.notes == bindparam("of_notes")).values(
    {name: bindparam(name) for name in (
        "title", "severity", "priority", "state", "version", "changed", "resolved", "ended_by", "firing", "alerts", "notes", "owner")})
"""Compare and set: no row is changed when another was faster."""
NOTES = timeline.insert()

KEEPS = alerts.insert()
KNOWN = alerts.select().where(alerts.c.id.in_(bindparam("ids", expanding=True)))
LIVE = alerts.select().where(alerts.c.alert_key.in_(bindparam("keys", expanding=True)), alerts.c.status != "resolved").order_by(alerts.c.received)
STANDS = alerts.update().where(alerts.c.id == bindparam("of_id")).values(
    {name: bindparam(name) for name in ("status", "ends", "changed", "seen", "deliveries")})

QUEUES = investigations.insert()
TOO_MANY = investigations.select().where(investigations.c.state == "queued").order_by(
    investigations.c.priority.desc(), investigations.c.queued, investigations.c.incident).offset(bindparam("room"))
"""Those that wait behind as many as may wait."""
PUTS_OFF = investigations.update().where(investigations.c.incident == bindparam("of_id")).values(state="put_off", why=bindparam("why"))

REMEMBERS = deliveries.insert()
SEEN = deliveries.select().where(deliveries.c.once.in_(bindparam("ids", expanding=True)))
