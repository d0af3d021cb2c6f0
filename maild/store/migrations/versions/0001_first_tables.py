"""Creates the first tables."""

import sqlalchemy as sa
from alembic import op

from maild.store import columns
from maild.store.schema import COUNTERS

revision = "0001"
down_revision = None


def upgrade() -> None:
    """Create the tables, their indexes and the counters."""
    _counters()
    op.create_table(
        "absence",
        sa.Column("agent", columns.CleanText(), nullable=False),
        sa.Column("since", columns.UtcDateTime(timezone=True), nullable=False),
        sa.Column("until", columns.UtcDateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("agent", name=op.f("pk_absence")),
    )
    op.create_table(
        "ancestor",
        sa.Column("message_id", columns.CleanText(), nullable=False),
        sa.Column("ticket", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.PrimaryKeyConstraint("message_id", "ticket", name=op.f("pk_ancestor")),
    )
    op.create_table(
        "contact",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("address_key", columns.CleanText(), nullable=True),
        sa.Column("agent", columns.CleanText(), nullable=True),
        sa.Column("address", columns.CleanText(), nullable=False),
        sa.Column("name", columns.CleanText(), nullable=False),
        sa.Column("epoch", sa.Integer(), nullable=False),
        sa.Column("tails", columns.CleanJson(), nullable=False),
        sa.Column("signature", columns.CleanText(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_contact")),
        sa.UniqueConstraint("address_key", name=op.f("uq_contact_address_key")),
        sa.UniqueConstraint("agent", name=op.f("uq_contact_agent")),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "counter",
        sa.Column("name", sa.String(length=40), nullable=False),
        sa.Column("value", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_counter")),
    )
    op.create_table(
        "event",
        sa.Column("ticket", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("seq", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("kind", sa.String(length=40), nullable=False),
        sa.Column("at", columns.UtcDateTime(timezone=True), nullable=False),
        sa.Column("by_role", sa.String(length=20), nullable=False),
        sa.Column("by_name", columns.CleanText(), nullable=False),
        sa.Column("by_address", columns.CleanText(), nullable=False),
        sa.Column("entry", sa.BigInteger(), nullable=True),
        sa.Column("detail", columns.CleanJson(), nullable=False),
        sa.PrimaryKeyConstraint("ticket", "seq", name=op.f("pk_event")),
    )
    op.create_table(
        "mailbox_state",
        sa.Column("mailbox", columns.CleanText(), nullable=False),
        sa.Column("uidvalidity", sa.BigInteger(), nullable=False),
        sa.Column("last_uid", sa.BigInteger(), nullable=False),
        sa.Column("start_at", columns.UtcDateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("mailbox", name=op.f("pk_mailbox_state")),
    )
    op.create_table(
        "outbox",
        sa.Column("id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("ticket", sa.BigInteger(), nullable=True),
        sa.Column("entry", sa.BigInteger(), nullable=True),
        sa.Column("template", sa.String(length=40), nullable=False),
        sa.Column("to_key", columns.CleanText(), nullable=False),
        sa.Column("to_address", columns.CleanText(), nullable=False),
        sa.Column("to_name", columns.CleanText(), nullable=False),
        sa.Column("envelope_from", columns.CleanText(), nullable=False),
        sa.Column("subject", columns.CleanText(), nullable=False),
        sa.Column("message_id", columns.CleanText(), nullable=False),
        sa.Column("context", columns.CleanJson(), nullable=False),
        sa.Column("relay", columns.CleanText(), nullable=False),
        sa.Column("state", sa.String(length=20), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("next_at", columns.UtcDateTime(timezone=True), nullable=True),
        sa.Column("leased_until", columns.UtcDateTime(timezone=True), nullable=True),
        sa.Column("leased_by", columns.CleanText(), nullable=True),
        sa.Column("last_answer", columns.CleanText(), nullable=False),
        sa.Column("queued_at", columns.UtcDateTime(timezone=True), nullable=False),
        sa.Column("text", columns.CleanText(), nullable=False),
        sa.Column("raw", sa.LargeBinary(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_outbox")),
        sa.UniqueConstraint("message_id", name=op.f("uq_outbox_message_id")),
    )
    with op.batch_alter_table("outbox", schema=None) as batch_op:
        batch_op.create_index(
            "ix_outbox_next",
            ["next_at"],
            unique=False,
            sqlite_where=sa.text("state IN ('queued', 'deferred', 'sending')"),
            postgresql_where=sa.text("state IN ('queued', 'deferred', 'sending')"),
        )
        batch_op.create_index(batch_op.f("ix_outbox_ticket"), ["ticket"], unique=False)

    op.create_table(
        "raw_mail",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("content", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_raw_mail")),
        sa.UniqueConstraint("sha256", name=op.f("uq_raw_mail_sha256")),
    )
    op.create_table(
        "sla_step",
        sa.Column("ticket", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("target", sa.String(length=40), nullable=False),
        sa.Column("cycle", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("step", sa.String(length=60), nullable=False),
        sa.Column("instant", columns.UtcDateTime(timezone=True), nullable=False),
        sa.Column("fired_at", columns.UtcDateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("ticket", "target", "cycle", "step", name=op.f("pk_sla_step")),
    )
    op.create_table(
        "ticket",
        sa.Column("number", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("seq", sa.Integer(), nullable=False),
        sa.Column("subject", columns.CleanText(), nullable=False),
        sa.Column("thread_subject", columns.CleanText(), nullable=False),
        sa.Column("root_id", columns.CleanText(), nullable=False),
        sa.Column("requester_address", columns.CleanText(), nullable=False),
        sa.Column("requester_name", columns.CleanText(), nullable=False),
        sa.Column("department", columns.CleanText(), nullable=False),
        sa.Column("team", columns.CleanText(), nullable=False),
        sa.Column("assignee", columns.CleanText(), nullable=False),
        sa.Column("status", sa.String(length=20), nullable=False),
        sa.Column("priority", sa.String(length=20), nullable=False),
        sa.Column("sla_plan", columns.CleanText(), nullable=False),
        sa.Column("plan_source", sa.String(length=20), nullable=False),
        sa.Column("topic", columns.CleanText(), nullable=False),
        sa.Column("language", sa.String(length=20), nullable=False),
        sa.Column("tags", columns.CleanJson(), nullable=False),
        sa.Column("links", columns.CleanJson(), nullable=False),
        sa.Column("merged_into", sa.BigInteger(), nullable=True),
        sa.Column("join_key", columns.CleanText(), nullable=False),
        sa.Column("created_at", columns.UtcDateTime(timezone=True), nullable=False),
        sa.Column("updated_at", columns.UtcDateTime(timezone=True), nullable=False),
        sa.Column("status_since", columns.UtcDateTime(timezone=True), nullable=False),
        sa.Column("wake_at", columns.UtcDateTime(timezone=True), nullable=True),
        sa.Column("ended_at", columns.UtcDateTime(timezone=True), nullable=True),
        sa.Column("closed_at", columns.UtcDateTime(timezone=True), nullable=True),
        sa.Column("next_sla_at", columns.UtcDateTime(timezone=True), nullable=True),
        sa.Column("due_at", columns.UtcDateTime(timezone=True), nullable=True),
        sa.Column("sla_digest", sa.String(length=64), nullable=False),
        sa.PrimaryKeyConstraint("number", name=op.f("pk_ticket")),
    )
    with op.batch_alter_table("ticket", schema=None) as batch_op:
        batch_op.create_index(
            "ix_ticket_join_key",
            ["join_key"],
            unique=False,
            sqlite_where=sa.text("status IN ('open', 'waiting') AND join_key != ''"),
            postgresql_where=sa.text("status IN ('open', 'waiting') AND join_key != ''"),
        )
        batch_op.create_index(
            "ix_ticket_next_sla",
            ["next_sla_at"],
            unique=False,
            sqlite_where=sa.text("next_sla_at IS NOT NULL"),
            postgresql_where=sa.text("next_sla_at IS NOT NULL"),
        )
        batch_op.create_index("ix_ticket_status_since", ["status", "status_since"], unique=False)
        batch_op.create_index(
            "ix_ticket_wake",
            ["wake_at"],
            unique=False,
            sqlite_where=sa.text("wake_at IS NOT NULL"),
            postgresql_where=sa.text("wake_at IS NOT NULL"),
        )
        batch_op.create_index(
            "ix_ticket_worked_on",
            ["updated_at"],
            unique=False,
            sqlite_where=sa.text("status IN ('open', 'waiting')"),
            postgresql_where=sa.text("status IN ('open', 'waiting')"),
        )

    op.create_table(
        "inbound",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("ledger_key", sa.String(length=400), nullable=False),
        sa.Column("raw_mail_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("source", sa.String(length=20), nullable=False),
        sa.Column("mailbox", columns.CleanText(), nullable=False),
        sa.Column("uidvalidity", sa.BigInteger(), nullable=True),
        sa.Column("uid", sa.BigInteger(), nullable=True),
        sa.Column("envelope_sender", columns.CleanText(), nullable=True),
        sa.Column("envelope_recipients", columns.CleanJson(), nullable=False),
        sa.Column("truncated", sa.Boolean(), nullable=False),
        sa.Column("released", sa.Boolean(), nullable=False),
        sa.Column("arrived_at", columns.UtcDateTime(timezone=True), nullable=False),
        sa.Column("kept_at", columns.UtcDateTime(timezone=True), nullable=False),
        sa.Column("state", sa.String(length=20), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("next_at", columns.UtcDateTime(timezone=True), nullable=True),
        sa.Column("claimed_by", columns.CleanText(), nullable=True),
        sa.Column("claimed_until", columns.UtcDateTime(timezone=True), nullable=True),
        sa.Column("judged_at", columns.UtcDateTime(timezone=True), nullable=True),
        sa.Column("outcome", sa.String(length=20), nullable=False),
        sa.Column("reason", columns.CleanText(), nullable=False),
        sa.Column("ticket", sa.BigInteger(), nullable=True),
        sa.Column("entry", sa.BigInteger(), nullable=True),
        sa.Column("message_id", columns.CleanText(), nullable=False),
        sa.Column("sameness", sa.String(length=64), nullable=False),
        sa.Column("sender", columns.CleanText(), nullable=False),
        sa.Column("subject", columns.CleanText(), nullable=False),
        sa.Column("steps", columns.CleanJson(), nullable=False),
        sa.ForeignKeyConstraint(["raw_mail_id"], ["raw_mail.id"], name=op.f("fk_inbound_raw_mail_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_inbound")),
        sa.UniqueConstraint("ledger_key", name=op.f("uq_inbound_ledger_key")),
        sqlite_autoincrement=True,
    )
    with op.batch_alter_table("inbound", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_inbound_entry"), ["entry"], unique=False)
        batch_op.create_index(
            "ix_inbound_kept",
            ["id"],
            unique=False,
            sqlite_where=sa.text("state = 'kept'"),
            postgresql_where=sa.text("state = 'kept'"),
        )
        batch_op.create_index(batch_op.f("ix_inbound_raw_mail_id"), ["raw_mail_id"], unique=False)
        batch_op.create_index("ix_inbound_sameness", ["sameness"], unique=False)
        batch_op.create_index(batch_op.f("ix_inbound_ticket"), ["ticket"], unique=False)
        batch_op.create_index("ix_inbound_uid", ["mailbox", "uidvalidity", "uid"], unique=False)

    op.create_table(
        "participant",
        sa.Column("ticket", sa.BigInteger(), nullable=False),
        sa.Column("address_key", columns.CleanText(), nullable=False),
        sa.Column("address", columns.CleanText(), nullable=False),
        sa.Column("name", columns.CleanText(), nullable=False),
        sa.Column("role", sa.String(length=20), nullable=False),
        sa.ForeignKeyConstraint(["ticket"], ["ticket.number"], name=op.f("fk_participant_ticket")),
        sa.PrimaryKeyConstraint("ticket", "address_key", name=op.f("pk_participant")),
    )
    op.create_table(
        "entry",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("ticket", sa.BigInteger(), nullable=False),
        sa.Column("kind", sa.String(length=20), nullable=False),
        sa.Column("author_role", sa.String(length=20), nullable=False),
        sa.Column("author_agent", columns.CleanText(), nullable=False),
        sa.Column("author_address", columns.CleanText(), nullable=False),
        sa.Column("author_name", columns.CleanText(), nullable=False),
        sa.Column("at", columns.UtcDateTime(timezone=True), nullable=False),
        sa.Column("text", columns.CleanText(), nullable=False),
        sa.Column("html", columns.CleanText(), nullable=False),
        sa.Column("folded_lines", sa.Integer(), nullable=False),
        sa.Column("message_id", columns.CleanText(), nullable=False),
        sa.Column("trust", sa.String(length=20), nullable=False),
        sa.Column("inbound_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.ForeignKeyConstraint(["inbound_id"], ["inbound.id"], name=op.f("fk_entry_inbound_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_entry")),
        sqlite_autoincrement=True,
    )
    with op.batch_alter_table("entry", schema=None) as batch_op:
        batch_op.create_index("ix_entry_message_id", ["message_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_entry_ticket"), ["ticket"], unique=False)

    op.create_table(
        "attachment",
        sa.Column("entry", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("part", sa.String(length=100), nullable=False),
        sa.Column("name", columns.CleanText(), nullable=False),
        sa.Column("content_type", columns.CleanText(), nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column("inline", sa.Boolean(), nullable=False),
        sa.Column("content_id", columns.CleanText(), nullable=False),
        sa.ForeignKeyConstraint(["entry"], ["entry.id"], name=op.f("fk_attachment_entry")),
        sa.PrimaryKeyConstraint("entry", "part", name=op.f("pk_attachment")),
    )
    op.bulk_insert(
        sa.table("counter", sa.column("name"), sa.column("value")),
        [{"name": name, "value": 0} for name in COUNTERS],
    )


def _counters() -> None:
    """Sequences on PostgreSQL, rows elsewhere: see schema.counter."""
    if op.get_bind().dialect.name == "postgresql":
        for name in COUNTERS:
            op.execute(f"create sequence {name}")
