"""whether the sender of a held mail said, at the address on file, that they wrote it: a release says no such thing"""

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"


def upgrade() -> None:
    op.add_column("inbound", sa.Column("proven", sa.Boolean(), nullable=False, server_default=sa.false()))
