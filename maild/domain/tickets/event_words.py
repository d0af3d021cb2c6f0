"""Puts what an event changed into a few words for the agent who caused it: "priority: normal -> emergency"."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import tzinfo

from maild.domain.people.directory import Directory
from maild.domain.tickets.events import (
    NEW_TICKET,
    Acknowledged,
    Assigned,
    DueSet,
    Event,
    Followed,
    Linked,
    Merged,
    ParticipantAdded,
    ParticipantRemoved,
    PlanChanged,
    PriorityChanged,
    ReplyWithdrawn,
    RequesterChanged,
    Retitled,
    Snoozed,
    Split,
    StatusChanged,
    Tagged,
    Transferred,
    Undone,
    Unlinked,
)
from maild.domain.tickets.ticket import Ticket
from maild.domain.times.moments import shown_when


def told(event: Event, before: Ticket, directory: Directory, zone: tzinfo) -> list[str]:
    """Return what an event changed, as "field: old -> new"; [] where another event says it. `zone` is the reader's."""
    return _of_the_ticket(event, before, directory, zone) or _of_its_company(event, before)


def _of_the_ticket(event: Event, before: Ticket, directory: Directory, zone: tzinfo) -> list[str]:
    match event:
        case StatusChanged():
            until = f" until {shown_when(event.until, zone)}" if event.until else ""
            confirmed = f"status: {event.status}, confirmed"
            return [
                confirmed if event.status == event.previous else f"status: {event.previous} -> {event.status}{until}"
            ]
        case Assigned():
            return _assignment(event, before, directory)
        case Transferred():
            return [f"department: {event.previous or 'none'} -> {event.department}"]
        case PriorityChanged():
            return [f"priority: {event.previous} -> {event.priority}"]
        case PlanChanged() if event.sla_plan == event.previous:
            return [f"SLA plan: {event.sla_plan}, now fixed by {event.source}"]
        case PlanChanged():
            return [f"SLA plan: {event.previous or 'none'} -> {event.sla_plan}"]
        case Retitled():
            return [f"title: {event.previous} -> {event.subject}"]
        case Tagged():
            return [f"tags: {' '.join(_signed('+', event.added) + _signed('-', event.removed))}"]
        case Snoozed():
            return [f"snooze: {f'until {shown_when(event.until, zone)}' if event.until else 'ended'}"]
        case DueSet():
            return [f"due: {shown_when(event.due_at, zone) if event.due_at else 'as its SLA plan says'}"]
    return []


def _of_its_company(event: Event, before: Ticket) -> list[str]:
    """People and other tickets."""
    match event:
        case Acknowledged():
            return [f"acknowledged: the {event.target.replace('-', ' ')} alarm"]
        case RequesterChanged():
            return [f"requester: {event.previous} -> {event.requester.address}"]
        case ParticipantAdded():
            return [f"takes part: {event.person.address}{', with the history' if event.history else ''}"]
        case ParticipantRemoved():
            return [f"takes part no more: {event.person.address}"]
        case Followed():
            return [f"{event.agent}: {_ATTENTION.get(event.level, event.level)}"]
        case Linked():
            return [f"links: +{event.ticket}"]
        case Unlinked():
            return [f"links: -{event.ticket}"]
        case Merged():
            gone = f"no more into {before.merged_into}"
            return [f"merged: {gone if event.into is None else f'into {event.into}'}"]
        case Split():
            return [f"split: into {'a new ticket' if event.into == NEW_TICKET else event.into}"]
        case ReplyWithdrawn():
            return ["answer: withdrawn"]
        case Undone():
            return []
    return [event.kind]


_ATTENTION = {"watch": "hears of everything", "mute": "hears of nothing else", "": "hears as usual"}


def _signed(sign: str, names: Iterable[str]) -> list[str]:
    return [f"{sign}{name}" for name in names]


def _assignment(event: Assigned, before: Ticket, directory: Directory) -> list[str]:
    told = []
    if event.team != before.team:
        told.append(f"team: {before.team or 'none'} -> {event.team or 'none'}")
    if event.assignee != before.assignee:
        old, new = (
            found.shown if (found := directory.agent(name)) else name or "nobody"
            for name in (before.assignee, event.assignee)
        )
        told.append(f"assignee: {old} -> {new}")
    return told
