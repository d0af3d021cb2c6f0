"""Adds a row for each notice that waits to be told in a summary.

Until then the summary was written anew for each of them."""

import sqlalchemy as sa
from alembic import op

from maild.store import columns

revision = "0013"
down_revision = "0012"


def upgrade() -> None:
    """Create the table and its index. Summaries that are queued keep what is in their contexts."""
    op.create_table(
        "folded_notice",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer, "sqlite"), primary_key=True),
        sa.Column("outbox", sa.BigInteger, nullable=False),
        sa.Column("told", columns.CleanJson(), nullable=False),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_folded_notice_outbox", "folded_notice", ["outbox"])
