"""SLA steps whose instant has come: recorded once, told, and the next instant reckoned."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from functools import partial

from maild import maillog
from maild.domain.escalation import escalate
from maild.domain.events import Escalated
from maild.ports import OpenUnitOfWork, UnitOfWork
from maild.services.carry_out import carry_out, reckon, stand
from maild.services.helpdesk import Helpdesk
from maild.services.isolation import isolated
from maild.services.readers import readers_of

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
    stuck: set[int] = set()  # they stay due, and are passed over until the next tick
    while True:
        with open_unit() as unit:
            due = [number for number in unit.tickets.due(now, BATCH + len(stuck)) if number not in stuck]
            batch: list[Fired] = []
            for number in due:
                done = isolated(unit, number, partial(_one, unit, number, helpdesk, now))
                if done is None:
                    stuck.add(number)
                batch.extend(done or ())
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
    decision = escalate(ticket, steps, helpdesk.policy, now, readers_of(unit, now))
    carry_out(unit, decision, ticket, helpdesk, now, trace=f"sla-{number}")
    facts = [fact for fact in decision.facts if isinstance(fact, Escalated)]
    return [Fired(number, fact.target, fact.step, fact.notified) for fact in facts]
