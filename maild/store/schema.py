"""The tables. Times are UTC, text is cleaned, and a ticket row is computed from its events."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa

from maild.store.columns import CleanJson, CleanText, UtcDateTime


def one_of(column: sa.Column[str], *words: str) -> sa.ColumnElement[bool]:
    """Return `column IN (words)` with the words written into the SQL.

    A bound parameter would hide a partial index."""
    return column.in_(sa.bindparam(None, list(words), expanding=True, literal_execute=True))


def some_rows(name: str, *columns: sa.ColumnElement[Any], where: sa.ColumnElement[bool]) -> None:
    """Create a partial index, on the rows for which `where` holds, on both databases."""
    sa.Index(name, *columns, sqlite_where=where, postgresql_where=where)


metadata = sa.MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_name)s",
        "uq": "uq_%(table_name)s_%(column_0_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s",
        "pk": "pk_%(table_name)s",
    }
)

Id = sa.BigInteger().with_variant(sa.Integer, "sqlite")

# Numbers that are needed before their row is written. PostgreSQL uses sequences with these names, so nodes do not wait
# for each other. SQLite, which has one writer, uses this table.
counter = sa.Table(
    "counter",
    metadata,
    sa.Column("name", sa.String(40), primary_key=True),
    sa.Column("value", sa.BigInteger, nullable=False),
)
COUNTERS = ("ticket_number", "outbox_number")

raw_mail = sa.Table(
    "raw_mail",
    metadata,
    sa.Column("id", Id, primary_key=True),
    sa.Column("sha256", sa.String(64), nullable=False, unique=True),
    sa.Column("size", sa.BigInteger, nullable=False),
    sa.Column("content", sa.LargeBinary, nullable=False),
)

inbound = sa.Table(
    "inbound",
    metadata,
    sa.Column("id", Id, primary_key=True),
    sa.Column("ledger_key", sa.String(400), nullable=False, unique=True),
    sa.Column("raw_mail_id", Id, sa.ForeignKey("raw_mail.id"), index=True),  # NULL for mail that stays in its folder
    sa.Column("source", sa.String(20), nullable=False),
    sa.Column("mailbox", CleanText, nullable=False, default=""),
    sa.Column("uidvalidity", sa.BigInteger),
    sa.Column("uid", sa.BigInteger),
    sa.Column("envelope_sender", CleanText),
    sa.Column("envelope_recipients", CleanJson, nullable=False, default=list),
    sa.Column("peer", sa.String(45), nullable=False, default=""),  # the address that handed it to our listener
    sa.Column("truncated", sa.Boolean, nullable=False, default=False),
    sa.Column("released", sa.Boolean, nullable=False, default=False),  # a person let it in
    sa.Column("proven", sa.Boolean, nullable=False, default=False),  # its sender confirmed it from the address on file
    sa.Column("released_as", sa.String(20), nullable=False, default=""),  # reply or note, as the sender chose
    sa.Column("arrived_at", UtcDateTime, nullable=False),
    sa.Column("kept_at", UtcDateTime, nullable=False),
    sa.Column("state", sa.String(20), nullable=False),
    sa.Column("attempts", sa.Integer, nullable=False, default=0),
    sa.Column("next_at", UtcDateTime),
    sa.Column("claimed_by", CleanText),
    sa.Column("claimed_until", UtcDateTime),
    sa.Column("judged_at", UtcDateTime),
    sa.Column("outcome", sa.String(20), nullable=False, default=""),
    sa.Column("reason", CleanText, nullable=False, default=""),
    sa.Column("ticket", sa.BigInteger, index=True),
    sa.Column("entry", sa.BigInteger, index=True),
    sa.Column("message_id", CleanText, nullable=False, default=""),
    sa.Column("sameness", sa.String(64), nullable=False, default=""),
    sa.Column("sender", CleanText, nullable=False, default=""),
    sa.Column("subject", CleanText, nullable=False, default=""),
    sa.Column("steps", CleanJson, nullable=False, default=list),
    sqlite_autoincrement=True,
)
some_rows("ix_inbound_kept", inbound.c.id, where=inbound.c.state == "kept")
_SET_ASIDE = inbound.c.state.in_(["held", "quarantined"])
some_rows("ix_inbound_waits", inbound.c.state, inbound.c.id, where=_SET_ASIDE)
sa.Index("ix_inbound_sender", inbound.c.sender, inbound.c.judged_at)
sa.Index("ix_inbound_sameness", inbound.c.sameness)
sa.Index("ix_inbound_uid", inbound.c.mailbox, inbound.c.uidvalidity, inbound.c.uid)

contact = sa.Table(
    "contact",
    metadata,
    sa.Column("id", Id, primary_key=True),
    sa.Column("address_key", CleanText, unique=True),  # NULL for agents, who are identified by name
    sa.Column("agent", CleanText, unique=True),
    sa.Column("address", CleanText, nullable=False),
    sa.Column("name", CleanText, nullable=False, default=""),
    sa.Column("epoch", sa.Integer, nullable=False, default=1),
    sa.Column("revoked_before", sa.BigInteger, nullable=False, default=0),  # Message-IDs of older mails are invalid
    sa.Column("tails", CleanJson, nullable=False, default=list),  # the last lines of an agent's last mails
    sa.Column("signature", CleanText, nullable=False, default=""),  # what several of them end with
    sqlite_autoincrement=True,
)

ticket = sa.Table(
    "ticket",
    metadata,
    sa.Column("number", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("seq", sa.Integer, nullable=False),
    sa.Column("subject", CleanText, nullable=False),
    sa.Column("thread_subject", CleanText, nullable=False),
    sa.Column("root_id", CleanText, nullable=False),
    sa.Column("requester_address", CleanText, nullable=False),
    sa.Column("requester_name", CleanText, nullable=False),
    sa.Column("department", CleanText, nullable=False),
    sa.Column("team", CleanText, nullable=False),
    sa.Column("assignee", CleanText, nullable=False),
    sa.Column("status", sa.String(20), nullable=False),
    sa.Column("priority", sa.String(20), nullable=False),
    sa.Column("sla_plan", CleanText, nullable=False),
    sa.Column("plan_source", sa.String(20), nullable=False),
    sa.Column("topic", CleanText, nullable=False),
    sa.Column("language", sa.String(20), nullable=False),
    sa.Column("tags", CleanJson, nullable=False),
    sa.Column("links", CleanJson, nullable=False),
    sa.Column("merged_into", sa.BigInteger),
    sa.Column("join_key", CleanText, nullable=False, default=""),
    sa.Column("snoozed_until", UtcDateTime),
    sa.Column("due_by_hand", UtcDateTime),
    sa.Column("watchers", CleanJson, nullable=False, default=list),
    sa.Column("muted_by", CleanJson, nullable=False, default=list),
    sa.Column("mentioned", CleanJson, nullable=False, default=list),
    sa.Column("rating", sa.String(20), nullable=False, default=""),
    sa.Column("created_at", UtcDateTime, nullable=False),
    sa.Column("updated_at", UtcDateTime, nullable=False),
    sa.Column("status_since", UtcDateTime, nullable=False),
    sa.Column("wake_at", UtcDateTime),
    sa.Column("ended_at", UtcDateTime),
    sa.Column("closed_at", UtcDateTime),
    sa.Column("next_sla_at", UtcDateTime),
    sa.Column("due_at", UtcDateTime),
    sa.Column("sla_digest", sa.String(64), nullable=False, default=""),
    sa.Column("reminded_at", UtcDateTime),
    sa.Column("dues", CleanJson),  # target -> deadline, as last computed
)
_WORKED_ON = ticket.c.status.in_(["open", "waiting"])
some_rows("ix_ticket_next_sla", ticket.c.next_sla_at, where=ticket.c.next_sla_at.is_not(None))
some_rows("ix_ticket_worked_on", ticket.c.updated_at, where=_WORKED_ON)
some_rows("ix_ticket_join_key", ticket.c.join_key, where=sa.and_(_WORKED_ON, ticket.c.join_key != ""))
sa.Index("ix_ticket_created_at", ticket.c.created_at)
sa.Index("ix_ticket_updated_at", ticket.c.updated_at)  # finds what changed since an instant
some_rows("ix_ticket_ended_at", ticket.c.ended_at, where=ticket.c.ended_at.is_not(None))
sa.Index("ix_ticket_status_since", ticket.c.status, ticket.c.status_since)
some_rows("ix_ticket_wake", ticket.c.wake_at, where=ticket.c.wake_at.is_not(None))

some_rows("ix_ticket_snoozed", ticket.c.snoozed_until, where=ticket.c.snoozed_until.is_not(None))

some_rows("ix_ticket_spam", sa.func.lower(ticket.c.requester_address), where=ticket.c.status == "spam")

participant = sa.Table(
    "participant",
    metadata,
    sa.Column("ticket", sa.ForeignKey("ticket.number"), primary_key=True),
    sa.Column("address_key", CleanText, primary_key=True),
    sa.Column("address", CleanText, nullable=False),
    sa.Column("name", CleanText, nullable=False),
    sa.Column("role", sa.String(20), nullable=False),
)

entry = sa.Table(
    "entry",
    metadata,
    sa.Column("id", Id, primary_key=True),
    sa.Column("ticket", sa.BigInteger, nullable=False, index=True),
    sa.Column("kind", sa.String(20), nullable=False),
    sa.Column("author_role", sa.String(20), nullable=False),
    sa.Column("author_agent", CleanText, nullable=False, default=""),
    sa.Column("author_address", CleanText, nullable=False, default=""),
    sa.Column("author_name", CleanText, nullable=False, default=""),
    sa.Column("at", UtcDateTime, nullable=False),
    sa.Column("text", CleanText, nullable=False),
    sa.Column("html", CleanText, nullable=False, default=""),
    sa.Column("folded_lines", sa.Integer, nullable=False, default=0),
    sa.Column("message_id", CleanText, nullable=False, default=""),
    sa.Column("trust", sa.String(20), nullable=False),
    sa.Column("may_leave", sa.Boolean, nullable=False, default=False),  # a note that its author meant for the customer
    sa.Column("inbound_id", Id, sa.ForeignKey("inbound.id")),
    sqlite_autoincrement=True,
)
sa.Index("ix_entry_message_id", entry.c.message_id)

# Message-IDs that mails of a ticket refer to. A mail that arrives later than its answers finds its ticket here.
ancestor = sa.Table(
    "ancestor",
    metadata,
    sa.Column("message_id", CleanText, primary_key=True),
    sa.Column("ticket", sa.BigInteger, primary_key=True, autoincrement=False),
)

attachment = sa.Table(
    "attachment",
    metadata,
    sa.Column("entry", Id, sa.ForeignKey("entry.id"), primary_key=True),
    sa.Column("part", sa.String(100), primary_key=True),
    sa.Column("name", CleanText, nullable=False),
    sa.Column("content_type", CleanText, nullable=False),
    sa.Column("size", sa.BigInteger, nullable=False),
    sa.Column("sha256", sa.String(64), nullable=False),
    sa.Column("inline", sa.Boolean, nullable=False),
    sa.Column("content_id", CleanText, nullable=False),
)

event = sa.Table(
    "event",
    metadata,
    sa.Column("ticket", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("seq", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("kind", sa.String(40), nullable=False),
    sa.Column("at", UtcDateTime, nullable=False),
    sa.Column("by_role", sa.String(20), nullable=False),
    sa.Column("by_name", CleanText, nullable=False),
    sa.Column("by_address", CleanText, nullable=False),
    sa.Column("entry", sa.BigInteger),
    sa.Column("detail", CleanJson, nullable=False),
    sa.Column("batch", sa.Integer, nullable=False, default=0),  # number of the first event of the same mail or tick
)

outbox = sa.Table(
    "outbox",
    metadata,
    sa.Column("id", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("ticket", sa.BigInteger, index=True),
    sa.Column("entry", sa.BigInteger),
    sa.Column("template", sa.String(40), nullable=False),
    sa.Column("to_key", CleanText, nullable=False),
    sa.Column("to_address", CleanText, nullable=False),
    sa.Column("to_name", CleanText, nullable=False),
    sa.Column("envelope_from", CleanText, nullable=False),
    sa.Column("subject", CleanText, nullable=False),
    sa.Column("message_id", CleanText, nullable=False, unique=True),
    sa.Column("context", CleanJson, nullable=False),
    sa.Column("relay", CleanText, nullable=False, default=""),
    sa.Column("state", sa.String(20), nullable=False),
    sa.Column("attempts", sa.Integer, nullable=False, default=0),
    sa.Column("next_at", UtcDateTime),
    sa.Column("leased_until", UtcDateTime),
    sa.Column("leased_by", CleanText),
    sa.Column("last_answer", CleanText, nullable=False, default=""),
    sa.Column("queued_at", UtcDateTime, nullable=False),
    sa.Column("text", CleanText, nullable=False, default=""),  # the text part, to recognise it in quotes
    sa.Column("raw", sa.LargeBinary),
    sa.Column("to_domain", CleanText, nullable=False, default=""),
    sa.Column("counted", sa.String(20), nullable=False, default=""),  # "answer" or "alarm"; most mails are not counted
    sa.Column("agent", CleanText),  # name of the agent who is notified; NULL for everybody else
    sa.Column("leaves_at", UtcDateTime),  # of a notice to an agent; the notices of an hour are counted
    sa.Column("since", sa.Integer),  # it covers the ticket's events after this number; NULL: no others
    sa.Column("first_at", UtcDateTime),  # when the first of these happened
    sa.Column("tried_since", UtcDateTime),  # its first attempt
)
_DELIVERS = outbox.c.entry.is_not(None)
some_rows("ix_outbox_entry", outbox.c.entry, where=_DELIVERS)
# These counts are read for every mail that could get an automatic answer.
_COUNTED = outbox.c.counted != ""
some_rows("ix_outbox_counted", outbox.c.counted, outbox.c.queued_at, where=_COUNTED)
some_rows("ix_outbox_answered", outbox.c.to_key, outbox.c.queued_at, where=_COUNTED)
some_rows("ix_outbox_answered_domain", outbox.c.to_domain, outbox.c.queued_at, where=_COUNTED)
_TO_AGENT = outbox.c.agent.is_not(None)
some_rows("ix_outbox_agent", outbox.c.agent, outbox.c.leaves_at, where=_TO_AGENT)
_ON_ITS_WAY = outbox.c.state.in_(["queued", "deferred", "sending"])
some_rows("ix_outbox_next", outbox.c.next_at, where=_ON_ITS_WAY)

# Notices beyond an agent's ceiling that wait to be told in one mail. They go when that mail is made.
folded_notice = sa.Table(
    "folded_notice",
    metadata,
    sa.Column("id", Id, primary_key=True),
    sa.Column("outbox", sa.BigInteger, nullable=False, index=True),  # the summary
    sa.Column("told", CleanJson, nullable=False),
    sqlite_autoincrement=True,
)

absence = sa.Table(
    "absence",
    metadata,
    sa.Column("agent", CleanText, primary_key=True),
    sa.Column("since", UtcDateTime, nullable=False),
    sa.Column("until", UtcDateTime, nullable=False),
)

sla_step = sa.Table(
    "sla_step",
    metadata,
    sa.Column("ticket", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("target", sa.String(40), primary_key=True),
    sa.Column("cycle", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("step", sa.String(60), primary_key=True),
    sa.Column("instant", UtcDateTime, nullable=False),
    sa.Column("fired_at", UtcDateTime, nullable=False),
)

# The alarm ledger: who was notified of each step, by which mail, and whether it arrived.
sla_told = sa.Table(
    "sla_told",
    metadata,
    sa.Column("ticket", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("target", sa.String(40), primary_key=True),
    sa.Column("cycle", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("step", sa.String(60), primary_key=True),
    sa.Column("recipient_key", CleanText, primary_key=True),
    sa.Column("recipient", CleanText, nullable=False),
    sa.Column("agent", CleanText, nullable=False),
    sa.Column("paged", sa.Boolean, nullable=False),
    sa.Column("outbox", sa.BigInteger, nullable=False, index=True),
    sa.Column("told_at", UtcDateTime, nullable=False),
    sa.Column("lost_at", UtcDateTime),
    sa.Column("passed_to", CleanJson, nullable=False),
)
some_rows("ix_sla_told_lost", sla_told.c.lost_at, where=sla_told.c.lost_at.is_not(None))

mailbox_state = sa.Table(
    "mailbox_state",
    metadata,
    sa.Column("mailbox", CleanText, primary_key=True),
    sa.Column("uidvalidity", sa.BigInteger, nullable=False),
    sa.Column("last_uid", sa.BigInteger, nullable=False),
    sa.Column("start_at", UtcDateTime),
)


# The search has its own tables on each database. Migration 0003 creates them, not this metadata.
SEARCH_TABLES = "search_"
search_doc = sa.table("search_doc", sa.column("ticket"), sa.column("subject"), sa.column("people"), sa.column("text"))
search_index = sa.table("search_index", sa.column("rowid"))  # SQLite: FTS5 over search_doc, kept by triggers
search_words = sa.table("search_doc", sa.column("ticket"), sa.column("words"))  # PostgreSQL: a tsvector
