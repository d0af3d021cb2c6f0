"""The ticket: a projection of its events. `apply` is the only way to change it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from functools import singledispatch

from maild.domain.people.directory import Address, Person
from maild.domain.tickets import events


class Status(StrEnum):
    """The state of a ticket."""

    OPEN = "open"
    WAITING = "waiting"  # for the customer
    RESOLVED = "resolved"
    CLOSED = "closed"
    SPAM = "spam"

    @property
    def ended(self) -> bool:
        """True when no work is left and nobody waits for anything."""
        return self in (Status.RESOLVED, Status.CLOSED, Status.SPAM)


class Priority(StrEnum):
    """How urgent a ticket is, the lowest first."""

    LOW = "low"
    NORMAL = "normal"
    HIGH = "high"
    EMERGENCY = "emergency"

    def raised(self) -> Priority:
        """Return the next higher priority. Emergency stays."""
        order = list(Priority)
        return order[min(order.index(self) + 1, len(order) - 1)]


CC = "cc"
CONTACT = "contact"  # follows all tickets of the requester's organisation
_READ_ANSWERS = frozenset({CC, CONTACT})


@dataclass(frozen=True, slots=True)
class Participant:
    """Somebody besides the requester who takes part in a ticket."""

    person: Person
    role: str  # "cc" | "contact" | "third-party"

    @property
    def reads_answers(self) -> bool:
        """True for participants who get the answers to the customer."""
        return self.role in _READ_ANSWERS


@dataclass(frozen=True, slots=True, kw_only=True)
class Ticket:
    """One ticket as of event `seq`. Times are UTC."""

    number: int
    subject: str  # the title people see in lists
    thread_subject: str  # frozen: what mails carry for ever, or clients split the thread
    requester: Person
    department: str
    created_at: datetime
    updated_at: datetime
    status: Status = Status.OPEN
    priority: Priority = Priority.NORMAL
    sla_plan: str = ""
    plan_source: str = ""  # why this plan: command, rule, topic, organisation, priority, department, default
    team: str = ""
    assignee: str = ""  # agent's name, "" for nobody
    topic: str = ""
    closed_at: datetime | None = None
    ended_at: datetime | None = None  # when it last became resolved or closed
    status_since: datetime
    wake_at: datetime | None = None  # when a waiting ticket opens by itself
    reminded_at: datetime | None = None  # when the customer was told that we wait, in this time of waiting
    tags: tuple[str, ...] = ()
    participants: tuple[Participant, ...] = ()
    links: tuple[int, ...] = ()
    merged_into: int | None = None
    language: str = ""
    join_key: str = ""
    snoozed_until: datetime | None = None  # out of lists and digests so long
    due_by_hand: datetime | None = None  # the resolution, whatever the plan says
    watchers: tuple[str, ...] = ()  # agents who hear of everything
    muted_by: tuple[str, ...] = ()  # agents who hear of nothing but what is theirs
    mentioned: tuple[str, ...] = ()  # agents whom a note names: they may see it
    rating: str = ""  # the customer's last word on the help
    seq: int = 0  # number of the last event applied

    @property
    def correspondents(self) -> tuple[Person, ...]:
        """Everybody who gets the answers: the requester, people in copy, and contacts of the organisation."""
        return (self.requester, *(p.person for p in self.participants if p.reads_answers))

    def includes(self, address: Address) -> bool:
        """Tell whether the address is the requester's or a participant's."""
        return address == self.requester.address or any(p.person.address == address for p in self.participants)


class EntryKind(StrEnum):
    """What an entry of the thread is: a message from outside, an answer, a note, or a line of the system."""

    MESSAGE = "message"
    REPLY = "reply"
    NOTE = "note"


def fold(number: int, history: tuple[events.Event, ...]) -> Ticket:
    """Return the ticket that these events make. Raises ValueError when the first is not Opened."""
    ticket: Ticket | None = None
    for event in history:
        ticket = apply(number, ticket, event)
    if ticket is None:
        raise ValueError(f"ticket {number} has no events")
    return ticket


def apply(number: int, ticket: Ticket | None, event: events.Event) -> Ticket:
    """Return the ticket after one more event."""
    if isinstance(event, events.Opened):
        return _opened(number, event)
    if ticket is None:
        raise ValueError(f"the first event of ticket {number} is {event.kind}, not opened")
    changed = _change(event, ticket)
    return replace(changed, seq=ticket.seq + 1, updated_at=max(ticket.updated_at, event.at))


def _opened(number: int, event: events.Opened) -> Ticket:
    return Ticket(
        number=number,
        subject=event.subject,
        thread_subject=event.subject,
        requester=event.requester,
        department=event.department,
        priority=Priority(event.priority),
        sla_plan=event.sla_plan,
        plan_source=event.plan_source,
        team=event.team,
        assignee=event.assignee,
        topic=event.topic,
        tags=event.tags,
        links=event.links,
        participants=(
            *(Participant(person, CC) for person in event.participants),
            *(Participant(person, CONTACT) for person in event.contacts),
        ),
        watchers=event.watchers,
        join_key=event.join_key,
        created_at=event.at,
        updated_at=event.at,
        status_since=event.at,
        seq=1,
    )


@singledispatch
def _change(event: events.Event, ticket: Ticket) -> Ticket:
    """Events without a case of their own (notes, messages, escalations) only move seq and updated_at."""
    return ticket


@_change.register
def _(event: events.StatusChanged, ticket: Ticket) -> Ticket:
    status = Status(event.status)
    ended_at = event.at if status.ended and not ticket.status.ended else ticket.ended_at
    # A new beginning is due as its plan says; one that only takes an ending back is due as before.
    anew = ticket.status.ended and not status.ended and event.reason != events.UNDO
    return replace(
        ticket,
        status=status,
        status_since=event.at,
        wake_at=event.until,
        reminded_at=None,
        closed_at=event.at if status is Status.CLOSED else None,
        ended_at=ended_at if status.ended else None,
        due_by_hand=None if anew else ticket.due_by_hand,
    )


@_change.register
def _(event: events.Assigned, ticket: Ticket) -> Ticket:
    return replace(ticket, assignee=event.assignee, team=event.team)


@_change.register
def _(event: events.Transferred, ticket: Ticket) -> Ticket:
    return replace(ticket, department=event.department)


@_change.register
def _(event: events.PriorityChanged, ticket: Ticket) -> Ticket:
    return replace(ticket, priority=Priority(event.priority))


@_change.register
def _(event: events.PlanChanged, ticket: Ticket) -> Ticket:
    return replace(ticket, sla_plan=event.sla_plan, plan_source=event.source)


@_change.register
def _(event: events.ParticipantAdded, ticket: Ticket) -> Ticket:
    if ticket.includes(event.person.address):
        return ticket
    return replace(ticket, participants=(*ticket.participants, Participant(event.person, event.role)))


@_change.register
def _(event: events.RequesterChanged, ticket: Ticket) -> Ticket:
    return replace(ticket, requester=event.requester)


@_change.register
def _(event: events.Linked, ticket: Ticket) -> Ticket:
    return replace(ticket, links=tuple(sorted({*ticket.links, event.ticket})))


@_change.register
def _(event: events.Unlinked, ticket: Ticket) -> Ticket:
    return replace(ticket, links=tuple(number for number in ticket.links if number != event.ticket))


@_change.register
def _(event: events.Absorbed, ticket: Ticket) -> Ticket:
    return replace(ticket, links=tuple(sorted({*ticket.links, event.ticket})))


@_change.register
def _(event: events.Split, ticket: Ticket) -> Ticket:
    return replace(ticket, links=tuple(sorted({*ticket.links, event.into})))


@_change.register
def _(event: events.Merged, ticket: Ticket) -> Ticket:
    return replace(ticket, merged_into=event.into)


@_change.register
def _(event: events.ParticipantRemoved, ticket: Ticket) -> Ticket:
    left = tuple(p for p in ticket.participants if p.person.address != event.person.address)
    return replace(ticket, participants=left)


@_change.register
def _(event: events.Retitled, ticket: Ticket) -> Ticket:
    return replace(ticket, subject=event.subject)


@_change.register
def _(event: events.Tagged, ticket: Ticket) -> Ticket:
    kept = [tag for tag in ticket.tags if tag not in event.removed]
    return replace(ticket, tags=tuple(dict.fromkeys((*kept, *event.added))))


@_change.register
def _(event: events.Snoozed, ticket: Ticket) -> Ticket:
    return replace(ticket, snoozed_until=event.until)


@_change.register
def _(event: events.DueSet, ticket: Ticket) -> Ticket:
    return replace(ticket, due_by_hand=event.due_at)


@_change.register
def _(event: events.CustomerReminded, ticket: Ticket) -> Ticket:
    return replace(ticket, reminded_at=event.at)


@_change.register
def _(event: events.Followed, ticket: Ticket) -> Ticket:
    watchers = [name for name in ticket.watchers if name != event.agent]
    muted = [name for name in ticket.muted_by if name != event.agent]
    if event.level == "watch":
        watchers.append(event.agent)
    elif event.level == "mute":
        muted.append(event.agent)
    return replace(ticket, watchers=tuple(watchers), muted_by=tuple(muted))


@_change.register
def _(event: events.Rated, ticket: Ticket) -> Ticket:
    return replace(ticket, rating=event.rating)


@_change.register
def _(event: events.Noted, ticket: Ticket) -> Ticket:
    return replace(ticket, mentioned=tuple(dict.fromkeys((*ticket.mentioned, *event.mentions))))
