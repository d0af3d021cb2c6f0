"""What the verbs do to a ticket: pure functions from a ticket and a resolved argument to the events that follow.

They return no events when nothing would change: a mail that comes twice acts once."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime

from maild.domain.commands.arguments import Invitation, Surroundings, Tagging
from maild.domain.commands.instructions import Brought, Instruction, Receipt, SendAt, WordOnHeldReply
from maild.domain.effects import Effect
from maild.domain.people.directory import Agent, Department, Person, Team, name_key
from maild.domain.sla.alarm_acks import alarms
from maild.domain.tickets.events import (
    Acknowledged,
    Actor,
    Assigned,
    DueSet,
    Event,
    Followed,
    ParticipantAdded,
    ParticipantRemoved,
    PlanChanged,
    PriorityChanged,
    RequesterChanged,
    Retitled,
    Snoozed,
    StatusChanged,
    Tagged,
    Transferred,
)
from maild.domain.tickets.organisations import contacts_of
from maild.domain.tickets.spam import marked_by_filter_alone
from maild.domain.tickets.ticket import Priority, Status, Ticket
from maild.domain.times.moments import shown_when


@dataclass(frozen=True, slots=True)
class CommandContext:
    """Who gives the command, when (UTC), and what it is resolved against."""

    by: Actor
    at: datetime
    surroundings: Surroundings


def _assignment(ticket: Ticket, assignee: str, team: str, context: CommandContext) -> tuple[Event, ...]:
    if (assignee, team) == (ticket.assignee, ticket.team):
        return ()
    return (Assigned(at=context.at, by=context.by, assignee=assignee, team=team),)


def to_agent(ticket: Ticket, agent: Agent, context: CommandContext) -> tuple[Event, ...]:
    """Assign the ticket to an agent. The team keeps it in sight, whoever works on it."""
    return _assignment(ticket, agent.name, ticket.team, context)


def to_team(ticket: Ticket, team: Team, context: CommandContext) -> tuple[Event, ...]:
    """Give the ticket to a team. An assignee outside the team loses it, or the team would wait for them."""
    members = {name_key(agent.name) for agent in context.surroundings.directory.members(team.name)}
    stays = ticket.assignee if name_key(ticket.assignee) in members else ""
    return _assignment(ticket, stays, team.name, context)


def to_agent_or_team(ticket: Ticket, whom: Agent | Team, context: CommandContext) -> tuple[Event, ...]:
    """Assign the ticket to an agent or give it to a team."""
    return to_team(ticket, whom, context) if isinstance(whom, Team) else to_agent(ticket, whom, context)


def to_nobody(ticket: Ticket, _reading: None, context: CommandContext) -> tuple[Event, ...]:
    """Take the ticket from its assignee and its team."""
    return _assignment(ticket, "", ticket.team, context)


def to_department(ticket: Ticket, department: Department, context: CommandContext) -> tuple[Event, ...]:
    """Move the ticket to a department. Assignee and team stay: they go on until somebody takes over."""
    if department.name == ticket.department:
        return ()
    moved = Transferred(at=context.at, by=context.by, department=department.name, previous=ticket.department)
    return (moved,)


def for_requester(ticket: Ticket, person: Person, context: CommandContext) -> tuple[Event, ...]:
    """Change whom the ticket is for. Answers go to them from now on."""
    if person.address == ticket.requester.address:
        return ()
    previous = str(ticket.requester.address)
    return (RequesterChanged(at=context.at, by=context.by, requester=person, previous=previous),)


def at_priority(ticket: Ticket, level: Priority, context: CommandContext) -> tuple[Event, ...]:
    """Change the priority."""
    if level is ticket.priority:
        return ()
    change = PriorityChanged(
        at=context.at, by=context.by, priority=level.value, previous=ticket.priority.value, reason="command"
    )
    return (change,)


def under_plan(ticket: Ticket, plan: str, context: CommandContext) -> tuple[Event, ...]:
    """Change the SLA plan. The same plan by command is a change too: no priority or department replaces it from
    then on."""
    if plan == ticket.sla_plan and ticket.plan_source == "command":
        return ()
    return (PlanChanged(at=context.at, by=context.by, sla_plan=plan, previous=ticket.sla_plan, source="command"),)


def becomes(
    status: Status, *, unless: frozenset[Status]
) -> Callable[[Ticket, object, CommandContext], tuple[StatusChanged, ...]]:
    """Return an action that sets `status`, and leaves a ticket alone whose status is one of `unless`."""

    def act(ticket: Ticket, _reading: object, context: CommandContext) -> tuple[StatusChanged, ...]:
        if ticket.status in unless:
            return ()
        change = StatusChanged(
            at=context.at, by=context.by, status=status.value, previous=ticket.status.value, reason="command"
        )
        return (change,)

    return act


def spam(ticket: Ticket, _reading: object, context: CommandContext) -> tuple[StatusChanged, ...]:
    """Mark the ticket as spam, also where a filter did so before. By a person's word it stays spam, whoever writes
    again."""
    history = context.surroundings.lookups.history(ticket.number)
    unless = frozenset[Status]() if marked_by_filter_alone(history) else frozenset({Status.SPAM})
    return becomes(Status.SPAM, unless=unless)(ticket, _reading, context)


def wait(ticket: Ticket, until: datetime | None, context: CommandContext) -> tuple[Event, ...]:
    """Wait for the customer. Waiting again changes nothing, unless it is until another time."""
    if ticket.status is Status.WAITING and until in (None, ticket.wake_at):
        return ()
    (change,) = becomes(Status.WAITING, unless=frozenset())(ticket, None, context)
    return (replace(change, until=until),)


def snooze(ticket: Ticket, until: datetime | None, context: CommandContext) -> tuple[Event, ...]:
    """Take the ticket out of lists until a moment."""
    if until == ticket.snoozed_until:
        return ()
    return (Snoozed(at=context.at, by=context.by, until=until),)


def due(ticket: Ticket, due_at: datetime | None, context: CommandContext) -> tuple[Event, ...]:
    """Set by hand when the resolution is due. None leaves it to the plan. Nothing is due on an ended ticket."""
    if ticket.status.ended or due_at == ticket.due_by_hand:
        return ()
    return (DueSet(at=context.at, by=context.by, due_at=due_at, previous=ticket.due_by_hand),)


def tag(ticket: Ticket, tagging: Tagging, context: CommandContext) -> tuple[Event, ...]:
    """Add and remove tags."""
    added = tuple(name for name in tagging.added if name not in ticket.tags)
    removed = tuple(name for name in tagging.removed if name in ticket.tags)
    if not added and not removed:
        return ()
    return (Tagged(at=context.at, by=context.by, added=added, removed=removed),)


def retitle(ticket: Ticket, title: str, context: CommandContext) -> tuple[Event, ...]:
    """Change the title that lists show."""
    if title == ticket.subject:
        return ()
    return (Retitled(at=context.at, by=context.by, subject=title, previous=ticket.subject),)


def invite(ticket: Ticket, invited: Invitation, context: CommandContext) -> tuple[Event, ...]:
    """Add a participant. Somebody who takes part already is not shown the history by being named again."""
    if ticket.includes(invited.person.address):
        return ()
    return (ParticipantAdded(at=context.at, by=context.by, person=invited.person, history=invited.history),)


def let_go(ticket: Ticket, person: Person, context: CommandContext) -> tuple[Event, ...]:
    """Remove a participant."""
    found = next((p for p in ticket.participants if p.person.address == person.address), None)
    if found is None:
        return ()
    return (ParticipantRemoved(at=context.at, by=context.by, person=found.person, role=found.role),)


def follows(level: str) -> Callable[[Ticket, Agent, CommandContext], tuple[Event, ...]]:
    """Return an action after which the agent hears this much of the ticket: "watch", "mute", or "" for the usual."""

    def act(ticket: Ticket, agent: Agent, context: CommandContext) -> tuple[Event, ...]:
        if level_of(ticket, agent.name) == level:
            return ()
        return (Followed(at=context.at, by=context.by, agent=agent.name, level=level),)

    return act


def acknowledge(ticket: Ticket, agent: Agent, context: CommandContext) -> tuple[Event, ...]:
    """Acknowledge every open alarm of this ticket, whether the agent was told of it or heard of it otherwise."""
    standing = alarms(context.surroundings.lookups.history(ticket.number))
    return tuple(
        Acknowledged(at=context.at, by=context.by, target=alarm.target, cycle=alarm.cycle, agent=agent.name)
        for alarm in standing
        if agent.name not in alarm.answered
    )


def level_of(ticket: Ticket, agent: str) -> str:
    """Return how much an agent hears of a ticket: "watch", "mute" or ""."""
    if agent in ticket.watchers:
        return "watch"
    return "mute" if agent in ticket.muted_by else ""


# -- what the mail itself is told, or asked -----------------------------------------------------------------------


def receipt_until(sentence: str) -> Callable[[Ticket, datetime | None, CommandContext], Brought]:
    """Name the meant moment as an absolute time: "waiting until Fri 2026-05-08 15:00 CEST"."""

    def brings(_ticket: Ticket, moment: datetime | None, context: CommandContext) -> Brought:
        if moment is None:
            return ()
        return (Receipt(f"{sentence} {shown_when(moment, context.surroundings.wall_clock)}"),)

    return brings


def due_receipt(ticket: Ticket, due_at: datetime | None, context: CommandContext) -> Brought:
    """Say when the ticket is due; on an ended ticket, that nothing is due."""
    if ticket.status.ended:
        return (Receipt(f"the ticket is {ticket.status}: nothing is due on it"),)
    return receipt_until("due")(ticket, due_at, context)


def sending(_ticket: Ticket, reading: datetime | str, _context: CommandContext) -> Brought:
    """Set when the text leaves. The receipt names that moment together with the text, not here."""
    return (WordOnHeldReply(reading),) if isinstance(reading, str) else (SendAt(reading),)


def stranger_receipt(ticket: Ticket, person: Person, _context: CommandContext) -> Brought:
    """Tell somebody who mistyped an address that nobody left."""
    if any(p.person.address == person.address for p in ticket.participants):
        return ()
    return (Receipt(f"{person.address} takes no part in the ticket"),)


def always(*brought: Effect | Instruction) -> Callable[[Ticket, object, CommandContext], Brought]:
    """Return what a verb brings, whatever is read after it."""
    return lambda _ticket, _reading, _context: brought


# -- what cannot be taken back ----------------------------------------------------------------------------------


def spam_warning(ticket: Ticket, _reading: object, _context: CommandContext) -> str:
    """Warn that a conversation with a customer would become spam."""
    return f"spam: the mails of {ticket.requester.address} get no answer any more, and the ticket leaves all lists"


def requester_warning(ticket: Ticket, person: Person, context: CommandContext) -> str:
    """Warn when a ticket changes hands. An agent who forwarded somebody's mail may give away their own ticket
    unasked."""
    speaker = context.surroundings.speaker
    if speaker and ticket.requester.address in speaker.addresses:
        return ""
    staying = {p.person.address for p in ticket.participants}
    along = contacts_of(person.address, context.surroundings.directory, ticket.department, staying)
    also = "".join(f", {each.address}" for each in along)
    return f"requester: answers go to {person.address}{also} from now on, and no more to {ticket.requester.address}"


def history_warning(_ticket: Ticket, invited: Invitation, _context: CommandContext) -> str:
    """Warn that somebody new would read what was written before."""
    return f"cc +history: {invited.person.address} is sent all that was written to and by the customer so far"


def nothing(_ticket: Ticket, _reading: object, _context: CommandContext) -> tuple[Event, ...]:
    """Change nothing."""
    return ()
