"""Adds the count of automatic answers, and an index for the mails of a sender by time."""

import sqlalchemy as sa
from alembic import op

from maild.store import columns

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    """Add the columns and indexes, and mark the acknowledgements that were sent as counted."""
    nothing = sa.text("''")
    op.add_column("outbox", sa.Column("to_domain", columns.CleanText(), nullable=False, server_default=nothing))
    op.add_column("outbox", sa.Column("counted", sa.String(20), nullable=False, server_default=nothing))
    # The limits look back one day at most, so marking older acknowledgements too does no harm.
    op.execute("UPDATE outbox SET counted = 'answer' WHERE template = 'acknowledgement'")
    counted = sa.text("counted != ''")
    for name, first in (
        ("ix_outbox_counted", "counted"),
        ("ix_outbox_answered", "to_key"),
        ("ix_outbox_answered_domain", "to_domain"),
    ):
        op.create_index(name, "outbox", [first, "queued_at"], sqlite_where=counted, postgresql_where=counted)
    op.create_index("ix_inbound_sender", "inbound", ["sender", "judged_at"])
