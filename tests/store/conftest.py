"""Every store test runs on SQLite and on PostgreSQL: one contract, two databases."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest

from maild.store.unit_of_work import Store

NOW = datetime(2026, 11, 23, 8, 0, tzinfo=UTC)
MINUTE = timedelta(minutes=1)


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.door)])
def url(request, tmp_path, empty_database) -> str:
    """A database with its tables and nothing in them."""
    if request.param == "postgresql":
        return request.getfixturevalue("migrated_postgres_url")
    shutil.copy(empty_database, tmp_path / "maild.db")
    return f"sqlite:///{tmp_path}/maild.db"


@pytest.fixture
def store(url, tmp_path, stores) -> Iterator[Store]:
    if url.startswith("sqlite"):
        made = stores.open(tmp_path / "maild.db", "node-a")
        yield made
        stores.close(made, "node-a")
    else:
        made = Store(url, "node-a")
        yield made
        made.close()
