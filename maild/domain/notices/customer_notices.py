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


def customer_notices(happening: TicketChange, policy: Policy) -> list[Notice]:
    """Return what people outside hear of a change: at most one automatic mail for each of them."""
    ticket = happening.after
    if ticket.status is Status.SPAM:
        return []
    facts = happening.facts
    if any(isinstance(fact, events.Replied) and fact.outside for fact in facts):
        return []  # they have it from the agent's own hand
    shown = _histories(happening, policy)
    if any(isinstance(fact, events.Replied) for fact in facts):
        made = [_reply_to(person, reason, policy.hold) for person, reason in correspondents(ticket)]
    else:
        made = _without_words(happening, policy)
    by = policy.directory.agent(happening.actor.name) if happening.actor.role is Role.AGENT else None
    asks = policy.asks_rating and _ended_by_agent(happening)
    return [
        _for_recipient(notice, ticket, asks)
        for notice in (*shown, *made)  # who is shown the whole thread has the answer in it
        if reachable(notice.to) and not (by and notice.to.address in by.addresses)
    ]


def _histories(happening: TicketChange, policy: Policy) -> list[Notice]:
    """Return mails for new participants who shall see what was written outside before."""
    return [
        Notice(
            template="history",
            to=fact.person,
            scope=Scope.USER,
            reason="you take part in this ticket",
            hold=policy.hold,
        )
        for fact in happening.facts
        if isinstance(fact, events.ParticipantAdded) and fact.history
    ]


def _for_recipient(notice: Notice, ticket: Ticket, asks: bool) -> Notice:
    """Adapt a notice to its recipient. The requester is asked how the help was; everybody else can leave."""
    requester = notice.to.address == ticket.requester.address
    return replace(notice, may_leave=not requester, asks_rating=asks and requester)


def _without_words(happening: TicketChange, policy: Policy) -> list[Notice]:
    """Return what the requester hears when nobody wrote to them."""
    ticket, facts = happening.after, happening.facts
    if happening.acknowledge and any(isinstance(fact, events.Opened) for fact in facts):
        due = _to_requester(ticket, "acknowledgement", "you wrote to us")
        return [replace(due, hold=policy.acknowledge_after)]
    if any(isinstance(fact, events.CustomerReminded) for fact in facts):
        return [_to_requester(ticket, "waiting-reminder", "you opened this ticket")]
    if _ended_by_agent(happening) or _given_up(happening):
        return _ended(ticket)
    return []


def _ended(ticket: Ticket) -> list[Notice]:
    """Tell the requester, and contacts of their organisation, that the ticket ended."""
    contacts = [p for p in ticket.participants if p.role == CONTACT]
    told = [Notice(template="closed", to=p.person, scope=Scope.USER, reason=_reads_because(p)) for p in contacts]
    return [_to_requester(ticket, "closed", "you opened this ticket"), *told]


def _ended_by_agent(happening: TicketChange) -> bool:
    """Tell whether the customer must hear that the ticket ended.

    Not when it goes on in another ticket or the agent said so in words. Endings by customers are silent, and so
    is the closing of what was resolved before."""
    if happening.actor.role is not Role.AGENT or happening.quiet:
        return False
    if any(isinstance(fact, events.Merged) and fact.into is not None for fact in happening.facts):
        return False
    return any(_ends(fact) for fact in happening.facts)


def _given_up(happening: TicketChange) -> bool:
    """Tell whether a timer ended it because the customer did not answer. They may think that we still work on it."""
    return not happening.quiet and any(_ends(fact) and fact.reason == events.UNANSWERED for fact in happening.facts)


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


def _ends(fact: Event) -> TypeGuard[events.StatusChanged]:
    """Tell whether the event ends the ticket. A resolved ticket that is closed had ended before."""
    return (
        isinstance(fact, events.StatusChanged)
        and fact.status in {Status.RESOLVED, Status.CLOSED}
        and not Status(fact.previous).ended
    )
