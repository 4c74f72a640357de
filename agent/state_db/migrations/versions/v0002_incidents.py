"""Incidents: their alerts, timeline, people, links and investigations, and what was delivered; the timeline only grows."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """Add the tables."""
    _incidents()
    _alerts()
    _beside()
    _investigations()
    (_sqlite_only_grows if op.get_bind().dialect.name == "sqlite" else _postgres_only_grows)("incident_timeline")


def downgrade() -> None:
    """Raises NotImplementedError: what happened is not taken away by a command."""
    raise NotImplementedError


def _incidents() -> None:
    op.create_table(
        "incidents",
        sa.Column("id", sa.String(40), primary_key=True), sa.Column("group_key", sa.String(64), nullable=False),
        sa.Column("grouped", sa.Text, nullable=False), sa.Column("title", sa.Text, nullable=False), sa.Column("service", sa.Text, nullable=False),
        sa.Column("severity", sa.String(20), nullable=False), sa.Column("priority", sa.Integer, nullable=False),
        sa.Column("state", sa.String(20), nullable=False), sa.Column("version", sa.Integer, nullable=False),
        sa.Column("created", sa.BigInteger, nullable=False), sa.Column("changed", sa.BigInteger, nullable=False),
        sa.Column("resolved", sa.BigInteger), sa.Column("ended_by", sa.String(200), nullable=False),
        sa.Column("firing", sa.Integer, nullable=False), sa.Column("alerts", sa.Integer, nullable=False),
        sa.Column("notes", sa.Integer, nullable=False), sa.Column("owner", sa.String(200), nullable=False), sa.Column("earlier", sa.String(40)),
    )
    op.create_index("incidents_by_group", "incidents", ["group_key", "created"])
    op.create_index("incidents_by_state", "incidents", ["state", "created", "id"])


def _alerts() -> None:
    op.create_table(
        "incident_alerts",
        sa.Column("id", sa.String(64), primary_key=True), sa.Column("alert_key", sa.String(64), nullable=False),
        sa.Column("incident", sa.String(40), sa.ForeignKey("incidents.id")), sa.Column("status", sa.String(20), nullable=False),
        sa.Column("starts", sa.BigInteger, nullable=False), sa.Column("ends", sa.BigInteger), sa.Column("changed", sa.BigInteger),
        sa.Column("received", sa.BigInteger, nullable=False), sa.Column("seen", sa.BigInteger, nullable=False),
        sa.Column("deliveries", sa.Integer, nullable=False), sa.Column("document", sa.Text, nullable=False),
    )
    op.create_index("incident_alerts_by_key", "incident_alerts", ["alert_key", "received"])
    op.create_index("incident_alerts_by_incident", "incident_alerts", ["incident", "starts"])
    op.create_table(
        "incident_deliveries",
        sa.Column("once", sa.String(64), primary_key=True), sa.Column("until", sa.BigInteger, nullable=False),
    )
    op.create_index("incident_deliveries_by_end", "incident_deliveries", ["until"])


def _beside() -> None:
    op.create_table(
        "incident_timeline",
        sa.Column("incident", sa.String(40), sa.ForeignKey("incidents.id"), primary_key=True), sa.Column("seq", sa.Integer, primary_key=True),
        sa.Column("at", sa.BigInteger, nullable=False), sa.Column("kind", sa.String(40), nullable=False),
        sa.Column("actor", sa.String(200), nullable=False), sa.Column("body", sa.Text, nullable=False),
    )
    op.create_table(
        "incident_people",
        sa.Column("incident", sa.String(40), sa.ForeignKey("incidents.id"), primary_key=True), sa.Column("person", sa.String(200), primary_key=True),
        sa.Column("part", sa.String(20), nullable=False), sa.Column("at", sa.BigInteger, nullable=False),
    )
    op.create_table(
        "incident_links",
        sa.Column("incident", sa.String(40), sa.ForeignKey("incidents.id"), primary_key=True), sa.Column("digest", sa.String(64), primary_key=True),
        sa.Column("url", sa.Text, nullable=False), sa.Column("title", sa.Text, nullable=False),
        sa.Column("by", sa.String(200), nullable=False), sa.Column("at", sa.BigInteger, nullable=False),
    )


def _investigations() -> None:
    op.create_table(
        "incident_investigations",
        sa.Column("incident", sa.String(40), sa.ForeignKey("incidents.id"), primary_key=True), sa.Column("state", sa.String(20), nullable=False),
        sa.Column("priority", sa.Integer, nullable=False), sa.Column("attempts", sa.Integer, nullable=False),
        sa.Column("holder", sa.String(100), nullable=False), sa.Column("lease", sa.BigInteger, nullable=False),
        sa.Column("queued", sa.BigInteger, nullable=False), sa.Column("began", sa.BigInteger), sa.Column("ended", sa.BigInteger),
        sa.Column("symptom", sa.Text, nullable=False), sa.Column("moment", sa.BigInteger, nullable=False), sa.Column("result", sa.Text),
        sa.Column("why", sa.Text, nullable=False),
    )
    op.create_index("incident_investigations_waiting", "incident_investigations", ["state", "priority", "queued"])


def _sqlite_only_grows(table: str) -> None:
    for event in ("UPDATE", "DELETE"):
        op.execute(f"CREATE TRIGGER {table}_no_{event.lower()} BEFORE {event} ON {table} "
                   f"BEGIN SELECT RAISE(ABORT, 'the table {table} only grows'); END")


def _postgres_only_grows(table: str) -> None:
    op.execute(f"CREATE FUNCTION {table}_only_grows() RETURNS trigger LANGUAGE plpgsql AS "
               f"$$ BEGIN RAISE EXCEPTION 'the table {table} only grows'; END $$")
    op.execute(f"CREATE TRIGGER {table}_only_grows BEFORE UPDATE OR DELETE OR TRUNCATE ON {table} "
               f"FOR EACH STATEMENT EXECUTE FUNCTION {table}_only_grows()")
