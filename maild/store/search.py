"""Full text: FTS5 on SQLite, a tsvector with a GIN index on PostgreSQL. Both hold the words that
maild/domain/tickets/search_words.py folded, so that they find
alike; SQLite's index is kept by triggers on search_doc."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.engine import Connection

from maild.domain.tickets.search_words import Phrase, Terms, words_of
from maild.ports import ListedTicket, Listing
from maild.store import rows
from maild.store.list_filters import WORKED_ON, conditions, is_worked_on
from maild.store.schema import entry, one_of, participant, search_doc, search_index, search_words, ticket

_WEIGHED = 500  # fitting tickets, the newest, whose rank is reckoned: a word that is everywhere costs no more
_ENTRIES = 300  # of one ticket, the newest
_TEXT = 200_000  # characters of one ticket
_WORDS = 16_000  # of one ticket: positions of a tsvector end at 16,383
_TIMES = 200  # places of one word in a ticket: a tsvector keeps 255
_WEIGHTS = "8.0, 4.0, 1.0"  # subject, people, thread


class SqlSearch:
    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._postgres = connection.dialect.name == "postgresql"

    def find(self, terms: Terms, wanted: Listing, limit: int) -> list[ListedTicket]:
        if not terms:
            return []
        fitting = self._in_postgres(terms, wanted) if self._postgres else self._in_sqlite(terms, wanted)
        weighed = fitting.subquery()
        query = sa.select(ticket).join(weighed, weighed.c.number == ticket.c.number)
        query = query.order_by(weighed.c.rank, ticket.c.number.desc()).limit(limit)
        return [rows.read_listed(row) for row in self._connection.execute(query).mappings()]

    def _in_sqlite(self, terms: Terms, wanted: Listing) -> sa.Select[Any]:
        rank = sa.literal_column(f"bm25(search_index, {_WEIGHTS})", sa.Float).label("rank")
        # EXISTS, not a join: the words are looked up once, and each that fits asks for its ticket.
        fits = sa.exists().where(ticket.c.number == search_index.c.rowid, *conditions(wanted))
        sought = sa.text("search_index MATCH :sought").bindparams(sought=_fts(terms))
        query = sa.select(search_index.c.rowid.label("number"), rank).where(sought, fits)
        if is_worked_on(wanted):
            # Numbers rise: words of tickets from before the oldest that is open need not be looked at.
            oldest = sa.select(sa.func.min(ticket.c.number)).where(one_of(ticket.c.status, *WORKED_ON))
            query = query.where(search_index.c.rowid >= oldest.scalar_subquery())
        return query.order_by(search_index.c.rowid.desc()).limit(_WEIGHED)

    def _in_postgres(self, terms: Terms, wanted: Listing) -> sa.Select[Any]:
        sought = sa.cast(_tsquery(terms), postgresql.TSQUERY)
        rank: sa.ColumnElement[float] = (-sa.func.ts_rank(search_words.c.words, sought, type_=sa.Float)).label("rank")
        query = sa.select(search_words.c.ticket.label("number"), rank)
        query = query.join(ticket, ticket.c.number == search_words.c.ticket)
        query = query.where(search_words.c.words.op("@@")(sought), *conditions(wanted))
        return query.order_by(search_words.c.ticket.desc()).limit(_WEIGHED)

    def renew(self, ticket: int) -> None:
        document = self._document(ticket)
        if document is None:
            return
        subject, people, text = document
        values: dict[str, Any] = {"ticket": ticket}
        if self._postgres:
            values["words"] = sa.cast(_tsvector(((subject, "A"), (people, "B"), (text, "D"))), postgresql.TSVECTOR)
            insert = postgresql.insert(search_words).values(values)
            self._connection.execute(insert.on_conflict_do_update(index_elements=["ticket"], set_=dict(values)))
            return
        values |= {"subject": " ".join(subject), "people": " ".join(people), "text": " ".join(text)}
        before = self._connection.execute(sa.select(search_doc).where(search_doc.c.ticket == ticket)).mappings().first()
        if before is None:
            self._connection.execute(sqlite.insert(search_doc).values(values))
        elif dict(before) != values:
            self._connection.execute(sa.update(search_doc).where(search_doc.c.ticket == ticket).values(values))

    def forget(self, ticket: int) -> None:
        if self._postgres:
            self._connection.execute(sa.delete(search_words).where(search_words.c.ticket == ticket))
            return
        self._connection.execute(sa.delete(search_doc).where(search_doc.c.ticket == ticket))
        # FTS5 only marks words as removed; put together anew, its segments hold them no more (and secure_delete wipes
        # the pages that they stood on).
        self._connection.execute(sa.text("INSERT INTO search_index(search_index) VALUES ('optimize')"))

    def _document(self, number: int) -> tuple[list[str], list[str], list[str]] | None:
        """The words of a ticket: subject, people, thread."""
        wanted = sa.select(ticket.c.subject, ticket.c.requester_name, ticket.c.requester_address)
        here = self._connection.execute(wanted.where(ticket.c.number == number)).first()
        if here is None:
            return None
        others = sa.select(participant.c.name, participant.c.address).where(participant.c.ticket == number)
        said = sa.select(entry.c.author_name, entry.c.author_address, entry.c.text).where(entry.c.ticket == number)
        entries = self._connection.execute(said.order_by(entry.c.id.desc()).limit(_ENTRIES)).all()
        people = [(here.requester_name, here.requester_address)]
        people += [(row.name, row.address) for row in self._connection.execute(others)]
        people += [(row.author_name, row.author_address) for row in entries]
        named = " ".join(part for person in dict.fromkeys(people) for part in person)
        thread = "\n".join(row.text for row in entries)[:_TEXT]
        return words_of(here.subject), words_of(named)[:_WORDS], words_of(thread)[:_WORDS]


def _fts(terms: Terms) -> str:
    """FTS5's query syntax. Words hold letters and digits alone: nothing of them can be taken for an operator."""

    def written(phrase: Phrase) -> str:
        return f'"{" ".join(phrase.words)}"{"*" if phrase.prefix else ""}'

    return " OR ".join(f"({' AND '.join(map(written, phrases))})" for phrases in terms)


def _tsquery(terms: Terms) -> str:
    def written(phrase: Phrase) -> str:
        words = [f"'{word}'" for word in phrase.words]
        return f"({' <-> '.join(words)}{':*' if phrase.prefix else ''})"

    return " | ".join(f"({' & '.join(map(written, phrases))})" for phrases in terms)


def _tsvector(parts: Iterable[tuple[list[str], str]]) -> str:
    """Words with places and weights, as PostgreSQL writes them; between two parts is a gap that no phrase spans."""
    places: dict[str, list[str]] = {}
    place = 0
    for words, weight in parts:
        for word in words:
            place += 1
            found = places.setdefault(word, [])
            if len(found) < _TIMES and place <= _WORDS:
                found.append(f"{place}{weight}")
        place += 2
    return " ".join(f"'{word}':{','.join(found)}" if found else f"'{word}'" for word, found in places.items())
