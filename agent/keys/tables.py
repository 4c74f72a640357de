"""The tables of keys and sessions. Times are microseconds since 1970 (UTC); scopes are names with commas between."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, ForeignKey, Index, String, Table

from agent.state_db.schema import metadata

keys = Table(
    "keys", metadata,
    Column("id", String(40), primary_key=True),
    Column("digest", String(64), nullable=False, unique=True),
    Column("name", String(200), nullable=False),
    Column("role", String(20), nullable=False),
    Column("scopes", String(200), nullable=False),
    Column("created", BigInteger, nullable=False),
    Column("created_by", String(200), nullable=False),
    Column("expires", BigInteger),
    Column("used", BigInteger),
    Column("revoked", BigInteger),
    Column("revoked_by", String(200)),
)
"""Rows stay when a key is revoked: a door that ever had a key never stands open again."""

sessions = Table(
    "sessions", metadata,
    Column("digest", String(64), primary_key=True),
    Column("key", String(40), ForeignKey("keys.id")),
    Column("name", String(200), nullable=False),
    Column("role", String(20), nullable=False),
    Column("scopes", String(200), nullable=False),
    Column("opened", BigInteger, nullable=False),
    Column("expires", BigInteger, nullable=False),
    Column("seen", BigInteger, nullable=False),
    Index("sessions_by_name", "name"),
)
"""``key`` is the one somebody signed in with; null for a token of an identity provider."""
