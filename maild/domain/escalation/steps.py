"""What follows when SLA steps come due: events, and who is told. No breach is ever silent."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from maild.domain.decision import Decision, Mails, Outcome
from maild.domain.escalation.step_recipients import AlarmRecipient, each_once, recipients
from maild.domain.messages.reply_tokens import Scope
from maild.domain.notices.buttons import ACKNOWLEDGE, NOTE_ONLY, SNOOZE, TAKE, Button
from maild.domain.notices.notice import Notice
from maild.domain.notices.pacing import Kind
from maild.domain.notices.recipients import Roster
from maild.domain.people.directory import Agent, Directory, Role
from maild.domain.people.preferences import ALL_IN, Readers
from maild.domain.plan_change import refiled
from maild.domain.policy import Policy
from maild.domain.sla.alarm_acks import relieved
from maild.domain.sla.standing import DueStep
from maild.domain.sla.step_keys import shown_step
from maild.domain.tickets import events
from maild.domain.tickets.events import Actor, Event
from maild.domain.tickets.ticket import Ticket, apply
from maild.domain.tickets.visibility import may_see

SLA = Actor(Role.SYSTEM, "SLA")


def escalate(
    ticket: Ticket,
    steps: Sequence[DueStep],
    policy: Policy,
    now: datetime,
    readers: Readers = ALL_IN,
    history: Sequence[Event] = (),
) -> Decision:
    """Return the decision for steps that have come, in the order of their instants.

    Substitutes hear for those who are away (`readers`); no preference silences an alarm. The ticket's `history`
    tells who needs no repeat. Each step is recorded. A step that a later one of its target overtook while nobody
    looked is not mailed: its people hear of the later one. Each person gets one mail, and a page where the step
    asks for one."""
    roster = Roster(policy.directory, readers, policy.zone)
    happened: list[Event] = []
    heard: dict[str, tuple[AlarmRecipient, list[events.Escalated]]] = {}
    overtaken: dict[str, list[AlarmRecipient]] = {}
    for due in steps:
        silent = relieved(history, due.target.value, due.cycle, due.step_key) if due.repeat > 1 else frozenset()
        named = recipients(ticket, due, roster, silent)
        everybody = each_once((*overtaken.get(due.target, ()), *named))
        overtaken[due.target] = everybody
        last = due is [step for step in steps if step.target == due.target][-1]
        fired = _fired(due, everybody if last else (), now)
        for person in everybody if last else ():
            heard.setdefault(person.person.address.key, (person, []))[1].append(fired)
        done = [fired, *refiled(ticket, _actions(ticket, due, now), policy)]
        for event in done:
            ticket = apply(ticket.number, ticket, event)
        happened.extend(done)
    reason = "; ".join(f"{due.target} {shown_step(due.step_key)} at {due.instant:%Y-%m-%d %H:%M} UTC" for due in steps)
    notices = tuple(alarm(person, about, ticket, policy.directory) for person, about in heard.values())
    return Decision(Outcome.COMMANDED, reason, tuple(happened), actor=SLA, mails=Mails(notices=notices))


def _fired(due: DueStep, told: Sequence[AlarmRecipient], now: datetime) -> events.Escalated:
    return events.Escalated(
        at=now,
        by=SLA,
        target=due.target.value,
        cycle=due.cycle,
        step=due.step_key,
        instant=due.instant,
        notified=tuple(dict.fromkeys(person.known_as for person in told)),
        breach=due.breach,
    )


def alarm(told: AlarmRecipient, about: Sequence[events.Escalated], ticket: Ticket, directory: Directory) -> Notice:
    """Return one mail about everything that has come for this person, breaches first; or a page."""
    steps = tuple(sorted(about, key=lambda event: not event.breach))
    breach = steps[0].breach
    reader = directory.agent(told.agent)
    return Notice(
        template="page" if told.paged else "sla-breach" if breach else "sla-warning",
        to=told.person,
        scope=Scope.NOTE,
        reason=told.reason,
        agent="" if told.paged else told.agent,  # a pager wakes at any hour, and has no buttons
        pages=told.agent if told.paged else "",
        kind=Kind.BREACH if breach else Kind.WARNING,
        steps=steps,
        in_place=told.in_place,
        buttons=() if told.paged or reader is None else _buttons(reader, ticket, directory),
    )


def _buttons(reader: Agent, ticket: Ticket, directory: Directory) -> tuple[Button, ...]:
    """Return what somebody can do about a ticket whose time runs out. The foot of the mail also offers to
    acknowledge."""
    own = ACKNOWLEDGE if ticket.assignee == reader.name else TAKE
    return (own, _reassign(reader, ticket, directory), SNOOZE, NOTE_ONLY)


def _reassign(reader: Agent, ticket: Ticket, directory: Directory) -> Button:
    """Open an answer that gives the ticket to a colleague. The name in it can be changed before it is sent."""
    team, department = directory.team(ticket.team), directory.department(ticket.department)
    circles = (
        [team.lead if team else ""],
        [agent.name for agent in directory.members(ticket.team)],
        [agent.name for agent in directory.agents_of(ticket.department)],
        [department.manager if department else ""],
    )
    names = [name for circle in circles for name in circle if name not in ("", reader.name, ticket.assignee)]
    agents = (agent for name in names if (agent := directory.agent(name)))
    whom = next((agent.name for agent in agents if may_see(agent, ticket, directory)), reader.name)
    return Button("Reassign", "", f"!assign {whom}", Scope.NOTE)


def _actions(ticket: Ticket, due: DueStep, now: datetime) -> list[Event]:
    made: list[Event] = []
    step, why = due.step, f"{due.target} {shown_step(due.step_key)}"
    if step.raise_priority and ticket.priority.raised() is not ticket.priority:
        raised = ticket.priority.raised()
        made.append(
            events.PriorityChanged(at=now, by=SLA, priority=raised.value, previous=ticket.priority.value, reason=why)
        )
    if step.reassign and step.reassign != ticket.assignee:
        made.append(events.Assigned(at=now, by=SLA, assignee=step.reassign, team=ticket.team))
    if step.switch_plan and step.switch_plan != ticket.sla_plan:
        made.append(
            events.PlanChanged(at=now, by=SLA, sla_plan=step.switch_plan, previous=ticket.sla_plan, source="escalation")
        )
    return made
