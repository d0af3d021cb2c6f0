"""What customers hear of: answers to them, that their ticket exists, that it ended. Never of anything internal."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import TypeGuard

from maild.domain.messages.reply_tokens import Scope
from maild.domain.notices.notice import NOWHERE, Notice, TicketChange
from maild.domain.people.directory import Person, Role
from maild.domain.policy import Policy
from maild.domain.tickets import events
from maild.domain.tickets.events import Event
from maild.domain.tickets.ticket import CONTACT, Participant, Status, Ticket


def customer_notices(change: TicketChange, policy: Policy) -> list[Notice]:
    """Return what people outside hear of a change: at most one automatic mail for each of them."""
    ticket = change.after
    if ticket.status is Status.SPAM:
        return []
    happened = change.events
    if any(isinstance(event, events.Replied) and event.outside for event in happened):
        return []  # they have it from the agent's own hand
    shown = _histories(change, policy)
    if any(isinstance(event, events.Replied) for event in happened):
        made = [_reply_to(person, reason, policy.hold) for person, reason in correspondents(ticket)]
    else:
        made = _without_words(change, policy)
    by = policy.directory.agent(change.actor.name) if change.actor.role is Role.AGENT else None
    asks = policy.asks_rating and _ended_by_agent(change)
    return [
        _for_recipient(notice, ticket, asks)
        for notice in (*shown, *made)  # who is shown the whole thread has the answer in it
        if reachable(notice.to) and not (by and notice.to.address in by.addresses)
    ]


def _histories(change: TicketChange, policy: Policy) -> list[Notice]:
    """Return mails for new participants who shall see what was written outside before."""
    return [
        Notice(
            template="history",
            to=event.person,
            scope=Scope.USER,
            reason="you take part in this ticket",
            hold=policy.hold,
        )
        for event in change.events
        if isinstance(event, events.ParticipantAdded) and event.history
    ]


def _for_recipient(notice: Notice, ticket: Ticket, asks: bool) -> Notice:
    """Adapt a notice to its recipient. The requester is asked how the help was; everybody else can leave."""
    requester = notice.to.address == ticket.requester.address
    return replace(notice, may_leave=not requester, asks_rating=asks and requester)


def _without_words(change: TicketChange, policy: Policy) -> list[Notice]:
    """Return what the requester hears when nobody wrote to them."""
    ticket, happened = change.after, change.events
    if change.acknowledge and any(isinstance(event, events.Opened) for event in happened):
        due = _to_requester(ticket, "acknowledgement", "you wrote to us")
        return [replace(due, hold=policy.acknowledge_after)]
    if any(isinstance(event, events.CustomerReminded) for event in happened):
        return [_to_requester(ticket, "waiting-reminder", "you opened this ticket")]
    if _ended_by_agent(change) or _given_up(change):
        return _ended(ticket)
    return []


def _ended(ticket: Ticket) -> list[Notice]:
    """Tell the requester, and contacts of their organisation, that the ticket ended."""
    contacts = [p for p in ticket.participants if p.role == CONTACT]
    told = [Notice(template="closed", to=p.person, scope=Scope.USER, reason=_reads_because(p)) for p in contacts]
    return [_to_requester(ticket, "closed", "you opened this ticket"), *told]


def _ended_by_agent(change: TicketChange) -> bool:
    """Tell whether the customer must hear that the ticket ended.

    Not when it goes on in another ticket or the agent said so in words. Endings by customers are silent, and so
    is the closing of what was resolved before."""
    if change.actor.role is not Role.AGENT or change.quiet:
        return False
    if any(isinstance(event, events.Merged) and event.into is not None for event in change.events):
        return False
    return any(_ends(event) for event in change.events)


def _given_up(change: TicketChange) -> bool:
    """Tell whether a timer ended it because the customer did not answer. They may think that we still work on it."""
    return not change.quiet and any(_ends(event) and event.reason == events.UNANSWERED for event in change.events)


def reachable(person: Person) -> bool:
    """Tell whether the person has an address."""
    return person.address.domain != NOWHERE


def answerable(ticket: Ticket) -> bool:
    """Tell whether a reply would reach anybody outside."""
    return any(reachable(person) for person, _ in correspondents(ticket))


def correspondents(ticket: Ticket) -> list[tuple[Person, str]]:
    """Return everybody outside who gets answers and has an address."""
    people = [(ticket.requester, "you opened this ticket")]
    people += [(p.person, _reads_because(p)) for p in ticket.participants if p.reads_answers]
    return people


def _reads_because(participant: Participant) -> str:
    if participant.role == CONTACT:
        return "you follow the tickets of your organisation"
    return "you take part in this ticket"


def _reply_to(person: Person, reason: str, hold: timedelta) -> Notice:
    return Notice(template="reply", to=person, scope=Scope.USER, reason=reason, hold=hold)


def _to_requester(ticket: Ticket, template: str, reason: str) -> Notice:
    return Notice(template=template, to=ticket.requester, scope=Scope.USER, reason=reason)


def _ends(event: Event) -> TypeGuard[events.StatusChanged]:
    """Tell whether the event ends the ticket. A resolved ticket that is closed had ended before."""
    return (
        isinstance(event, events.StatusChanged)
        and event.status in {Status.RESOLVED, Status.CLOSED}
        and not Status(event.previous).ended
    )
