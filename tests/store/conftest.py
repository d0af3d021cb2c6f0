"""Every store test runs on SQLite and on PostgreSQL: one contract, two databases."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest

from maild.store.unit_of_work import Store

NOW = datetime(2026, 11, 23, 8, 0, tzinfo=UTC)
MINUTE = timedelta(minutes=1)


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.door)])
def url(request, tmp_path) -> str:
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path}/maild.db"
    return request.getfixturevalue("postgres_url")


@pytest.fixture
def store(url) -> Iterator[Store]:
    made = Store(url, "node-a")
    made.migrate()
    yield made
    made.close()
