"""What time brings next, in one statement: each part looks at the first row of an index, however many there are."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from maild.ports import Coming
from maild.store.schema import draft, one_of, ticket

_LONG_AGO = datetime(1, 1, 2, tzinfo=UTC)


def _first(column: sa.Column[datetime], after: str, *more: sa.ColumnElement[bool]) -> sa.ScalarSelect[datetime]:
    later = column > sa.bindparam(after, type_=column.type)
    return sa.select(column).where(column.is_not(None), later, *more).order_by(column).limit(1).scalar_subquery()


def _in_status(status: str) -> tuple[sa.ColumnElement[bool], ...]:
    return one_of(ticket.c.status, status), ticket.c.wake_at.is_(None)


_COMING = sa.select(
    _first(ticket.c.next_sla_at, "after").label("sla"),
    _first(ticket.c.snoozed_until, "after").label("snooze_over"),
    _first(ticket.c.wake_at, "after").label("wait_over"),
    _first(ticket.c.status_since, "after_waiting", *_in_status("waiting")).label("gives_up"),
    _first(ticket.c.status_since, "after_resolved", *_in_status("resolved")).label("closes"),
    _first(draft.c.remind_at, "after").label("reminder"),
)


class SqlAgenda:
    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def coming(self, waiting: timedelta, resolved: timedelta, after: datetime | None = None) -> Coming:
        bound = {
            "after": after or _LONG_AGO,
            "after_waiting": after - waiting if after else _LONG_AGO,
            "after_resolved": after - resolved if after else _LONG_AGO,
        }
        row = self._connection.execute(_COMING, bound).one()
        return Coming(
            sla=row.sla,
            snooze_over=row.snooze_over,
            wait_over=row.wait_over,
            gives_up=row.gives_up + waiting if row.gives_up else None,
            closes=row.closes + resolved if row.closes else None,
            reminder=row.reminder,
        )
