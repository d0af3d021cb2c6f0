"""Stores outgoing mails: their states, leases, composed bytes and results."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from maild.domain.intake.keys import ReturnedMail
from maild.domain.lookups import Leaving
from maild.domain.messages.outbox import Attempted, OutboxState
from maild.domain.notices.mail_kinds import Shows, templates_where
from maild.domain.people.directory import Address
from maild.ports import AnswerCounts, AnswerWindows, OutboxRow
from maild.store import rows
from maild.store.answer_counts import AnswerCounter
from maild.store.queued_mails import CONTEXTS, MAILS, MOST_TEXTS, TEXTS, QueuedMail, SentText
from maild.store.schema import one_of, outbox
from maild.store.transaction.identity_map import IdentityMap, among
from maild.store.transaction.numbers import OUTBOX, Numbers
from maild.store.transaction.read_cache import ReadCache
from maild.store.transaction.session import Session

_LISTED = [column for column in outbox.c if column.name != "raw"]
_READY = (OutboxState.QUEUED.value, OutboxState.DEFERRED.value)
_SENDING = OutboxState.SENDING.value
_ON_ITS_WAY = (OutboxState.QUEUED.value, OutboxState.DEFERRED.value, _SENDING)  # as in the partial index

_UNSENT = sa.and_(outbox.c.state == OutboxState.QUEUED.value, outbox.c.attempts == 0, outbox.c.raw.is_(None))

_HISTORIES = templates_where(lambda kind: kind.shows is Shows.THREAD)
_UNTRIED = sa.and_(outbox.c.state.in_([OutboxState.QUEUED.value, OutboxState.HELD.value]), outbox.c.attempts == 0)

_LEAVE_WITHIN = sa.and_(
    outbox.c.agent == sa.bindparam("agent"),
    outbox.c.leaves_at >= sa.bindparam("begins", type_=outbox.c.leaves_at.type),
    outbox.c.leaves_at < sa.bindparam("ends", type_=outbox.c.leaves_at.type),
    outbox.c.state != OutboxState.DROPPED.value,
)
_SOME_NOTICES = sa.select(outbox.c.id).where(_LEAVE_WITHIN).limit(sa.bindparam("most", type_=sa.Integer)).subquery()
_NOTICES = sa.select(sa.func.count()).select_from(_SOME_NOTICES)
_PENDING = sa.select(outbox).where(
    outbox.c.agent == sa.bindparam("agent"),
    outbox.c.leaves_at > sa.bindparam("now", type_=outbox.c.leaves_at.type),
    outbox.c.template == sa.bindparam("template"),
    _UNSENT,
)
_PENDING = _PENDING.order_by(outbox.c.id).limit(1).with_for_update()
_LOCKED = sa.select(outbox).where(outbox.c.id == sa.bindparam("row")).with_for_update()
_RETURNED = sa.select(*(outbox.c[name] for name in ("message_id", "id", "ticket", "to_address", "entry")))
_RETURNED = _RETURNED.where(among(outbox.c.message_id, "ids"))


class SqlOutbox:
    """Implements ports.Outbox for one node."""

    def __init__(
        self, session: Session, node: str, identity_map: IdentityMap, numbers: Numbers, *, reading: bool
    ) -> None:
        self._session = session
        self._node = node
        self._identity_map = identity_map
        self._numbers = numbers
        self._of_ticket: ReadCache[int, tuple[QueuedMail, ...]] = ReadCache(session, reading=reading)
        self._texts: ReadCache[int, tuple[SentText, ...]] = ReadCache(session, reading=reading)
        self._notices: ReadCache[tuple[str, datetime, datetime, int], int] = ReadCache(session, reading=reading)
        self._pending: ReadCache[tuple[str, str], OutboxRow | None] = ReadCache(session, reading=reading)
        self._contexts: ReadCache[tuple[int, tuple[str, ...], int], tuple[Mapping[str, Any], ...]]
        self._contexts = ReadCache(session, reading=reading)
        self._returned: ReadCache[str, ReturnedMail | None] = ReadCache(session, reading=reading)
        self._answers = AnswerCounter(session, reading=reading)

    def next_id(self) -> int:
        """Reserve an id for a new mail."""
        return self._numbers.next(OUTBOX)

    def add(self, row: OutboxRow) -> None:
        """Store a mail."""
        values = rows.outbox_values(row)
        self._session.insert(outbox, values)
        if row.ticket is not None:
            self._of_ticket.change(
                row.ticket, lambda others: (*others, QueuedMail.of(values, composed=row.raw is not None))
            )
        if row.agent and row.leaves_at is not None:
            self._count_notice(row.agent, row.leaves_at)
            self._pending.change((row.agent, row.template), lambda older: older or row)
        for asked in self._contexts.remembered():
            if asked[0] == row.ticket and row.template in asked[1]:
                self._contexts.drop(asked)
        self._returned.drop(row.message_id)
        self._answers.add(row)

    def look_ahead(self, tickets: Sequence[int], addresses: Sequence[Address], since: AnswerWindows) -> None:
        """Read what judging may ask about the mails of these tickets, and about answers to these addresses."""
        self._mails_of(tickets)
        self._texts_of(tickets)
        if addresses:
            self._answers.counts(addresses, since, "status")

    def _count_notice(self, agent: str, leaves_at: datetime) -> None:
        for asked in self._notices.remembered():
            if asked[0] == agent and asked[1] <= leaves_at < asked[2]:
                self._notices.change(asked, lambda counted: counted + 1)

    def _mails_of(self, tickets: Sequence[int]) -> Mapping[int, tuple[QueuedMail, ...]]:
        """Return what is known of the mails about these tickets, oldest first."""
        for number in tickets:
            if number in self._identity_map.begun and not self._of_ticket.known(number):
                self._of_ticket.put(number, ())

        def read(unknown: list[int]) -> Mapping[int, tuple[QueuedMail, ...]]:
            found: dict[int, list[QueuedMail]] = {}
            for row in self._session.rows(MAILS, {"numbers": unknown}):
                found.setdefault(row["ticket"], []).append(QueuedMail.of(row, composed=row["composed"]))
            return {number: tuple(mails) for number, mails in found.items()}

        return self._of_ticket.get_many(tickets, read, ())

    def _texts_of(self, tickets: Sequence[int]) -> Mapping[int, tuple[SentText, ...]]:
        """Return the newest texts that were sent about these tickets, newest first."""

        def read(unknown: list[int]) -> Mapping[int, tuple[SentText, ...]]:
            found: dict[int, list[SentText]] = {}
            for row in self._session.execute(TEXTS, {"numbers": unknown}):
                found.setdefault(row.ticket, []).append(SentText(row.template, row.to_key, row.text))
            return {number: tuple(texts) for number, texts in found.items()}

        return self._texts.get_many(tickets, read, ())

    def _changed(self, tickets: Iterable[int | None] | None = None) -> None:
        """Forget what is remembered of mails whose states changed: of these tickets, or of all."""
        if tickets is None:
            self._of_ticket.clear()
        else:
            for number in tickets:
                if number is not None:
                    self._of_ticket.drop(number)
        self._notices.clear()
        self._pending.clear()
        self._answers.clear()

    def claim(self, now: datetime, until: datetime, limit: int, relay: str) -> list[OutboxRow]:
        """Return mails of a relay that are due, and lease them to this node until `until`."""
        ready = sa.and_(outbox.c.state.in_(_READY), outbox.c.next_at <= now)
        # A mail that this node claimed before it crashed has not left if it has no bytes yet: it need not wait.
        never_composed = sa.and_(outbox.c.leased_by == self._node, outbox.c.raw.is_(None))
        abandoned = sa.and_(outbox.c.state == _SENDING, sa.or_(outbox.c.leased_until <= now, never_composed))
        query = sa.select(outbox.c.id).where(one_of(outbox.c.state, *_ON_ITS_WAY), sa.or_(ready, abandoned))
        query = query.where(outbox.c.relay == relay)
        query = query.order_by(outbox.c.next_at, outbox.c.id).limit(limit).with_for_update(skip_locked=True)
        ids = list(self._session.scalars(query))
        if not ids:
            return []
        lease = {"state": _SENDING, "leased_until": until, "leased_by": self._node}
        self._session.execute(sa.update(outbox).where(outbox.c.id.in_(ids)).values(lease))
        self._changed()
        claimed = sa.select(outbox).where(outbox.c.id.in_(ids)).order_by(outbox.c.next_at, outbox.c.id)
        return [rows.read_outbox(row) for row in self._session.execute(claimed).mappings()]

    def freeze(self, row: int, raw: bytes, text: str) -> bool:
        """Store the composed bytes of a mail. Returns False when it has bytes already: those stay."""
        unfrozen = sa.and_(outbox.c.id == row, outbox.c.raw.is_(None))
        self._texts.clear()
        self._of_ticket.clear()
        self._pending.clear()
        return self._session.execute(sa.update(outbox).where(unfrozen).values(raw=raw, text=text)).rowcount == 1

    def texts(
        self, ticket: int, limit: int, but: Sequence[str] = (), to: Sequence[Address] | None = None
    ) -> tuple[str, ...]:
        """Return the text parts of the newest mails that we sent about a ticket."""
        keys = None if to is None else {address.key for address in to}
        newest = self._texts_of([ticket])[ticket]
        fits = [t.text for t in newest if t.template not in but and (keys is None or t.to_key in keys)]
        if len(fits) >= limit or len(newest) < MOST_TEXTS:
            return tuple(fits[:limit])
        query = sa.select(outbox.c.text).where(outbox.c.ticket == ticket, outbox.c.text != "")
        if keys is not None:
            query = query.where(outbox.c.to_key.in_(sorted(keys)))
        query = query.where(outbox.c.template.not_in(list(but)))
        return tuple(self._session.scalars(query.order_by(outbox.c.id.desc()).limit(limit)))

    def told(self, ticket: int, limit: int, but: Sequence[str] = ()) -> tuple[tuple[str, str], ...]:
        """Return (template, text part) of the newest mails that we sent about a ticket."""
        newest = self._texts_of([ticket])[ticket]
        fits = [(t.template, t.text) for t in newest if t.template not in but]
        if len(fits) >= limit or len(newest) < MOST_TEXTS:
            return tuple(fits[:limit])
        query = sa.select(outbox.c.template, outbox.c.text).where(outbox.c.ticket == ticket, outbox.c.text != "")
        query = query.where(outbox.c.template.not_in(list(but))).order_by(outbox.c.id.desc()).limit(limit)
        return tuple((row.template, row.text) for row in self._session.execute(query))

    def contexts(self, ticket: int, templates: Sequence[str], limit: int) -> tuple[Mapping[str, Any], ...]:
        """Return the template contexts of the newest mails of these templates about a ticket."""
        return self.contexts_of([ticket], templates, limit)[ticket]

    def contexts_of(
        self, tickets: Sequence[int], templates: Sequence[str], limit: int
    ) -> Mapping[int, tuple[Mapping[str, Any], ...]]:
        """Return what `contexts` returns, for many tickets."""
        named = tuple(sorted(templates))
        mails = self._mails_of(tickets)
        with_some = [number for number in tickets if any(mail.template in templates for mail in mails[number])]

        def read(unknown: list[tuple[int, tuple[str, ...], int]]) -> dict[Any, tuple[Mapping[str, Any], ...]]:
            found: dict[int, list[Mapping[str, Any]]] = {}
            asked = {"numbers": [number for number, *_ in unknown], "templates": list(named), "most": limit}
            for row in self._session.execute(CONTEXTS, asked):
                found.setdefault(row.ticket, []).append(row.context)
            return {(number, named, limit): tuple(contexts) for number, contexts in found.items()}

        found = self._contexts.get_many([(number, named, limit) for number in with_some], read, ())
        return {number: found.get((number, named, limit), ()) for number in tickets}

    def texts_of(self, message_ids: Sequence[str], but: Sequence[str] = ()) -> tuple[str, ...]:
        """Return the text parts of our mails with these Message-IDs."""
        if not message_ids:
            return ()
        ours = sa.and_(outbox.c.message_id.in_(list(message_ids)), outbox.c.text != "")
        ours = sa.and_(ours, outbox.c.template.not_in(list(but)))
        return tuple(self._session.scalars(sa.select(outbox.c.text).where(ours).order_by(outbox.c.id.desc())))

    def record_attempt(self, row: int, attempted: Attempted) -> None:
        """Store the result of an attempt.

        When somebody dropped or held the mail meanwhile, that state stays unless the mail was sent."""
        values: dict[str, Any] = {
            "state": attempted.state.value,
            "attempts": attempted.attempts,
            "next_at": attempted.next_at,
            "last_answer": attempted.last_answer,
            "tried_since": attempted.tried_since,
            "leased_until": None,
        }
        self._changed()
        here = outbox.c.id == row
        if attempted.state is not OutboxState.SENT:
            here = sa.and_(here, outbox.c.state == OutboxState.SENDING.value)
        self._session.execute(sa.update(outbox).where(here).values(values))

    def get(self, row: int) -> OutboxRow | None:
        """Return a mail by its id; None when there is none."""
        found = self._session.execute(sa.select(outbox).where(outbox.c.id == row)).mappings().first()
        return rows.read_outbox(found) if found else None

    def listed(self, states: Sequence[OutboxState]) -> list[OutboxRow]:
        """Return the mails in these states without their bytes, oldest first."""
        query = sa.select(*_LISTED, sa.literal(None).label("raw")).order_by(outbox.c.id)
        query = query.where(outbox.c.state.in_([state.value for state in states]))
        return [rows.read_outbox(row) for row in self._session.execute(query).mappings()]

    def set_state(self, row: int, state: OutboxState, next_at: datetime | None) -> None:
        """Set the state as an admin asked. With `next_at` the mail starts again with all its attempts."""
        self._changed()
        values: dict[str, Any] = {"state": state.value, "next_at": next_at, "leased_until": None}
        if next_at is not None:
            values["tried_since"] = None
            # A notice that leaves earlier than planned gets the earlier date.
            earlier = sa.and_(outbox.c.leaves_at.is_not(None), outbox.c.leaves_at > next_at)
            values["leaves_at"] = sa.case(
                (earlier, sa.literal(next_at, outbox.c.leaves_at.type)), else_=outbox.c.leaves_at
            )
        self._session.execute(sa.update(outbox).where(outbox.c.id == row).values(values))

    def take_pending(self, ticket: int, agent: str, answer: str) -> tuple[OutboxRow, ...]:
        """Drop the notices about a ticket that wait for an agent and return them, oldest first."""
        if not any(mail.agent == agent and mail.pending for mail in self._mails_of([ticket])[ticket]):
            return ()
        here = sa.and_(outbox.c.ticket == ticket, outbox.c.agent == agent, outbox.c.since.is_not(None), _UNSENT)
        dropped = {"state": OutboxState.DROPPED.value, "next_at": None, "last_answer": answer}
        taken = sa.update(outbox).where(here).values(dropped).returning(outbox)
        found = [rows.read_outbox(row) for row in self._session.execute(taken).mappings()]
        self._changed([ticket])
        return tuple(sorted(found, key=lambda row: row.id))

    def count_notices(self, agent: str, begins: datetime, ends: datetime, limit: int) -> int:
        """Count the notices that leave or left for an agent in a period, up to `limit`."""

        def read() -> int:
            asked = {"agent": agent, "begins": begins, "ends": ends, "most": limit}
            return int(self._session.scalar(_NOTICES, asked) or 0)

        return self._notices.get((agent, begins, ends, limit), read)

    def pending_mail(self, agent: str, template: str, now: datetime) -> OutboxRow | None:
        """Return and lock the mail of a template that leaves for an agent later than `now`."""
        key = (agent, template)
        known = self._pending.peek(key)
        if self._pending.known(key) and (known is None or (known.leaves_at is not None and known.leaves_at > now)):
            return known
        asked = {"agent": agent, "template": template, "now": now}
        row = self._session.execute(_PENDING, asked).mappings().first()
        found = rows.read_outbox(row) if row is not None else None
        self._pending.put(key, found)
        return found

    def lock(self, row: int) -> OutboxRow | None:
        """Return and lock a mail, whatever its state; None when there is none."""
        found = self._session.execute(_LOCKED, {"row": row}).mappings().first()
        return rows.read_outbox(found) if found else None

    def lock_unsent(self, row: int) -> OutboxRow | None:
        """Return and lock a mail; None when somebody began to send it."""
        here = sa.select(outbox).where(outbox.c.id == row, _UNSENT).with_for_update()
        found = self._session.execute(here).mappings().first()
        return rows.read_outbox(found) if found else None

    def rewrite(self, row: OutboxRow) -> None:
        """Replace the context and subject of a mail that nobody began to send."""
        words = {"context": dict(row.context), "subject": row.subject}
        if self._pending.peek((row.agent, row.template)) is not None:  # this transaction has locked it
            self._pending.put((row.agent, row.template), row)
            self._session.update(outbox, (row.id,), words)
            return
        self._session.execute(sa.update(outbox).where(outbox.c.id == row.id, _UNSENT).values(words))

    def drop_waiting(self, ticket: int, templates: Sequence[str]) -> None:
        """Drop the mails of these templates about a ticket that have not been tried yet."""
        if not any(mail.template in templates and mail.untried for mail in self._mails_of([ticket])[ticket]):
            return
        waits = sa.and_(outbox.c.state == OutboxState.QUEUED.value, outbox.c.attempts == 0)
        here = sa.and_(outbox.c.ticket == ticket, outbox.c.template.in_(list(templates)), waits)
        given_up = {"state": OutboxState.DROPPED.value, "next_at": None, "last_answer": "an answer came before it"}
        self._session.execute(sa.update(outbox).where(here).values(given_up))
        self._changed([ticket])

    def leaving(self, tickets: Sequence[int]) -> Mapping[int, Leaving]:
        """Return, for each of these tickets, which of its mails can still be stopped and which have left."""
        columns = (outbox.c[name] for name in ("ticket", "entry", "template", "to_key", "state", "attempts"))
        stops = sa.or_(outbox.c.entry.is_not(None), outbox.c.template.in_(_HISTORIES))
        query = sa.select(*columns).where(outbox.c.ticket.in_(list(tickets)), stops)
        found: dict[int, list[sa.RowMapping]] = {number: [] for number in tickets}
        for row in self._session.execute(query).mappings():
            found[row["ticket"]].append(row)
        return {number: _leaving(mails) for number, mails in found.items()}

    def withdraw(self, entry: int, reason: str) -> bool:
        """Drop the mails that deliver an entry. Returns False when one of them may have left."""
        self._changed()
        here = outbox.c.entry == entry
        waits = sa.and_(here, outbox.c.state == OutboxState.QUEUED.value, outbox.c.attempts == 0)
        made = self._session.scalar(sa.select(sa.func.count()).select_from(outbox).where(here)) or 0
        gone = {"state": OutboxState.DROPPED.value, "next_at": None, "last_answer": reason}
        return 0 < made == self._session.execute(sa.update(outbox).where(waits).values(gone)).rowcount

    def withdraw_history(self, ticket: int, to: Address, reason: str) -> bool:
        """Drop the mails that show the ticket's history to this address. Returns False when one may have left."""
        self._changed([ticket])
        gone = {"state": OutboxState.DROPPED.value, "next_at": None, "last_answer": reason}
        self._session.execute(sa.update(outbox).where(*_history(ticket, to), _UNTRIED).values(gone))
        return to.key not in self.leaving([ticket])[ticket].shown_history

    def by_message_ids(self, message_ids: Sequence[str]) -> Mapping[str, ReturnedMail]:
        """Return those of these Message-IDs that are ours, each with its mail."""

        def read(unknown: list[str]) -> Mapping[str, ReturnedMail]:
            found = self._session.execute(_RETURNED, {"ids": unknown})
            return {m.message_id: ReturnedMail(m.id, m.ticket, Address.of(m.to_address), m.entry) for m in found}

        found = self._returned.get_many(message_ids, read, None)
        return {message_id: mail for message_id, mail in found.items() if mail is not None}

    def by_mark(self, mark: str, ticket: int | None, agent: str) -> list[int]:
        """Return the mails whose Message-ID begins with this text of a sealed address, newest first."""
        about = outbox.c.ticket == ticket if ticket is not None else outbox.c.agent == agent
        here = sa.and_(about, outbox.c.message_id.startswith(f"<{mark}.", autoescape=True))
        return list(self._session.scalars(sa.select(outbox.c.id).where(here).order_by(outbox.c.id.desc())))

    def has_written_to(self, ticket: int, address: Address) -> bool:
        """Say whether a mail about this ticket was made for this address before."""
        dropped = OutboxState.DROPPED.value
        mails = self._mails_of([ticket])[ticket]
        return any(mail.to_key == address.key and mail.state != dropped for mail in mails)

    def count_answers(self, to: Sequence[Address], since: AnswerWindows, state_template: str) -> AnswerCounts:
        """Count the automatic answers to people outside; dropped ones do not count."""
        return self._answers.counts(to, since, state_template)

    def delivery_states(self, ticket: int) -> Mapping[int, tuple[OutboxState, ...]]:
        """Return for each entry of a ticket the states of the mails that deliver it."""
        query = sa.select(outbox.c.entry, outbox.c.state).where(outbox.c.ticket == ticket, outbox.c.entry.is_not(None))
        found: dict[int, list[OutboxState]] = {}
        for row in self._session.execute(query.order_by(outbox.c.id)):
            found.setdefault(row.entry, []).append(OutboxState(row.state))
        return {entry: tuple(states) for entry, states in found.items()}

    def sending(self) -> int:
        """Count the mails that are being sent now."""
        busy = sa.and_(one_of(outbox.c.state, *_ON_ITS_WAY), outbox.c.state == _SENDING)
        return int(self._session.scalar(sa.select(sa.func.count()).select_from(outbox).where(busy)) or 0)

    def next_instant(self) -> datetime | None:
        """Return when the next mail is due or its lease ends; None when no mail waits."""
        on_its_way = one_of(outbox.c.state, *_ON_ITS_WAY)
        ready = sa.select(sa.func.min(outbox.c.next_at)).where(on_its_way, outbox.c.state.in_(_READY))
        leased = sa.select(sa.func.min(outbox.c.leased_until)).where(on_its_way, outbox.c.state == _SENDING)
        return rows.earliest(self._session.scalar(ready), self._session.scalar(leased))


def _history(ticket: int, to: Address) -> tuple[sa.ColumnElement[bool], ...]:
    return (outbox.c.ticket == ticket, outbox.c.template.in_(_HISTORIES), outbox.c.to_key == to.key)


def _leaving(mails: Sequence[sa.RowMapping]) -> Leaving:
    """What can be stopped of the mails of one ticket."""
    dropped, queued, held = OutboxState.DROPPED.value, OutboxState.QUEUED.value, OutboxState.HELD.value
    tried = {mail["entry"] for mail in mails if mail["state"] != queued or mail["attempts"]}
    left = [m for m in mails if m["state"] != dropped and (m["state"] not in (queued, held) or m["attempts"])]
    return Leaving(
        stoppable=frozenset(mail["entry"] for mail in mails if mail["entry"] is not None) - tried,
        shown_history=frozenset(mail["to_key"] for mail in left if mail["template"] in _HISTORIES),
    )
