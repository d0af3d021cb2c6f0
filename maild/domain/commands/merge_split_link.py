"""Verbs that reach beyond their ticket: link, merge, split, and the undo of an agent's last act.

Readers resolve the number of the other ticket. Actions return the events of this ticket; the events of the other
one are side effects."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from datetime import datetime

from maild.domain.commands.actions import CommandContext
from maild.domain.commands.arguments import Invalid, Surroundings, title_or_none
from maild.domain.commands.instructions import Brought, QuietToCustomer, Receipt
from maild.domain.commands.undo import Undoing, undoing
from maild.domain.decision import ActOnOtherTicket, Decision, EntryDraft, Mails, Outcome
from maild.domain.notices.agent_notices import reachable
from maild.domain.people.directory import Person
from maild.domain.tickets.events import (
    NEW_TICKET,
    THIS_ENTRY,
    Absorbed,
    Actor,
    Event,
    Linked,
    Merged,
    Opened,
    ParticipantAdded,
    Split,
    StatusChanged,
)
from maild.domain.tickets.organisations import contacts_in, followers_of
from maild.domain.tickets.ticket import CC, CONTACT, Status, Ticket
from maild.domain.tickets.visibility import may_see

ADMIN = "admin"  # by this name the command line acts

_NUMBER = re.compile(r"\[? ?#? ?([0-9]{1,9})(?:-[0-9a-z]{4})? ?\]?", re.ASCII)


def _other(args: str, surroundings: Surroundings) -> Ticket | Invalid:
    """Read another ticket by its number: 17, #17 or [#17-7k2m]."""
    found = _NUMBER.fullmatch(args.casefold())
    if found is None:
        return Invalid(f'"{args[:40]}" is no number of a ticket' if args else "names no ticket: write its number")
    number = int(found[1])
    here = surroundings.ticket
    if here and number == here.number:
        return Invalid(f"{number} is this ticket itself")
    there, speaker = surroundings.lookups.ticket(number), surroundings.speaker
    if there is None or (speaker and not may_see(speaker, there, surroundings.directory)):
        return Invalid(f"there is no ticket {number}")
    return there


def linkable(args: str, surroundings: Surroundings) -> Ticket | Invalid:
    """Read a ticket that can be linked. For a merged ticket, the one that it was merged into is suggested."""
    there = _other(args, surroundings)
    if isinstance(there, Invalid):
        return there
    here = surroundings.ticket
    if here and there.number == here.number:
        return Invalid("that ticket was merged into this one")
    named = _named(args)
    if there.number != named:
        return Invalid(f"ticket {named} was merged into ticket {there.number}", str(there.number))
    return there


def merge_target(args: str, surroundings: Surroundings) -> Ticket | Invalid:
    """Read a ticket that this one can be merged into."""
    there = linkable(args, surroundings)
    here = surroundings.ticket
    if isinstance(there, Invalid) or here is None:
        return there
    if here.merged_into not in (None, there.number):
        return Invalid(f"this ticket was merged into ticket {here.merged_into} already")
    for ticket, name in ((there, f"ticket {there.number}"), (here, "this ticket")):
        if ticket.status is Status.SPAM:
            return Invalid(f"{name} is spam: it can be reopened, not merged")
    return there


def _named(args: str) -> int:
    found = _NUMBER.fullmatch(args.casefold())
    return int(found[1]) if found else 0


def _elsewhere(ticket: int, reason: str, events: tuple[Event, ...], by: Actor) -> ActOnOtherTicket:
    return ActOnOtherTicket(ticket, Decision(Outcome.COMMANDED, reason, events, actor=by, mails=Mails(quiet=True)))


# -- link -------------------------------------------------------------------------------------------------------


def link(ticket: Ticket, there: Ticket, context: CommandContext) -> tuple[Event, ...]:
    """Link this ticket with another one."""
    if there.number in ticket.links:
        return ()
    return (Linked(at=context.at, by=context.by, ticket=there.number),)


def linked_there(ticket: Ticket, there: Ticket, context: CommandContext) -> Brought:
    """Link the other ticket with this one: each shows the other."""
    if ticket.number in there.links:
        return ()
    event = Linked(at=context.at, by=context.by, ticket=ticket.number)
    return (_elsewhere(there.number, f"linked with ticket {ticket.number}", (event,), context.by),)


# -- merge ------------------------------------------------------------------------------------------------------


def merge(ticket: Ticket, there: Ticket, context: CommandContext) -> tuple[Event, ...]:
    """End this ticket in the other one. It is closed here, because the work goes on there."""
    if ticket.merged_into == there.number:
        return ()
    merged = Merged(at=context.at, by=context.by, into=there.number)
    if ticket.status is Status.CLOSED:
        return (merged,)
    closed = StatusChanged(
        at=context.at, by=context.by, status=Status.CLOSED.value, previous=ticket.status.value, reason="merged"
    )
    return (merged, closed)


def absorbed_there(ticket: Ticket, there: Ticket, context: CommandContext) -> Brought:
    """Add the people of this ticket to the other one. They hear from then on what is written there."""
    if ticket.merged_into == there.number:
        return ()
    events: list[Event] = [Absorbed(at=context.at, by=context.by, ticket=ticket.number)]
    for person, role in _newcomers(ticket, there):
        events.append(ParticipantAdded(at=context.at, by=context.by, person=person, role=role))
    other = _elsewhere(there.number, f"ticket {ticket.number} was merged into it", tuple(events), context.by)
    state = f", which is {there.status}" if there.status.ended else ""
    receipt = f'ticket {ticket.number} goes on in ticket {there.number}, "{there.subject}"{state}'
    return (other, QuietToCustomer(), Receipt(receipt))


def _newcomers(ticket: Ticket, there: Ticket) -> list[tuple[Person, str]]:
    """Return those who take part in their own right. Contacts of one organisation do not follow another's tickets."""
    own = [(p.person, p.role) for p in ticket.participants if p.role != CONTACT]
    people = [(ticket.requester, CC), *own]
    return [(person, role) for person, role in people if reachable(person) and not there.includes(person.address)]


def merge_warning(ticket: Ticket, there: Ticket, _context: CommandContext) -> str:
    """Warn who would read the other ticket after the merge."""
    names = ", ".join(str(person.address) for person, _ in _newcomers(ticket, there))
    heard = f", and {names} hears what is written there from now on" if names else ""
    state = f", which is {there.status} and stays so" if there.status.ended else ""
    return f'merge: this ticket ends in ticket {there.number}, "{there.subject}"{state}{heard}'


# -- split ------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class SplitPart:
    """What goes on as its own ticket: its title ("": the same) and its first entry."""

    title: str
    begins: EntryDraft


def part(args: str, surroundings: Surroundings) -> SplitPart | Invalid:
    """Return the customer's last message. The new ticket begins with a copy of it."""
    title = title_or_none(args, surroundings)
    if isinstance(title, Invalid):
        return title
    here = surroundings.ticket
    last = surroundings.lookups.written(here.number).last_message if here else None
    if last is None:
        return Invalid("the customer has not written to this ticket: there is nothing that a part could begin with")
    # Answers to the message belong to the ticket that it was written to: the copy has no Message-ID.
    return SplitPart(title, replace(last, message_id=""))


def split(_ticket: Ticket, _part: SplitPart, context: CommandContext) -> tuple[Event, ...]:
    """Split a part off into a new ticket."""
    return (Split(at=context.at, by=context.by, into=NEW_TICKET),)


def opened_there(ticket: Ticket, reading: SplitPart, context: CommandContext) -> Brought:
    """Open the new ticket. The same people work on it with the same plan, which counts from now."""
    opened = Opened(
        at=context.at,
        by=context.by,
        entry=THIS_ENTRY,
        requester=ticket.requester,
        subject=reading.title or ticket.subject,
        department=ticket.department,
        priority=ticket.priority.value,
        sla_plan=ticket.sla_plan,
        plan_source=ticket.plan_source,
        team=ticket.team,
        assignee=ticket.assignee,
        topic=ticket.topic,
        tags=ticket.tags,
        links=(ticket.number,),
        contacts=contacts_in(ticket),
        watchers=followers_of(ticket.requester.address, context.surroundings.directory),
    )
    decision = Decision(
        Outcome.OPENED,
        f"split off from ticket {ticket.number}",
        (opened,),
        (reading.begins,),
        actor=context.by,
    )
    receipt = Receipt(f'a new ticket was split off: "{opened.subject}"')
    return (ActOnOtherTicket(None, decision), receipt)


# -- undo -------------------------------------------------------------------------------------------------------


def last_act(args: str, surroundings: Surroundings) -> Undoing | Invalid:
    """Return what takes back the newest act of the speaker."""
    if args:
        return Invalid("takes nothing after it: it takes back your last act on this ticket", "")
    here = surroundings.ticket
    if here is None:
        return Invalid("there is no ticket yet")
    name = surroundings.speaker.name if surroundings.speaker else ADMIN
    found = undoing(here, name, surroundings.lookups, surroundings.now)
    return Invalid(found) if isinstance(found, str) else found


def undo(_ticket: Ticket, reading: Undoing, context: CommandContext) -> tuple[Event, ...]:
    """Return the events that take the act back."""
    return _stamped(reading.events, context.by, context.at)


def undone_elsewhere(_ticket: Ticket, reading: Undoing, context: CommandContext) -> Brought:
    """Return what taking the act back does to other tickets and mails."""
    others = tuple(
        _elsewhere(number, "taken back by its agent", _stamped(events, context.by, context.at), context.by)
        for number, events in reading.others
    )
    return (*others, *reading.effects, QuietToCustomer(), *map(Receipt, reading.receipts))


def _stamped(events: tuple[Event, ...], by: Actor, at: datetime) -> tuple[Event, ...]:
    return tuple(replace(event, by=by, at=at) for event in events)
