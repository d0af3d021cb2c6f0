"""Decides who needs no repeat of an alarm: whoever answered it and, once somebody took the ticket, everybody else.

Only repeats stop. The next step of the plan is news and goes to everybody it names."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from maild.domain.people.directory import Role
from maild.domain.sla.clocks import cycles
from maild.domain.sla.step_keys import first_of
from maild.domain.tickets.events import Acknowledged, Assigned, Bounced, Escalated, Event


@dataclass(frozen=True, slots=True)
class Alarm:
    """A target that is still pending and was escalated.

    It holds who was told of it, by name or address, each with the number of the event that told them first, and
    who answered the last thing they were told."""

    target: str
    cycle: int
    told: Mapping[str, int] = field(default_factory=dict)
    answered: frozenset[str] = frozenset()


def alarms(history: Sequence[Event]) -> tuple[Alarm, ...]:
    """Return the open alarms of a ticket, in the order of their first steps."""
    pending = {(cycle.target.value, cycle.number) for cycle in cycles(history) if cycle.pending}
    told: dict[tuple[str, int], dict[str, int]] = {}
    answered: dict[tuple[str, int], set[str]] = {}
    for number, event in enumerate(history, 1):
        match event:
            case Escalated() if (event.target, event.cycle) in pending:
                key = (event.target, event.cycle)
                answered.setdefault(key, set()).difference_update(event.notified)
                for name in event.notified:
                    told.setdefault(key, {}).setdefault(name, number)
                told.setdefault(key, {})
            case Bounced() if event.passed_to:
                for people in told.values():
                    people.update({name: number for name in event.passed_to if name not in people})
            case Acknowledged() if (event.target, event.cycle) in told:
                answered[(event.target, event.cycle)].add(event.agent)
            case _:
                continue
    return tuple(Alarm(*key, people, frozenset(answered[key])) for key, people in told.items())


def relieved(history: Sequence[Event], target: str, cycle: int, step: str) -> frozenset[str]:
    """Return who is not told of a repeat of this step. The step is named by its key, with or without its repeat
    number.

    These are the agents who acknowledged since the step came first. When somebody got the ticket since, they are
    also all others who had been told by then. The new owner still hears of it until they answer, because taking
    a ticket stops no clock."""
    key = first_of(step)
    told: set[str] = set()
    done: set[str] = set()
    for event in history:
        match event:
            case Escalated() if (event.target, event.cycle, first_of(event.step)) == (target, cycle, key):
                told |= set(event.notified)
            case Bounced() if told and event.passed_to:
                told |= set(event.passed_to)
            case Acknowledged() if told and (event.target, event.cycle) == (target, cycle):
                done.add(event.agent)
            case Assigned() if told and event.assignee and event.by.role is Role.AGENT:
                done = (done | told) - {event.assignee}
            case _:
                continue
    return frozenset(done)


def wondering(history: Sequence[Event]) -> tuple[str, ...]:
    """Return the agents who should hear who has the ticket now.

    They were told of alarms that are still open, and nobody got the ticket between that and the last assignment."""
    standing = {name for alarm in alarms(history) for name in alarm.told}
    told: list[str] = []
    waiting: list[str] = []
    for event in history:
        if isinstance(event, Assigned) and event.assignee:
            waiting, told = told, []
        told += _told_by(event)
    return tuple(name for name in dict.fromkeys(waiting) if name in standing)


def _told_by(event: Event) -> tuple[str, ...]:
    if isinstance(event, Escalated):
        return event.notified
    return event.passed_to if isinstance(event, Bounced) else ()
