"""Conversations with their answers, and investigations as jobs."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    """Add the server's tables."""
    op.create_table(
        "conversations",
        sa.Column("id", sa.String(40), primary_key=True), sa.Column("person", sa.String(200), nullable=False),
        sa.Column("title", sa.String(200), nullable=False), sa.Column("created", sa.BigInteger, nullable=False),
        sa.Column("changed", sa.BigInteger, nullable=False), sa.Column("forked_from", sa.String(40)),
    )
    op.create_index("conversations_by_person", "conversations", ["person", "changed"])
    op.create_table(
        "turns",
        sa.Column("conversation", sa.String(40), sa.ForeignKey("conversations.id"), primary_key=True),
        sa.Column("number", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("at", sa.BigInteger, nullable=False), sa.Column("document", sa.Text, nullable=False),
    )
    op.create_table(
        "investigations",
        sa.Column("id", sa.String(40), primary_key=True), sa.Column("person", sa.String(200), nullable=False),
        sa.Column("role", sa.String(20), nullable=False), sa.Column("asked", sa.Text, nullable=False),
        sa.Column("state", sa.String(20), nullable=False), sa.Column("created", sa.BigInteger, nullable=False),
        sa.Column("ended", sa.BigInteger), sa.Column("document", sa.Text), sa.Column("error", sa.Text),
    )
    op.create_index("investigations_by_state", "investigations", ["state", "created"])


def downgrade() -> None:
    """Take the tables away."""
    for table in ("investigations", "turns", "conversations"):
        op.drop_table(table)
