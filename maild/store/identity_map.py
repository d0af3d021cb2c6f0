"""What a writing transaction knows of the tickets that it holds: they are locked, so nothing of it changes elsewhere.

A tick reads a hundred tickets at once instead of one after the other, and what is reckoned after an event does not read
the whole history again. A savepoint that is rolled back gives locks back, and with them all of this is forgotten."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import groupby
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection, RowMapping

from maild.domain.tickets.events import Event
from maild.domain.tickets.ticket import Participant, Ticket
from maild.store import rows
from maild.store.schema import event, participant, sla_step, ticket

StepKey = tuple[str, int, str]  # target, cycle, key


def _among(column: sa.Column[int]) -> sa.ColumnElement[bool]:
    return column.in_(sa.bindparam("numbers", expanding=True))


_TICKETS = sa.select(ticket).where(_among(ticket.c.number))
_PEOPLE = sa.select(participant).where(_among(participant.c.ticket))
_PEOPLE = _PEOPLE.order_by(participant.c.ticket, participant.c.address_key)
_EVENTS = sa.select(event).where(_among(event.c.ticket)).order_by(event.c.ticket, event.c.seq)
_STEPS = sa.select(sla_step).where(_among(sla_step.c.ticket))


@dataclass(slots=True)
class IdentityMap:
    """By ticket number; what is absent was not read yet."""

    numbers: set[int] = field(default_factory=set)
    tickets: dict[int, Ticket] = field(default_factory=dict)
    root_ids: dict[int, str] = field(default_factory=dict)
    people: dict[int, frozenset[Participant]] = field(default_factory=dict)  # as they are stored
    histories: dict[int, tuple[Event, ...]] = field(default_factory=dict)
    steps: dict[int, set[StepKey]] = field(default_factory=dict)

    def forget(self) -> None:
        for known in (self.numbers, self.tickets, self.root_ids, self.people, self.histories, self.steps):
            known.clear()

    def take(self, row: RowMapping, people: Iterable[RowMapping]) -> Ticket:
        """Remember a ticket that this transaction has locked."""
        found = rows.read_ticket(row, people)
        self.numbers.add(found.number)
        self.tickets[found.number] = found
        self.root_ids[found.number] = row["root_id"]
        self.people[found.number] = frozenset(found.participants)
        return found

    def changed(self, after: Ticket, new: Sequence[Event]) -> None:
        """Events were stored; the row itself is read again when somebody asks for it."""
        self.tickets.pop(after.number, None)
        self.people[after.number] = frozenset(after.participants)
        if len(new) == after.seq:  # it was just opened
            self.numbers.add(after.number)
            self.histories[after.number] = tuple(new)
        elif after.number in self.histories:
            self.histories[after.number] += tuple(new)

    def read_ahead(self, connection: Connection, numbers: Sequence[int]) -> None:
        """Read all that a tick asks about these tickets, which are locked: four questions, however many they are."""
        if not numbers:
            return

        def asked(query: sa.Select[Any]) -> Sequence[RowMapping]:
            return connection.execute(query, {"numbers": list(numbers)}).mappings().all()

        people = {number: list(found) for number, found in groupby(asked(_PEOPLE), lambda row: row["ticket"])}
        for row in asked(_TICKETS):
            with suppress(ValueError):  # told when somebody asks for that ticket: here it would stop all the others
                self.take(row, people.get(row["number"], ()))
        for number, facts in groupby(asked(_EVENTS), lambda row: row["ticket"]):
            with suppress(ValueError):  # an event of a newer version, likewise
                self.histories[number] = tuple(rows.read_event(row) for row in facts)
        self.steps.update({number: set() for number in numbers})
        for row in asked(_STEPS):
            self.steps[row["ticket"]].add((row["target"], row["cycle"], row["step"]))
