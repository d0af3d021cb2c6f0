"""figures and digests: tickets by their newest fact"""

from alembic import op

revision = "0007"
down_revision = "0006"


def upgrade() -> None:
    op.create_index("ix_ticket_updated_at", "ticket", ["updated_at"])
