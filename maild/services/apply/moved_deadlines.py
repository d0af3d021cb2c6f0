"""The deadlines that one act moves, as events beside those of the act."""

from __future__ import annotations

from maild.domain.sla.moved_deadlines import CAUSES, dues_of, moves, reason_of
from maild.domain.sla.standing import standing
from maild.domain.tickets.events import DeadlineMoved, Event
from maild.domain.tickets.ticket import Ticket, apply
from maild.services.work import Work


def with_moves(work: Work, before: Ticket, facts: tuple[Event, ...]) -> tuple[Event, ...]:
    """Return the events, not stored yet, with the deadlines that they move by leading to another plan or calendar.

    Both plans are measured with all of the events. What a status or an answer does to a deadline is not a move."""
    if not any(isinstance(fact, CAUSES) for fact in facts) or any(isinstance(fact, DeadlineMoved) for fact in facts):
        return facts
    after = before
    for fact in facts:
        after = apply(before.number, after, fact)
    pairs = [(work.helpdesk.plan_of(ticket), work.helpdesk.calendar_of(ticket)) for ticket in (before, after)]
    if after.status.ended or pairs[0] == pairs[1]:
        return facts
    history = (*work.unit.tickets.history(before.number), *facts)
    was, now_due = (dues_of(standing(history, plan, calendar, work.now)) for plan, calendar in pairs)
    return (*facts, *moves(was, now_due, facts[-1].at, reason_of(facts)))
