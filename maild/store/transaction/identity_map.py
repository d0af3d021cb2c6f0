"""Caches the tickets that a writing transaction has read. They are locked, so nobody else can change them.

A tick reads a hundred tickets at once instead of one after the other. Computing an SLA after an event need not read the
whole history again. Rolling back a savepoint may release locks, so the whole cache is emptied then."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import groupby
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import RowMapping

from maild.domain.lookups import Batch
from maild.domain.tickets.events import Event
from maild.domain.tickets.ticket import Participant, Ticket
from maild.ports import StoredEntry
from maild.store import rows
from maild.store.schema import event, participant, sla_step, ticket
from maild.store.transaction.session import Session

StepKey = tuple[str, int, str]  # target, cycle, key


def among(column: sa.Column[Any], name: str = "numbers") -> sa.ColumnElement[bool]:
    """Return `column IN (…)` for a list that is passed under this name when the statement is executed."""
    return column.in_(sa.bindparam(name, expanding=True))


_TICKETS = sa.select(ticket).where(among(ticket.c.number)).order_by(ticket.c.number)
_LOCKED_TICKETS = _TICKETS.with_for_update()  # in the order of numbers, so that two nodes cannot wait for each other
_PEOPLE = sa.select(participant).where(among(participant.c.ticket))
_PEOPLE = _PEOPLE.order_by(participant.c.ticket, participant.c.address_key)
_EVENTS = sa.select(event).where(among(event.c.ticket)).order_by(event.c.ticket, event.c.seq)
_STEPS = sa.select(sla_step).where(among(sla_step.c.ticket))


@dataclass(slots=True)
class IdentityMap:
    """What is known of locked tickets, by ticket number. A missing key means: not read yet."""

    numbers: set[int] = field(default_factory=set)
    tickets: dict[int, Ticket] = field(default_factory=dict)
    root_ids: dict[int, str] = field(default_factory=dict)
    people: dict[int, frozenset[Participant]] = field(default_factory=dict)  # as stored, to see whether they changed
    histories: dict[int, tuple[Event, ...]] = field(default_factory=dict)
    # For each event of a history the number of the first event in its batch.
    batch_starts: dict[int, tuple[int, ...]] = field(default_factory=dict)
    steps: dict[int, set[StepKey]] = field(default_factory=dict)
    entries: dict[int, tuple[StoredEntry, ...]] = field(default_factory=dict)
    ended: bool = False  # a ticket that is or was ended may have changed in this transaction
    begun: set[int] = field(default_factory=set)  # opened in this transaction: nothing of them is stored elsewhere

    def forget(self) -> None:
        """Empty the cache."""
        for known in (
            self.numbers,
            self.tickets,
            self.root_ids,
            self.people,
            self.histories,
            self.batch_starts,
            self.steps,
            self.entries,
            self.begun,
        ):
            known.clear()
        self.ended = False

    def begin(self, number: int) -> None:
        """Take in a ticket that is opened in this transaction. Nobody else knows its number, so all of it is known."""
        self.numbers.add(number)
        self.begun.add(number)
        self.histories[number], self.batch_starts[number] = (), ()
        self.steps[number] = set()
        self.entries[number] = ()

    def take(self, row: RowMapping, people: Iterable[RowMapping]) -> Ticket:
        """Cache a ticket that this transaction has locked, and return it."""
        found = rows.read_ticket(row, people)
        self.numbers.add(found.number)
        self.tickets[found.number] = found
        self.root_ids[found.number] = row["root_id"]
        self.people[found.number] = frozenset(found.participants)
        return found

    def take_history(self, number: int, found: Iterable[RowMapping]) -> None:
        """Cache the events of a ticket that this transaction has locked."""
        event_rows = list(found)
        self.histories[number] = tuple(map(rows.read_event, event_rows))
        self.batch_starts[number] = tuple(row["batch"] or row["seq"] for row in event_rows)

    def batches(self, number: int) -> tuple[Batch, ...]:
        """Return the events of a cached ticket in batches, one for each mail or tick, in order."""
        batches = groupby(zip(self.batch_starts[number], self.histories[number], strict=True), lambda pair: pair[0])
        return tuple((first, tuple(each for _, each in events)) for first, events in batches)

    def take_entries(self, found: Mapping[int, tuple[StoredEntry, ...]]) -> None:
        """Cache the entries of those of these tickets that this transaction has locked."""
        self.entries.update({number: entries for number, entries in found.items() if number in self.numbers})

    def add_entry(self, new: StoredEntry) -> None:
        """Take in an entry that was stored."""
        if new.ticket in self.entries:
            self.entries[new.ticket] += (new,)

    def changed(self, after: Ticket, new: Sequence[Event]) -> None:
        """Take in events that were stored, and the ticket after them."""
        number, first = after.number, after.seq - len(new) + 1
        before = self.tickets.get(number)
        was_ended = before.status.ended if before is not None else number not in self.begun
        self.ended = self.ended or after.status.ended or was_ended
        self.people[number] = frozenset(after.participants)
        if number in self.numbers:
            self.tickets[number] = after
        if number in self.histories:
            self.histories[number] += tuple(new)
            self.batch_starts[number] += (first,) * len(new)

    def has_history(self, number: int) -> bool:
        """Say whether a ticket and its history are cached."""
        return number in self.tickets and number in self.histories

    def read_ahead(self, session: Session, numbers: Sequence[int], *, lock: bool = True) -> frozenset[int]:
        """Read and lock all that a tick or a judgement needs of these tickets, with four queries.

        Returns the numbers of those that exist."""
        if not numbers:
            return frozenset()

        def asked(query: sa.Select[Any]) -> Sequence[RowMapping]:
            return session.rows(query, {"numbers": list(numbers)})

        # Tickets are locked first, otherwise participants could change in between.
        found = asked(_LOCKED_TICKETS if lock else _TICKETS)
        people = {number: list(them) for number, them in groupby(asked(_PEOPLE), lambda row: row["ticket"])}
        for row in found:
            with suppress(ValueError):  # a broken ticket raises when it is read alone; it must not stop the others
                self.take(row, people.get(row["number"], ()))
        for number, events in groupby(asked(_EVENTS), lambda row: row["ticket"]):
            with suppress(ValueError):  # the same for an event of a newer version
                self.take_history(number, events)
        self.steps.update({number: set() for number in numbers})
        for row in asked(_STEPS):
            self.steps[row["ticket"]].add((row["target"], row["cycle"], row["step"]))
        return frozenset(row["number"] for row in found)
