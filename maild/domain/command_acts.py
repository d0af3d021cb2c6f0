"""What the verbs do to a ticket: pure functions from a ticket and a resolved argument to the facts that follow.

They answer no facts when the ticket is so already: a mail that comes twice acts once."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime

from maild.domain.command_arguments import Surroundings
from maild.domain.events import (
    Actor,
    Assigned,
    Event,
    PlanChanged,
    PriorityChanged,
    RequesterChanged,
    StatusChanged,
    Transferred,
)
from maild.domain.people import Agent, Department, Person, Team, name_key
from maild.domain.ticket import Priority, Status, Ticket


@dataclass(frozen=True, slots=True)
class Occasion:
    """Who gives the command, when (UTC), and against which surroundings."""

    by: Actor
    at: datetime
    surroundings: Surroundings


def _assignment(ticket: Ticket, assignee: str, team: str, occasion: Occasion) -> tuple[Event, ...]:
    if (assignee, team) == (ticket.assignee, ticket.team):
        return ()
    return (Assigned(at=occasion.at, by=occasion.by, assignee=assignee, team=team),)


def to_agent(ticket: Ticket, agent: Agent, occasion: Occasion) -> tuple[Event, ...]:
    """The team keeps the ticket in sight, whoever works on it."""
    return _assignment(ticket, agent.name, ticket.team, occasion)


def to_team(ticket: Ticket, team: Team, occasion: Occasion) -> tuple[Event, ...]:
    """An assignee outside the team gives the ticket up, or the team would wait for somebody who handed it over."""
    members = {name_key(agent.name) for agent in occasion.surroundings.directory.members(team.name)}
    stays = ticket.assignee if name_key(ticket.assignee) in members else ""
    return _assignment(ticket, stays, team.name, occasion)


def to_agent_or_team(ticket: Ticket, whom: Agent | Team, occasion: Occasion) -> tuple[Event, ...]:
    return to_team(ticket, whom, occasion) if isinstance(whom, Team) else to_agent(ticket, whom, occasion)


def to_nobody(ticket: Ticket, _reading: None, occasion: Occasion) -> tuple[Event, ...]:
    return _assignment(ticket, "", ticket.team, occasion)


def to_department(ticket: Ticket, department: Department, occasion: Occasion) -> tuple[Event, ...]:
    """Assignee and team stay: colleagues go on working across departments until somebody takes over."""
    if department.name == ticket.department:
        return ()
    moved = Transferred(at=occasion.at, by=occasion.by, department=department.name, previous=ticket.department)
    return (moved,)


def for_requester(ticket: Ticket, person: Person, occasion: Occasion) -> tuple[Event, ...]:
    """Whom the ticket is for: answers go to them from now on."""
    if person.address == ticket.requester.address:
        return ()
    previous = str(ticket.requester.address)
    return (RequesterChanged(at=occasion.at, by=occasion.by, requester=person, previous=previous),)


def at_priority(ticket: Ticket, level: Priority, occasion: Occasion) -> tuple[Event, ...]:
    if level is ticket.priority:
        return ()
    change = PriorityChanged(
        at=occasion.at, by=occasion.by, priority=level.value, previous=ticket.priority.value, reason="command"
    )
    return (change,)


def under_plan(ticket: Ticket, plan: str, occasion: Occasion) -> tuple[Event, ...]:
    """The same plan by command is a change too: from then on no priority or department takes it away."""
    if plan == ticket.sla_plan and ticket.plan_source == "command":
        return ()
    return (PlanChanged(at=occasion.at, by=occasion.by, sla_plan=plan, previous=ticket.sla_plan, source="command"),)


def becomes(
    status: Status, *, unless: frozenset[Status]
) -> Callable[[Ticket, None, Occasion], tuple[StatusChanged, ...]]:
    """An act that brings `status`, and leaves a ticket alone that is in one of `unless`."""

    def act(ticket: Ticket, _reading: None, occasion: Occasion) -> tuple[StatusChanged, ...]:
        if ticket.status in unless:
            return ()
        change = StatusChanged(
            at=occasion.at, by=occasion.by, status=status.value, previous=ticket.status.value, reason="command"
        )
        return (change,)

    return act


def wait(ticket: Ticket, until: datetime | None, occasion: Occasion) -> tuple[Event, ...]:
    """Waiting again changes nothing, unless another time is named."""
    if ticket.status is Status.WAITING and until in (None, ticket.wake_at):
        return ()
    (change,) = becomes(Status.WAITING, unless=frozenset())(ticket, None, occasion)
    return (replace(change, until=until),)


def nothing(_ticket: Ticket, _reading: object, _occasion: Occasion) -> tuple[Event, ...]:
    return ()
