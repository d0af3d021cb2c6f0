"""Whom a mail's sender may bring into a ticket: people in To and Cc, if the sender is authenticated.

A forged From must not let a stranger read along. New people see what is written from then on, and nothing older."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace

from maild.domain.decision import Decision, Outcome
from maild.domain.intake.decide.case import Case, actor_of
from maild.domain.people.directory import Address, Person, Trust
from maild.domain.tickets import events
from maild.domain.tickets.events import Actor
from maild.domain.tickets.ticket import Ticket

MOST = 20  # people in one ticket who were brought in by a Cc


def copied(case: Case, but: Collection[Address] = ()) -> tuple[Person, ...]:
    """Return those in To and Cc who are neither us nor agents nor the sender; () for an unauthenticated sender."""
    if case.evidence.trust is not Trust.VERIFIED or case.automatic:
        return ()
    return _outsiders(case, but)[:MOST]


def joining(case: Case, ticket: Ticket) -> tuple[events.ParticipantAdded, ...]:
    """Return the people whom a later mail of the requester brings in. People in Cc bring in nobody.

    Somebody who left or was removed does not rejoin by a reply-all of others."""
    if case.sender.address != ticket.requester.address:
        return ()
    return _added(case, ticket, actor_of(case), copied(case, but=case.departed))


def with_copies(case: Case, decision: Decision) -> Decision:
    """Return an agent's answer with the people in its Cc, because their answers belong into the ticket too."""
    ticket = case.ticket
    if decision.outcome is not Outcome.REPLIED or ticket is None:
        return decision
    added = _added(case, ticket, decision.actor, _outsiders(case, but=()))
    return replace(decision, events=(*decision.events, *added)) if added else decision


def _outsiders(case: Case, but: Collection[Address]) -> tuple[Person, ...]:
    people = (*case.message.to, *case.message.cc)
    outside = [person for person in people if case.policy.directory.is_outside(person.address)]
    return tuple(p for p in dict.fromkeys(outside) if p.address != case.sender.address and p.address not in but)


def _added(case: Case, ticket: Ticket, actor: Actor, people: tuple[Person, ...]) -> tuple[events.ParticipantAdded, ...]:
    """Return the events for those who are not in the ticket yet, each address once, as long as there is room."""
    new = {person.address: person for person in reversed(people) if not ticket.includes(person.address)}
    room = max(MOST - len(ticket.participants), 0)
    return tuple(events.ParticipantAdded(at=case.at, by=actor, person=p) for p in tuple(reversed(new.values()))[:room])
