"""What follows when SLA steps come due: facts, and who is told. No breach is ever silent."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from maild.domain import events
from maild.domain.audiences import Office, Told, in_charge
from maild.domain.decision import Decision, Outcome
from maild.domain.events import Actor, Event
from maild.domain.notice import Notice
from maild.domain.people import Address, Agent, Person, Role
from maild.domain.policy import Policy
from maild.domain.sla import DueStep
from maild.domain.ticket import Ticket, apply
from maild.domain.timing import Kind
from maild.domain.token import Scope
from maild.domain.wishes import ALL_IN, Claim, Readers

SLA = Actor(Role.SYSTEM, "SLA")


@dataclass(frozen=True, slots=True)
class _Told:
    person: Person
    agent: str
    reason: str


def escalate(
    ticket: Ticket, steps: Sequence[DueStep], policy: Policy, now: datetime, readers: Readers = ALL_IN
) -> Decision:
    """The decision for steps that have come, in the order of their instants. For who is away (`readers`) whoever stands
    in for them hears of it; nobody's wishes count.

    Each step is recorded. A step that a later one of its target overtook while nobody looked is not mailed: whom it
    names hears of the later one. Each person gets one mail."""
    office = Office(policy.directory, readers, policy.zone)
    facts: list[Event] = []
    heard: dict[str, tuple[_Told, list[events.Escalated]]] = {}
    overtaken: dict[str, list[_Told]] = {}
    for due in steps:
        everybody = _each_once((*overtaken.get(due.target, ()), *_recipients(ticket, due, office)))
        overtaken[due.target] = everybody
        last = due is [step for step in steps if step.target == due.target][-1]
        fact = _fact(due, everybody if last else (), now)
        for person in everybody if last else ():
            heard.setdefault(person.person.address.key, (person, []))[1].append(fact)
        done = [fact, *_actions(ticket, due, now)]
        for event in done:
            ticket = apply(ticket.number, ticket, event)
        facts.extend(done)
    reason = "; ".join(f"{due.target} {due.step_key} at {due.instant:%Y-%m-%d %H:%M} UTC" for due in steps)
    notices = tuple(_notice(person, about) for person, about in heard.values())
    return Decision(Outcome.COMMANDED, reason, tuple(facts), actor=SLA, notices=notices)


def _fact(due: DueStep, told: Sequence[_Told], now: datetime) -> events.Escalated:
    return events.Escalated(
        at=now,
        by=SLA,
        target=due.target.value,
        cycle=due.cycle,
        step=due.step_key,
        instant=due.instant,
        notified=tuple(person.agent or str(person.person.address) for person in told),
        breach=due.breach,
    )


def _notice(told: _Told, about: Sequence[events.Escalated]) -> Notice:
    """One mail about all that has come for this person, the breaches first."""
    steps = tuple(sorted(about, key=lambda fact: not fact.breach))
    breach = steps[0].breach
    return Notice(
        template="sla-breach" if breach else "sla-warning",
        to=told.person,
        scope=Scope.NOTE,
        reason=told.reason,
        agent=told.agent,
        kind=Kind.BREACH if breach else Kind.WARNING,
        steps=steps,
    )


def _actions(ticket: Ticket, due: DueStep, now: datetime) -> list[Event]:
    made: list[Event] = []
    step, why = due.step, f"{due.target} {due.step_key}"
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


def _each_once(told: Sequence[_Told]) -> list[_Told]:
    kept: dict[str, _Told] = {}
    for person in told:
        kept.setdefault(person.person.address.key, person)
    return list(kept.values())


def _recipients(ticket: Ticket, due: DueStep, office: Office) -> list[_Told]:
    """Everybody the step names, each once; when that is nobody, who is in charge of the ticket."""
    told = [person for word in due.step.notify for person in _named(word, ticket, office)]
    if not told:
        told = [_of(each) for each in in_charge(replace(ticket, assignee="", team=""), office)]
    return _each_once(told)


def _named(word: str, ticket: Ticket, office: Office) -> list[_Told]:
    """The people behind one word of `notify`, as far as they or somebody in their place are there."""
    if "@" in word and office.directory.agent_at(Address.of(word)) is None:
        return [_Told(Person(Address.of(word)), "", "the SLA plan names this address")]
    standing = (office.instead(Told(agent, reason, Claim.OWNER)) for agent, reason in _agents(word, ticket, office))
    return [_of(told) for told in standing if told]


def _agents(word: str, ticket: Ticket, office: Office) -> list[tuple[Agent, str]]:
    directory = office.directory
    team, department = directory.team(ticket.team), directory.department(ticket.department)
    one = {
        "assignee": (ticket.assignee, "the ticket is assigned to you"),
        "team-lead": (team.lead if team else "", f"you lead the team {ticket.team}"),
        "manager": (department.manager if department else "", f"you manage the department {ticket.department}"),
    }
    if word == "team":
        return [(agent, f"you are in the team {ticket.team}") for agent in directory.members(ticket.team)]
    if word == "admins":
        return [(agent, "you are an admin of this helpdesk") for agent in directory.admins()]
    if "@" in word:
        found = directory.agent_at(Address.of(word))
        return [(found, "the SLA plan names you")] if found else []
    name, reason = one.get(word, (word.removeprefix("agent:"), "the SLA plan names you"))
    agent = directory.agent(name)
    return [(agent, reason)] if agent else []


def _of(told: Told) -> _Told:
    return _Told(told.agent.person, told.agent.name, told.reason)
