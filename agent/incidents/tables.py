"""The tables of incidents. Times are microseconds since 1970 (UTC); documents are JSON."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, ForeignKey, Index, Integer, String, Table, Text

from agent.state_db.schema import metadata

incidents = Table(
    "incidents", metadata,
    Column("id", String(40), primary_key=True),
    Column("group_key", String(64), nullable=False),
    Column("grouped", Text, nullable=False),
    Column("title", Text, nullable=False),
    Column("service", Text, nullable=False),
    Column("severity", String(20), nullable=False),
    Column("priority", Integer, nullable=False),
    Column("state", String(20), nullable=False),
    Column("version", Integer, nullable=False),
    Column("created", BigInteger, nullable=False),
    Column("changed", BigInteger, nullable=False),
    Column("resolved", BigInteger),
    Column("ended_by", String(200), nullable=False),
    Column("firing", Integer, nullable=False),
    Column("alerts", Integer, nullable=False),
    Column("notes", Integer, nullable=False),
    Column("owner", String(200), nullable=False),
    Column("earlier", String(40)),
    Index("incidents_by_group", "group_key", "created"),
    Index("incidents_by_state", "state", "created", "id"),
)
"""``version`` counts transitions, ``notes`` the entries of its timeline; ``ended_by`` who mitigated or resolved it; ``earlier``: an
incident of the same group before it."""

alerts = Table(
    "incident_alerts", metadata,
    Column("id", String(64), primary_key=True),
    Column("alert_key", String(64), nullable=False),
    Column("incident", String(40), ForeignKey("incidents.id")),
    Column("status", String(20), nullable=False),
    Column("starts", BigInteger, nullable=False),
    Column("ends", BigInteger),
    Column("changed", BigInteger),
    Column("received", BigInteger, nullable=False),
    Column("seen", BigInteger, nullable=False),
    Column("deliveries", Integer, nullable=False),
    Column("document", Text, nullable=False),
    Index("incident_alerts_by_key", "alert_key", "received"),
    Index("incident_alerts_by_incident", "incident", "starts"),
)
"""``id`` is SHA-256 of sender, fingerprint and start: a second delivery finds the row of the first."""

timeline = Table(
    "incident_timeline", metadata,
    Column("incident", String(40), ForeignKey("incidents.id"), primary_key=True),
    Column("seq", Integer, primary_key=True),
    Column("at", BigInteger, nullable=False),
    Column("kind", String(40), nullable=False),
    Column("actor", String(200), nullable=False),
    Column("body", Text, nullable=False),
)
"""It only grows."""

people = Table(
    "incident_people", metadata,
    Column("incident", String(40), ForeignKey("incidents.id"), primary_key=True),
    Column("person", String(200), primary_key=True),
    Column("part", String(20), nullable=False),
    Column("at", BigInteger, nullable=False),
)

links = Table(
    "incident_links", metadata,
    Column("incident", String(40), ForeignKey("incidents.id"), primary_key=True),
    Column("digest", String(64), primary_key=True),
    Column("url", Text, nullable=False),
    Column("title", Text, nullable=False),
    Column("by", String(200), nullable=False),
    Column("at", BigInteger, nullable=False),
)

investigations = Table(
    "incident_investigations", metadata,
    Column("incident", String(40), ForeignKey("incidents.id"), primary_key=True),
    Column("state", String(20), nullable=False),
    Column("priority", Integer, nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("holder", String(100), nullable=False),
    Column("lease", BigInteger, nullable=False),
    Column("queued", BigInteger, nullable=False),
    Column("began", BigInteger),
    Column("ended", BigInteger),
    Column("symptom", Text, nullable=False),
    Column("moment", BigInteger, nullable=False),
    Column("result", Text),
    Column("why", Text, nullable=False),
    Index("incident_investigations_waiting", "state", "priority", "queued"),
)
"""One for each incident: the primary key lets nothing be investigated twice. States: queued, put_off, running, done, failed."""

deliveries = Table(
    "incident_deliveries", metadata,
    Column("once", String(64), primary_key=True),
    Column("until", BigInteger, nullable=False),
    Index("incident_deliveries_by_end", "until"),
)
"""What was signed to be sent once, until it would be too late anyway; and events that may be delivered again."""
