"""Adds each deadline of a ticket as last computed, and when its customer was reminded."""

import sqlalchemy as sa
from alembic import op

from maild.store import columns

revision = "0008"
down_revision = "0007"


def upgrade() -> None:
    """Add the columns."""
    op.add_column("ticket", sa.Column("reminded_at", columns.UtcDateTime(timezone=True), nullable=True))
    op.add_column("ticket", sa.Column("dues", columns.CleanJson(), nullable=True))
