"""the address that handed a mail to our listener: what it says of a sender counts from servers of our own alone"""

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"


def upgrade() -> None:
    """Add the column."""
    op.add_column("inbound", sa.Column("peer", sa.String(45), nullable=False, server_default=""))
