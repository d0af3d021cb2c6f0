"""Stores tickets, their events and entries. A ticket row is written together with its events."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime

import sqlalchemy as sa

from maild.domain.lookups import TicketRecord
from maild.domain.people.directory import Address
from maild.domain.tickets.events import Event, Opened, ParticipantAdded, ParticipantRemoved, RequesterChanged, Retitled
from maild.domain.tickets.ticket import Participant, Status, Ticket
from maild.ports import ListedTicket, Listing, SlaIndex, StoredEntry, TicketHistory
from maild.store import rows
from maild.store.list_filters import conditions, ordering
from maild.store.schema import ancestor, attachment, entry, event, one_of, participant, ticket
from maild.store.search import SqlSearch
from maild.store.transaction.identity_map import IdentityMap, among
from maild.store.transaction.numbers import ENTRY, TICKET, Numbers
from maild.store.transaction.read_cache import ReadCache
from maild.store.transaction.session import Session

_WORKED_ON = ("open", "waiting")
# Events that change the search document of a ticket, besides its entries.
_SEARCHED = (Opened, Retitled, RequesterChanged, ParticipantAdded, ParticipantRemoved)

# These statements run for every ticket. They are built once, because building one takes longer than executing it.
_GET = sa.select(ticket).where(ticket.c.number == sa.bindparam("number"))
_GET_AND_LOCK = _GET.with_for_update()  # two nodes must not apply different events to the same row
_PEOPLE = sa.select(participant).where(participant.c.ticket == sa.bindparam("number"))
_PEOPLE = _PEOPLE.order_by(participant.c.address_key)
_HISTORY = sa.select(event).where(event.c.ticket == sa.bindparam("number")).order_by(event.c.seq)
_ENTRIES = sa.select(entry).where(among(entry.c.ticket)).order_by(entry.c.id)
_FILES = sa.select(attachment).join(entry).where(among(entry.c.ticket)).order_by(attachment.c.part)
_ROOT_ID = sa.select(ticket.c.root_id).where(ticket.c.number == sa.bindparam("number"))
_FORGET_PEOPLE = sa.delete(participant).where(participant.c.ticket == sa.bindparam("of"))
_BY_MESSAGE_ID = sa.select(entry.c.message_id, entry.c.ticket).where(among(entry.c.message_id, "ids"))
_BY_MESSAGE_ID = _BY_MESSAGE_ID.order_by(entry.c.id.desc())
_BY_REFERENCE = sa.select(ancestor).where(among(ancestor.c.message_id, "ids")).order_by(ancestor.c.ticket.desc())
_JOINS = sa.and_(
    ticket.c.join_key != sa.literal("", literal_execute=True),
    among(ticket.c.join_key, "keys"),
    one_of(ticket.c.status, *_WORKED_ON),
)
_BY_JOIN_KEY = sa.select(ticket.c.join_key, sa.func.min(ticket.c.number).label("number")).where(_JOINS)
_BY_JOIN_KEY = _BY_JOIN_KEY.group_by(ticket.c.join_key)
_SENDER = sa.func.lower(ticket.c.requester_address)
_SPAM_SENDERS = sa.select(_SENDER).distinct().where(_SENDER.in_(sa.bindparam("keys", expanding=True)))
# Repeats the condition of the partial index.
_SPAM_SENDERS = _SPAM_SENDERS.where(ticket.c.status == sa.literal("spam", literal_execute=True))


class SqlTickets:
    """Implements ports.Tickets."""

    def __init__(
        self, session: Session, search: SqlSearch, identity_map: IdentityMap, numbers: Numbers, *, reading: bool
    ) -> None:
        self._session = session
        self._search = search
        self._identity_map = identity_map
        self._numbers = numbers
        self._reading = reading
        self._of_message: ReadCache[str, int | None] = ReadCache(session, reading=reading)
        self._of_reference: ReadCache[str, int | None] = ReadCache(session, reading=reading)
        self._of_join_key: ReadCache[str, int | None] = ReadCache(session, reading=reading)
        self._spam: ReadCache[str, bool] = ReadCache(session, reading=reading)

    def new_number(self) -> int:
        """Reserve the next ticket number."""
        number = self._numbers.next(TICKET)
        self._identity_map.begin(number)
        return number

    def get(self, number: int) -> Ticket | None:
        """Return a ticket; None when there is none. A writing unit of work locks it."""
        known = self._identity_map.tickets.get(number)
        if known is not None:
            return known
        query = _GET if self._reading else _GET_AND_LOCK
        row = self._session.execute(query, {"number": number}).mappings().first()
        if row is None:
            return None
        people = self._session.rows(_PEOPLE, {"number": number})
        return rows.read_ticket(row, people) if self._reading else self._identity_map.take(row, people)

    def get_many(self, numbers: Sequence[int]) -> Mapping[int, TicketRecord]:
        """Return those of these tickets that exist, each with its events."""
        # A reading transaction caches nothing, because other transactions may change what it has read.
        known = IdentityMap() if self._reading else self._identity_map
        unknown = [number for number in numbers if not known.has_history(number)]
        for number in known.read_ahead(self._session, unknown, lock=not self._reading):
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
        found = self._session.rows(_HISTORY, {"number": number})
        if number not in self._identity_map.numbers:
            return tuple(rows.read_event(row) for row in found)
        self._identity_map.take_history(number, found)
        return self._identity_map.histories[number]

    def events_since(self, number: int, seq: int) -> tuple[Event, ...]:
        """Return the events after this sequence number, in order."""
        if number in self._identity_map.histories:
            return self._identity_map.histories[number][seq:]
        query = sa.select(event).where(event.c.ticket == number, event.c.seq > seq).order_by(event.c.seq)
        return tuple(rows.read_event(row) for row in self._session.rows(query))

    def add_entry(self, new: StoredEntry) -> int:
        """Store an entry with its attachments, update the search, and return the entry's new id."""
        stored = rows.cleaned_entry(replace(new, id=self._numbers.next(ENTRY)))
        self._session.insert(entry, rows.entry_values(stored) | {"id": stored.id})
        for file in stored.attachments:
            self._session.insert(attachment, rows.attachment_values(stored.id, file))
        self._identity_map.add_entry(stored)
        self._search.renew(stored.ticket)
        if stored.message_id:
            # When two tickets have a Message-ID, the older entry wins.
            self._of_message.change(stored.message_id, lambda older: older or stored.ticket)
        return stored.id

    def append(self, after: Ticket, new: Sequence[Event], root_id: str) -> None:
        """Store new events of a ticket together with its row."""
        first = after.seq - len(new) + 1
        after = rows.cleaned_ticket(after)
        before = self._identity_map.tickets.get(after.number)
        values = rows.ticket_values(after)
        if first == 1:
            self._session.insert(ticket, values | {"root_id": root_id})
            self._identity_map.root_ids[after.number] = root_id
        else:
            self._session.update(ticket, (after.number,), values)
        for index, each in enumerate(new):
            self._session.insert(event, rows.event_values(after.number, first + index, each, first))
        self._write_participants(after, frozenset() if first == 1 else self._identity_map.people.get(after.number))
        self._identity_map.changed(after, new)
        self._forget_answers(before, after)
        if any(isinstance(each, _SEARCHED) for each in new):
            self._search.renew(after.number)

    def _write_participants(self, after: Ticket, before: frozenset[Participant] | None) -> None:
        """Store who takes part. `before` is who is stored already; None when that is not known."""
        if before == frozenset(after.participants):
            return
        if before is None or before:
            self._session.execute(_FORGET_PEOPLE, {"of": after.number})
        for each in after.participants:
            person = each.person
            values = {"address_key": person.address.key, "address": str(person.address), "name": person.name}
            self._session.insert(participant, {"ticket": after.number, **values, "role": each.role})

    def _forget_answers(self, before: Ticket | None, after: Ticket) -> None:
        """Forget what is remembered about tickets if this change may have made it untrue."""
        for key in {each.join_key for each in (before, after) if each is not None and each.join_key}:
            self._of_join_key.drop(key)
        if before is None or Status.SPAM in (before.status, after.status):
            self._spam.drop(after.requester.address.key)

    def set_sla_index(self, number: int, sla: SlaIndex) -> None:
        """Store the SLA index of a ticket."""
        dues = {target: due.isoformat() for target, due in sla.deadlines.items()}
        values = {"next_sla_at": sla.next_at, "due_at": sla.due_at, "sla_digest": sla.fingerprint, "dues": dues}
        self._session.update(ticket, (number,), values)

    def entries(self, number: int) -> tuple[StoredEntry, ...]:
        """Return all entries of a ticket with their attachments, oldest first."""
        return self.entries_of([number])[number]

    def entries_of(self, numbers: Sequence[int]) -> Mapping[int, tuple[StoredEntry, ...]]:
        """Return all entries of these tickets with their attachments, oldest first."""
        unknown = [number for number in numbers if number not in self._identity_map.entries]
        found: dict[int, list[StoredEntry]] = {number: [] for number in unknown}
        if unknown:
            files: dict[int, list[sa.RowMapping]] = {}
            everything = self._session.rows(_ENTRIES, {"numbers": unknown})
            if everything:
                for row in self._session.rows(_FILES, {"numbers": unknown}):
                    files.setdefault(row["entry"], []).append(row)
            for row in everything:
                found[row["ticket"]].append(rows.read_entry(row, files.get(row["id"], [])))
        read = {number: tuple(entries) for number, entries in found.items()}
        self._identity_map.take_entries(read)
        return {number: read[number] if number in read else self._identity_map.entries[number] for number in numbers}

    def root_id(self, number: int) -> str:
        """Return the Message-ID that stands first in every References header of a ticket."""
        if number in self._identity_map.root_ids:
            return self._identity_map.root_ids[number]
        return str(self._session.scalar(_ROOT_ID, {"number": number}) or "")

    def by_message_ids(self, ids: Sequence[str]) -> Mapping[str, int]:
        """Return Message-ID -> ticket, for those of these ids that belong to an entry."""

        def read(unknown: list[str]) -> Mapping[str, int]:
            # When two tickets have a Message-ID, the older ticket wins: a sender can repeat the id of somebody else.
            return {row.message_id: row.ticket for row in self._session.execute(_BY_MESSAGE_ID, {"ids": unknown})}

        return _found(self._of_message.get_many(ids, read, None))

    def remember_references(self, number: int, ids: Sequence[str]) -> None:
        """Remember the Message-ID of a ticket's mail, and the ids that the mail refers to."""
        for message_id in dict.fromkeys(ids):
            self._session.insert_once(ancestor, {"message_id": message_id, "ticket": number})
            self._of_reference.change(message_id, lambda older: number if older is None else min(older, number))

    def by_reference(self, ids: Sequence[str]) -> Mapping[str, int]:
        """Return id -> ticket, for those of these ids that a mail of a ticket refers to."""

        def read(unknown: list[str]) -> Mapping[str, int]:
            return {row.message_id: row.ticket for row in self._session.execute(_BY_REFERENCE, {"ids": unknown})}

        return _found(self._of_reference.get_many(ids, read, None))

    def by_join_keys(self, keys: Sequence[str]) -> Mapping[str, int]:
        """Return, for each of these keys, the open or waiting ticket that collects alerts with it."""

        def read(unknown: list[str]) -> Mapping[str, int]:
            return {row.join_key: row.number for row in self._session.execute(_BY_JOIN_KEY, {"keys": unknown})}

        return _found(self._of_join_key.get_many(filter(None, keys), read, None))

    def listing(self, wanted: Listing) -> list[ListedTicket]:
        """Return the tickets of a list, in its order."""
        query = sa.select(ticket).where(*conditions(wanted)).order_by(*ordering(wanted.order)).limit(wanted.limit)
        return [rows.read_listed(row) for row in self._session.execute(query).mappings()]

    def due_at(self, number: int) -> datetime | None:
        """Return the earliest deadline that a ticket has not met."""
        due_at: datetime | None = self._session.scalar(sa.select(ticket.c.due_at).where(ticket.c.number == number))
        return due_at

    def active_between(self, since: datetime, until: datetime, wanted: Listing) -> list[int]:
        """Return the tickets that statistics of a period can be about, sorted by number."""
        begun = (ticket.c.created_at < until, *conditions(wanted))
        worked_on = sa.select(ticket.c.number).where(one_of(ticket.c.status, *_WORKED_ON), *begun)
        moved = sa.select(ticket.c.number).where(ticket.c.updated_at >= since, *begun)
        # Two queries, each with its own index. Joined by OR, PostgreSQL would use neither index.
        return sorted({*self._session.scalars(worked_on), *self._session.scalars(moved)})

    def histories(self, numbers: Sequence[int], kinds: Sequence[str]) -> list[TicketHistory]:
        """Return these tickets with their events of these kinds, sorted by number."""
        if not numbers:
            return []
        here = sa.select(ticket).where(ticket.c.number.in_(list(numbers))).order_by(ticket.c.number)
        wanted = sa.select(event).where(event.c.ticket.in_(list(numbers)), event.c.kind.in_(list(kinds)))
        events: dict[int, list[Event]] = {}
        for row in self._session.execute(wanted.order_by(event.c.ticket, event.c.seq)).mappings():
            events.setdefault(row["ticket"], []).append(rows.read_event(row))
        found = self._session.execute(here).mappings()
        return [TicketHistory(rows.read_listed(row), tuple(events.get(row["number"], ()))) for row in found]

    def due(self, now: datetime, limit: int) -> list[int]:
        """Return and lock the tickets whose next SLA instant has come, the longest overdue first."""
        query = sa.select(ticket.c.number).where(ticket.c.next_sla_at <= now)
        # Tickets that another node has locked are left to it: nodes share the work, and none waits for one that hangs.
        numbers = self._locked(query.order_by(ticket.c.next_sla_at, ticket.c.number).limit(limit))
        if not self._reading:
            self._identity_map.read_ahead(self._session, numbers)
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
        return list(self._session.scalars(query))

    def spam_senders(self, addresses: Sequence[Address]) -> frozenset[str]:
        """Return the keys of those of these addresses whose requester has a ticket that is marked as spam."""

        def read(unknown: list[str]) -> Mapping[str, bool]:
            return dict.fromkeys(self._session.scalars(_SPAM_SENDERS, {"keys": unknown}), True)

        found = self._spam.get_many((address.key for address in addresses), read, False)
        return frozenset(key for key, spam in found.items() if spam)

    def deadlines(self, number: int) -> Mapping[str, datetime] | None:
        """Return target -> deadline for each target that a ticket has not met."""
        kept = self._session.scalar(sa.select(ticket.c.dues).where(ticket.c.number == number))
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
        return list(self._session.scalars(query.order_by(ticket.c.number).limit(limit)))


def _found(answers: Mapping[str, int | None]) -> dict[str, int]:
    return {key: number for key, number in answers.items() if number is not None}
