"""INSERT statements that leave an existing row alone, on both databases."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.engine import Connection


def insert_once(connection: Connection, table: sa.Table, values: Mapping[str, Any] | None = None) -> Any:
    """Return an INSERT … ON CONFLICT DO NOTHING statement. It returns no row when a unique column was taken.

    `values` may also be passed when the statement is executed."""
    made = _once(connection.dialect.name, table)
    return made if values is None else made.values(dict(values))


@lru_cache(maxsize=64)
def _once(dialect: str, table: sa.Table) -> Any:
    insert: Any = postgresql.insert if dialect == "postgresql" else sqlite.insert
    return insert(table).on_conflict_do_nothing()
