"""Lists as agents and admins ask for them: a question's conditions become those of the store, and tickets become
rows."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from maild.domain.people.directory import Agent
from maild.domain.queries.parsing import MOST_ROWS
from maild.domain.query import WORKED_ON, Filter, FindQuery
from maild.domain.tickets.search_words import Terms, snippet
from maild.domain.tickets.visibility import Sight, sight_of
from maild.ports import ListedTicket, Listing, Order, UnitOfWork
from maild.services.helpdesk import Helpdesk

Row = dict[str, Any]


def listing_of(wanted: Filter, now: datetime, sight: Sight | None, limit: int | None) -> Listing:
    """Return the conditions of `list …`. Snoozed tickets are left out unless they are asked for or overdue."""
    statuses = wanted.wanted
    worked_on = set(statuses) <= set(WORKED_ON)
    hides = worked_on and not (wanted.snoozed or wanted.overdue)
    since = now - wanted.window if wanted.window is not None else None
    order = Order.DUE if worked_on else Order.ENDED if wanted.about_ended else Order.CREATED
    return Listing(
        **_properties(wanted),
        statuses=tuple(status.value for status in statuses),
        overdue_at=now if wanted.overdue else None,
        created_since=None if wanted.about_ended else since,
        ended_since=since if wanted.about_ended else None,
        not_snoozed_at=now if hides else None,
        snoozed_at=now if wanted.snoozed else None,
        sight=sight,
        order=order,
        limit=limit,
    )


def searching(wanted: Filter, now: datetime, sight: Sight | None) -> Listing:
    """Return the conditions of `find …`: exactly as named."""
    return Listing(
        **_properties(wanted),
        statuses=tuple(status.value for status in wanted.statuses) or None,
        created_since=now - wanted.age if wanted.age is not None else None,
        sight=sight,
    )


def _properties(wanted: Filter) -> dict[str, Any]:
    return {
        "assignee": wanted.assignee or None,
        "department": wanted.department or None,
        "team": wanted.team or None,
        "priority": wanted.priority or None,
        "tag": wanted.tag or None,
        "sender": wanted.sender or None,
        "unassigned": wanted.unassigned,
    }


def sight_for(agent: Agent | None, helpdesk: Helpdesk) -> Sight | None:
    """Return what an agent may see. The admin on the command line sees everything."""
    return sight_of(agent, helpdesk.policy.directory) if agent is not None else None


def found_by(unit: UnitOfWork, asked: FindQuery, now: datetime, sight: Sight | None, limit: int) -> list[ListedTicket]:
    """Return the line that tells why each ticket was found."""
    return unit.search.find(asked.terms, searching(asked.filter, now, sight), limit)


def said_in(unit: UnitOfWork, number: int, terms: Terms) -> str:
    """Return the line of a ticket's thread that tells why it was found; "" when its subject or people do."""
    return snippet([entry.text for entry in unit.tickets.entries(number)], terms)


def rows_of(found: Sequence[ListedTicket], helpdesk: Helpdesk, now: datetime, first: int = 1) -> list[Row]:
    """Return tickets as the rows of a mailed list, numbered from `first`."""
    return [_row(listed, first + place, helpdesk, now) for place, listed in enumerate(found)]


def _row(listed: ListedTicket, row: int, helpdesk: Helpdesk, now: datetime) -> Row:
    ticket = listed.ticket
    assignee = helpdesk.policy.directory.agent(ticket.assignee)
    team = f"team {ticket.team}" if ticket.team else ""
    due = listed.due_at if not ticket.status.ended else None
    return {
        "row": row,
        "number": ticket.number,
        "subject": ticket.subject,
        "status": ticket.status.value,
        "priority": ticket.priority.value,
        "department": ticket.department,
        "owner": assignee.shown if assignee else ticket.assignee or team or "nobody",
        "requester": ticket.requester.shown,
        "due": due.isoformat() if due else "",
        "late": due is not None and due <= now,
        "ended": ticket.ended_at.isoformat() if ticket.ended_at and ticket.status.ended else "",
        "line": "",
    }


def count_told(count: int, more: bool, wanted: Filter | None = None) -> str:
    """Return what a list says of itself: "3 tickets", "the first 50", and how far it looks back."""
    if more:
        told = f"the first {count} tickets; narrow it down for the others"
    else:
        told = "no ticket" if not count else f"{count} ticket{'s' if count != 1 else ''}"
    window = wanted.window if wanted is not None else None
    if window is None:
        return told
    since = "that ended in" if wanted is not None and wanted.about_ended else "from"
    return f"{told} {since} the last {span_told(window)}"


def span_told(span: timedelta) -> str:
    """Return how far a list looks back, in words."""
    hours = round(span.total_seconds() / 3600)
    if hours % 24:
        return f"{hours} hours" if hours != 1 else "hour"
    days = hours // 24
    return f"{days} days" if days != 1 else "day"


def limited(found: Sequence[ListedTicket], limit: int = MOST_ROWS) -> tuple[Sequence[ListedTicket], bool]:
    """Return (at most so many, whether there were more). Ask the store for one more than are shown."""
    return found[:limit], len(found) > limit
