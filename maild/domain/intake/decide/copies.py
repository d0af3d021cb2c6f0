"""Whom the sender of a mail may bring into a ticket: those in To and Cc, if the sender is who they say they are.

A forged From must not let a stranger read along. Who comes in sees what is written from then on, and nothing older."""

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
    """Those in To and Cc who are neither we nor agents nor the sender; nobody for a sender who is not proven."""
    if case.evidence.trust is not Trust.VERIFIED or case.automatic:
        return ()
    return _outsiders(case, but)[:MOST]


def joining(case: Case, ticket: Ticket) -> tuple[events.ParticipantAdded, ...]:
    """The people whom a later mail of the requester brings in; who came by a Cc brings in nobody. Who left, or was
    taken out, is not brought back by the Cc of others: answers to all name them for ever."""
    if case.sender.address != ticket.requester.address:
        return ()
    return _added(case, ticket, actor_of(case), copied(case, but=case.departed))


def with_copies(case: Case, decision: Decision) -> Decision:
    """An agent's answer with the people whom the agent has in Cc: their answers belong into the ticket, too."""
    ticket = case.ticket
    if decision.outcome is not Outcome.REPLIED or ticket is None:
        return decision
    added = _added(case, ticket, decision.actor, _outsiders(case, but=()))
    return replace(decision, facts=(*decision.facts, *added)) if added else decision


def _outsiders(case: Case, but: Collection[Address]) -> tuple[Person, ...]:
    people = (*case.message.to, *case.message.cc)
    outside = [person for person in people if case.policy.directory.is_outside(person.address)]
    return tuple(p for p in dict.fromkeys(outside) if p.address != case.sender.address and p.address not in but)


def _added(case: Case, ticket: Ticket, actor: Actor, people: tuple[Person, ...]) -> tuple[events.ParticipantAdded, ...]:
    """The facts for those who are not in the ticket yet, each address once, as long as there is room."""
    new = {person.address: person for person in reversed(people) if not ticket.includes(person.address)}
    room = max(MOST - len(ticket.participants), 0)
    return tuple(events.ParticipantAdded(at=case.at, by=actor, person=p) for p in tuple(reversed(new.values()))[:room])
