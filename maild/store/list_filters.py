"""Turns a Listing into SQL conditions that use the indexes.

Partial indexes are used only when their condition stands in the SQL as literal values."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from maild.domain.tickets.ticket import Priority
from maild.domain.tickets.visibility import Sight
from maild.ports import Listing, Order
from maild.store.schema import one_of, ticket

WORKED_ON = ("open", "waiting")  # repeats the condition of the partial index ix_ticket_worked_on
_ENDED = frozenset({"resolved", "closed", "spam"})

Condition = sa.ColumnElement[bool]


def conditions(wanted: Listing) -> tuple[Condition, ...]:
    """Return all conditions that the tickets of this list fulfil."""
    return (*_of_status(wanted), *_of_properties(wanted), *_of_times(wanted), *_seen_by(wanted.sight))


def is_worked_on(wanted: Listing) -> bool:
    """Say whether the list asks for open and waiting tickets only."""
    return bool(wanted.statuses) and set(WORKED_ON).issuperset(wanted.statuses or ())


def ordering(order: Order) -> tuple[sa.ColumnElement[Any], ...]:
    """Return the ORDER BY columns of an order."""
    number = ticket.c.number
    if order is Order.DUE:
        return (ticket.c.due_at.asc().nulls_last(), _urgency().desc(), number.asc())
    if order is Order.ENDED:
        return (ticket.c.ended_at.desc(), number.desc())
    if order is Order.CREATED:
        return (ticket.c.created_at.desc(), number.desc())
    return (number.asc(),)


def _urgency() -> sa.ColumnElement[int]:
    return sa.case({level.value: rank for rank, level in enumerate(Priority)}, value=ticket.c.priority, else_=0)


def _of_status(wanted: Listing) -> Iterator[Condition]:
    statuses = wanted.statuses
    if statuses is not None:
        # A period is more selective than a status. The concatenation keeps the database from using the status index.
        spanned = wanted.created_since is not None or wanted.ended_since is not None
        status = ticket.c.status.concat("") if spanned else ticket.c.status
        yield status.in_(list(statuses))
        if statuses and _ENDED.issuperset(statuses):
            yield ticket.c.ended_at.is_not(None)
    if wanted.overdue_at is not None or is_worked_on(wanted):
        yield one_of(ticket.c.status, *WORKED_ON)


def _of_properties(wanted: Listing) -> Iterator[Condition]:
    named = (
        (ticket.c.assignee, wanted.assignee),
        (ticket.c.department, wanted.department),
        (ticket.c.team, wanted.team),
        (ticket.c.priority, wanted.priority),
    )
    yield from (column == value for column, value in named if value is not None)
    if wanted.unassigned:
        yield ticket.c.assignee == ""
    if wanted.tag is not None:
        yield _holds(ticket.c.tags, wanted.tag)
    if wanted.sender is not None:
        address = sa.func.lower(ticket.c.requester_address)
        at_domain = address.endswith(f"@{wanted.sender}", autoescape=True)
        yield address == wanted.sender if "@" in wanted.sender else at_domain
    if wanted.domains is not None:
        address = sa.func.lower(ticket.c.requester_address)
        ends = (name.removeprefix("*") if name.startswith("*.") else f"@{name}" for name in wanted.domains)
        yield sa.or_(sa.false(), *(address.endswith(end, autoescape=True) for end in ends))


def _of_times(wanted: Listing) -> Iterator[Condition]:
    if wanted.overdue_at is not None:
        yield ticket.c.due_at <= wanted.overdue_at
    if wanted.created_since is not None:
        yield ticket.c.created_at >= wanted.created_since
    if wanted.ended_since is not None:
        yield ticket.c.ended_at >= wanted.ended_since
    if wanted.not_snoozed_at is not None:
        yield sa.not_(_is_snoozed(wanted.not_snoozed_at))
    if wanted.snoozed_at is not None:
        yield _is_snoozed(wanted.snoozed_at)


def _is_snoozed(instant: datetime) -> Condition:
    until = ticket.c.snoozed_until
    return sa.and_(until.is_not(None), until > instant)


def _seen_by(sight: Sight | None) -> Iterator[Condition]:
    """Yield the conditions that Sight.sees checks, for names spelled as in the configuration."""
    if sight is None or sight.all_but == ():
        return
    related = [ticket.c.assignee == sight.agent, _holds(ticket.c.mentioned, sight.agent)]
    if sight.departments:
        related.append(ticket.c.department.in_(list(sight.departments)))
    if sight.teams:
        related.append(ticket.c.team.in_(list(sight.teams)))
    if sight.all_but is not None:
        related.append(ticket.c.department.not_in(list(sight.all_but)))
    yield sa.or_(*related)


def _holds(names: sa.Column[list[str]], name: str) -> Condition:
    """Match a name in a JSON list of names, ignoring case."""
    return sa.cast(names, sa.Text).icontains(json.dumps(name), autoescape=True)
