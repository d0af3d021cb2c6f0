"""Finds the next timed work in one statement.

Each part reads the first row of an index, however many rows there are."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import sqlalchemy as sa

from maild.ports import NextInstants, StatusDurations
from maild.store.agent_tables import held_reply
from maild.store.schema import one_of, ticket
from maild.store.transaction.session import Session

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
        _first(ticket.c.snoozed_until, "after").label("snooze_ends"),
        _first(ticket.c.wake_at, "after").label("wait_ends"),
        (unreminded if reminding else sa.null()).label("customer_reminder"),
        _first(since, "after_waiting", *waiting).label("wait_times_out"),
        _first(since, "after_resolved", *_in_status("resolved")).label("auto_close"),
        _first(held_reply.c.remind_at, "after").label("held_reply_reminder"),
    )


# Built once, because building the statement takes longer than executing it.
_NEXT, _NEXT_WITH_REMINDERS = _columns(reminding=False), _columns(reminding=True)


class SqlAgenda:
    """Implements ports.Agenda."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def next_instants(self, durations: StatusDurations, after: datetime | None = None) -> NextInstants:
        """Return the next instant of each kind that comes later than `after`."""
        unreminded = durations.until_reminder or timedelta(0)
        bound = {
            "after": after or _LONG_AGO,
            "after_waiting": after - durations.waiting if after else _LONG_AGO,
            "after_resolved": after - durations.resolved if after else _LONG_AGO,
        }
        if durations.until_reminder is not None:
            bound["after_unreminded"] = after - unreminded if after else _LONG_AGO
        query = _NEXT if durations.until_reminder is None else _NEXT_WITH_REMINDERS
        row = self._session.execute(query, bound).one()
        return NextInstants(
            sla=row.sla,
            snooze_ends=row.snooze_ends,
            wait_ends=row.wait_ends,
            customer_reminder=row.customer_reminder + unreminded if row.customer_reminder else None,
            wait_times_out=row.wait_times_out + durations.waiting if row.wait_times_out else None,
            auto_close=row.auto_close + durations.resolved if row.auto_close else None,
            held_reply_reminder=row.held_reply_reminder,
        )
