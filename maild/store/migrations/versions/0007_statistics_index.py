"""Adds an index that finds tickets by their newest event, for statistics and digests."""

from alembic import op

revision = "0007"
down_revision = "0006"


def upgrade() -> None:
    """Create the index."""
    op.create_index("ix_ticket_updated_at", "ticket", ["updated_at"])
