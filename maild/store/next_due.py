"""What time brings next, in one statement: each part looks at the first row of an index, however many there are."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from maild.ports import Coming, Lasts
from maild.store.agent_tables import held_reply
from maild.store.schema import one_of, ticket

_LONG_AGO = datetime(1, 1, 2, tzinfo=UTC)


def _first(column: sa.Column[datetime], after: str, *more: sa.ColumnElement[bool]) -> sa.ScalarSelect[datetime]:
    later = column > sa.bindparam(after, type_=column.type)
    return sa.select(column).where(column.is_not(None), later, *more).order_by(column).limit(1).scalar_subquery()


def _in_status(status: str) -> tuple[sa.ColumnElement[bool], ...]:
    return one_of(ticket.c.status, status), ticket.c.wake_at.is_(None)


def _columns(*, reminding: bool) -> sa.Select[*tuple[Any, ...]]:
    since, waiting = ticket.c.status_since, _in_status("waiting")
    unreminded = _first(since, "after_unreminded", *waiting, ticket.c.reminded_at.is_(None))
    return sa.select(
        _first(ticket.c.next_sla_at, "after").label("sla"),
        _first(ticket.c.snoozed_until, "after").label("snooze_over"),
        _first(ticket.c.wake_at, "after").label("wait_over"),
        (unreminded if reminding else sa.null()).label("asks_again"),
        _first(since, "after_waiting", *waiting).label("gives_up"),
        _first(since, "after_resolved", *_in_status("resolved")).label("closes"),
        _first(held_reply.c.remind_at, "after").label("reminder"),
    )


# Made once: putting the statement together takes longer than asking it.
_COMING, _COMING_WITH_REMINDERS = _columns(reminding=False), _columns(reminding=True)


class SqlAgenda:
    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def coming(self, lasts: Lasts, after: datetime | None = None) -> Coming:
        unreminded = lasts.unreminded or timedelta(0)
        bound = {
            "after": after or _LONG_AGO,
            "after_waiting": after - lasts.waiting if after else _LONG_AGO,
            "after_resolved": after - lasts.resolved if after else _LONG_AGO,
        }
        if lasts.unreminded is not None:
            bound["after_unreminded"] = after - unreminded if after else _LONG_AGO
        query = _COMING if lasts.unreminded is None else _COMING_WITH_REMINDERS
        row = self._connection.execute(query, bound).one()
        return Coming(
            sla=row.sla,
            snooze_over=row.snooze_over,
            wait_over=row.wait_over,
            asks_again=row.asks_again + unreminded if row.asks_again else None,
            gives_up=row.gives_up + lasts.waiting if row.gives_up else None,
            closes=row.closes + lasts.resolved if row.closes else None,
            reminder=row.reminder,
        )
