"""SLA steps whose instant has come: recorded once, told, and the next instant reckoned."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from maild import maillog
from maild.domain.escalation import escalate
from maild.domain.events import Escalated
from maild.ports import OpenUnitOfWork, UnitOfWork
from maild.services.carry_out import carry_out, reckon, stand
from maild.services.helpdesk import Helpdesk

BATCH = 100  # tickets in one transaction


@dataclass(frozen=True, slots=True)
class Fired:
    """One step that fired, and who was told."""

    ticket: int
    target: str
    step: str
    notified: tuple[str, ...]


def escalate_due(open_unit: OpenUnitOfWork, helpdesk: Helpdesk, now: datetime) -> list[Fired]:
    """Fire every step that is due at `now`, a batch to a transaction."""
    fired: list[Fired] = []
    while True:
        with open_unit() as unit:
            due = unit.tickets.due(now, BATCH)
            batch = [step for number in due for step in _one(unit, number, helpdesk, now)]
            unit.commit()
        for step in batch:
            maillog.escalated(ticket=step.ticket, target=step.target, step=step.step, notified=step.notified)
        fired.extend(batch)
        if len(due) < BATCH:
            return fired


def _one(unit: UnitOfWork, number: int, helpdesk: Helpdesk, now: datetime) -> list[Fired]:
    ticket = unit.tickets.get(number)
    if ticket is None:
        return []
    standing = stand(unit, ticket, helpdesk, now)
    steps = [
        step
        for step in standing.due_steps
        if unit.sla_steps.record(number, step.target.value, step.cycle, step.step_key, step.instant, now)
    ]
    if not steps:
        reckon(unit, ticket, helpdesk, now)
        return []
    decision = escalate(ticket, steps, helpdesk.policy, now)
    carry_out(unit, decision, ticket, helpdesk, now, trace=f"sla-{number}")
    facts = [fact for fact in decision.facts if isinstance(fact, Escalated)]
    return [Fired(number, fact.target, fact.step, fact.notified) for fact in facts]


def reckon_stale(open_unit: OpenUnitOfWork, helpdesk: Helpdesk, now: datetime) -> int:
    """Reckon anew the tickets whose plan or calendar the configuration has changed -> how many."""
    digests = helpdesk.digests()
    changed = 0
    while True:
        with open_unit() as unit:
            numbers = unit.tickets.stale(digests, BATCH)
            for number in numbers:
                ticket = unit.tickets.get(number)
                if ticket is not None:
                    reckon(unit, ticket, helpdesk, now)
            unit.commit()
        changed += len(numbers)
        if len(numbers) < BATCH:
            return changed
