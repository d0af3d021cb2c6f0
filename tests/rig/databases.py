"""Databases for tests by the thousand: tables are made once, statements are compiled once, no test waits for a disk.

What durability and migrations promise is tested on databases that the product makes itself (tests/store, tests/faults).
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from maild.store.unit_of_work import Store


class ReusedStore(Store):
    """A Store on an SQLite file that `at` names anew for each test. Its engines keep what they have compiled."""

    def __init__(self, node: str) -> None:
        super().__init__("sqlite:///no-database-yet.db", node)
        for engine in (self._writing, self._reading):
            sa.event.listen(engine, "do_connect", self._lead_there)
            sa.event.listen(engine, "connect", _wait_for_no_disk)

    def at(self, path: Path) -> ReusedStore:
        """From now on this file is the database."""
        self._path = path
        self.url = f"sqlite:///{path}"
        return self

    def _lead_there(self, dialect: Any, record: Any, arguments: list[Any], keywords: dict[str, Any]) -> None:
        arguments[0] = str(self._path)


def _wait_for_no_disk(connection: Any, record: Any) -> None:
    connection.execute("pragma synchronous=OFF")


class Stores:
    """Hands out stores on copies of one empty database; a store that was closed is given to the next test."""

    def __init__(self, empty: Path) -> None:
        self._empty = empty
        self._free: dict[str, list[ReusedStore]] = {}

    def open(self, path: Path, node: str = "test") -> ReusedStore:
        """A store on a new database at this path."""
        shutil.copy(self._empty, path)
        free = self._free.setdefault(node, [])
        return (free.pop() if free else ReusedStore(node)).at(path)

    def close(self, store: ReusedStore, node: str = "test") -> None:
        store.close()
        if store not in self._free[node]:
            self._free[node].append(store)


@pytest.fixture(scope="session")
def empty_database(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A database with its tables and nothing in them."""
    path = tmp_path_factory.mktemp("empty") / "maild.db"
    store = Store(f"sqlite:///{path}", "test")
    store.migrate()
    with store() as unit:  # everything into the one file that is copied
        unit.commit()
    store.close()
    return path


@pytest.fixture(scope="session")
def stores(empty_database: Path) -> Stores:
    """The stores of this test process."""
    return Stores(empty_database)


@pytest.fixture(scope="session")
def empty_postgres(postgres: Any) -> str:
    """The URL of a PostgreSQL database with its tables and nothing in them: a template for others."""
    url = str(postgres.new_database())
    store = Store(url, "test")
    store.migrate()
    store.close()
    return url


@pytest.fixture
def migrated_postgres_url(postgres: Any, empty_postgres: str) -> Iterator[str]:
    """The URL of a database of this test's own with its tables, dropped afterwards."""
    url = postgres.new_database(empty_postgres)
    yield url
    postgres.drop_database(url)
