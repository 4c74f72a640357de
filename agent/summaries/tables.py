"""The tables of summaries in the state database: schedules, their runs, deliveries, and summaries that are kept.

Times are microseconds since 1970 (UTC), documents canonical JSON.
"""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, Index, Integer, String, Table, Text

from agent.state_db.schema import metadata

schedules = Table(
    "schedules", metadata,
    Column("id", String(40), primary_key=True),
    Column("name", String(200), nullable=False, unique=True),
    Column("document", Text, nullable=False),
    Column("created", BigInteger, nullable=False),
    Column("settled", BigInteger, nullable=False),
)
"""``settled``: every due time up to it has its row in ``summary_runs``, or was missed and is counted in one."""

summary_runs = Table(
    "summary_runs", metadata,
    Column("schedule", String(40), primary_key=True),
    Column("due", BigInteger, primary_key=True),
    Column("state", String(20), nullable=False),
    Column("start", BigInteger, nullable=False),
    Column("missed", Integer, nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("next", BigInteger, nullable=False),
    Column("why", Text, nullable=False),
    Column("summary", String(40)),
    Column("changed", BigInteger, nullable=False),
)
"""One row a due time, inserted before anything is made or sent: the primary key is what makes it once.
``state``: claimed, made, skipped, failed. ``missed``: due times before it that it stands for."""

summary_deliveries = Table(
    "summary_deliveries", metadata,
    Column("schedule", String(40), primary_key=True),
    Column("due", BigInteger, primary_key=True),
    Column("place", Integer, primary_key=True),
    Column("told", String(300), nullable=False),
    Column("state", String(20), nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("next", BigInteger, nullable=False),
    Column("why", Text, nullable=False),
    Column("changed", BigInteger, nullable=False),
    Index("summary_deliveries_due", "state", "next"),
)
"""``state``: waiting, sending, sent, maybe (it was being sent when its sender died or the answer stayed away: it is not
sent again), gave_up. ``sending`` is durable before anything leaves."""

summaries = Table(
    "summaries", metadata,
    Column("id", String(40), primary_key=True),
    Column("kind", String(20), nullable=False),
    Column("title", Text, nullable=False),
    Column("made", BigInteger, nullable=False),
    Column("start", BigInteger, nullable=False),
    Column("end", BigInteger, nullable=False),
    Column("team", String(200), nullable=False),
    Column("schedule", String(40)),
    Column("document", Text, nullable=False),
    Index("summaries_made", "made", "id"),
)
