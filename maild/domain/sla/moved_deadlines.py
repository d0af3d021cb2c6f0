"""Finds deadlines that a changed plan, department or configuration moved, and says why."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

from maild.domain.people.directory import Role
from maild.domain.sla.clocks import Target
from maild.domain.sla.standing import Standing
from maild.domain.tickets import events
from maild.domain.tickets.events import Actor, DeadlineMoved, Event

CLOCKWORK = Actor(Role.SYSTEM, "SLA")
CONFIGURATION = "the configuration changed"
# Events that lead to another plan or calendar.
CAUSES = (events.PlanChanged, events.Transferred)
Dues = Mapping[str, datetime]  # target -> when it is due (UTC), for those that somebody waits for


def dues_of(standing: Standing) -> Dues:
    """Return the deadlines that are still to be met. A target whose clock stands has none."""
    pending = (target for target in standing.targets if target.running or target.paused)
    return {target.target.value: target.due_at for target in pending if target.due_at is not None}


def moves(before: Dues, after: Dues, at: datetime, reason: str) -> tuple[DeadlineMoved, ...]:
    """Return one event for each deadline that changed, came or went, in the order of the targets."""
    return tuple(
        DeadlineMoved(
            at=at,
            by=CLOCKWORK,
            target=target.value,
            due_at=after.get(target.value),
            previous=before.get(target.value),
            reason=reason,
        )
        for target in Target
        if before.get(target.value) != after.get(target.value)
    )


def reason_of(happened: Sequence[Event]) -> str:
    """Return what moved them: "priority normal -> high, plan default -> sev-b"."""
    told = []
    for event in happened:
        if isinstance(event, events.PriorityChanged):
            told.append(f"priority {event.previous} -> {event.priority}")
        elif isinstance(event, events.Transferred):
            told.append(f"department {event.previous or 'none'} -> {event.department}")
        elif isinstance(event, events.RequesterChanged):
            told.append("another requester")
        elif isinstance(event, events.PlanChanged) and event.sla_plan != event.previous:
            told.append(f"plan {event.previous or 'none'} -> {event.sla_plan}")
    return ", ".join(told)
