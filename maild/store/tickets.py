"""Tickets, their events and entries. The row is written with the events that it is folded from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from maild.domain.events import (
    Event,
    Opened,
    ParticipantAdded,
    ParticipantRemoved,
    RequesterChanged,
    Retitled,
)
from maild.domain.people import Address
from maild.domain.ticket import Ticket
from maild.domain.visibility import Sight
from maild.ports import ListedTicket, Listing, Pace, SlaIndex, StoredEntry
from maild.store import rows
from maild.store.conditions import conditions, ordering
from maild.store.insert import insert_once, next_number
from maild.store.schema import ancestor, attachment, entry, event, one_of, participant, ticket
from maild.store.search import SqlSearch

_WORKED_ON = ("open", "waiting")
_ENDED = ("resolved", "closed")
# Facts that change what a ticket is found by, beside its entries.
_FOUND_BY = (Opened, Retitled, RequesterChanged, ParticipantAdded, ParticipantRemoved)


class SqlTickets:
    def __init__(self, connection: Connection, search: SqlSearch, *, reading: bool) -> None:
        self._connection = connection
        self._search = search
        self._reading = reading

    def new_number(self) -> int:
        return next_number(self._connection, "ticket_number")

    def get(self, number: int) -> Ticket | None:
        query = sa.select(ticket).where(ticket.c.number == number)
        if not self._reading:  # two nodes must not fold different events upon the same row
            query = query.with_for_update()
        row = self._connection.execute(query).mappings().first()
        if row is None:
            return None
        people = sa.select(participant).where(participant.c.ticket == number).order_by(participant.c.address_key)
        return rows.read_ticket(row, self._connection.execute(people).mappings().all())

    def history(self, number: int) -> tuple[Event, ...]:
        query = sa.select(event).where(event.c.ticket == number).order_by(event.c.seq)
        return tuple(rows.read_event(row) for row in self._connection.execute(query).mappings())

    def event_time(self, number: int, seq: int) -> datetime | None:
        return self._connection.scalar(sa.select(event.c.at).where(event.c.ticket == number, event.c.seq == seq))

    def since(self, number: int, seq: int) -> tuple[Event, ...]:
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
            self._connection.execute(sa.insert(ticket).values(values | {"root_id": root_id}))
        else:
            self._connection.execute(sa.update(ticket).where(ticket.c.number == after.number).values(values))
        facts = [rows.event_values(after.number, first + index, fact, first) for index, fact in enumerate(new)]
        self._connection.execute(sa.insert(event), facts)
        self._write_participants(after)
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

    def index(self, number: int, sla: SlaIndex) -> None:
        dues = {target: due.isoformat() for target, due in sla.dues.items()}
        values = {"next_sla_at": sla.next_at, "due_at": sla.due_at, "sla_digest": sla.digest, "dues": dues}
        self._connection.execute(sa.update(ticket).where(ticket.c.number == number).values(values))

    def entries(self, number: int) -> tuple[StoredEntry, ...]:
        found = self._connection.execute(sa.select(entry).where(entry.c.ticket == number).order_by(entry.c.id))
        everything = found.mappings().all()
        parts = sa.select(attachment).join(entry).where(entry.c.ticket == number).order_by(attachment.c.part)
        files: dict[int, list[sa.RowMapping]] = {}
        for row in self._connection.execute(parts).mappings():
            files.setdefault(row["entry"], []).append(row)
        return tuple(rows.read_entry(row, files.get(row["id"], [])) for row in everything)

    def root_id(self, number: int) -> str:
        return str(self._connection.scalar(sa.select(ticket.c.root_id).where(ticket.c.number == number)) or "")

    def by_message_ids(self, ids: Sequence[str]) -> Mapping[str, int]:
        if not ids:
            return {}
        query = sa.select(entry.c.message_id, entry.c.ticket).where(entry.c.message_id.in_(list(ids)))
        # A Message-ID that two tickets claim leads to the older one: the sender controls it, the first was first.
        newest_first = query.order_by(entry.c.id.desc())
        return {row.message_id: row.ticket for row in self._connection.execute(newest_first)}

    def name_ancestors(self, number: int, ids: Sequence[str]) -> None:
        for message_id in dict.fromkeys(ids):
            values = {"message_id": message_id, "ticket": number}
            self._connection.execute(insert_once(self._connection, ancestor, values))

    def by_ancestors(self, ids: Sequence[str]) -> Mapping[str, int]:
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

    def pace(self, since: datetime, sight: Sight | None) -> Pace:
        begun = sa.select(ticket).where(*conditions(Listing(created_since=since, sight=sight))).subquery()
        answered = sa.select(event.c.ticket, sa.func.min(event.c.at, type_=event.c.at.type).label("at"))
        answered = answered.where(event.c.kind == "replied", event.c.ticket.in_(sa.select(begun.c.number)))
        first = answered.group_by(event.c.ticket).subquery()
        spans = sa.select(begun.c.created_at, begun.c.ended_at, first.c.at)
        found = self._connection.execute(spans.outerjoin(first, first.c.ticket == begun.c.number)).all()
        ended = Listing(statuses=_ENDED, ended_since=since, sight=sight)
        return Pace(
            opened=len(found),
            ended=self._count(ended),
            worked_on=self._count(Listing(statuses=_WORKED_ON, sight=sight)),
            first_answers=tuple(row.at - row.created_at for row in found if row.at is not None),
            resolutions=tuple(row.ended_at - row.created_at for row in found if row.ended_at is not None),
        )

    def _count(self, wanted: Listing) -> int:
        query = sa.select(sa.func.count()).select_from(ticket).where(*conditions(wanted))
        return int(self._connection.scalar(query) or 0)

    def due(self, now: datetime, limit: int) -> list[int]:
        query = sa.select(ticket.c.number).where(ticket.c.next_sla_at <= now)
        query = query.order_by(ticket.c.next_sla_at, ticket.c.number).limit(limit)
        # What another node is at is left to it: two share the work, and none waits for one that stopped.
        return list(self._connection.scalars(query.with_for_update(skip_locked=True)))

    def in_status_since(self, status: str, instant: datetime, limit: int) -> list[int]:
        since = sa.and_(ticket.c.status_since <= instant, ticket.c.wake_at.is_(None))
        query = sa.select(ticket.c.number).where(ticket.c.status == status, since)
        return list(self._connection.scalars(query.order_by(ticket.c.status_since).limit(limit)))

    def to_wake(self, now: datetime, limit: int) -> list[int]:
        query = sa.select(ticket.c.number).where(ticket.c.wake_at <= now).order_by(ticket.c.wake_at)
        return list(self._connection.scalars(query.limit(limit)))

    def snoozed_out(self, now: datetime, limit: int) -> list[int]:
        query = sa.select(ticket.c.number).where(ticket.c.snoozed_until <= now).order_by(ticket.c.snoozed_until)
        return list(self._connection.scalars(query.limit(limit)))

    def marked_as_spam(self, address: Address) -> bool:
        theirs = sa.func.lower(ticket.c.requester_address) == address.key
        spam = ticket.c.status == sa.literal("spam", literal_execute=True)  # as the partial index has it
        query = sa.select(ticket.c.number).where(spam, theirs).limit(1)
        return self._connection.scalar(query) is not None

    def dues(self, number: int) -> Mapping[str, datetime] | None:
        kept = self._connection.scalar(sa.select(ticket.c.dues).where(ticket.c.number == number))
        return None if kept is None else {target: datetime.fromisoformat(due) for target, due in kept.items()}

    def unreminded(self, instant: datetime, limit: int) -> list[int]:
        asked = sa.and_(ticket.c.status_since <= instant, ticket.c.wake_at.is_(None), ticket.c.reminded_at.is_(None))
        query = sa.select(ticket.c.number).where(ticket.c.status == "waiting", asked)
        return list(self._connection.scalars(query.order_by(ticket.c.status_since).limit(limit)))

    def stale(self, digests: frozenset[str], limit: int, above: int = 0) -> list[int]:
        query = sa.select(ticket.c.number).where(
            ticket.c.number > above, ticket.c.status.in_(_WORKED_ON), ticket.c.sla_digest.not_in(list(digests))
        )
        return list(self._connection.scalars(query.order_by(ticket.c.number).limit(limit)))

    def next_instant(self) -> datetime | None:
        query = sa.select(ticket.c.next_sla_at).where(ticket.c.next_sla_at.is_not(None))
        return self._connection.scalar(query.order_by(ticket.c.next_sla_at).limit(1))
