"""Where a ticket stands to its SLA, and the columns of its row that the ticks look at."""

from __future__ import annotations

from datetime import datetime

from maild.domain.sla.moved_deadlines import dues_of
from maild.domain.sla.standing import Standing, standing
from maild.domain.tickets.ticket import Status, Ticket
from maild.ports import SlaIndex, UnitOfWork
from maild.services.helpdesk import Helpdesk


def sla_standing(unit: UnitOfWork, ticket: Ticket, helpdesk: Helpdesk, now: datetime) -> Standing:
    """How a ticket stands to its SLA, steps that fired already left out."""
    history = unit.tickets.history(ticket.number)
    fired = unit.sla_steps.fired(ticket.number)
    return standing(history, helpdesk.plan_of(ticket), helpdesk.calendar_of(ticket), now, already=fired)


def update_sla_index(unit: UnitOfWork, ticket: Ticket, helpdesk: Helpdesk, now: datetime) -> Standing:
    """Write the ticket's next SLA instant and due instant into its row."""
    standing_now = sla_standing(unit, ticket, helpdesk, now)
    ended = ticket.status.ended or ticket.status is Status.SPAM
    index = SlaIndex(
        next_at=None if ended else standing_now.next_at,
        due_at=None if ended else standing_now.due_at,
        digest=helpdesk.plan_fingerprint(ticket),
        dues={} if ended else dues_of(standing_now),
    )
    unit.tickets.index(ticket.number, index)
    return standing_now
