"""Creates database engines. SQLite is set up so that a committed mail survives a power failure (synchronous=FULL)."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy import event
from sqlalchemy.engine import Connection, Engine
from sqlalchemy.exc import DBAPIError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from maild.ports import TemporaryFailure
from maild.store.columns import clean_dump

# FULL: a commit is on the disk when it returns. The 250 reply that follows promises that (RFC 5321 6.1).
_PRAGMAS = ("journal_mode=WAL", "synchronous=FULL", "busy_timeout=10000", "foreign_keys=ON", "secure_delete=ON")

# A node that is paused in the middle of a transaction holds locks that others wait for; this happens when a virtual
# machine is suspended. After this time the server ends its session and rolls the transaction back.
_STANDSTILL_MS = 60_000


def make_engine(url: str, *, reading: bool = False) -> Engine:
    """Return an engine for a database URL. With `reading` its transactions take no write lock on SQLite."""
    parsed = sa.make_url(url)
    if parsed.get_backend_name() == "sqlite":
        return _sqlite(parsed, reading)
    return _postgresql(parsed)


def _postgresql(url: sa.URL) -> Engine:
    engine = sa.create_engine(url, json_serializer=clean_dump, pool_pre_ping=True, pool_size=10, max_overflow=10)

    @event.listens_for(engine, "connect")
    def set_up(connection: Any, record: Any) -> None:
        with connection.cursor() as cursor:
            cursor.execute(f"set idle_in_transaction_session_timeout = {_STANDSTILL_MS}")
        connection.commit()

    return engine


def _sqlite(url: sa.URL, reading: bool) -> Engine:
    if url.database:
        Path(url.database).parent.mkdir(parents=True, exist_ok=True)
    arguments = {"timeout": 10, "check_same_thread": False}
    engine = sa.create_engine(url, json_serializer=clean_dump, connect_args=arguments, pool_size=10)

    @event.listens_for(engine, "connect")
    def set_up(connection: Any, record: Any) -> None:
        connection.isolation_level = None  # the driver's own BEGIN is deferred: concurrent writers would lose updates
        for pragma in _PRAGMAS:
            connection.execute(f"pragma {pragma}")

    @event.listens_for(engine, "begin")
    def begin(connection: Connection) -> None:
        connection.exec_driver_sql("BEGIN" if reading else "BEGIN IMMEDIATE")

    return engine


# Temporary whatever the statement: busy, locked, no memory, read-only, I/O error, full, cannot open, protocol.
_SQLITE_PASSING = frozenset({5, 6, 7, 8, 10, 13, 14, 15})
# Connection, transaction rolled back (deadlock), resources, object in use, operator, system (PostgreSQL, appendix A).
_POSTGRESQL_PASSING = frozenset({"08", "40", "53", "55", "57", "58"})


def _passes(error: DBAPIError) -> bool:
    """Say whether an error is temporary. An error of one statement would fail again for ever, so it is not."""
    if error.connection_invalidated:
        return True
    if not isinstance(error, OperationalError):
        return False
    code, state = getattr(error.orig, "sqlite_errorcode", None), getattr(error.orig, "sqlstate", None)
    if code is not None:
        return code & 0xFF in _SQLITE_PASSING
    return state is None or state[:2] in _POSTGRESQL_PASSING


@contextmanager
def temporary_failures() -> Iterator[None]:
    """Turn the errors of a database that is locked, full or away into TemporaryFailure; other errors pass through."""
    try:
        yield
    except PoolTimeout as error:
        raise TemporaryFailure(f"no database connection is free: {error}") from error
    except DBAPIError as error:
        if _passes(error):
            raise TemporaryFailure(f"the database does not answer: {error.orig}") from error
        raise
