"""Adds whether the sender of a held mail confirmed it from the address on file.

A release alone does not confirm that."""

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"


def upgrade() -> None:
    """Add the column."""
    op.add_column("inbound", sa.Column("proven", sa.Boolean(), nullable=False, server_default=sa.false()))
