"""INSERT that leaves an existing row alone, on both databases; and numbers taken before their row is written."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.engine import Connection

from maild.store.schema import counter

_NEXT = sa.select(sa.func.nextval(sa.bindparam("name", type_=sa.Text)))
_COUNT_UP = sa.update(counter).where(counter.c.name == sa.bindparam("of")).values(value=counter.c.value + 1)
_COUNT_UP = _COUNT_UP.returning(counter.c.value)


def insert_once(connection: Connection, table: sa.Table, values: Mapping[str, Any] | None = None) -> Any:
    """INSERT … ON CONFLICT DO NOTHING: no row comes back when a UNIQUE column was taken. `values` may as well be given
    when it is carried out."""
    made = _once(connection.dialect.name, table)
    return made if values is None else made.values(dict(values))


@lru_cache(maxsize=64)
def _once(dialect: str, table: sa.Table) -> Any:
    insert: Any = postgresql.insert if dialect == "postgresql" else sqlite.insert
    return insert(table).on_conflict_do_nothing()


def next_number(connection: Connection, name: str) -> int:
    """The next number of a counter. On PostgreSQL a sequence, so that nodes never wait for each other."""
    if connection.dialect.name == "postgresql":
        return int(connection.scalar(_NEXT, {"name": name}) or 0)
    return int(connection.scalar(_COUNT_UP, {"of": name}) or 0)
