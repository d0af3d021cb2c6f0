"""One database transaction as a `with` block. Leaving the block rolls back; a commit must be called."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from types import TracebackType

import sqlalchemy as sa
from sqlalchemy.engine import Engine

from maild.store.agent_records import SqlDigests, SqlHeldReplies, SqlPreferences, SqlSnapshots
from maild.store.engine import make_engine, temporary_failures
from maild.store.inbound import SqlInbound
from maild.store.mailboxes import SqlMailboxLedger
from maild.store.migrate import migrate
from maild.store.next_due import SqlAgenda
from maild.store.outbox import SqlOutbox
from maild.store.people import SqlPeople
from maild.store.search import SqlSearch
from maild.store.sla_steps import SqlSlaSteps
from maild.store.summaries import SqlSummaries
from maild.store.tickets import SqlTickets
from maild.store.transaction.identity_map import IdentityMap
from maild.store.transaction.numbers import CONTACT, ENTRY, OUTBOX, TICKET, Numbers
from maild.store.transaction.session import Session


class SqlUnitOfWork:
    """Implements ports.UnitOfWork. Errors of a database that is locked or away become TemporaryFailure."""

    inbound: SqlInbound
    tickets: SqlTickets
    people: SqlPeople
    outbox: SqlOutbox
    summaries: SqlSummaries
    agenda: SqlAgenda
    sla_steps: SqlSlaSteps
    held_replies: SqlHeldReplies
    snapshots: SqlSnapshots
    preferences: SqlPreferences
    digests: SqlDigests
    search: SqlSearch

    def __init__(self, engine: Engine, node: str, *, reading: bool) -> None:
        self._engine = engine
        self._node = node
        self._reading = reading
        self._stack = ExitStack()

    def __enter__(self) -> SqlUnitOfWork:
        self._stack.enter_context(temporary_failures())
        with ExitStack() as opening:
            opening.callback(self._stack.close)
            with temporary_failures():
                connection = self._stack.enter_context(self._engine.connect())
                self._transaction = connection.begin()
            opening.pop_all()
        self._connection = connection
        session = self._session = Session(connection)
        identity_map, numbers = IdentityMap(), Numbers(session)
        self._numbers = numbers
        session.at_forget(identity_map.forget)
        reading = self._reading
        self.inbound = SqlInbound(session, self._node, reading=reading)
        self.search = SqlSearch(session, identity_map)
        self.tickets = SqlTickets(session, self.search, identity_map, numbers, reading=reading)
        self.people = SqlPeople(session, numbers, reading=reading)
        self.outbox = SqlOutbox(session, self._node, identity_map, numbers, reading=reading)
        self.summaries = SqlSummaries(session, numbers)
        self.agenda = SqlAgenda(session)
        self.sla_steps = SqlSlaSteps(session, identity_map)
        self.held_replies = SqlHeldReplies(session, reading=reading)
        self.snapshots = SqlSnapshots(session)
        self.preferences = SqlPreferences(session, reading=reading)
        self.digests = SqlDigests(session)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        # Closing the connection rolls back what was not committed.
        self._stack.__exit__(kind, error, trace)

    def expect(self, *, mails: int, new_tickets: int) -> None:
        """Say that this many mails are judged in this transaction, and about how many of them open a ticket."""
        self._session.batched = mails > 1
        self._numbers.expect({TICKET: new_tickets, ENTRY: mails, CONTACT: new_tickets, OUTBOX: 2 * mails})

    def commit(self) -> None:
        """Send what waits, and commit the transaction."""
        self._session.flush()
        self._transaction.commit()
        self._session.forget()

    @contextmanager
    def savepoint(self) -> Iterator[None]:
        """Return a block whose changes are rolled back alone when it raises."""
        try:
            with temporary_failures():
                self._session.flush()
                with self._connection.begin_nested():
                    yield
                    self._session.flush()
        except BaseException:
            self._session.forget()
            raise


class Store:
    """A database. Calling it opens a unit of work."""

    def __init__(self, url: str, node: str) -> None:
        self.url = url
        self._node = node
        self._writing = make_engine(url)
        self._reading = make_engine(url, reading=True)

    def __call__(self, *, reading: bool = False) -> SqlUnitOfWork:
        """Return a new unit of work. With `reading` it takes no write lock."""
        return SqlUnitOfWork(self._reading if reading else self._writing, self._node, reading=reading)

    def mailboxes(self) -> SqlMailboxLedger:
        """Return the ledger of IMAP folders."""
        return SqlMailboxLedger(self._writing, self._node)

    def migrate(self) -> None:
        """Bring the tables to this program's version. Raises SchemaTooNew when they are newer."""
        migrate(self._writing)

    def check(self) -> None:
        """Raise TemporaryFailure when the database does not answer."""
        with temporary_failures(), self._reading.connect() as connection:
            connection.execute(sa.select(1))

    def close(self) -> None:
        """Close all connections."""
        self._writing.dispose()
        self._reading.dispose()
