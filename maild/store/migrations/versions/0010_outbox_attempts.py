"""Adds when an outgoing mail was first tried. The days until it is given up count from then."""

import sqlalchemy as sa
from alembic import op

from maild.store import columns

revision = "0010"
down_revision = "0009"


def upgrade() -> None:
    """Add the column."""
    op.add_column("outbox", sa.Column("tried_since", columns.UtcDateTime(timezone=True), nullable=True))
