"""Stores the SLA steps that fired, and who was notified of them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.engine import RowMapping

from maild.domain.messages.outbox import OutboxState
from maild.domain.people.directory import Address
from maild.ports import LedgerLine
from maild.store.schema import outbox, sla_step, sla_told, ticket
from maild.store.transaction.identity_map import IdentityMap
from maild.store.transaction.insert_once import insert_once
from maild.store.transaction.session import Session

_OF_STEP = ("ticket", "target", "cycle", "step")
_NOT_LEAVING = (OutboxState.HELD.value, OutboxState.DROPPED.value, OutboxState.FAILED.value)


_FIRED = sa.select(sla_step).where(sla_step.c.ticket == sa.bindparam("number"))


class SqlSlaSteps:
    """Implements ports.SlaSteps."""

    def __init__(self, session: Session, identity_map: IdentityMap) -> None:
        self._session = session
        self._identity_map = identity_map

    def record(self, ticket: int, target: str, cycle: int, key: str, instant: datetime, now: datetime) -> bool:
        """Record that a step fired. Returns False when it had fired before."""
        values = {"ticket": ticket, "target": target, "cycle": cycle, "step": key, "instant": instant, "fired_at": now}
        known = self._identity_map.steps.get(ticket)
        if known is not None:  # the ticket is locked: nobody else lets its steps fire
            if (target, cycle, key) in known:
                return False
            known.add((target, cycle, key))
            self._session.insert(sla_step, values)
            return True
        fired = insert_once(self._session.connection, sla_step).returning(sla_step.c.ticket)
        return self._session.scalar(fired, values) is not None

    def fired(self, ticket: int) -> frozenset[tuple[str, int, str]]:
        """Return (target, cycle, key) of every step that fired for a ticket."""
        known = self._identity_map.steps.get(ticket)
        if known is None:
            found = self._session.execute(_FIRED, {"number": ticket})
            known = {(row.target, row.cycle, row.step) for row in found}
            if ticket in self._identity_map.numbers:
                self._identity_map.steps[ticket] = known
        return frozenset(known)

    def add_lines(self, lines: Sequence[LedgerLine]) -> None:
        """Record who was notified. A second line for the same person and step is ignored."""
        values = [
            {
                "ticket": each.ticket,
                "target": each.target,
                "cycle": each.cycle,
                "step": each.step,
                "recipient_key": each.recipient.key,
                "recipient": str(each.recipient),
                "agent": each.agent,
                "paged": each.paged,
                "outbox": each.outbox,
                "told_at": each.notified_at,
                "passed_to": list(each.passed_to),
            }
            for each in lines
        ]
        for line in values:
            self._session.insert_once(sla_told, line)

    def lines_of_ticket(self, ticket: int) -> tuple[LedgerLine, ...]:
        """Return who was notified of the steps of a ticket, in the order of time."""
        return self._read(sla_told.c.ticket == ticket)

    def lines_of_mail(self, outbox: int) -> tuple[LedgerLine, ...]:
        """Return the steps that a mail reported, and to whom."""
        return self._read(sla_told.c.outbox == outbox)

    def _read(self, here: sa.ColumnElement[bool]) -> tuple[LedgerLine, ...]:
        joined = sa.select(sla_told, outbox.c.state, outbox.c.last_answer)
        query = joined.outerjoin(outbox, outbox.c.id == sla_told.c.outbox).where(here)
        query = query.order_by(sla_told.c.told_at, sla_told.c.outbox, *(sla_told.c[name] for name in _OF_STEP))
        return tuple(_read_line(row) for row in self._session.execute(query).mappings())

    def mark_lost(self, outbox: int, ticket: int, at: datetime, passed_to: Sequence[str]) -> None:
        """Record that a mail about a ticket did not arrive, and who was notified instead."""
        here = sa.and_(sla_told.c.outbox == outbox, sla_told.c.ticket == ticket, sla_told.c.lost_at.is_(None))
        self._session.execute(sa.update(sla_told).where(here).values(lost_at=at, passed_to=list(passed_to)))

    def unheard_steps(self, limit: int) -> list[tuple[int, str, str]]:
        """Return (ticket, target, key) of steps of open tickets whose mails all failed, the oldest first."""
        other, mail = sla_told.alias(), outbox.alias()
        same = sa.and_(*(other.c[name] == sla_told.c[name] for name in _OF_STEP))
        not_leaving = sa.exists().where(mail.c.id == other.c.outbox, mail.c.state.in_(_NOT_LEAVING))
        heard = sa.exists().where(same, other.c.lost_at.is_(None), ~not_leaving)
        query = sa.select(*(sla_told.c[name] for name in _OF_STEP), sa.func.min(sla_told.c.told_at).label("since"))
        query = query.join(ticket, ticket.c.number == sla_told.c.ticket)
        query = query.outerjoin(outbox, outbox.c.id == sla_told.c.outbox)
        lost = sa.or_(sla_told.c.lost_at.is_not(None), outbox.c.state.in_(_NOT_LEAVING))
        query = query.where(lost, ticket.c.status.in_(["open", "waiting"]), ~heard)
        query = query.group_by(*(sla_told.c[name] for name in _OF_STEP)).order_by("since", sla_told.c.ticket)
        return [(row.ticket, row.target, row.step) for row in self._session.execute(query.limit(limit))]


def _read_line(row: RowMapping) -> LedgerLine:
    return LedgerLine(
        ticket=row["ticket"],
        target=row["target"],
        cycle=row["cycle"],
        step=row["step"],
        recipient=Address.of(row["recipient"]),
        agent=row["agent"],
        paged=row["paged"],
        outbox=row["outbox"],
        notified_at=row["told_at"],
        lost_at=row["lost_at"],
        passed_to=tuple(row["passed_to"]),
        state=OutboxState(row["state"]) if row["state"] is not None else None,
        answer=row["last_answer"] or "",
    )
