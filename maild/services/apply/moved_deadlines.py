"""The deadlines that one act moves, as events beside those of the act."""

from __future__ import annotations

from maild.domain.sla.moved_deadlines import CAUSES, dues_of, moves, reason_of
from maild.domain.sla.standing import standing
from maild.domain.tickets.events import DeadlineMoved, Event
from maild.domain.tickets.ticket import Ticket, apply
from maild.services.work import Work


def with_moves(work: Work, before: Ticket, events: tuple[Event, ...]) -> tuple[Event, ...]:
    """Return the events, not stored yet, with the deadlines that they move by leading to another plan or calendar.

    Both plans are measured with all of the events. What a status or an answer does to a deadline is not a move."""
    if not any(isinstance(event, CAUSES) for event in events) or any(
        isinstance(event, DeadlineMoved) for event in events
    ):
        return events
    after = before
    for event in events:
        after = apply(before.number, after, event)
    pairs = [(work.helpdesk.plan_of(ticket), work.helpdesk.calendar_of(ticket)) for ticket in (before, after)]
    if after.status.ended or pairs[0] == pairs[1]:
        return events
    history = (*work.unit.tickets.history(before.number), *events)
    was, now_due = (dues_of(standing(history, plan, calendar, work.now)) for plan, calendar in pairs)
    return (*events, *moves(was, now_due, events[-1].at, reason_of(events)))
