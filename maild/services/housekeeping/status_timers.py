"""What time does to tickets besides their SLA: waiting ends, resolved tickets close, a customer is reminded once."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial

from maild.domain.decision import Decision, EntryDraft, Mails, Outcome
from maild.domain.people.directory import Role
from maild.domain.tickets import events
from maild.domain.tickets.events import THIS_ENTRY, Actor, Event
from maild.domain.tickets.ticket import EntryKind, Status, Ticket
from maild.ports import OpenUnitOfWork
from maild.services.apply.decision import apply_decision
from maild.services.helpdesk import Helpdesk
from maild.services.work import Work, isolated

BATCH = 100
_TIMER = Actor(Role.SYSTEM, "timer")


def run_timers(open_unit: OpenUnitOfWork, helpdesk: Helpdesk, now: datetime) -> int:
    """Do what is due at `now`. Returns how many tickets changed."""
    changed = 0
    passed: set[int] = set()  # they stay due: what cannot be handled, and who waits until a time that was named
    while True:
        with open_unit() as unit:
            work = Work(unit, helpdesk, now)
            due = [change for change in _due(work, BATCH + len(passed)) if change.ticket not in passed]
            for change in due:
                if isolated(unit, change.ticket, partial(_done, work, change)):
                    changed += 1
                else:
                    passed.add(change.ticket)
            unit.commit()
        if len(due) < BATCH:
            return changed


@dataclass(frozen=True, slots=True)
class _Occasion:
    work: Work
    ticket: Ticket


@dataclass(frozen=True, slots=True)
class _Change:
    """What a timer does to a ticket. The decision is None when there is nothing to do any more."""

    ticket: int
    decide: Callable[[_Occasion], Decision | None]


def _due(work: Work, limit: int) -> list[_Change]:
    """Return the changes that are due, one a ticket: the first in the list."""
    closing, tickets, now = work.helpdesk.settings.closing, work.unit.tickets, work.now
    asked = closing.waiting_to_resolved / 2
    due = (
        (_rested, tickets.snooze_ended(now, limit)),
        (_woken, tickets.to_wake(now, limit)),
        (_given_up, tickets.in_status_since(Status.WAITING, now - closing.waiting_to_resolved, limit)),
        (_closed, tickets.in_status_since(Status.RESOLVED, now - closing.resolved_to_closed, limit)),
        (_reminded, tickets.unreminded(now - asked, limit) if closing.waiting_reminder else []),
    )
    changes = [_Change(number, decide) for decide, numbers in due for number in numbers]
    return list({change.ticket: change for change in reversed(changes)}.values())


def _done(work: Work, change: _Change) -> bool:
    """Change a ticket by a timer. Tells whether there was something to change."""
    ticket = work.unit.tickets.get(change.ticket)
    decision = change.decide(_Occasion(work, ticket)) if ticket else None
    if ticket is None or decision is None:
        return False
    apply_decision(work.traced(f"timer-{ticket.number}"), decision, ticket)
    return True


def _rested(on: _Occasion) -> Decision | None:
    if on.ticket.snoozed_until is None or on.ticket.snoozed_until > on.work.now:
        return None
    text = "The snooze is over: the ticket is back in lists and digests."
    return _told(on, events.Snoozed(at=on.work.now, by=_TIMER, until=None), "the snooze is over", text)


def _woken(on: _Occasion) -> Decision | None:
    if on.ticket.wake_at is None or on.ticket.wake_at > on.work.now:
        return None
    since = on.ticket.status_since.astimezone(on.work.helpdesk.zone)
    text = f"The waiting time is over: the ticket waited for the customer since {since:%d %b %Y %H:%M %Z}."
    reason = "the waiting time is over"
    return _told(on, _status(on, Status.OPEN, reason), reason, text)


def _given_up(on: _Occasion) -> Decision | None:
    """End a ticket whose customer did not answer. They hear of it unless a program opened the ticket.

    A time that an agent named counts, however long."""
    if not _waited(on, on.work.helpdesk.settings.closing.waiting_to_resolved):
        return None
    change = _status(on, Status.RESOLVED, events.UNANSWERED)
    by_machine = _automatic(on.work.unit.tickets.history(on.ticket.number))
    return Decision(Outcome.COMMANDED, events.UNANSWERED, (change,), actor=_TIMER, mails=Mails(quiet=by_machine))


def _closed(on: _Occasion) -> Decision | None:
    resolved = on.ticket.status is Status.RESOLVED
    if not resolved or on.ticket.status_since > on.work.now - on.work.helpdesk.settings.closing.resolved_to_closed:
        return None
    reason = "resolved, and nobody wrote"
    return Decision(Outcome.COMMANDED, reason, (_status(on, Status.CLOSED, reason),), actor=_TIMER)


def _reminded(on: _Occasion) -> Decision | None:
    """Send one friendly mail that we wait. Not to programs, and not when nobody wrote to the customer what we wait
    for."""
    waiting = on.work.helpdesk.settings.closing.waiting_to_resolved
    if on.ticket.reminded_at is not None or not _waited(on, waiting / 2):
        return None
    history = on.work.unit.tickets.history(on.ticket.number)
    if _automatic(history) or not any(isinstance(event, events.Replied) for event in history):
        return None
    ends_at = on.ticket.status_since + waiting
    event = events.CustomerReminded(at=on.work.now, by=_TIMER, ends_at=ends_at)
    return Decision(Outcome.COMMANDED, "half of the waiting time is over", (event,), actor=_TIMER)


def _waited(on: _Occasion, time: timedelta) -> bool:
    """Tell whether it has waited so long for the customer, and not for a time that an agent named."""
    ticket = on.ticket
    return ticket.status is Status.WAITING and ticket.wake_at is None and ticket.status_since <= on.work.now - time


def _automatic(history: tuple[Event, ...]) -> bool:
    """Tell whether a program opened the ticket, so that nobody reads what we send."""
    return isinstance(history[0], events.Opened) and history[0].automatic


def _status(on: _Occasion, status: Status, reason: str) -> events.StatusChanged:
    return events.StatusChanged(at=on.work.now, by=_TIMER, status=status, previous=on.ticket.status, reason=reason)


def _told(on: _Occasion, changed: Event, reason: str, text: str) -> Decision:
    """Return the change with a note for those in charge, as long as there is work left."""
    if on.ticket.status.ended:
        return Decision(Outcome.COMMANDED, reason, (changed,), actor=_TIMER)
    note = events.Noted(at=on.work.now, by=_TIMER, entry=THIS_ENTRY)
    words = EntryDraft(kind=EntryKind.NOTE, author=_TIMER, author_name=on.work.helpdesk.name, text=text)
    return Decision(Outcome.NOTED, reason, (note, changed), (words,), _TIMER)
