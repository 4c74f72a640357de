"""What the server keeps in the state database. Times are microseconds since 1970 (UTC)."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, ForeignKey, Index, Integer, String, Table, Text

from agent.state_db.schema import metadata

conversations = Table(
    "conversations", metadata,
    Column("id", String(40), primary_key=True),
    Column("person", String(200), nullable=False),
    Column("title", String(200), nullable=False),
    Column("created", BigInteger, nullable=False),
    Column("changed", BigInteger, nullable=False),
    Column("forked_from", String(40)),
    Index("conversations_by_person", "person", "changed"),
)

turns = Table(
    "turns", metadata,
    Column("conversation", String(40), ForeignKey("conversations.id"), primary_key=True),
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("at", BigInteger, nullable=False),
    Column("document", Text, nullable=False),
)
"""An answer each, as ``oncalm ask --json`` gives it."""

investigations = Table(
    "investigations", metadata,
    Column("id", String(40), primary_key=True),
    Column("person", String(200), nullable=False),
    Column("role", String(20), nullable=False),
    Column("asked", Text, nullable=False),
    Column("state", String(20), nullable=False),
    Column("created", BigInteger, nullable=False),
    Column("ended", BigInteger),
    Column("document", Text),
    Column("error", Text),
    Index("investigations_by_state", "state", "created"),
)
"""``asked`` is the request as JSON; one that was under way when its process ended is run again by the next."""
