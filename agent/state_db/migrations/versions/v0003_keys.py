"""API keys and browser sessions."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    """Make both tables."""
    op.create_table(
        "keys",
        sa.Column("id", sa.String(40), primary_key=True), sa.Column("digest", sa.String(64), nullable=False, unique=True),
        sa.Column("name", sa.String(200), nullable=False), sa.Column("role", sa.String(20), nullable=False),
        sa.Column("scopes", sa.String(200), nullable=False), sa.Column("created", sa.BigInteger, nullable=False),
        sa.Column("created_by", sa.String(200), nullable=False), sa.Column("expires", sa.BigInteger),
        sa.Column("used", sa.BigInteger), sa.Column("revoked", sa.BigInteger), sa.Column("revoked_by", sa.String(200)),
    )
    op.create_table(
        "sessions",
        sa.Column("digest", sa.String(64), primary_key=True), sa.Column("key", sa.String(40), sa.ForeignKey("keys.id")),
        sa.Column("name", sa.String(200), nullable=False), sa.Column("role", sa.String(20), nullable=False),
        sa.Column("scopes", sa.String(200), nullable=False), sa.Column("opened", sa.BigInteger, nullable=False),
        sa.Column("expires", sa.BigInteger, nullable=False), sa.Column("seen", sa.BigInteger, nullable=False),
    )
    op.create_index("sessions_by_name", "sessions", ["name"])


def downgrade() -> None:
    """Forget every key. Raises NotImplementedError: without keys a door would stand open."""
    raise NotImplementedError
