"""Finds who left a ticket."""

from __future__ import annotations

from collections.abc import Iterable

from maild.domain.people.directory import Address
from maild.domain.tickets import events


def departed(history: Iterable[events.Event]) -> frozenset[Address]:
    """Return those who left a ticket or were removed, and whom nobody brought back since."""
    gone: set[Address] = set()
    for event in history:
        if isinstance(event, events.ParticipantRemoved):
            gone.add(event.person.address)
        elif isinstance(event, events.ParticipantAdded):
            gone.discard(event.person.address)
    return frozenset(gone)
