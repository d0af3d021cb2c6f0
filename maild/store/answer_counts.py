"""Counts automatic answers to people outside, for many addresses in one statement."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import sqlalchemy as sa

from maild.domain.messages.outbox import OutboxState
from maild.store.schema import outbox

_FILLED = outbox.c.counted != sa.literal("", literal_execute=True)  # repeats the condition of the partial indexes
_KEYS = outbox.c.to_key.in_(sa.bindparam("keys", expanding=True))
_DOMAINS = outbox.c.to_domain.in_(sa.bindparam("domains", expanding=True))


# Without statistics SQLite would use the index of the kind and read a day's answers for one address. Inside a function
# the kind cannot use that index, so SQLite uses the index of the address.
_KIND = sa.func.coalesce(outbox.c.counted, sa.literal("", literal_execute=True))


def _queued(counted: str, since: str, kind: Any = outbox.c.counted) -> sa.ColumnElement[bool]:
    """Match mails that are counted as this and were queued after the parameter `since`."""
    after = outbox.c.queued_at > sa.bindparam(since, type_=outbox.c.queued_at.type)
    return sa.and_(_FILLED, kind == sa.literal(counted, literal_execute=True), after)


def _part(name: str, key: Any, ticket: Any, *conditions: sa.ColumnElement[bool]) -> sa.Select[Any]:
    columns = (sa.literal(name, literal_execute=True).label("part"), key.label("key"), ticket.label("ticket"))
    return sa.select(*columns, sa.func.count().label("number")).where(*conditions)


def _answered(name: str, since: str, key: Any, *conditions: sa.ColumnElement[bool], ticket: Any = None) -> Any:
    """Count the answers for each key, and for each ticket when one is given."""
    named = _NO_TICKET if ticket is None else ticket
    counted = _part(name, key, named, _queued("answer", since, _KIND), _LEFT, *conditions)
    return counted.group_by(key) if ticket is None else counted.group_by(key, ticket)


_LEFT = outbox.c.state != sa.literal(OutboxState.DROPPED.value, literal_execute=True)
_NO_KEY, _NO_TICKET = sa.literal("", literal_execute=True), sa.literal(0, literal_execute=True)
_TEMPLATE = outbox.c.template == sa.bindparam("state_template")
COUNTS = sa.union_all(
    _answered("address", "a_day_ago", outbox.c.to_key, _KEYS),
    _answered("domain", "an_hour_ago", outbox.c.to_domain, _DOMAINS),
    _answered("state", "an_hour_ago", outbox.c.to_key, _KEYS, _TEMPLATE, ticket=outbox.c.ticket),
    _part("all", _NO_KEY, _NO_TICKET, _queued("answer", "a_minute_ago"), _LEFT),
    _part("flood", _NO_KEY, _NO_TICKET, _queued("alarm", "stopped_since")),
)


def by_part(found: Any, part: str) -> Mapping[tuple[str, int], int]:
    """Return (key, ticket) -> number for one part of COUNTS."""
    return {(row.key, row.ticket or 0): row.number for row in found if row.part == part}
