"""Adds the alarm ledger: who was notified of which SLA step, by which mail, and whether it arrived."""

import sqlalchemy as sa
from alembic import op

from maild.store import columns

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    """Create the table and its indexes."""
    op.create_table(
        "sla_told",
        sa.Column("ticket", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("target", sa.String(40), primary_key=True),
        sa.Column("cycle", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("step", sa.String(60), primary_key=True),
        sa.Column("recipient_key", columns.CleanText(), primary_key=True),
        sa.Column("recipient", columns.CleanText(), nullable=False),
        sa.Column("agent", columns.CleanText(), nullable=False),
        sa.Column("paged", sa.Boolean, nullable=False),
        sa.Column("outbox", sa.BigInteger, nullable=False),
        sa.Column("told_at", columns.UtcDateTime(), nullable=False),
        sa.Column("lost_at", columns.UtcDateTime()),
        sa.Column("passed_to", columns.CleanJson(), nullable=False),
    )
    op.create_index("ix_sla_told_outbox", "sla_told", ["outbox"])
    lost = sa.text("lost_at IS NOT NULL")
    op.create_index("ix_sla_told_lost", "sla_told", ["lost_at"], sqlite_where=lost, postgresql_where=lost)
