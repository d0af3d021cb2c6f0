"""What time does to tickets beside their SLA: waiting ends, resolved ones close."""

from __future__ import annotations

from datetime import datetime

from maild.domain import events
from maild.domain.decision import Decision, EntryDraft, Outcome
from maild.domain.events import THIS_ENTRY, Actor
from maild.domain.people import Role
from maild.domain.ticket import EntryKind, Status, Ticket
from maild.ports import OpenUnitOfWork, UnitOfWork
from maild.services.carry_out import carry_out
from maild.services.helpdesk import Helpdesk

BATCH = 100
_TIMER = Actor(Role.SYSTEM, "timer")


def keep_house(open_unit: OpenUnitOfWork, helpdesk: Helpdesk, now: datetime) -> int:
    """Do what is due at `now` -> how many tickets changed."""
    closing = helpdesk.settings.closing
    changed = 0
    while True:
        with open_unit() as unit:
            woken = unit.tickets.to_wake(now, BATCH)
            silent = unit.tickets.in_status_since(Status.WAITING, now - closing.waiting_to_resolved, BATCH)
            silent = [number for number in silent if number not in woken]
            resolved = unit.tickets.in_status_since(Status.RESOLVED, now - closing.resolved_to_closed, BATCH)
            for number in woken:
                _change(unit, number, Status.OPEN, "the waiting time is over", helpdesk, now, told=True)
            for number in silent:
                _change(unit, number, Status.RESOLVED, "the customer did not answer", helpdesk, now)
            for number in resolved:
                _change(unit, number, Status.CLOSED, "resolved, and nobody wrote", helpdesk, now)
            unit.commit()
        changed += len(woken) + len(silent) + len(resolved)
        if max(len(woken), len(silent), len(resolved)) < BATCH:
            return changed


def _change(
    unit: UnitOfWork,
    number: int,
    status: Status,
    reason: str,
    helpdesk: Helpdesk,
    now: datetime,
    *,
    told: bool = False,
) -> None:
    """Change a status by the clock; `told` adds a note, which those in charge hear of."""
    ticket = unit.tickets.get(number)
    if ticket is None:
        return
    changed = events.StatusChanged(at=now, by=_TIMER, status=status, previous=ticket.status, reason=reason)
    decision = Decision(Outcome.COMMANDED, reason, (changed,), actor=_TIMER)
    if told:
        note = events.Noted(at=now, by=_TIMER, entry=THIS_ENTRY)
        decision = Decision(Outcome.NOTED, reason, (note, changed), _note(ticket, helpdesk), _TIMER)
    carry_out(unit, decision, ticket, helpdesk, now, trace=f"timer-{number}")


def _note(ticket: Ticket, helpdesk: Helpdesk) -> EntryDraft:
    since = ticket.status_since.astimezone(helpdesk.zone)
    text = f"The waiting time is over: the ticket waited for the customer since {since:%d %b %Y %H:%M %Z}."
    return EntryDraft(kind=EntryKind.NOTE, author=_TIMER, author_name=helpdesk.name, text=text)
