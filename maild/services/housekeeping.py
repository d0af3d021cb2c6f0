"""What time does to tickets beside their SLA: waiting ends, resolved ones close."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from functools import partial

from maild.domain import events
from maild.domain.decision import Decision, EntryDraft, Outcome
from maild.domain.events import THIS_ENTRY, Actor
from maild.domain.people import Role
from maild.domain.ticket import EntryKind, Status, Ticket
from maild.ports import OpenUnitOfWork, UnitOfWork
from maild.services.carry_out import carry_out
from maild.services.helpdesk import Helpdesk
from maild.services.isolation import isolated

BATCH = 100
_TIMER = Actor(Role.SYSTEM, "timer")


def keep_house(open_unit: OpenUnitOfWork, helpdesk: Helpdesk, now: datetime) -> int:
    """Do what is due at `now` -> how many tickets changed."""
    changed = 0
    passed: set[int] = set()  # they stay due: what cannot be handled, and who waits until a time that was named
    while True:
        with open_unit() as unit:
            due = [change for change in _due(unit, helpdesk, now, BATCH + len(passed)) if change.ticket not in passed]
            for change in due:
                if isolated(unit, change.ticket, partial(_done, unit, change, helpdesk, now)):
                    changed += 1
                else:
                    passed.add(change.ticket)
            unit.commit()
        if len(due) < BATCH:
            return changed


@dataclass(frozen=True, slots=True)
class _Change:
    """What the clock does to a ticket: a status, or the end of its snooze (None). `told` adds a note, which those in
    charge hear of."""

    ticket: int
    status: Status | None
    reason: str
    told: bool = False


def _due(unit: UnitOfWork, helpdesk: Helpdesk, now: datetime, limit: int) -> list[_Change]:
    """The changes whose time has come, one a ticket."""
    closing = helpdesk.settings.closing
    woken = unit.tickets.to_wake(now, limit)
    silent = unit.tickets.in_status_since(Status.WAITING, now - closing.waiting_to_resolved, limit)
    resolved = unit.tickets.in_status_since(Status.RESOLVED, now - closing.resolved_to_closed, limit)
    rested = unit.tickets.snoozed_out(now, limit)
    changes = [_Change(number, None, "the snooze is over", told=True) for number in rested]
    changes += [_Change(number, Status.OPEN, "the waiting time is over", told=True) for number in woken]
    changes += [_Change(number, Status.RESOLVED, "the customer did not answer") for number in silent]
    changes += [_Change(number, Status.CLOSED, "resolved, and nobody wrote") for number in resolved]
    return list({change.ticket: change for change in reversed(changes)}.values())


def _still_due(ticket: Ticket, change: _Change, helpdesk: Helpdesk, now: datetime) -> bool:
    """Whoever held the ticket when it was found may have changed it before it was ours: it may have been reopened."""
    closing, since = helpdesk.settings.closing, ticket.status_since
    if change.status is None:
        return ticket.snoozed_until is not None and ticket.snoozed_until <= now
    if change.status is Status.OPEN:
        return ticket.wake_at is not None and ticket.wake_at <= now
    if change.status is Status.RESOLVED:
        # Where an agent named a time to wait until, it counts, however long.
        silent = ticket.status is Status.WAITING and ticket.wake_at is None
        return silent and since <= now - closing.waiting_to_resolved
    return ticket.status is Status.RESOLVED and since <= now - closing.resolved_to_closed


def _done(unit: UnitOfWork, change: _Change, helpdesk: Helpdesk, now: datetime) -> bool:
    """Change a status by the clock -> whether there was something to change."""
    ticket = unit.tickets.get(change.ticket)
    if ticket is None or not _still_due(ticket, change, helpdesk, now):
        return False
    status, reason = change.status, change.reason
    changed: events.Event
    if status is None:
        changed = events.Snoozed(at=now, by=_TIMER, until=None)
    else:
        changed = events.StatusChanged(at=now, by=_TIMER, status=status, previous=ticket.status, reason=reason)
    decision = Decision(Outcome.COMMANDED, reason, (changed,), actor=_TIMER)
    if change.told and not ticket.status.ended:
        note = events.Noted(at=now, by=_TIMER, entry=THIS_ENTRY)
        words = _note(ticket, helpdesk) if status else _rested(helpdesk)
        decision = Decision(Outcome.NOTED, reason, (note, changed), words, _TIMER)
    carry_out(unit, decision, ticket, helpdesk, now, trace=f"timer-{ticket.number}")
    return True


def _note(ticket: Ticket, helpdesk: Helpdesk) -> EntryDraft:
    since = ticket.status_since.astimezone(helpdesk.zone)
    text = f"The waiting time is over: the ticket waited for the customer since {since:%d %b %Y %H:%M %Z}."
    return EntryDraft(kind=EntryKind.NOTE, author=_TIMER, author_name=helpdesk.name, text=text)


def _rested(helpdesk: Helpdesk) -> EntryDraft:
    text = "The snooze is over: the ticket is back in lists and digests."
    return EntryDraft(kind=EntryKind.NOTE, author=_TIMER, author_name=helpdesk.name, text=text)
