"""SLA steps whose instant has come: recorded once, told, and the next instant computed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Literal

from maild import maillog
from maild.domain.decision import Decision
from maild.domain.escalation.steps import escalate
from maild.domain.people.preferences import ALL_IN, Readers
from maild.domain.sla.standing import standing
from maild.domain.tickets.events import Escalated
from maild.ports import OpenUnitOfWork
from maild.services.escalation.alarms import Decided, Open, tell_alarms
from maild.services.helpdesk import Helpdesk
from maild.services.notices.due_notices import readers_of
from maild.services.sla_index import update_sla_index
from maild.services.work import Work, isolated

BATCH = 100  # tickets in one transaction


@dataclass(frozen=True, slots=True)
class Fired:
    """One step that fired, and who was told."""

    ticket: int
    target: str
    step: str
    notified: tuple[str, ...]


def escalate_due(open_unit: OpenUnitOfWork, helpdesk: Helpdesk, now: datetime) -> list[Fired]:
    """Fire every step that is due at `now`, one batch per transaction. Who hears of many tickets gets one mail."""
    fired: list[Fired] = []
    stuck: set[int] = set()  # they stay due, and are passed over until the next tick
    tick = Open()
    while True:
        with open_unit() as unit:
            due = [number for number in unit.tickets.due(now, BATCH + len(stuck)) if number not in stuck]
            last = len(due) < BATCH
            batch = _batch(Work(unit, helpdesk, now), due, tick, stuck, last=last)
            unit.commit()
        for step in batch:
            maillog.escalated(ticket=step.ticket, target=step.target, step=step.step, notified=step.notified)
        fired.extend(batch)
        if last:
            return fired


def _batch(work: Work, due: Sequence[int], tick: Open, stuck: set[int], *, last: bool) -> list[Fired]:
    """Decide about all of them first, to know who hears of many. Then carry out one by one."""
    readers = readers_of(work.unit, work.helpdesk.policy, work.now) if due else ALL_IN
    found = {number: isolated(work.unit, number, partial(_look, work, number, readers)) for number in due}
    decided = [each for each in found.values() if each]
    prepare = partial(_recorded, work, readers)
    done = tell_alarms(work, decided, prepare=prepare, tick=tick, last=last)
    carried = {each.ticket.number for each, _ in done}
    stuck |= {number for number, each in found.items() if each is None}
    stuck |= {each.ticket.number for each in decided} - carried
    events = [
        (each.ticket.number, event) for each, made in done for event in made.events if isinstance(event, Escalated)
    ]
    return [Fired(number, event.target, event.step, event.notified) for number, event in events]


def _look(work: Work, number: int, readers: Readers) -> Decided | Literal[False]:
    """Return what is to be done about a ticket; False when no step is due after all."""
    unit, helpdesk, now = work.unit, work.helpdesk, work.now
    ticket = unit.tickets.get(number)
    if ticket is None:
        return False
    history, fired = unit.tickets.history(number), unit.sla_steps.fired(number)
    steps = standing(history, helpdesk.plan_of(ticket), helpdesk.calendar_of(ticket), now, already=fired).due_steps
    if not steps:
        update_sla_index(work, ticket)
        return False
    return Decided(ticket, escalate(ticket, steps, helpdesk.policy, now, readers, history), steps)


def _recorded(work: Work, readers: Readers, each: Decided) -> Decision:
    """Return the decision about steps that nobody recorded before. Each fires once, whoever else looks at it."""
    unit, number = work.unit, each.ticket.number
    steps = [
        step
        for step in each.steps
        if unit.sla_steps.record(number, step.target.value, step.cycle, step.step_key, step.instant, work.now)
    ]
    if len(steps) == len(each.steps):
        return each.decision
    update_sla_index(work, each.ticket)
    history = unit.tickets.history(number)
    return escalate(each.ticket, steps, work.helpdesk.policy, work.now, readers, history)
