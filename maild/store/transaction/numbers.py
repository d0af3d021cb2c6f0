"""Numbers that are needed before their row is written: of tickets and outgoing mails, of entries, contacts and notices.

On PostgreSQL they come from sequences, so that nodes never wait for each other. SQLite has one writer: there the last
number is read once in a transaction and counted up. No number is given twice."""

from __future__ import annotations

from collections.abc import Mapping

import sqlalchemy as sa

from maild.store.schema import counter
from maild.store.transaction.session import Session

TICKET, OUTBOX, ENTRY, CONTACT, FOLDED = "ticket_number", "outbox_number", "entry", "contact", "folded_notice"
_COUNTERS = (TICKET, OUTBOX)
_OF_COLUMNS = (ENTRY, CONTACT, FOLDED)  # named like their tables
_SEQUENCES = {TICKET: TICKET, OUTBOX: OUTBOX} | {name: f"{name}_id_seq" for name in _OF_COLUMNS}
_AT_ONCE = {FOLDED: 16}  # one statement reserves so many on PostgreSQL, where nothing else is expected

_LAST_IN_SQLITE = sa.text(
    "SELECT name, value FROM counter UNION ALL SELECT name, seq FROM sqlite_sequence WHERE name IN :names"
).bindparams(sa.bindparam("names", list(_OF_COLUMNS), expanding=True))
_NEXT_IN_POSTGRES = sa.text("SELECT nextval(:name) FROM generate_series(1, :count)")


class Numbers:
    """Reserves numbers in one transaction."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._last: dict[str, int] = {}  # SQLite: the last number of each name
        self._reserved: dict[str, list[int]] = {}  # PostgreSQL: what was reserved and not used yet, the next one last
        self._expected: dict[str, int] = {}
        session.at_forget(self._forget)

    def expect(self, counts: Mapping[str, int]) -> None:
        """Say how many numbers will be needed about, so that they are reserved with one statement."""
        self._expected.update(counts)

    def next(self, name: str) -> int:
        """Reserve the next number of this name."""
        return self._next_in_postgres(name) if self._session.postgres else self._next_in_sqlite(name)

    def _next_in_sqlite(self, name: str) -> int:
        if not self._last:
            self._last = {row.name: row.value for row in self._session.execute(_LAST_IN_SQLITE)}
        number = self._last[name] = self._last.get(name, 0) + 1
        if name in _COUNTERS:
            self._session.update(counter, (name,), {"value": number})
        return number

    def _next_in_postgres(self, name: str) -> int:
        left = self._reserved.setdefault(name, [])
        if not left:
            count = max(1, self._expected.pop(name, _AT_ONCE.get(name, 1)))
            asked = {"name": _SEQUENCES[name], "count": count}
            left.extend(sorted(self._session.connection.scalars(_NEXT_IN_POSTGRES, asked), reverse=True))
        return left.pop()

    def _forget(self) -> None:
        self._last.clear()
        self._reserved.clear()
        self._expected.clear()
