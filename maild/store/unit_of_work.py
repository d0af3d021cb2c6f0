"""One database transaction as a `with` block. Leaving the block rolls back; a commit must be called."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from types import TracebackType

import sqlalchemy as sa
from sqlalchemy.engine import Engine

from maild.store.agent_records import SqlDigests, SqlHeldReplies, SqlPreferences, SqlSnapshots
from maild.store.engine import make_engine, temporary_failures
from maild.store.identity_map import IdentityMap
from maild.store.inbound import SqlInbound
from maild.store.mailboxes import SqlMailboxLedger
from maild.store.migrate import migrate
from maild.store.next_due import SqlAgenda
from maild.store.outbox import SqlOutbox
from maild.store.people import SqlPeople
from maild.store.search import SqlSearch
from maild.store.sla_steps import SqlSlaSteps
from maild.store.tickets import SqlTickets


class SqlUnitOfWork:
    """Implements ports.UnitOfWork. Errors of a database that is locked or away become TemporaryFailure."""

    inbound: SqlInbound
    tickets: SqlTickets
    people: SqlPeople
    outbox: SqlOutbox
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
        self.inbound = SqlInbound(connection, self._node)
        self.search = SqlSearch(connection)
        self._identity_map = IdentityMap()
        self.tickets = SqlTickets(connection, self.search, self._identity_map, reading=self._reading)
        self.people = SqlPeople(connection)
        self.outbox = SqlOutbox(connection, self._node)
        self.agenda = SqlAgenda(connection)
        self.sla_steps = SqlSlaSteps(connection, self._identity_map)
        self.held_replies = SqlHeldReplies(connection)
        self.snapshots = SqlSnapshots(connection)
        self.preferences = SqlPreferences(connection, self._identity_map, reading=self._reading)
        self.digests = SqlDigests(connection)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        # Closing the connection rolls back what was not committed.
        self._stack.__exit__(kind, error, trace)

    def commit(self) -> None:
        """Commit the transaction."""
        self._transaction.commit()
        self._identity_map.forget()

    @contextmanager
    def savepoint(self) -> Iterator[None]:
        """Return a block whose changes are rolled back alone when it raises."""
        try:
            with temporary_failures(), self._connection.begin_nested():
                yield
        except BaseException:
            self._identity_map.forget()
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
