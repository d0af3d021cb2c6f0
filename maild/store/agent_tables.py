"""Tables for what is kept about agents: held replies, mailed lists, preferences, digests, contacted domains."""

from __future__ import annotations

import sqlalchemy as sa

from maild.store.columns import CleanJson, CleanText, UtcDateTime
from maild.store.schema import Id, metadata, some_rows

held_reply = sa.Table(
    "draft",
    metadata,
    sa.Column("id", Id, primary_key=True),
    sa.Column("inbound", Id, sa.ForeignKey("inbound.id"), nullable=False, index=True),
    sa.Column("ticket", sa.BigInteger),
    sa.Column("agent", CleanText, nullable=False),
    sa.Column("kind", sa.String(20), nullable=False),
    sa.Column("reason", CleanText, nullable=False),
    sa.Column("text", CleanText, nullable=False, default=""),
    sa.Column("created_at", UtcDateTime, nullable=False),
    sa.Column("remind_at", UtcDateTime),
    sa.Column("reminders", sa.Integer, nullable=False, default=0),
    sa.Column("settled_as", sa.String(20), nullable=False, default=""),  # "" until it is settled
    sa.Column("settled_at", UtcDateTime),
    sqlite_autoincrement=True,
)
_WAITS = held_reply.c.remind_at.is_not(None)
some_rows("ix_draft_remind_at", held_reply.c.remind_at, where=_WAITS)
_UNSETTLED = held_reply.c.settled_as == ""
some_rows("ix_draft_agent", held_reply.c.agent, where=_UNSETTLED)
sa.Index("ix_draft_ticket", held_reply.c.ticket, held_reply.c.agent)

# Lists that were mailed to an agent, row number -> ticket: "3 close" must mean the row that the agent saw.
snapshot = sa.Table(
    "snapshot",
    metadata,
    sa.Column("id", Id, primary_key=True),
    sa.Column("agent", CleanText, nullable=False),
    sa.Column("kind", sa.String(20), nullable=False),
    sa.Column("asked", CleanText, nullable=False, default=""),
    sa.Column("made_at", UtcDateTime, nullable=False),
    sa.Column("tickets", CleanJson, nullable=False),
    sqlite_autoincrement=True,
)

preference = sa.Table(
    "preference",
    metadata,
    sa.Column("agent", CleanText, primary_key=True),
    sa.Column("wishes", CleanJson, nullable=False),
    sa.Column("changed_at", UtcDateTime, nullable=False),
)

# Which digest a reader got for which period: each is made once, whichever process ticks.
digest_run = sa.Table(
    "digest_run",
    metadata,
    sa.Column("reader", CleanText, primary_key=True),
    sa.Column("kind", sa.String(20), primary_key=True),
    sa.Column("period", sa.String(40), primary_key=True),
    sa.Column("made_at", UtcDateTime, nullable=False),
)

# Which domains an agent has written to: the first mail to a new domain is delayed longer.
acquaintance = sa.Table(
    "acquaintance",
    metadata,
    sa.Column("agent", CleanText, primary_key=True),
    sa.Column("domain", CleanText, primary_key=True),
)
