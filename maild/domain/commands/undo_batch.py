"""An agent's act on a ticket, and what takes it back. All of undo uses these records.

An act is the batch of events that one mail, button or line brought."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TypeVar

from maild.domain.effects import Effect
from maild.domain.lookups import Batch, Lookups
from maild.domain.tickets import events
from maild.domain.tickets.events import Event
from maild.domain.tickets.ticket import Ticket, fold

_E = TypeVar("_E", bound=Event)

# What agents' mails leave behind beside acts, or what others did: an undo looks behind it for the last act.
NO_ACT: tuple[type[Event], ...] = (
    events.TextHeld,
    events.TextSettled,
    events.MailHeld,
    events.Escalated,
    events.Acknowledged,
    events.Bounced,
    events.Rated,
    events.MessageReceived,
)


@dataclass(frozen=True, slots=True)
class UndoBatch:
    """One act on a ticket, with the ticket before it, after it and now, and the events since."""

    first: int
    events: tuple[Event, ...]
    before: Ticket
    after: Ticket
    now: Ticket
    since: tuple[Event, ...]
    lookups: Lookups
    at: datetime

    @property
    def last(self) -> int:
        """The number of the act's last event."""
        return self.first + len(self.events) - 1

    def of(self, kind: type[_E]) -> list[_E]:
        """Return the act's events of one kind."""
        return [event for event in self.events if isinstance(event, kind)]


@dataclass(frozen=True, slots=True)
class Back:
    """What takes back one kind of event."""

    events: tuple[Event, ...] = ()
    others: tuple[tuple[int, tuple[Event, ...]], ...] = ()
    effects: tuple[Effect, ...] = ()
    receipts: tuple[str, ...] = ()


def act_at(ticket: Ticket, batches: Sequence[Batch], index: int, lookups: Lookups, at: datetime) -> UndoBatch:
    """Return the act at this place among a ticket's acts."""
    first, happened = batches[index]
    earlier = tuple(event for _, batch in batches[:index] for event in batch)
    since = tuple(event for _, batch in batches[index + 1 :] for event in batch)
    before = fold(ticket.number, earlier)
    after = fold(ticket.number, (*earlier, *happened))
    return UndoBatch(first, happened, before, after, ticket, since, lookups, at)


def numbered(batches: Sequence[Batch]) -> Iterator[tuple[int, Event]]:
    """Yield the events of all acts with their numbers."""
    for first, happened in batches:
        yield from enumerate(happened, first)


def folded(number: int, batches: Sequence[Batch]) -> Ticket:
    """Return the ticket that these acts make."""
    return fold(number, tuple(event for _, happened in batches for event in happened))
