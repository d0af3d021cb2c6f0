"""A transaction whose writes wait until they are needed.

Rows are collected by table and sent with one statement for each table. Any other statement sends them first, so it sees
what was written before it. Reads that are remembered by their owner (read_cache.py) need no statement and send
nothing. So fifty mails cost about as many statements as one."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache, lru_cache
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection, CursorResult, RowMapping

from maild.store.schema import metadata
from maild.store.transaction.insert_once import insert_once

Values = Mapping[str, Any]
Key = tuple[Any, ...]


@dataclass(slots=True)
class _Guarded:
    """Rows for an UPDATE that must find each of its rows, and the error when it does not."""

    rows: list[Values]
    missed: Callable[[], Exception]


@dataclass(slots=True)
class _Waiting:
    """What waits, by table name. A row that is inserted and then changed is inserted once, with the change."""

    inserts: dict[str, dict[Key, dict[str, Any]]] = field(default_factory=dict)
    updates: dict[str, dict[Key, dict[str, Any]]] = field(default_factory=dict)
    once: dict[str, dict[Key, Values]] = field(default_factory=dict)
    guarded: dict[sa.Update, _Guarded] = field(default_factory=dict)

    def __bool__(self) -> bool:
        return bool(self.inserts or self.updates or self.once or self.guarded)


class Session:
    """Executes statements in one transaction, and collects rows that can wait."""

    def __init__(self, connection: Connection) -> None:
        self.connection = connection
        self.postgres = connection.dialect.name == "postgresql"
        self.batched = False  # many mails are handled in this transaction; when it fails, each is handled again alone
        self._waiting = _Waiting()
        self._after_flush: list[Callable[[], None]] = []
        self._at_forget: list[Callable[[], None]] = []

    @property
    def alone(self) -> bool:
        """Whether a row that another node stores at the same time must not make this transaction fail."""
        return self.postgres and not self.batched

    # -- statements that are executed at once -------------------------------------------------------------------------

    def execute(
        self, statement: sa.Executable, parameters: Values | Sequence[Values] | None = None
    ) -> CursorResult[Any]:
        """Send what waits, then execute the statement."""
        self.flush()
        return self.connection.execute(statement, parameters)

    def scalar(self, statement: sa.Executable, parameters: Values | None = None) -> Any:
        """Send what waits, then return the first column of the first row; None when there is none."""
        return self.execute(statement, parameters).scalar()

    def scalars(self, statement: sa.Executable, parameters: Values | None = None) -> sa.ScalarResult[Any]:
        """Send what waits, then return the first column of all rows."""
        return self.execute(statement, parameters).scalars()

    def rows(self, statement: sa.Executable, parameters: Values | None = None) -> Sequence[RowMapping]:
        """Send what waits, then return all rows."""
        return self.execute(statement, parameters).mappings().all()

    # -- rows that wait -----------------------------------------------------------------------------------------------

    def insert(self, table: sa.Table, values: Values) -> None:
        """Insert a row at the next flush. `values` must hold the primary key."""
        self._waiting.inserts.setdefault(table.name, {})[_key(table, values)] = dict(values)

    def insert_once(self, table: sa.Table, values: Values) -> None:
        """Insert a row at the next flush unless there is one with this primary key."""
        self._waiting.once.setdefault(table.name, {}).setdefault(_key(table, values), values)

    def update(self, table: sa.Table, key: Key, values: Values) -> None:
        """Change the row with this primary key at the next flush."""
        inserted = self._waiting.inserts.get(table.name, {}).get(key)
        if inserted is not None:
            inserted.update(values)
            return
        self._waiting.updates.setdefault(table.name, {}).setdefault(key, {}).update(values)

    def update_guarded(self, statement: sa.Update, values: Values, missed: Callable[[], Exception]) -> None:
        """Execute an UPDATE at the next flush. The flush raises what `missed` returns when it finds no row."""
        self._waiting.guarded.setdefault(statement, _Guarded([], missed)).rows.append(values)

    def after_flush(self, step: Callable[[], None]) -> None:
        """Call `step` at each flush, after the rows were sent. It uses `connection` for what follows from them."""
        self._after_flush.append(step)

    def at_forget(self, step: Callable[[], None]) -> None:
        """Call `step` when what was remembered of the database is no longer true."""
        self._at_forget.append(step)

    def flush(self) -> None:
        """Send the rows that wait, and what follows from them."""
        if self._waiting:
            self._send()
        for step in self._after_flush:
            step()

    def _send(self) -> None:
        waiting, self._waiting = self._waiting, _Waiting()
        named = waiting.inserts.keys() | waiting.updates.keys() | waiting.once.keys()
        for table in (table for table in _tables() if table.name in named):
            self._insert(table, waiting.inserts.get(table.name, {}).values())
            self._update(table, waiting.updates.get(table.name, {}))
            if once := waiting.once.get(table.name):
                self.connection.execute(insert_once(self.connection, table), list(once.values()))
        for statement, guarded in waiting.guarded.items():
            if self.connection.execute(statement, guarded.rows).rowcount != len(guarded.rows):
                raise guarded.missed()

    def forget(self) -> None:
        """Drop the rows that wait and all that is remembered: the transaction ended or was rolled back."""
        self._waiting = _Waiting()
        for step in self._at_forget:
            step()

    def _insert(self, table: sa.Table, new: Any) -> None:
        for columns, values in _alike(new).items():
            self.connection.execute(_inserting(table, columns), values)

    def _update(self, table: sa.Table, changed: Mapping[Key, Values]) -> None:
        keyed = ({**values, **_key_parameters(table, key)} for key, values in changed.items())
        for columns, values in _alike(keyed).items():
            self.connection.execute(_updating(table, columns), values)


@cache
def _tables() -> tuple[sa.Table, ...]:
    """Return all tables in the order of their rows: those that others refer to come first."""
    return tuple(metadata.sorted_tables)


def _alike(rows: Any) -> dict[tuple[str, ...], list[Values]]:
    """Group rows by their columns: rows of one statement must have the same."""
    groups: dict[tuple[str, ...], list[Values]] = {}
    for row in rows:
        groups.setdefault(tuple(row), []).append(row)
    return groups


@lru_cache(maxsize=256)
def _key_names(table: sa.Table) -> tuple[str, ...]:
    return tuple(column.name for column in table.primary_key)


def _key(table: sa.Table, values: Values) -> Key:
    return tuple(values[name] for name in _key_names(table))


def _key_parameters(table: sa.Table, key: Key) -> dict[str, Any]:
    return {f"key_{name}": value for name, value in zip(_key_names(table), key, strict=True)}


@lru_cache(maxsize=256)
def _inserting(table: sa.Table, columns: tuple[str, ...]) -> sa.Insert:
    return sa.insert(table)


@lru_cache(maxsize=256)
def _updating(table: sa.Table, columns: tuple[str, ...]) -> sa.Update:
    here = [table.c[name] == sa.bindparam(f"key_{name}") for name in _key_names(table)]
    changed = [name for name in columns if name in table.c]
    return sa.update(table).where(*here).values({name: sa.bindparam(name) for name in changed})
