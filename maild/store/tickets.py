"""Stores tickets, their events and entries. A ticket row is written together with its events."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from maild.domain.lookups import TicketRecord
from maild.domain.people.directory import Address
from maild.domain.tickets.events import Event, Opened, ParticipantAdded, ParticipantRemoved, RequesterChanged, Retitled
from maild.domain.tickets.ticket import Participant, Ticket
from maild.ports import ListedTicket, Listing, SlaIndex, StoredEntry, TicketHistory
from maild.store import rows
from maild.store.identity_map import IdentityMap
from maild.store.insert_once import insert_once, next_number
from maild.store.list_filters import conditions, ordering
from maild.store.schema import ancestor, attachment, entry, event, one_of, participant, ticket
from maild.store.search import SqlSearch

_WORKED_ON = ("open", "waiting")
# Events that change the search document of a ticket, besides its entries.
_SEARCHED = (Opened, Retitled, RequesterChanged, ParticipantAdded, ParticipantRemoved)

# These statements run for every ticket. They are built once, because building one takes longer than executing it.
_GET = sa.select(ticket).where(ticket.c.number == sa.bindparam("number"))
_GET_AND_LOCK = _GET.with_for_update()  # two nodes must not apply different events to the same row
_PEOPLE = sa.select(participant).where(participant.c.ticket == sa.bindparam("number"))
_PEOPLE = _PEOPLE.order_by(participant.c.address_key)
_HISTORY = sa.select(event).where(event.c.ticket == sa.bindparam("number")).order_by(event.c.seq)
_UPDATE = sa.update(ticket).where(ticket.c.number == sa.bindparam("of"))
_ENTRIES = sa.select(entry).where(entry.c.ticket == sa.bindparam("number")).order_by(entry.c.id)
_FILES = sa.select(attachment).join(entry).where(entry.c.ticket == sa.bindparam("number")).order_by(attachment.c.part)
_SENDER = sa.func.lower(ticket.c.requester_address)
_SPAM_SENDERS = sa.select(_SENDER).distinct().where(_SENDER.in_(sa.bindparam("keys", expanding=True)))
# Repeats the condition of the partial index.
_SPAM_SENDERS = _SPAM_SENDERS.where(ticket.c.status == sa.literal("spam", literal_execute=True))


class SqlTickets:
    """Implements ports.Tickets."""

    def __init__(self, connection: Connection, search: SqlSearch, identity_map: IdentityMap, *, reading: bool) -> None:
        self._connection = connection
        self._search = search
        self._identity_map = identity_map
        self._reading = reading

    def new_number(self) -> int:
        """Reserve the next ticket number."""
        return next_number(self._connection, "ticket_number")

    def get(self, number: int) -> Ticket | None:
        """Return a ticket; None when there is none. A writing unit of work locks it."""
        known = self._identity_map.tickets.get(number)
        if known is not None:
            return known
        query = _GET if self._reading else _GET_AND_LOCK
        row = self._connection.execute(query, {"number": number}).mappings().first()
        if row is None:
            return None
        people = self._connection.execute(_PEOPLE, {"number": number}).mappings().all()
        return rows.read_ticket(row, people) if self._reading else self._identity_map.take(row, people)

    def get_many(self, numbers: Sequence[int]) -> Mapping[int, TicketRecord]:
        """Return those of these tickets that exist, each with its events."""
        # A reading transaction caches nothing, because other transactions may change what it has read.
        known = IdentityMap() if self._reading else self._identity_map
        unknown = [number for number in numbers if not known.has_history(number)]
        for number in known.read_ahead(self._connection, unknown, lock=not self._reading):
            if not known.has_history(number):  # it could not be read; reading it alone raises the error
                self.get(number)
                self.history(number)
        readable = filter(known.has_history, numbers)
        return {number: TicketRecord(known.tickets[number], known.batches(number)) for number in readable}

    def history(self, number: int) -> tuple[Event, ...]:
        """Return all events of a ticket, in order."""
        known = self._identity_map.histories.get(number)
        if known is not None:
            return known
        found = self._connection.execute(_HISTORY, {"number": number}).mappings()
        if number not in self._identity_map.numbers:
            return tuple(rows.read_event(row) for row in found)
        self._identity_map.take_history(number, found)
        return self._identity_map.histories[number]

    def events_since(self, number: int, seq: int) -> tuple[Event, ...]:
        """Return the events after this sequence number, in order."""
        if number in self._identity_map.histories:
            return self._identity_map.histories[number][seq:]
        query = sa.select(event).where(event.c.ticket == number, event.c.seq > seq).order_by(event.c.seq)
        return tuple(rows.read_event(row) for row in self._connection.execute(query).mappings())

    def add_entry(self, new: StoredEntry) -> int:
        """Store an entry with its attachments, update the search, and return the entry's new id."""
        made = self._connection.scalar(sa.insert(entry).values(rows.entry_values(new)).returning(entry.c.id))
        number = int(made or 0)
        if new.attachments:
            values = [rows.attachment_values(number, a) for a in new.attachments]
            self._connection.execute(sa.insert(attachment), values)
        self._search.renew(new.ticket)  # a new ticket has no row yet; `append` calls this again
        return number

    def append(self, after: Ticket, new: Sequence[Event], root_id: str) -> None:
        """Store new events of a ticket together with its row."""
        first = after.seq - len(new) + 1
        values = rows.ticket_values(after)
        if first == 1:
            self._connection.execute(sa.insert(ticket), values | {"root_id": root_id})
            self._identity_map.root_ids[after.number] = root_id
        else:
            self._connection.execute(_UPDATE, values | {"of": after.number})
        events = [rows.event_values(after.number, first + index, each, first) for index, each in enumerate(new)]
        self._connection.execute(sa.insert(event), events)
        before = frozenset[Participant]() if first == 1 else self._identity_map.people.get(after.number)
        if before != frozenset(after.participants):
            self._write_participants(after)
        self._identity_map.changed(after, new)
        if any(isinstance(each, _SEARCHED) for each in new):
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
        """Store the SLA index of a ticket."""
        dues = {target: due.isoformat() for target, due in sla.deadlines.items()}
        values = {"next_sla_at": sla.next_at, "due_at": sla.due_at, "sla_digest": sla.fingerprint, "dues": dues}
        self._connection.execute(_UPDATE, values | {"of": number})

    def entries(self, number: int) -> tuple[StoredEntry, ...]:
        """Return all entries of a ticket with their attachments, oldest first."""
        everything = self._connection.execute(_ENTRIES, {"number": number}).mappings().all()
        files: dict[int, list[sa.RowMapping]] = {}
        for row in self._connection.execute(_FILES, {"number": number}).mappings():
            files.setdefault(row["entry"], []).append(row)
        return tuple(rows.read_entry(row, files.get(row["id"], [])) for row in everything)

    def root_id(self, number: int) -> str:
        """Return the Message-ID that stands first in every References header of a ticket."""
        if number in self._identity_map.root_ids:
            return self._identity_map.root_ids[number]
        return str(self._connection.scalar(sa.select(ticket.c.root_id).where(ticket.c.number == number)) or "")

    def by_message_ids(self, ids: Sequence[str]) -> Mapping[str, int]:
        """Return Message-ID -> ticket, for those of these ids that belong to an entry."""
        if not ids:
            return {}
        query = sa.select(entry.c.message_id, entry.c.ticket).where(entry.c.message_id.in_(list(ids)))
        # When two tickets have a Message-ID, the older ticket wins: a sender can repeat the id of somebody else's mail.
        newest_first = query.order_by(entry.c.id.desc())
        return {row.message_id: row.ticket for row in self._connection.execute(newest_first)}

    def remember_references(self, number: int, ids: Sequence[str]) -> None:
        """Remember the Message-ID of a ticket's mail, and the ids that the mail refers to."""
        values = [{"message_id": message_id, "ticket": number} for message_id in dict.fromkeys(ids)]
        if values:
            self._connection.execute(insert_once(self._connection, ancestor), values)

    def by_reference(self, ids: Sequence[str]) -> Mapping[str, int]:
        """Return id -> ticket, for those of these ids that a mail of a ticket refers to."""
        if not ids:
            return {}
        query = sa.select(ancestor).where(ancestor.c.message_id.in_(list(ids))).order_by(ancestor.c.ticket.desc())
        return {row.message_id: row.ticket for row in self._connection.execute(query)}

    def by_join_keys(self, keys: Sequence[str]) -> Mapping[str, int]:
        """Return, for each of these keys, the open or waiting ticket that collects alerts with it."""
        asked = list(filter(None, keys))
        if not asked:
            return {}
        filled = ticket.c.join_key != sa.literal("", literal_execute=True)
        here = sa.and_(filled, ticket.c.join_key.in_(asked), one_of(ticket.c.status, *_WORKED_ON))
        query = sa.select(ticket.c.join_key, sa.func.min(ticket.c.number).label("number")).where(here)
        return {row.join_key: row.number for row in self._connection.execute(query.group_by(ticket.c.join_key))}

    def listing(self, wanted: Listing) -> list[ListedTicket]:
        """Return the tickets of a list, in its order."""
        query = sa.select(ticket).where(*conditions(wanted)).order_by(*ordering(wanted.order)).limit(wanted.limit)
        return [rows.read_listed(row) for row in self._connection.execute(query).mappings()]

    def due_at(self, number: int) -> datetime | None:
        """Return the earliest deadline that a ticket has not met."""
        return self._connection.scalar(sa.select(ticket.c.due_at).where(ticket.c.number == number))

    def active_between(self, since: datetime, until: datetime, wanted: Listing) -> list[int]:
        """Return the tickets that statistics of a period can be about, sorted by number."""
        begun = (ticket.c.created_at < until, *conditions(wanted))
        worked_on = sa.select(ticket.c.number).where(one_of(ticket.c.status, *_WORKED_ON), *begun)
        moved = sa.select(ticket.c.number).where(ticket.c.updated_at >= since, *begun)
        # Two queries, each with its own index. Joined by OR, PostgreSQL would use neither index.
        return sorted({*self._connection.scalars(worked_on), *self._connection.scalars(moved)})

    def histories(self, numbers: Sequence[int], kinds: Sequence[str]) -> list[TicketHistory]:
        """Return these tickets with their events of these kinds, sorted by number."""
        if not numbers:
            return []
        here = sa.select(ticket).where(ticket.c.number.in_(list(numbers))).order_by(ticket.c.number)
        wanted = sa.select(event).where(event.c.ticket.in_(list(numbers)), event.c.kind.in_(list(kinds)))
        events: dict[int, list[Event]] = {}
        for row in self._connection.execute(wanted.order_by(event.c.ticket, event.c.seq)).mappings():
            events.setdefault(row["ticket"], []).append(rows.read_event(row))
        found = self._connection.execute(here).mappings()
        return [TicketHistory(rows.read_listed(row), tuple(events.get(row["number"], ()))) for row in found]

    def due(self, now: datetime, limit: int) -> list[int]:
        """Return and lock the tickets whose next SLA instant has come, the longest overdue first."""
        query = sa.select(ticket.c.number).where(ticket.c.next_sla_at <= now)
        # Tickets that another node has locked are left to it: nodes share the work, and none waits for one that hangs.
        numbers = self._locked(query.order_by(ticket.c.next_sla_at, ticket.c.number).limit(limit))
        if not self._reading:
            self._identity_map.read_ahead(self._connection, numbers)
        return numbers

    def in_status_since(self, status: str, instant: datetime, limit: int) -> list[int]:
        """Return and lock tickets that have had this status since `instant` or longer."""
        since = sa.and_(ticket.c.status_since <= instant, ticket.c.wake_at.is_(None))
        query = sa.select(ticket.c.number).where(ticket.c.status == status, since)
        return self._locked(query.order_by(ticket.c.status_since).limit(limit))

    def to_wake(self, now: datetime, limit: int) -> list[int]:
        """Return and lock waiting tickets whose time to open again has come."""
        query = sa.select(ticket.c.number).where(ticket.c.wake_at <= now).order_by(ticket.c.wake_at)
        return self._locked(query.limit(limit))

    def snooze_ended(self, now: datetime, limit: int) -> list[int]:
        """Return and lock tickets whose snooze is over, the longest ago first."""
        query = sa.select(ticket.c.number).where(ticket.c.snoozed_until <= now).order_by(ticket.c.snoozed_until)
        return self._locked(query.limit(limit))

    def _locked(self, query: sa.Select[tuple[int]]) -> list[int]:
        """Return the tickets of a query that nobody else has locked, and lock them until the transaction ends.

        Waiting for another node's lock would repeat the work that this node has just done."""
        if not self._reading:
            query = query.with_for_update(skip_locked=True)
        return list(self._connection.scalars(query))

    def spam_senders(self, addresses: Sequence[Address]) -> frozenset[str]:
        """Return the keys of those of these addresses whose requester has a ticket that is marked as spam."""
        asked = {"keys": [address.key for address in addresses]}
        return frozenset(self._connection.scalars(_SPAM_SENDERS, asked))

    def deadlines(self, number: int) -> Mapping[str, datetime] | None:
        """Return target -> deadline for each target that a ticket has not met."""
        kept = self._connection.scalar(sa.select(ticket.c.dues).where(ticket.c.number == number))
        return None if kept is None else {target: datetime.fromisoformat(due) for target, due in kept.items()}

    def unreminded(self, instant: datetime, limit: int) -> list[int]:
        """Return and lock tickets that have waited for the customer since `instant` without a reminder."""
        asked = sa.and_(ticket.c.status_since <= instant, ticket.c.wake_at.is_(None), ticket.c.reminded_at.is_(None))
        query = sa.select(ticket.c.number).where(ticket.c.status == "waiting", asked)
        return self._locked(query.order_by(ticket.c.status_since).limit(limit))

    def with_outdated_sla(self, fingerprints: frozenset[str], limit: int, above: int = 0) -> list[int]:
        """Return open tickets whose SLA was computed with other plans or calendars, sorted by number."""
        query = sa.select(ticket.c.number).where(
            ticket.c.number > above, ticket.c.status.in_(_WORKED_ON), ticket.c.sla_digest.not_in(list(fingerprints))
        )
        return list(self._connection.scalars(query.order_by(ticket.c.number).limit(limit)))
