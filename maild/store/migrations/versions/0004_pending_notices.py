"""Adds notices that wait for more events of their ticket, and the count of notices by agent and hour."""

import sqlalchemy as sa
from alembic import op

from maild.store import columns

revision = "0004"
down_revision = "0003"

_INSTANT = columns.UtcDateTime(timezone=True)


def upgrade() -> None:
    """Add the columns and their index."""
    op.add_column("outbox", sa.Column("agent", columns.CleanText(), nullable=True))
    op.add_column("outbox", sa.Column("leaves_at", _INSTANT, nullable=True))
    op.add_column("outbox", sa.Column("since", sa.Integer(), nullable=True))
    op.add_column("outbox", sa.Column("first_at", _INSTANT, nullable=True))
    told = sa.text("agent IS NOT NULL")
    op.create_index("ix_outbox_agent", "outbox", ["agent", "leaves_at"], sqlite_where=told, postgresql_where=told)
