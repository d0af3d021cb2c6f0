"""Adds full-text search, and indexes for lists of ended and new tickets."""

import sqlalchemy as sa
from alembic import op

from maild.store.search import SqlSearch
from maild.store.transaction.session import Session

revision = "0003"
down_revision = "0002"

_ADD = "INSERT INTO search_index(rowid, subject, people, text) VALUES (new.ticket, new.subject, new.people, new.text);"
_REMOVE = """INSERT INTO search_index(search_index, rowid, subject, people, text)
VALUES ('delete', old.ticket, old.subject, old.people, old.text);"""
_SQLITE = (
    """CREATE TABLE search_doc (
ticket INTEGER NOT NULL PRIMARY KEY, subject TEXT NOT NULL, people TEXT NOT NULL, text TEXT NOT NULL)""",
    # The words are folded already, so the tokenizer only splits them at spaces.
    """CREATE VIRTUAL TABLE search_index USING fts5(
subject, people, text, content='search_doc', content_rowid='ticket', tokenize='ascii')""",
    f"CREATE TRIGGER search_doc_added AFTER INSERT ON search_doc BEGIN {_ADD} END",
    f"CREATE TRIGGER search_doc_removed AFTER DELETE ON search_doc BEGIN {_REMOVE} END",
    f"CREATE TRIGGER search_doc_changed AFTER UPDATE ON search_doc BEGIN {_REMOVE} {_ADD} END",
)
_POSTGRESQL = (
    "CREATE TABLE search_doc (ticket BIGINT NOT NULL PRIMARY KEY, words TSVECTOR NOT NULL)",
    "CREATE INDEX ix_search_doc_words ON search_doc USING gin (words)",
)


def upgrade() -> None:
    """Create the search tables with their triggers, add the indexes, and index the tickets that exist."""
    op.create_index("ix_ticket_created_at", "ticket", ["created_at"])
    ended = sa.text("ended_at IS NOT NULL")
    op.create_index("ix_ticket_ended_at", "ticket", ["ended_at"], sqlite_where=ended, postgresql_where=ended)
    connection = op.get_bind()
    for statement in _POSTGRESQL if connection.dialect.name == "postgresql" else _SQLITE:
        connection.exec_driver_sql(statement)
    search = SqlSearch(Session(connection))
    for number in connection.scalars(sa.text("SELECT number FROM ticket ORDER BY number")).all():
        search.write([number])
