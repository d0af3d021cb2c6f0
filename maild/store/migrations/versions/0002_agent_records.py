"""Adds held replies, mailed lists, preferences and digests; tags, snoozing and due dates of tickets."""

import sqlalchemy as sa
from alembic import op

from maild.store import columns

revision = "0002"
down_revision = "0001"

_INSTANT = columns.UtcDateTime(timezone=True)
_NUMBER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Create the tables of agents and add the columns to tickets."""
    _new_columns()
    _new_tables()


def _new_columns() -> None:
    nothing, empty_list = sa.text("''"), sa.text("'[]'")
    op.add_column("inbound", sa.Column("released_as", sa.String(20), nullable=False, server_default=nothing))
    op.add_column("ticket", sa.Column("snoozed_until", _INSTANT, nullable=True))
    op.add_column("ticket", sa.Column("due_by_hand", _INSTANT, nullable=True))
    op.add_column("ticket", sa.Column("watchers", columns.CleanJson(), nullable=False, server_default=empty_list))
    op.add_column("ticket", sa.Column("muted_by", columns.CleanJson(), nullable=False, server_default=empty_list))
    op.add_column("ticket", sa.Column("mentioned", columns.CleanJson(), nullable=False, server_default=empty_list))
    op.add_column("ticket", sa.Column("rating", sa.String(20), nullable=False, server_default=nothing))
    op.add_column("contact", sa.Column("revoked_before", sa.BigInteger(), nullable=False, server_default=sa.text("0")))
    op.add_column("entry", sa.Column("may_leave", sa.Boolean(), nullable=False, server_default=sa.false()))
    op.add_column("event", sa.Column("batch", sa.Integer(), nullable=False, server_default=sa.text("0")))
    snoozed = sa.text("snoozed_until IS NOT NULL")
    op.create_index("ix_ticket_snoozed", "ticket", ["snoozed_until"], sqlite_where=snoozed, postgresql_where=snoozed)


def _new_tables() -> None:
    op.create_table(
        "draft",
        sa.Column("id", _NUMBER, nullable=False),
        sa.Column("inbound", _NUMBER, nullable=False),
        sa.Column("ticket", sa.BigInteger(), nullable=True),
        sa.Column("agent", columns.CleanText(), nullable=False),
        sa.Column("kind", sa.String(20), nullable=False),
        sa.Column("reason", columns.CleanText(), nullable=False),
        sa.Column("text", columns.CleanText(), nullable=False),
        sa.Column("created_at", _INSTANT, nullable=False),
        sa.Column("remind_at", _INSTANT, nullable=True),
        sa.Column("reminders", sa.Integer(), nullable=False),
        sa.Column("settled_as", sa.String(20), nullable=False),
        sa.Column("settled_at", _INSTANT, nullable=True),
        sa.ForeignKeyConstraint(["inbound"], ["inbound.id"], name=op.f("fk_draft_inbound")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_draft")),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_draft_inbound", "draft", ["inbound"])
    waits = sa.text("remind_at IS NOT NULL")
    op.create_index("ix_draft_remind_at", "draft", ["remind_at"], sqlite_where=waits, postgresql_where=waits)
    op.create_index("ix_draft_ticket", "draft", ["ticket", "agent"])
    op.create_table(
        "snapshot",
        sa.Column("id", _NUMBER, nullable=False),
        sa.Column("agent", columns.CleanText(), nullable=False),
        sa.Column("kind", sa.String(20), nullable=False),
        sa.Column("asked", columns.CleanText(), nullable=False),
        sa.Column("made_at", _INSTANT, nullable=False),
        sa.Column("tickets", columns.CleanJson(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_snapshot")),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "preference",
        sa.Column("agent", columns.CleanText(), nullable=False),
        sa.Column("wishes", columns.CleanJson(), nullable=False),
        sa.Column("changed_at", _INSTANT, nullable=False),
        sa.PrimaryKeyConstraint("agent", name=op.f("pk_preference")),
    )
    op.create_table(
        "digest_run",
        sa.Column("reader", columns.CleanText(), nullable=False),
        sa.Column("kind", sa.String(20), nullable=False),
        sa.Column("period", sa.String(40), nullable=False),
        sa.Column("made_at", _INSTANT, nullable=False),
        sa.PrimaryKeyConstraint("reader", "kind", "period", name=op.f("pk_digest_run")),
    )
    op.create_table(
        "acquaintance",
        sa.Column("agent", columns.CleanText(), nullable=False),
        sa.Column("domain", columns.CleanText(), nullable=False),
        sa.PrimaryKeyConstraint("agent", "domain", name=op.f("pk_acquaintance")),
    )
