"""The tables. Times are microseconds since 1970 (UTC); documents are canonical JSON (:func:`tools.actions.action.canonical`)."""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Float,
    ForeignKey,
    Index,
    Integer,
    MetaData,
    String,
    Table,
    Text,
    text,
)

metadata = MetaData()

approvals = Table(
    "approvals", metadata,
    Column("id", String(40), primary_key=True),
    Column("request_key", String(200), unique=True),
    Column("state", String(20), nullable=False),
    Column("version", Integer, nullable=False),
    Column("record", Text, nullable=False),
    Column("seal", String(64), nullable=False),
    Column("created", BigInteger, nullable=False),
    Column("deadline", BigInteger, nullable=False),
    Column("deadline_mark", BigInteger, nullable=False),
    Column("needed", Integer, nullable=False),
    Column("given", Integer, nullable=False),
    Column("requester", String(200), nullable=False),
    Column("action", String(200), nullable=False),
    Column("target", String(600), nullable=False),
    Column("target_key", String(600), nullable=False),
    Column("digest", String(64), nullable=False),
    Column("risk", Float, nullable=False),
    Column("changed", BigInteger, nullable=False),
    Column("reason", Text, nullable=False),
    Column("reminded", BigInteger),
    Column("effect", Text),
    Column("superseded_by", String(40)),
    Index("approvals_by_state", "state", "created"),
)
"""``record`` and ``seal`` never change; the other columns say where it stands. ``version`` counts its transitions."""

answers = Table(
    "answers", metadata,
    Column("approval", String(40), ForeignKey("approvals.id"), primary_key=True),
    Column("person", String(200), primary_key=True),
    Column("role", String(20), nullable=False),
    Column("answer", String(20), nullable=False),
    Column("via", String(40), nullable=False),
    Column("reason", Text, nullable=False),
    Column("digest", String(64), nullable=False),
    Column("at", BigInteger, nullable=False),
    Column("seal", String(64), nullable=False),
)
"""Who approved or rejected. The primary key lets nobody count twice."""

transitions = Table(
    "transitions", metadata,
    Column("approval", String(40), ForeignKey("approvals.id"), primary_key=True),
    Column("version", Integer, primary_key=True),
    Column("before", String(20), nullable=False),
    Column("after", String(20), nullable=False),
    Column("at", BigInteger, nullable=False),
    Column("actor", String(200), nullable=False),
    Column("reason", Text, nullable=False),
)

ledger = Table(
    "ledger", metadata,
    Column("approval", String(40), ForeignKey("approvals.id"), primary_key=True),
    Column("rollback", Boolean, primary_key=True),
    Column("digest", String(64), nullable=False),
    Column("target_key", String(600), nullable=False),
    Column("outcome", String(20), nullable=False),
    Column("began", BigInteger, nullable=False),
    Column("ended", BigInteger),
    Column("message", Text, nullable=False),
    Index("ledger_one_per_target", "target_key", unique=True,
          sqlite_where=text("outcome = 'executing'"), postgresql_where=text("outcome = 'executing'")),
)
"""A row is there before its effect is. Only one action of a target may be under way."""

audit = Table(
    "audit", metadata,
    Column("seq", BigInteger, primary_key=True, autoincrement=False),
    Column("at", BigInteger, nullable=False),
    Column("event", String(60), nullable=False),
    Column("subject", String(40), nullable=False),
    Column("actor", String(200), nullable=False),
    Column("body", Text, nullable=False),
    Column("key_id", String(16), nullable=False),
    Column("previous", String(64), nullable=False),
    Column("mac", String(64), nullable=False),
    Index("audit_by_subject", "subject"),
)

head = Table(
    "head", metadata,
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("seq", BigInteger, nullable=False),
    Column("mac", String(64), nullable=False),
    Column("clock", BigInteger, nullable=False),
    Column("mark", BigInteger, nullable=False),
)
"""One row, held by every writer: the audit's last entry; the clock as last read; ``mark``, which only goes forward."""

outcomes = Table(
    "outcomes", metadata,
    Column("approval", String(40), ForeignKey("approvals.id"), primary_key=True),
    Column("at", BigInteger, nullable=False),
    Column("cause", String(400), nullable=False),
    Column("action", String(200), nullable=False),
    Column("target_kind", String(200), nullable=False),
    Column("target", String(600), nullable=False),
    Column("verified", String(20), nullable=False),
    Column("statement", Text, nullable=False),
    Column("rolled_back", Boolean),
    Column("cause_verdict", String(20)),
    Column("effect_verdict", String(20)),
    Column("judged_by", String(200)),
    Column("judged", BigInteger),
    Index("outcomes_by_cause", "cause", "action", "target_kind"),
)
