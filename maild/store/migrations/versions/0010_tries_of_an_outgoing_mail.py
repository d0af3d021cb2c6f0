"""when an outgoing mail was first tried: from then on the days count after which it is given up"""

import sqlalchemy as sa
from alembic import op

from maild.store import columns

revision = "0010"
down_revision = "0009"


def upgrade() -> None:
    op.add_column("outbox", sa.Column("tried_since", columns.UtcDateTime(timezone=True), nullable=True))
