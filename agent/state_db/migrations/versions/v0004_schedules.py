"""Schedules of summaries, their runs and deliveries, and the summaries that are kept."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    """Add the four tables."""
    op.create_table(
        "schedules",
        sa.Column("id", sa.String(40), primary_key=True), sa.Column("name", sa.String(200), nullable=False, unique=True),
        sa.Column("document", sa.Text, nullable=False), sa.Column("created", sa.BigInteger, nullable=False),
        sa.Column("settled", sa.BigInteger, nullable=False))
    op.create_table(
        "summary_runs",
        sa.Column("schedule", sa.String(40), primary_key=True), sa.Column("due", sa.BigInteger, primary_key=True),
        sa.Column("state", sa.String(20), nullable=False), sa.Column("start", sa.BigInteger, nullable=False),
        sa.Column("missed", sa.Integer, nullable=False), sa.Column("attempts", sa.Integer, nullable=False),
        sa.Column("next", sa.BigInteger, nullable=False), sa.Column("why", sa.Text, nullable=False),
        sa.Column("summary", sa.String(40)), sa.Column("changed", sa.BigInteger, nullable=False))
    _deliveries()
    op.create_table(
        "summaries",
        sa.Column("id", sa.String(40), primary_key=True), sa.Column("kind", sa.String(20), nullable=False),
        sa.Column("title", sa.Text, nullable=False), sa.Column("made", sa.BigInteger, nullable=False),
        sa.Column("start", sa.BigInteger, nullable=False), sa.Column("end", sa.BigInteger, nullable=False),
        sa.Column("team", sa.String(200), nullable=False), sa.Column("schedule", sa.String(40)),
        sa.Column("document", sa.Text, nullable=False))
    op.create_index("summaries_made", "summaries", ["made", "id"])


def _deliveries() -> None:
    op.create_table(
        "summary_deliveries",
        sa.Column("schedule", sa.String(40), primary_key=True), sa.Column("due", sa.BigInteger, primary_key=True),
        sa.Column("place", sa.Integer, primary_key=True), sa.Column("told", sa.String(300), nullable=False),
        sa.Column("state", sa.String(20), nullable=False), sa.Column("attempts", sa.Integer, nullable=False),
        sa.Column("next", sa.BigInteger, nullable=False), sa.Column("why", sa.Text, nullable=False),
        sa.Column("changed", sa.BigInteger, nullable=False))
    op.create_index("summary_deliveries_due", "summary_deliveries", ["state", "next"])


def downgrade() -> None:
    """Take them away."""
    for table in ("summaries", "summary_deliveries", "summary_runs", "schedules"):
        op.drop_table(table)
