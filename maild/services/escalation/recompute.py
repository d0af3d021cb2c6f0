"""Deadlines after a change of the configuration. What moved is an event of the ticket, with its reason."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from functools import partial

from maild.domain.decision import Decision, Outcome
from maild.domain.people.directory import Role
from maild.domain.plan_change import planned_anew
from maild.domain.sla.moved_deadlines import CONFIGURATION, dues_of, moves
from maild.domain.sla.standing import standing
from maild.domain.tickets.events import Actor, DeadlineMoved, Event
from maild.domain.tickets.ticket import Ticket, apply
from maild.ports import OpenUnitOfWork
from maild.services.apply.decision import apply_decision
from maild.services.helpdesk import Helpdesk
from maild.services.sla_index import update_sla_index
from maild.services.work import Work, isolated

BATCH = 100
_BY = Actor(Role.SYSTEM, "configuration")


@dataclass(frozen=True, slots=True)
class Recomputed:
    """What the present configuration makes of one ticket."""

    ticket: Ticket  # as it was
    plan: str  # as it is
    moves: tuple[DeadlineMoved, ...]
    newly_overdue: frozenset[str]  # targets

    @property
    def differs(self) -> bool:
        """True when a deadline or the plan is another one."""
        return bool(self.moves) or self.plan != self.ticket.sla_plan


def recompute_changed(open_unit: OpenUnitOfWork, helpdesk: Helpdesk, now: datetime) -> int:
    """Recompute the tickets whose plan or calendar changed with the configuration. Returns how many."""
    return sum(1 for _ in recompute(open_unit, helpdesk, now))


def recompute(open_unit: OpenUnitOfWork, helpdesk: Helpdesk, now: datetime) -> Iterator[Recomputed]:
    """Yield the recomputed tickets one by one, also those that stay as they are. Batches are committed before they
    are told."""
    fingerprints, last = helpdesk.plan_fingerprints(), 0
    while True:
        batch: list[Recomputed] = []
        with open_unit() as unit:
            work = Work(unit, helpdesk, now)
            numbers = unit.tickets.with_outdated_sla(fingerprints, BATCH, above=last)
            for number in numbers:
                done = isolated(unit, number, partial(_one, work, number))
                batch.extend([done] if done is not None else [])
            unit.commit()
        yield from batch
        if len(numbers) < BATCH:
            return
        last = numbers[-1]


def differences(open_unit: OpenUnitOfWork, helpdesk: Helpdesk, now: datetime) -> Iterator[Recomputed]:
    """Yield what `recompute` would do. Nothing is written."""
    fingerprints, last = helpdesk.plan_fingerprints(), 0
    while True:
        with open_unit(reading=True) as unit:
            numbers = unit.tickets.with_outdated_sla(fingerprints, BATCH, above=last)
            tickets = [ticket for number in numbers if (ticket := unit.tickets.get(number)) is not None]
            batch = [_compared(Work(unit, helpdesk, now), ticket)[0] for ticket in tickets]
        yield from batch
        if len(numbers) < BATCH:
            return
        last = numbers[-1]


def _one(work: Work, number: int) -> Recomputed | None:
    ticket = work.unit.tickets.get(number)
    if ticket is None or ticket.status.ended:
        return None  # it ended since it was found
    found, events = _compared(work, ticket)
    if events:
        decision = Decision(Outcome.COMMANDED, CONFIGURATION, events, actor=_BY)
        apply_decision(work.traced(f"configuration-{number}"), decision, ticket)
    else:
        update_sla_index(work, ticket)
    return found


def _compared(work: Work, ticket: Ticket) -> tuple[Recomputed, tuple[Event, ...]]:
    """Return the ticket's deadlines as they were computed last and as they are now, and the events that say so."""
    unit, helpdesk, now = work.unit, work.helpdesk, work.now
    change = planned_anew(ticket, helpdesk.policy, now, _BY)
    events: tuple[Event, ...] = (change,) if change else ()
    after = apply(ticket.number, ticket, change) if change else ticket
    history = (*unit.tickets.history(ticket.number), *events)
    found = standing(history, helpdesk.plan_of(after), helpdesk.calendar_of(after), now)
    before, deadlines = unit.tickets.deadlines(ticket.number), dues_of(found)
    reason = f"{CONFIGURATION}, plan {ticket.sla_plan} -> {after.sla_plan}" if change else CONFIGURATION
    # Tickets computed before deadlines were stored one by one have nothing to compare with.
    moved = moves(before, deadlines, now, reason) if before is not None else ()
    late = frozenset(
        move.target
        for move in moved
        if move.due_at is not None and move.due_at <= now and (move.previous is None or move.previous > now)
    )
    return Recomputed(ticket, after.sla_plan, moved, late), (*events, *moved)
