"""Tickets, their events and entries. The row is written with the events that it is folded from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from maild.domain.people.directory import Address
from maild.domain.tickets.events import Event, Opened, ParticipantAdded, ParticipantRemoved, RequesterChanged, Retitled
from maild.domain.tickets.ticket import Ticket
from maild.ports import ListedTicket, Listing, SlaIndex, StoredEntry, TicketHistory
from maild.store import rows
from maild.store.identity_map import IdentityMap
from maild.store.insert_once import insert_once, next_number
from maild.store.list_filters import conditions, ordering
from maild.store.schema import ancestor, attachment, entry, event, one_of, participant, ticket
from maild.store.search import SqlSearch

_WORKED_ON = ("open", "waiting")
# Facts that change what a ticket is found by, beside its entries.
_FOUND_BY = (Opened, Retitled, RequesterChanged, ParticipantAdded, ParticipantRemoved)

# Statements of every ticket and tick are put together once: that takes longer than carrying them out.
_GET = sa.select(ticket).where(ticket.c.number == sa.bindparam("number"))
_GET_AND_LOCK = _GET.with_for_update()  # two nodes must not fold different events upon the same row
_PEOPLE = sa.select(participant).where(participant.c.ticket == sa.bindparam("number"))
_PEOPLE = _PEOPLE.order_by(participant.c.address_key)
_HISTORY = sa.select(event).where(event.c.ticket == sa.bindparam("number")).order_by(event.c.seq)
_CHANGE = sa.update(ticket).where(ticket.c.number == sa.bindparam("of"))
_ENTRIES = sa.select(entry).where(entry.c.ticket == sa.bindparam("number")).order_by(entry.c.id)
_FILES = sa.select(attachment).join(entry).where(entry.c.ticket == sa.bindparam("number")).order_by(attachment.c.part)


class SqlTickets:
    def __init__(self, connection: Connection, search: SqlSearch, identity_map: IdentityMap, *, reading: bool) -> None:
        self._connection = connection
        self._search = search
        self._identity_map = identity_map
        self._reading = reading

    def new_number(self) -> int:
        return next_number(self._connection, "ticket_number")

    def get(self, number: int) -> Ticket | None:
        known = self._identity_map.tickets.get(number)
        if known is not None:
            return known
        query = _GET if self._reading else _GET_AND_LOCK
        row = self._connection.execute(query, {"number": number}).mappings().first()
        if row is None:
            return None
        people = self._connection.execute(_PEOPLE, {"number": number}).mappings().all()
        return rows.read_ticket(row, people) if self._reading else self._identity_map.take(row, people)

    def history(self, number: int) -> tuple[Event, ...]:
        known = self._identity_map.histories.get(number)
        if known is not None:
            return known
        found = self._connection.execute(_HISTORY, {"number": number}).mappings()
        facts = tuple(rows.read_event(row) for row in found)
        if number in self._identity_map.numbers:
            self._identity_map.histories[number] = facts
        return facts

    def event_time(self, number: int, seq: int) -> datetime | None:
        return self._connection.scalar(sa.select(event.c.at).where(event.c.ticket == number, event.c.seq == seq))

    def events_since(self, number: int, seq: int) -> tuple[Event, ...]:
        query = sa.select(event).where(event.c.ticket == number, event.c.seq > seq).order_by(event.c.seq)
        return tuple(rows.read_event(row) for row in self._connection.execute(query).mappings())

    def batches(self, number: int) -> tuple[tuple[int, tuple[Event, ...]], ...]:
        query = sa.select(event).where(event.c.ticket == number).order_by(event.c.seq)
        found: dict[int, list[Event]] = {}
        for row in self._connection.execute(query).mappings():
            found.setdefault(row["batch"] or row["seq"], []).append(rows.read_event(row))
        return tuple((first, tuple(facts)) for first, facts in found.items())

    def add_entry(self, new: StoredEntry) -> int:
        made = self._connection.scalar(sa.insert(entry).values(rows.entry_values(new)).returning(entry.c.id))
        number = int(made or 0)
        if new.attachments:
            values = [rows.attachment_values(number, a) for a in new.attachments]
            self._connection.execute(sa.insert(attachment), values)
        self._search.renew(new.ticket)  # a ticket that opens has no row yet: it is read when that is written
        return number

    def append(self, after: Ticket, new: Sequence[Event], root_id: str) -> None:
        first = after.seq - len(new) + 1
        values = rows.ticket_values(after)
        if first == 1:
            self._connection.execute(sa.insert(ticket), values | {"root_id": root_id})
        else:
            self._connection.execute(_CHANGE, values | {"of": after.number})
        facts = [rows.event_values(after.number, first + index, fact, first) for index, fact in enumerate(new)]
        self._connection.execute(sa.insert(event), facts)
        if self._identity_map.people.get(after.number) != frozenset(after.participants):
            self._write_participants(after)
        self._identity_map.changed(after, new)
        if any(isinstance(fact, _FOUND_BY) for fact in new):
            self._search.renew(after.number)

    def _write_participants(self, after: Ticket) -> None:
        here = participant.c.ticket == after.number
        self._connection.execute(sa.delete(participant).where(here))
        if not after.participants:
            return
        values = [
            {
                "ticket": after.number,
                "address_key": p.person.address.key,
                "address": str(p.person.address),
                "name": p.person.name,
                "role": p.role,
            }
            for p in after.participants
        ]
        self._connection.execute(sa.insert(participant), values)

    def set_sla_index(self, number: int, sla: SlaIndex) -> None:
        dues = {target: due.isoformat() for target, due in sla.deadlines.items()}
        values = {"next_sla_at": sla.next_at, "due_at": sla.due_at, "sla_digest": sla.fingerprint, "dues": dues}
        self._connection.execute(_CHANGE, values | {"of": number})

    def entries(self, number: int) -> tuple[StoredEntry, ...]:
        everything = self._connection.execute(_ENTRIES, {"number": number}).mappings().all()
        files: dict[int, list[sa.RowMapping]] = {}
        for row in self._connection.execute(_FILES, {"number": number}).mappings():
            files.setdefault(row["entry"], []).append(row)
        return tuple(rows.read_entry(row, files.get(row["id"], [])) for row in everything)

    def root_id(self, number: int) -> str:
        if number in self._identity_map.root_ids:
            return self._identity_map.root_ids[number]
        return str(self._connection.scalar(sa.select(ticket.c.root_id).where(ticket.c.number == number)) or "")

    def by_message_ids(self, ids: Sequence[str]) -> Mapping[str, int]:
        if not ids:
            return {}
        query = sa.select(entry.c.message_id, entry.c.ticket).where(entry.c.message_id.in_(list(ids)))
        # A Message-ID that two tickets claim leads to the older one: the sender controls it, the first was first.
        newest_first = query.order_by(entry.c.id.desc())
        return {row.message_id: row.ticket for row in self._connection.execute(newest_first)}

    def remember_references(self, number: int, ids: Sequence[str]) -> None:
        for message_id in dict.fromkeys(ids):
            values = {"message_id": message_id, "ticket": number}
            self._connection.execute(insert_once(self._connection, ancestor, values))

    def by_reference(self, ids: Sequence[str]) -> Mapping[str, int]:
        if not ids:
            return {}
        query = sa.select(ancestor).where(ancestor.c.message_id.in_(list(ids))).order_by(ancestor.c.ticket.desc())
        return {row.message_id: row.ticket for row in self._connection.execute(query)}

    def by_join_key(self, key: str) -> int | None:
        filled = ticket.c.join_key != sa.literal("", literal_execute=True)
        here = sa.and_(filled, ticket.c.join_key == key, one_of(ticket.c.status, *_WORKED_ON))
        query = sa.select(ticket.c.number).where(here)
        return self._connection.scalar(query.order_by(ticket.c.number).limit(1)) if key else None

    def listing(self, wanted: Listing) -> list[ListedTicket]:
        query = sa.select(ticket).where(*conditions(wanted)).order_by(*ordering(wanted.order)).limit(wanted.limit)
        return [rows.read_listed(row) for row in self._connection.execute(query).mappings()]

    def due_at(self, number: int) -> datetime | None:
        return self._connection.scalar(sa.select(ticket.c.due_at).where(ticket.c.number == number))

    def active_between(self, since: datetime, until: datetime, wanted: Listing) -> list[int]:
        begun = (ticket.c.created_at < until, *conditions(wanted))
        worked_on = sa.select(ticket.c.number).where(one_of(ticket.c.status, *_WORKED_ON), *begun)
        moved = sa.select(ticket.c.number).where(ticket.c.updated_at >= since, *begun)
        # Two questions, each with its own index: joined by OR they would have none on PostgreSQL.
        return sorted({*self._connection.scalars(worked_on), *self._connection.scalars(moved)})

    def histories(self, numbers: Sequence[int], kinds: Sequence[str]) -> list[TicketHistory]:
        if not numbers:
            return []
        here = sa.select(ticket).where(ticket.c.number.in_(list(numbers))).order_by(ticket.c.number)
        told = sa.select(event).where(event.c.ticket.in_(list(numbers)), event.c.kind.in_(list(kinds)))
        facts: dict[int, list[Event]] = {}
        for row in self._connection.execute(told.order_by(event.c.ticket, event.c.seq)).mappings():
            facts.setdefault(row["ticket"], []).append(rows.read_event(row))
        found = self._connection.execute(here).mappings()
        return [TicketHistory(rows.read_listed(row), tuple(facts.get(row["number"], ()))) for row in found]

    def due(self, now: datetime, limit: int) -> list[int]:
        query = sa.select(ticket.c.number).where(ticket.c.next_sla_at <= now)
        # What another node is at is left to it: two share the work, and none waits for one that stopped.
        numbers = self._in_hand(query.order_by(ticket.c.next_sla_at, ticket.c.number).limit(limit))
        if not self._reading:
            self._identity_map.read_ahead(self._connection, numbers)
        return numbers

    def in_status_since(self, status: str, instant: datetime, limit: int) -> list[int]:
        since = sa.and_(ticket.c.status_since <= instant, ticket.c.wake_at.is_(None))
        query = sa.select(ticket.c.number).where(ticket.c.status == status, since)
        return self._in_hand(query.order_by(ticket.c.status_since).limit(limit))

    def to_wake(self, now: datetime, limit: int) -> list[int]:
        query = sa.select(ticket.c.number).where(ticket.c.wake_at <= now).order_by(ticket.c.wake_at)
        return self._in_hand(query.limit(limit))

    def snooze_ended(self, now: datetime, limit: int) -> list[int]:
        query = sa.select(ticket.c.number).where(ticket.c.snoozed_until <= now).order_by(ticket.c.snoozed_until)
        return self._in_hand(query.limit(limit))

    def _in_hand(self, query: sa.Select[tuple[int]]) -> list[int]:
        """The tickets that a query finds and nobody else works on; with PostgreSQL nobody else will, until this
        transaction ends. Whoever waited for another node would do once more what that one has done."""
        if not self._reading:
            query = query.with_for_update(skip_locked=True)
        return list(self._connection.scalars(query))

    def has_spam_from(self, address: Address) -> bool:
        theirs = sa.func.lower(ticket.c.requester_address) == address.key
        spam = ticket.c.status == sa.literal("spam", literal_execute=True)  # as the partial index has it
        query = sa.select(ticket.c.number).where(spam, theirs).limit(1)
        return self._connection.scalar(query) is not None

    def deadlines(self, number: int) -> Mapping[str, datetime] | None:
        kept = self._connection.scalar(sa.select(ticket.c.dues).where(ticket.c.number == number))
        return None if kept is None else {target: datetime.fromisoformat(due) for target, due in kept.items()}

    def unreminded(self, instant: datetime, limit: int) -> list[int]:
        asked = sa.and_(ticket.c.status_since <= instant, ticket.c.wake_at.is_(None), ticket.c.reminded_at.is_(None))
        query = sa.select(ticket.c.number).where(ticket.c.status == "waiting", asked)
        return self._in_hand(query.order_by(ticket.c.status_since).limit(limit))

    def with_outdated_sla(self, fingerprints: frozenset[str], limit: int, above: int = 0) -> list[int]:
        query = sa.select(ticket.c.number).where(
            ticket.c.number > above, ticket.c.status.in_(_WORKED_ON), ticket.c.sla_digest.not_in(list(fingerprints))
        )
        return list(self._connection.scalars(query.order_by(ticket.c.number).limit(limit)))
