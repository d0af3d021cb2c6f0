"""Adds indexes for queries that run with each mail, button or digest.

With them the cost does not grow with old data."""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"


def upgrade() -> None:
    """Create the indexes."""
    for name, table, columns, condition in (
        ("ix_outbox_entry", "outbox", ["entry"], "entry IS NOT NULL"),
        ("ix_draft_agent", "draft", ["agent"], "settled_as = ''"),
        ("ix_inbound_waits", "inbound", ["state", "id"], "state IN ('held', 'quarantined')"),
        ("ix_ticket_spam", "ticket", [sa.text("lower(requester_address)")], "status = 'spam'"),
    ):
        where = sa.text(condition)
        op.create_index(name, table, columns, sqlite_where=where, postgresql_where=where)
