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
    facts: tuple[Event, ...]
    before: Ticket
    after: Ticket
    now: Ticket
    since: tuple[Event, ...]
    lookups: Lookups
    at: datetime

    @property
    def last(self) -> int:
        """The number of the act's last event."""
        return self.first + len(self.facts) - 1

    def of(self, kind: type[_E]) -> list[_E]:
        """Return the act's events of one kind."""
        return [fact for fact in self.facts if isinstance(fact, kind)]


@dataclass(frozen=True, slots=True)
class Back:
    """What takes back one kind of event."""

    facts: tuple[Event, ...] = ()
    others: tuple[tuple[int, tuple[Event, ...]], ...] = ()
    effects: tuple[Effect, ...] = ()
    told: tuple[str, ...] = ()


def act_at(ticket: Ticket, batches: Sequence[Batch], index: int, lookups: Lookups, at: datetime) -> UndoBatch:
    """Return the act at this place among a ticket's acts."""
    first, facts = batches[index]
    earlier = tuple(fact for _, batch in batches[:index] for fact in batch)
    since = tuple(fact for _, batch in batches[index + 1 :] for fact in batch)
    before = fold(ticket.number, earlier)
    after = fold(ticket.number, (*earlier, *facts))
    return UndoBatch(first, facts, before, after, ticket, since, lookups, at)


def numbered(batches: Sequence[Batch]) -> Iterator[tuple[int, Event]]:
    """Yield the events of all acts with their numbers."""
    for first, facts in batches:
        yield from enumerate(facts, first)


def folded(number: int, batches: Sequence[Batch]) -> Ticket:
    """Return the ticket that these acts make."""
    return fold(number, tuple(fact for _, facts in batches for fact in facts))
