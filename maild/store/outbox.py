"""The outgoing queue."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from maild.domain.messages.outbox import Attempted, OutboxState
from maild.domain.notices.mail_kinds import Shows, templates_where
from maild.domain.people.directory import Address, ascii_lower
from maild.ports import OutboxRow
from maild.store import rows
from maild.store.insert_once import next_number
from maild.store.schema import one_of, outbox

_LISTED = [column for column in outbox.c if column.name != "raw"]
_READY = (OutboxState.QUEUED.value, OutboxState.DEFERRED.value)
_SENDING = OutboxState.SENDING.value
_ON_ITS_WAY = (OutboxState.QUEUED.value, OutboxState.DEFERRED.value, _SENDING)  # as the partial index has it

_NOT_BEGUN = sa.and_(outbox.c.state == OutboxState.QUEUED.value, outbox.c.attempts == 0, outbox.c.raw.is_(None))

_HISTORIES = templates_where(lambda kind: kind.shows is Shows.THREAD)
_UNTRIED = sa.and_(outbox.c.state.in_([OutboxState.QUEUED.value, OutboxState.HELD.value]), outbox.c.attempts == 0)

_WRITTEN_TO = sa.select(outbox.c.id).where(
    outbox.c.ticket == sa.bindparam("number"),
    outbox.c.to_key == sa.bindparam("to"),
    outbox.c.state != OutboxState.DROPPED.value,
)
_WRITTEN_TO = _WRITTEN_TO.limit(1)


class SqlOutbox:
    def __init__(self, connection: Connection, node: str) -> None:
        self._connection = connection
        self._node = node

    def next_id(self) -> int:
        return next_number(self._connection, "outbox_number")

    def add(self, row: OutboxRow) -> None:
        self._connection.execute(sa.insert(outbox), rows.outbox_values(row))

    def claim(self, now: datetime, until: datetime, limit: int, relay: str) -> list[OutboxRow]:
        ready = sa.and_(outbox.c.state.in_(_READY), outbox.c.next_at <= now)
        # What this node claimed before it died and never made bytes of has not left: it need not wait for its lease.
        lock_unsent = sa.and_(outbox.c.leased_by == self._node, outbox.c.raw.is_(None))
        abandoned = sa.and_(outbox.c.state == _SENDING, sa.or_(outbox.c.leased_until <= now, lock_unsent))
        query = sa.select(outbox.c.id).where(one_of(outbox.c.state, *_ON_ITS_WAY), sa.or_(ready, abandoned))
        query = query.where(outbox.c.relay == relay)
        query = query.order_by(outbox.c.next_at, outbox.c.id).limit(limit).with_for_update(skip_locked=True)
        ids = list(self._connection.scalars(query))
        if not ids:
            return []
        lease = {"state": _SENDING, "leased_until": until, "leased_by": self._node}
        self._connection.execute(sa.update(outbox).where(outbox.c.id.in_(ids)).values(lease))
        claimed = sa.select(outbox).where(outbox.c.id.in_(ids)).order_by(outbox.c.next_at, outbox.c.id)
        return [rows.read_outbox(row) for row in self._connection.execute(claimed).mappings()]

    def freeze(self, row: int, raw: bytes, text: str) -> bool:
        """Keep the bytes of the first composition: a second one changes nothing."""
        unfrozen = sa.and_(outbox.c.id == row, outbox.c.raw.is_(None))
        return self._connection.execute(sa.update(outbox).where(unfrozen).values(raw=raw, text=text)).rowcount == 1

    def texts(
        self, ticket: int, limit: int, but: Sequence[str] = (), to: Sequence[Address] | None = None
    ) -> tuple[str, ...]:
        query = sa.select(outbox.c.text).where(outbox.c.ticket == ticket, outbox.c.text != "")
        if to is not None:
            query = query.where(outbox.c.to_key.in_([address.key for address in to]))
        query = query.where(outbox.c.template.not_in(list(but)))
        return tuple(self._connection.scalars(query.order_by(outbox.c.id.desc()).limit(limit)))

    def contexts(self, ticket: int, templates: Sequence[str], limit: int) -> tuple[Mapping[str, Any], ...]:
        query = sa.select(outbox.c.context).where(outbox.c.ticket == ticket, outbox.c.template.in_(list(templates)))
        return tuple(self._connection.scalars(query.order_by(outbox.c.id.desc()).limit(limit)))

    def texts_of(self, message_ids: Sequence[str], but: Sequence[str] = ()) -> tuple[str, ...]:
        if not message_ids:
            return ()
        ours = sa.and_(outbox.c.message_id.in_(list(message_ids)), outbox.c.text != "")
        ours = sa.and_(ours, outbox.c.template.not_in(list(but)))
        return tuple(self._connection.scalars(sa.select(outbox.c.text).where(ours).order_by(outbox.c.id.desc())))

    def record_attempt(self, row: int, attempted: Attempted) -> None:
        """Note what an attempt came to, unless somebody dropped or held the mail meanwhile and it did not leave."""
        values: dict[str, Any] = {
            "state": attempted.state.value,
            "attempts": attempted.attempts,
            "next_at": attempted.next_at,
            "last_answer": attempted.last_answer,
            "tried_since": attempted.tried_since,
            "leased_until": None,
        }
        here = outbox.c.id == row
        if attempted.state is not OutboxState.SENT:
            here = sa.and_(here, outbox.c.state == OutboxState.SENDING.value)
        self._connection.execute(sa.update(outbox).where(here).values(values))

    def get(self, row: int) -> OutboxRow | None:
        found = self._connection.execute(sa.select(outbox).where(outbox.c.id == row)).mappings().first()
        return rows.read_outbox(found) if found else None

    def listed(self, states: Sequence[OutboxState]) -> list[OutboxRow]:
        query = sa.select(*_LISTED, sa.literal(None).label("raw")).order_by(outbox.c.id)
        query = query.where(outbox.c.state.in_([state.value for state in states]))
        return [rows.read_outbox(row) for row in self._connection.execute(query).mappings()]

    def set_state(self, row: int, state: OutboxState, next_at: datetime | None) -> None:
        values: dict[str, Any] = {"state": state.value, "next_at": next_at, "leased_until": None}
        if next_at is not None:
            values["tried_since"] = None
            # A notice that is sent earlier than it was to leave is dated so.
            earlier = sa.and_(outbox.c.leaves_at.is_not(None), outbox.c.leaves_at > next_at)
            values["leaves_at"] = sa.case(
                (earlier, sa.literal(next_at, outbox.c.leaves_at.type)), else_=outbox.c.leaves_at
            )
        self._connection.execute(sa.update(outbox).where(outbox.c.id == row).values(values))

    def take_pending(self, ticket: int, agent: str, answer: str) -> tuple[OutboxRow, ...]:
        here = sa.and_(outbox.c.ticket == ticket, outbox.c.agent == agent, outbox.c.since.is_not(None), _NOT_BEGUN)
        joined = {"state": OutboxState.DROPPED.value, "next_at": None, "last_answer": answer}
        taken = sa.update(outbox).where(here).values(joined).returning(outbox)
        found = [rows.read_outbox(row) for row in self._connection.execute(taken).mappings()]
        return tuple(sorted(found, key=lambda row: row.id))

    def count_notices(self, agent: str, begins: datetime, ends: datetime, limit: int) -> int:
        within = sa.and_(outbox.c.agent == agent, outbox.c.leaves_at >= begins, outbox.c.leaves_at < ends)
        counted = sa.and_(within, outbox.c.state != OutboxState.DROPPED.value)
        some = sa.select(outbox.c.id).where(counted).limit(limit).subquery()
        return int(self._connection.scalar(sa.select(sa.func.count()).select_from(some)) or 0)

    def pending_mail(self, agent: str, template: str, now: datetime) -> OutboxRow | None:
        later = sa.and_(outbox.c.agent == agent, outbox.c.leaves_at > now)
        here = sa.and_(later, outbox.c.template == template, _NOT_BEGUN)
        query = sa.select(outbox).where(here).order_by(outbox.c.id).limit(1).with_for_update()
        found = self._connection.execute(query).mappings().first()
        return rows.read_outbox(found) if found else None

    def lock_unsent(self, row: int) -> OutboxRow | None:
        here = sa.select(outbox).where(outbox.c.id == row, _NOT_BEGUN).with_for_update()
        found = self._connection.execute(here).mappings().first()
        return rows.read_outbox(found) if found else None

    def rewrite(self, row: OutboxRow) -> None:
        words = {"context": dict(row.context), "subject": row.subject}
        self._connection.execute(sa.update(outbox).where(outbox.c.id == row.id, _NOT_BEGUN).values(words))

    def drop_waiting(self, ticket: int, templates: Sequence[str]) -> None:
        waits = sa.and_(outbox.c.state == OutboxState.QUEUED.value, outbox.c.attempts == 0)
        here = sa.and_(outbox.c.ticket == ticket, outbox.c.template.in_(list(templates)), waits)
        given_up = {"state": OutboxState.DROPPED.value, "next_at": None, "last_answer": "an answer came before it"}
        self._connection.execute(sa.update(outbox).where(here).values(given_up))

    def can_withdraw(self, entry: int) -> bool:
        here = sa.select(outbox.c.state, outbox.c.attempts).where(outbox.c.entry == entry)
        found = self._connection.execute(here).all()
        return bool(found) and all(row.state == OutboxState.QUEUED.value and not row.attempts for row in found)

    def withdraw(self, entry: int, reason: str) -> bool:
        here = outbox.c.entry == entry
        waits = sa.and_(here, outbox.c.state == OutboxState.QUEUED.value, outbox.c.attempts == 0)
        made = self._connection.scalar(sa.select(sa.func.count()).select_from(outbox).where(here)) or 0
        gone = {"state": OutboxState.DROPPED.value, "next_at": None, "last_answer": reason}
        return 0 < made == self._connection.execute(sa.update(outbox).where(waits).values(gone)).rowcount

    def history_was_sent(self, ticket: int, to: Address) -> bool:
        kept = sa.or_(outbox.c.state == OutboxState.DROPPED.value, _UNTRIED)
        left = sa.select(outbox.c.id).where(*_history(ticket, to), sa.not_(kept)).limit(1)
        return self._connection.scalar(left) is not None

    def withdraw_history(self, ticket: int, to: Address, reason: str) -> bool:
        gone = {"state": OutboxState.DROPPED.value, "next_at": None, "last_answer": reason}
        self._connection.execute(sa.update(outbox).where(*_history(ticket, to), _UNTRIED).values(gone))
        return not self.history_was_sent(ticket, to)

    def by_message_id(self, message_id: str) -> OutboxRow | None:
        query = sa.select(outbox).where(outbox.c.message_id == message_id)
        found = self._connection.execute(query).mappings().first()
        return rows.read_outbox(found) if found else None

    def by_mark(self, mark: str, ticket: int | None, agent: str) -> list[int]:
        about = outbox.c.ticket == ticket if ticket is not None else outbox.c.agent == agent
        here = sa.and_(about, outbox.c.message_id.startswith(f"<{mark}.", autoescape=True))
        return list(self._connection.scalars(sa.select(outbox.c.id).where(here).order_by(outbox.c.id.desc())))

    def has_written_to(self, ticket: int, address: Address) -> bool:
        return self._connection.scalar(_WRITTEN_TO, {"number": ticket, "to": address.key}) is not None

    def count_answers(
        self,
        since: datetime,
        *,
        to: Address | None = None,
        domain: str | None = None,
        ticket: int | None = None,
        template: str | None = None,
    ) -> int:
        query = sa.select(sa.func.count()).select_from(outbox).where(*_counted("answer", since))
        query = query.where(outbox.c.state != OutboxState.DROPPED.value)
        if to is not None:
            query = query.where(outbox.c.to_key == to.key)
        if domain is not None:
            query = query.where(outbox.c.to_domain == ascii_lower(domain))
        if ticket is not None:
            query = query.where(outbox.c.ticket == ticket)
        if template is not None:
            query = query.where(outbox.c.template == template)
        return int(self._connection.scalar(query) or 0)

    def flood_reported(self, since: datetime) -> bool:
        query = sa.select(outbox.c.id).where(*_counted("alarm", since)).limit(1)
        return self._connection.scalar(query) is not None

    def delivery_states(self, ticket: int) -> Mapping[int, tuple[OutboxState, ...]]:
        query = sa.select(outbox.c.entry, outbox.c.state).where(outbox.c.ticket == ticket, outbox.c.entry.is_not(None))
        found: dict[int, list[OutboxState]] = {}
        for row in self._connection.execute(query.order_by(outbox.c.id)):
            found.setdefault(row.entry, []).append(OutboxState(row.state))
        return {entry: tuple(states) for entry, states in found.items()}

    def sending(self) -> int:
        busy = sa.and_(one_of(outbox.c.state, *_ON_ITS_WAY), outbox.c.state == _SENDING)
        return int(self._connection.scalar(sa.select(sa.func.count()).select_from(outbox).where(busy)) or 0)

    def next_instant(self) -> datetime | None:
        on_its_way = one_of(outbox.c.state, *_ON_ITS_WAY)
        ready = sa.select(sa.func.min(outbox.c.next_at)).where(on_its_way, outbox.c.state.in_(_READY))
        leased = sa.select(sa.func.min(outbox.c.leased_until)).where(on_its_way, outbox.c.state == _SENDING)
        return rows.earliest(self._connection.scalar(ready), self._connection.scalar(leased))


def _history(ticket: int, to: Address) -> tuple[sa.ColumnElement[bool], ...]:
    return (outbox.c.ticket == ticket, outbox.c.template.in_(_HISTORIES), outbox.c.to_key == to.key)


def _counted(kind: str, since: datetime) -> tuple[sa.ColumnElement[bool], ...]:
    """The counted mails of a kind; with the condition of the partial indexes as it stands there, or none is used."""
    filled = outbox.c.counted != sa.literal("", literal_execute=True)
    return (filled, outbox.c.counted == kind, outbox.c.queued_at > since)
