"""What a requester's organisation means for a ticket: who follows it from the start, and who stops when it changes
hands."""

from __future__ import annotations

from collections.abc import Collection

from maild.domain.people.directory import Address, Directory, Person
from maild.domain.tickets.events import (
    SYSTEM,
    Event,
    Followed,
    ParticipantAdded,
    ParticipantRemoved,
    RequesterChanged,
    Transferred,
)
from maild.domain.tickets.ticket import CONTACT, Ticket


def contacts_of(
    requester: Address, directory: Directory, department: str, but: Collection[Address] = ()
) -> tuple[Person, ...]:
    """Return the people outside who read the answers to this requester, without those who take part already
    (`but`).

    A private department's correspondence stays between the department and the writer."""
    organisation = directory.organisation_of(requester)
    found = () if organisation is None or directory.is_private(department) else organisation.contacts
    return tuple(Person(address) for address in found if address != requester and address not in but)


def contacts_in(ticket: Ticket) -> tuple[Person, ...]:
    """Return the people outside who follow this ticket for an organisation now."""
    return tuple(each.person for each in ticket.participants if each.role == CONTACT)


def followers_of(requester: Address, directory: Directory) -> tuple[str, ...]:
    """Return the agents who watch all tickets of this requester's organisation."""
    organisation = directory.organisation_of(requester)
    return organisation.followers if organisation else ()


def handed_over(ticket: Ticket, change: RequesterChanged, directory: Directory) -> tuple[Event, ...]:
    """Return the events when the ticket belongs to another requester.

    Those who followed it for the old organisation leave, those of the new one join. Who takes part in their own
    right stays. Within one organisation nobody joins: whoever is missing has left."""
    requester = change.requester.address
    staying = {p.person.address for p in ticket.participants if p.role != CONTACT}
    coming = contacts_of(requester, directory, ticket.department, staying)
    here = contacts_in(ticket)
    there = {person.address for person in here}
    if directory.organisation_of(requester) == directory.organisation_of(ticket.requester.address):
        coming = tuple(person for person in coming if person.address in there)
    wanted = {person.address for person in coming}
    before, now = (followers_of(each, directory) for each in (ticket.requester.address, requester))
    gone = [name for name in before if name not in now and name in ticket.watchers]
    new = [name for name in now if name not in ticket.watchers and name not in ticket.muted_by]
    by, at = change.by, change.at
    return (
        *(ParticipantRemoved(at=at, by=by, person=p, role=CONTACT) for p in here if p.address not in wanted),
        *(ParticipantAdded(at=at, by=by, person=p, role=CONTACT) for p in coming if p.address not in there),
        *(Followed(at=at, by=SYSTEM, agent=name, level="") for name in gone),
        *(Followed(at=at, by=SYSTEM, agent=name, level="watch") for name in new),
    )


def closed_to_contacts(ticket: Ticket, change: Transferred, directory: Directory) -> tuple[Event, ...]:
    """Return the events that remove all contacts when a ticket goes to a private department."""
    gone = contacts_in(ticket) if directory.is_private(change.department) else ()
    return tuple(ParticipantRemoved(at=change.at, by=change.by, person=person, role=CONTACT) for person in gone)
