"""Approvals, answers, transitions, ledger, audit, head, outcomes; the audit and the transitions only grow."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None

_GROWING = ("audit", "transitions", "answers")


def upgrade() -> None:
    """Make everything in an empty database."""
    _approvals()
    _history()
    _audit()
    _outcomes()
    op.execute(sa.text("INSERT INTO head (id, seq, mac, clock, mark) VALUES (1, 0, '', 0, 0)"))
    for table in _GROWING:
        (_sqlite_only_grows if op.get_bind().dialect.name == "sqlite" else _postgres_only_grows)(table)


def downgrade() -> None:
    """There is nothing before it. Raises NotImplementedError: an audit is not taken away by a command."""
    raise NotImplementedError


def _approvals() -> None:
    op.create_table(
        "approvals",
        sa.Column("id", sa.String(40), primary_key=True), sa.Column("request_key", sa.String(200), unique=True),
        sa.Column("state", sa.String(20), nullable=False), sa.Column("version", sa.Integer, nullable=False),
        sa.Column("record", sa.Text, nullable=False), sa.Column("seal", sa.String(64), nullable=False),
        sa.Column("created", sa.BigInteger, nullable=False), sa.Column("deadline", sa.BigInteger, nullable=False),
        sa.Column("deadline_mark", sa.BigInteger, nullable=False), sa.Column("needed", sa.Integer, nullable=False),
        sa.Column("given", sa.Integer, nullable=False), sa.Column("requester", sa.String(200), nullable=False),
        sa.Column("action", sa.String(200), nullable=False), sa.Column("target", sa.String(600), nullable=False),
        sa.Column("target_key", sa.String(600), nullable=False), sa.Column("digest", sa.String(64), nullable=False),
        sa.Column("risk", sa.Float, nullable=False), sa.Column("changed", sa.BigInteger, nullable=False),
        sa.Column("reason", sa.Text, nullable=False), sa.Column("reminded", sa.BigInteger),
        sa.Column("effect", sa.Text), sa.Column("superseded_by", sa.String(40)),
    )
    op.create_index("approvals_by_state", "approvals", ["state", "created"])


def _history() -> None:
    op.create_table(
        "answers",
        sa.Column("approval", sa.String(40), sa.ForeignKey("approvals.id"), primary_key=True),
        sa.Column("person", sa.String(200), primary_key=True), sa.Column("role", sa.String(20), nullable=False),
        sa.Column("answer", sa.String(20), nullable=False), sa.Column("via", sa.String(40), nullable=False),
        sa.Column("reason", sa.Text, nullable=False), sa.Column("digest", sa.String(64), nullable=False),
        sa.Column("at", sa.BigInteger, nullable=False), sa.Column("seal", sa.String(64), nullable=False),
    )
    op.create_table(
        "transitions",
        sa.Column("approval", sa.String(40), sa.ForeignKey("approvals.id"), primary_key=True),
        sa.Column("version", sa.Integer, primary_key=True), sa.Column("before", sa.String(20), nullable=False),
        sa.Column("after", sa.String(20), nullable=False), sa.Column("at", sa.BigInteger, nullable=False),
        sa.Column("actor", sa.String(200), nullable=False), sa.Column("reason", sa.Text, nullable=False),
    )
    op.create_table(
        "ledger",
        sa.Column("approval", sa.String(40), sa.ForeignKey("approvals.id"), primary_key=True),
        sa.Column("rollback", sa.Boolean, primary_key=True), sa.Column("digest", sa.String(64), nullable=False),
        sa.Column("target_key", sa.String(600), nullable=False), sa.Column("outcome", sa.String(20), nullable=False),
        sa.Column("began", sa.BigInteger, nullable=False), sa.Column("ended", sa.BigInteger),
        sa.Column("message", sa.Text, nullable=False),
    )
    under_way = sa.text("outcome = 'executing'")
    op.create_index("ledger_one_per_target", "ledger", ["target_key"], unique=True, sqlite_where=under_way, postgresql_where=under_way)


def _audit() -> None:
    op.create_table(
        "audit",
        sa.Column("seq", sa.BigInteger, primary_key=True, autoincrement=False), sa.Column("at", sa.BigInteger, nullable=False),
        sa.Column("event", sa.String(60), nullable=False), sa.Column("subject", sa.String(40), nullable=False),
        sa.Column("actor", sa.String(200), nullable=False), sa.Column("body", sa.Text, nullable=False),
        sa.Column("key_id", sa.String(16), nullable=False), sa.Column("previous", sa.String(64), nullable=False),
        sa.Column("mac", sa.String(64), nullable=False),
    )
    op.create_index("audit_by_subject", "audit", ["subject"])
    op.create_table(
        "head",
        sa.Column("id", sa.Integer, primary_key=True, autoincrement=False), sa.Column("seq", sa.BigInteger, nullable=False),
        sa.Column("mac", sa.String(64), nullable=False), sa.Column("clock", sa.BigInteger, nullable=False),
        sa.Column("mark", sa.BigInteger, nullable=False),
    )


def _outcomes() -> None:
    op.create_table(
        "outcomes",
        sa.Column("approval", sa.String(40), sa.ForeignKey("approvals.id"), primary_key=True),
        sa.Column("at", sa.BigInteger, nullable=False), sa.Column("cause", sa.String(400), nullable=False),
        sa.Column("action", sa.String(200), nullable=False), sa.Column("target_kind", sa.String(200), nullable=False),
        sa.Column("target", sa.String(600), nullable=False), sa.Column("verified", sa.String(20), nullable=False),
        sa.Column("statement", sa.Text, nullable=False), sa.Column("rolled_back", sa.Boolean),
        sa.Column("cause_verdict", sa.String(20)), sa.Column("effect_verdict", sa.String(20)),
        sa.Column("judged_by", sa.String(200)), sa.Column("judged", sa.BigInteger),
    )
    op.create_index("outcomes_by_cause", "outcomes", ["cause", "action", "target_kind"])


def _sqlite_only_grows(table: str) -> None:
    for event in ("UPDATE", "DELETE"):
        op.execute(f"CREATE TRIGGER {table}_no_{event.lower()} BEFORE {event} ON {table} "
                   f"BEGIN SELECT RAISE(ABORT, 'the table {table} only grows'); END")


def _postgres_only_grows(table: str) -> None:
    op.execute(f"CREATE FUNCTION {table}_only_grows() RETURNS trigger LANGUAGE plpgsql AS "
               f"$$ BEGIN RAISE EXCEPTION 'the table {table} only grows'; END $$")
    op.execute(f"CREATE TRIGGER {table}_only_grows BEFORE UPDATE OR DELETE OR TRUNCATE ON {table} "
               f"FOR EACH STATEMENT EXECUTE FUNCTION {table}_only_grows()")
