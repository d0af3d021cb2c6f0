"""Where a ticket stands to its SLA, and the columns of its row that the ticks look at."""

from __future__ import annotations

from maild.domain.sla.moved_deadlines import dues_of
from maild.domain.sla.standing import Standing, standing
from maild.domain.tickets.ticket import Status, Ticket
from maild.ports import SlaIndex
from maild.services.work import Work


def sla_standing(work: Work, ticket: Ticket) -> Standing:
    """Return how a ticket stands to its SLA, without steps that fired already."""
    history = work.unit.tickets.history(ticket.number)
    fired = work.unit.sla_steps.fired(ticket.number)
    plan, calendar = work.helpdesk.plan_of(ticket), work.helpdesk.calendar_of(ticket)
    return standing(history, plan, calendar, work.now, already=fired)


def update_sla_index(work: Work, ticket: Ticket) -> Standing:
    """Write the ticket's next SLA instant and due instant into its row."""
    standing_now = sla_standing(work, ticket)
    ended = ticket.status.ended or ticket.status is Status.SPAM
    index = SlaIndex(
        next_at=None if ended else standing_now.next_at,
        due_at=None if ended else standing_now.due_at,
        fingerprint=work.helpdesk.plan_fingerprint(ticket),
        deadlines={} if ended else dues_of(standing_now),
    )
    work.unit.tickets.set_sla_index(ticket.number, index)
    return standing_now
