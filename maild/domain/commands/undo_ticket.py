"""Takes back what an act did to its own ticket: single values, lists, text."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from maild.domain.commands.undo_batch import Back, UndoBatch
from maild.domain.effects import Effect, WithdrawAnswer, WithdrawHistory
from maild.domain.tickets import events
from maild.domain.tickets.events import UNDO, Event
from maild.domain.tickets.ticket import Status, Ticket

# -- fields that hold one value -----------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Field:
    """A part of the ticket that one kind of event sets as a whole."""

    what: str
    value: Callable[[Ticket], Any]
    again: Callable[[Ticket, Ticket, datetime], Event]  # (the ticket before, the ticket now, when) -> the inverse


FIELDS: Mapping[type[Event], _Field] = {
    events.StatusChanged: _Field(
        "the status",
        lambda t: (t.status, t.wake_at),
        lambda before, now, at: events.StatusChanged(
            at=at, status=before.status.value, previous=now.status.value, reason=UNDO, until=before.wake_at
        ),
    ),
    events.Assigned: _Field(
        "the assignment",
        lambda t: (t.assignee, t.team),
        lambda before, now, at: events.Assigned(at=at, assignee=before.assignee, team=before.team),
    ),
    events.Transferred: _Field(
        "the department",
        lambda t: t.department,
        lambda before, now, at: events.Transferred(at=at, department=before.department, previous=now.department),
    ),
    events.PriorityChanged: _Field(
        "the priority",
        lambda t: t.priority,
        lambda before, now, at: events.PriorityChanged(
            at=at, priority=before.priority.value, previous=now.priority.value, reason=UNDO
        ),
    ),
    events.PlanChanged: _Field(
        "the SLA plan",
        lambda t: (t.sla_plan, t.plan_source),
        lambda before, now, at: events.PlanChanged(
            at=at, sla_plan=before.sla_plan, previous=now.sla_plan, source=before.plan_source
        ),
    ),
    events.RequesterChanged: _Field(
        "the requester",
        lambda t: t.requester,
        lambda before, now, at: events.RequesterChanged(
            at=at, requester=before.requester, previous=str(now.requester.address)
        ),
    ),
    events.Retitled: _Field(
        "the title",
        lambda t: t.subject,
        lambda before, now, at: events.Retitled(at=at, subject=before.subject, previous=now.subject),
    ),
    events.Snoozed: _Field(
        "the snooze",
        lambda t: t.snoozed_until,
        lambda before, now, at: events.Snoozed(at=at, until=before.snoozed_until),
    ),
    events.DueSet: _Field(
        "the due time",
        lambda t: t.due_by_hand,
        lambda before, now, at: events.DueSet(at=at, due_at=before.due_by_hand, previous=now.due_by_hand),
    ),
}


def value_back(kind: type[Event]) -> Callable[[UndoBatch], Back]:
    """Return how to take back an event that sets one value."""
    field = FIELDS[kind]

    def back(act: UndoBatch) -> Back:
        was, left, now = (field.value(ticket) for ticket in (act.before, act.after, act.now))
        if now == was:
            return Back()
        if now != left:
            return Back(receipts=(f"{field.what} stays as {_who_changed(kind, act)} set it since",))
        return Back((field.again(act.before, act.now, act.at),))

    return back


def _who_changed(kind: type[Event], act: UndoBatch) -> str:
    return next((event.by.shown for event in reversed(act.since) if isinstance(event, kind)), "somebody")


def status_back(act: UndoBatch) -> Back:
    """Take back a change of status. Spam stays: its mails were treated as spam since, so it needs a confirmation
    each way."""
    if act.after.status is Status.SPAM and act.now.status is Status.SPAM:
        return Back(receipts=("that it is spam was confirmed and stays so: !reopen brings the ticket back",))
    if act.before.status is Status.SPAM:
        return Back(receipts=("that it is no spam stays so: !spam says it again",))
    back = value_back(events.StatusChanged)(act)
    forgotten = act.before.due_by_hand if act.before.status.ended and not act.after.status.ended else None
    if back.events and forgotten and not act.of(events.DueSet) and act.now.due_by_hand is None:
        # A new beginning forgot what was due by hand: without it nothing was forgotten.
        return replace(back, events=(*back.events, events.DueSet(at=act.at, due_at=forgotten)))
    return back


# -- lists ------------------------------------------------------------------------------------------------------


def tags_back(act: UndoBatch) -> Back:
    """Take back changes of tags."""
    was, now = act.before.tags, act.now.tags
    put_on = {tag for event in act.of(events.Tagged) for tag in event.added}
    taken_off = {tag for event in act.of(events.Tagged) for tag in event.removed}
    added = tuple(tag for tag in was if tag in taken_off and tag not in now)
    removed = tuple(tag for tag in now if tag in put_on and tag not in was)
    return Back((events.Tagged(at=act.at, added=added, removed=removed),)) if added or removed else Back()


def added_back(act: UndoBatch) -> Back:
    """Remove who was added. The history meant for them stays here, unless its mail has left."""
    happened: list[Event] = []
    receipts: list[str] = []
    effects: list[Effect] = []
    for event in act.of(events.ParticipantAdded):
        address = event.person.address
        found = next((p for p in act.now.participants if p.person.address == address), None)
        if found and not act.before.includes(address):
            happened.append(events.ParticipantRemoved(at=act.at, person=found.person, role=found.role))
        if not event.history:
            continue
        if act.lookups.history_was_sent(act.now.number, address):
            receipts.append(f"{address} was shown the history, which cannot be taken back")
        else:
            effects.append(WithdrawHistory(act.now.number, address))
            receipts.append(f"the history for {address} was stopped before it left")
    return Back(tuple(happened), receipts=tuple(receipts), effects=tuple(effects))


def removed_back(act: UndoBatch) -> Back:
    """Bring back who was removed."""
    gone = [event for event in act.of(events.ParticipantRemoved) if not act.now.includes(event.person.address)]
    return Back(tuple(events.ParticipantAdded(at=act.at, person=event.person, role=event.role) for event in gone))


def followed_back(act: UndoBatch) -> Back:
    """Take back how much an agent hears."""
    happened = []
    for agent in dict.fromkeys(event.agent for event in act.of(events.Followed)):
        was, left, now = (_level(ticket, agent) for ticket in (act.before, act.after, act.now))
        if now == left != was:
            happened.append(events.Followed(at=act.at, agent=agent, level=was))
    return Back(tuple(happened))


def _level(ticket: Ticket, agent: str) -> str:
    return "watch" if agent in ticket.watchers else "mute" if agent in ticket.muted_by else ""


# -- words ------------------------------------------------------------------------------------------------------


def replied_back(act: UndoBatch) -> Back:
    """Stop an answer that has not left."""
    back = Back()
    for event in act.of(events.Replied):
        if event.entry is not None and not event.outside and act.lookups.can_withdraw(act.now.number, event.entry):
            withdrawn = events.ReplyWithdrawn(at=act.at, reply=event.entry)
            line = "your answer was stopped before it left"
            back = replace(
                back,
                events=(*back.events, withdrawn),
                effects=(*back.effects, WithdrawAnswer(event.entry)),
                receipts=(*back.receipts, line),
            )
        else:
            back = replace(back, receipts=(*back.receipts, "your answer has left: it cannot be called back"))
    return back


def said(sentence: str) -> Callable[[UndoBatch], Back]:
    """Say that text cannot be taken back."""
    return lambda act: Back(receipts=(sentence,))
