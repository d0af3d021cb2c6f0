"""Full-text search: FTS5 on SQLite, a tsvector with a GIN index on PostgreSQL.

Both store the words that domain/tickets/search_words folded, so both find the same tickets. On SQLite, triggers on
search_doc keep the index up to date."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import lru_cache
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql

from maild.domain.tickets.search_words import Phrase, Terms, words_of
from maild.ports import ListedTicket, Listing
from maild.store import rows
from maild.store.list_filters import WORKED_ON, conditions, is_worked_on
from maild.store.schema import entry, one_of, participant, search_doc, search_index, search_words, ticket
from maild.store.transaction.identity_map import IdentityMap
from maild.store.transaction.session import Session

_ENDED = frozenset({"resolved", "closed", "spam"})
_MOST_RANKED = 500  # newest matching tickets that are ranked, so that a very common word costs no more
_MOST_ENTRIES = 300  # newest entries of one ticket that are searched
_MOST_TEXT = 200_000  # characters of one ticket
_MOST_WORDS = 16_000  # words of one ticket; positions of a tsvector end at 16,383
_MOST_POSITIONS = 200  # positions of one word in a ticket; a tsvector keeps 255
_WEIGHTS = "8.0, 4.0, 1.0"  # subject, people, thread

Document = tuple[list[str], list[str], list[str]]  # words of the subject, of the people, of the thread

# The index is written only where the document changed.
_WRITE_SQLITE = sa.text(
    "INSERT INTO search_doc (ticket, subject, people, text) VALUES (:ticket, :subject, :people, :text) "
    "ON CONFLICT (ticket) DO UPDATE SET subject = excluded.subject, people = excluded.people, text = excluded.text "
    "WHERE (subject, people, text) != (excluded.subject, excluded.people, excluded.text)"
)
_WRITE_POSTGRES = sa.text(
    "INSERT INTO search_doc (ticket, words) VALUES (:ticket, CAST(:words AS tsvector)) "
    "ON CONFLICT (ticket) DO UPDATE SET words = excluded.words"
)


class SqlSearch:
    """Implements ports.Search."""

    def __init__(self, session: Session, identity_map: IdentityMap | None = None) -> None:
        self._session = session
        self._postgres = session.postgres
        self._identity_map = identity_map or IdentityMap()
        self._changed: set[int] = set()
        session.after_flush(self._renew_changed)
        session.at_forget(self._changed.clear)

    def find(self, terms: Terms, wanted: Listing, limit: int) -> list[ListedTicket]:
        """Return the tickets of a list that match the terms, the best match first."""
        if not terms:
            return []
        sought = _tsquery(terms) if self._postgres else _fts(terms)
        asked = {"sought": sought, "limit": limit}
        query = _finding(wanted, self._postgres)
        about_ended = wanted.statuses is not None and _ENDED.issuperset(wanted.statuses)
        # What waits to be sent need not be there when it changes no ticket that could be found.
        past = about_ended and not self._identity_map.ended
        execute = self._session.connection.execute if past else self._session.execute
        return [rows.read_listed(row) for row in execute(query, asked).mappings()]

    def renew(self, ticket: int) -> None:
        """Store the document of a ticket again when its rows are sent."""
        self._changed.add(ticket)

    def _renew_changed(self) -> None:
        changed, self._changed = self._changed, set()
        self.write(sorted(changed))

    def write(self, tickets: Sequence[int]) -> None:
        """Store the documents of these tickets now, as far as they changed."""
        documents = [(number, document) for number in tickets if (document := self._document(number)) is not None]
        if not documents:
            return
        if self._postgres:
            self._session.connection.execute(_WRITE_POSTGRES, [_postgres_row(*each) for each in documents])
        else:
            self._session.connection.execute(_WRITE_SQLITE, [_sqlite_row(*each) for each in documents])

    def forget(self, ticket: int) -> None:
        """Remove the document of a ticket, and all traces of its words from the index."""
        if self._postgres:
            self._session.execute(sa.delete(search_words).where(search_words.c.ticket == ticket))
            return
        self._session.execute(sa.delete(search_doc).where(search_doc.c.ticket == ticket))
        # FTS5 only marks words as removed. Merging all its segments drops them, and secure_delete overwrites the pages
        # where they were.
        self._session.execute(sa.text("INSERT INTO search_index(search_index) VALUES ('optimize')"))

    def _document(self, number: int) -> Document | None:
        """Return the words of a ticket: of the subject, of the people, of the thread. None when there is no ticket."""
        found = self._identity_map.tickets.get(number)
        entries = self._identity_map.entries.get(number)
        if found is None or entries is None:
            return self._stored_document(number)
        newest = entries[: -_MOST_ENTRIES - 1 : -1]
        others = [(each.person.name, str(each.person.address)) for each in found.participants]
        return _words(
            found.subject,
            [
                (found.requester.name, str(found.requester.address)),
                *others,
                *((each.author_name, each.author.address) for each in newest),
            ],
            [each.text for each in newest],
        )

    def _stored_document(self, number: int) -> Document | None:
        connection = self._session.connection  # what waited has just been sent
        wanted = sa.select(ticket.c.subject, ticket.c.requester_name, ticket.c.requester_address)
        here = connection.execute(wanted.where(ticket.c.number == number)).first()
        if here is None:
            return None
        others = sa.select(participant.c.name, participant.c.address).where(participant.c.ticket == number)
        others = others.order_by(participant.c.address_key)
        said = sa.select(entry.c.author_name, entry.c.author_address, entry.c.text).where(entry.c.ticket == number)
        entries = connection.execute(said.order_by(entry.c.id.desc()).limit(_MOST_ENTRIES)).all()
        return _words(
            here.subject,
            [
                (here.requester_name, here.requester_address),
                *((row.name, row.address) for row in connection.execute(others)),
                *((row.author_name, row.author_address) for row in entries),
            ],
            [row.text for row in entries],
        )


def _words(subject: str, people: Sequence[tuple[str, str]], texts: Sequence[str]) -> Document:
    named = " ".join(part for person in dict.fromkeys(people) for part in person)
    thread = "\n".join(texts)[:_MOST_TEXT]
    return words_of(subject), words_of(named)[:_MOST_WORDS], words_of(thread)[:_MOST_WORDS]


def _sqlite_row(number: int, document: Document) -> dict[str, Any]:
    subject, people, text = map(" ".join, document)
    return {"ticket": number, "subject": subject, "people": people, "text": text}


def _postgres_row(number: int, document: Document) -> dict[str, Any]:
    subject, people, text = document
    return {"ticket": number, "words": _tsvector(((subject, "A"), (people, "B"), (text, "D")))}


@lru_cache(maxsize=64)
def _finding(wanted: Listing, postgres: bool) -> sa.Select[Any]:
    """Return the statement that finds the tickets of a list, for the parameters `sought` and `limit`."""
    ranked = (_in_postgres(wanted) if postgres else _in_sqlite(wanted)).subquery()
    query = sa.select(ticket).join(ranked, ranked.c.number == ticket.c.number)
    return query.order_by(ranked.c.rank, ticket.c.number.desc()).limit(sa.bindparam("limit", type_=sa.Integer))


def _in_sqlite(wanted: Listing) -> sa.Select[Any]:
    rank = sa.literal_column(f"bm25(search_index, {_WEIGHTS})", sa.Float).label("rank")
    # EXISTS instead of a join: the words are looked up once, then each match checks its ticket.
    fits = sa.exists().where(ticket.c.number == search_index.c.rowid, *conditions(wanted))
    sought = sa.text("search_index MATCH :sought")
    query = sa.select(search_index.c.rowid.label("number"), rank).where(sought, fits)
    if is_worked_on(wanted):
        # Numbers rise, so matches before the oldest open ticket need not be read.
        oldest = sa.select(sa.func.min(ticket.c.number)).where(one_of(ticket.c.status, *WORKED_ON))
        query = query.where(search_index.c.rowid >= oldest.scalar_subquery())
    return query.order_by(search_index.c.rowid.desc()).limit(_MOST_RANKED)


def _in_postgres(wanted: Listing) -> sa.Select[Any]:
    sought = sa.cast(sa.bindparam("sought", type_=sa.Text), postgresql.TSQUERY)
    rank: sa.ColumnElement[float] = (-sa.func.ts_rank(search_words.c.words, sought, type_=sa.Float)).label("rank")
    query = sa.select(search_words.c.ticket.label("number"), rank)
    query = query.join(ticket, ticket.c.number == search_words.c.ticket)
    query = query.where(search_words.c.words.op("@@")(sought), *conditions(wanted))
    return query.order_by(search_words.c.ticket.desc()).limit(_MOST_RANKED)


def _fts(terms: Terms) -> str:
    """Return the terms in FTS5's query syntax. Words hold letters and digits only, so none can act as an operator."""

    def written(phrase: Phrase) -> str:
        return f'"{" ".join(phrase.words)}"{"*" if phrase.prefix else ""}'

    return " OR ".join(f"({' AND '.join(map(written, phrases))})" for phrases in terms)


def _tsquery(terms: Terms) -> str:
    """Return the terms in PostgreSQL's query syntax."""

    def written(phrase: Phrase) -> str:
        words = [f"'{word}'" for word in phrase.words]
        return f"({' <-> '.join(words)}{':*' if phrase.prefix else ''})"

    return " | ".join(f"({' & '.join(map(written, phrases))})" for phrases in terms)


def _tsvector(parts: Iterable[tuple[list[str], str]]) -> str:
    """Return words with positions and weights as PostgreSQL writes them.

    A gap of two positions between the parts keeps a phrase from spanning them."""
    positions: dict[str, list[str]] = {}
    position = 0
    for words, weight in parts:
        for word in words:
            position += 1
            found = positions.setdefault(word, [])
            if len(found) < _MOST_POSITIONS and position <= _MOST_WORDS:
                found.append(f"{position}{weight}")
        position += 2
    return " ".join(f"'{word}':{','.join(found)}" if found else f"'{word}'" for word, found in positions.items())
