"""Who hears of what: one ordered table of audiences. Never the actor; one mail a person, the strongest reason wins."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta

from maild.domain import events
from maild.domain.events import Actor, Event
from maild.domain.people import Agent, Directory, Person, Role
from maild.domain.policy import Policy
from maild.domain.ticket import Status, Ticket
from maild.domain.token import Scope

NOWHERE = "invalid"  # RFC 2606: the domain of a requester who left no address


@dataclass(frozen=True, slots=True, kw_only=True)
class Notice:
    """ "This person should hear of this": by which template, why, and what their answer will mean."""

    template: str
    to: Person
    scope: Scope
    reason: str  # in words, for the foot of the mail
    agent: str = ""  # the agent's name when an agent is told
    person_wrote: bool = False  # a person's own words: not an automatic mail (RFC 3834)
    hold: timedelta = timedelta(0)
    steps: tuple[events.Escalated, ...] = ()  # SLA notices


@dataclass(frozen=True, slots=True)
class Happening:
    """What just happened to a ticket: its state after, the facts, who did it, and whether an acknowledgement is due."""

    after: Ticket
    facts: tuple[Event, ...]
    actor: Actor
    acknowledge: bool = False


_Told = tuple[Agent, str]


def notices_for(happening: Happening, policy: Policy) -> tuple[Notice, ...]:
    """All notices of a happening, customers' first."""
    told: dict[str, Notice] = {}
    for row in AUDIENCES:
        if not any(row.concerns(fact, happening) for fact in happening.facts):
            continue
        for agent, reason in row.audience(happening, policy.directory):
            if agent.name == happening.actor.name and happening.actor.role is Role.AGENT:
                continue
            notice = Notice(template=row.template, to=agent.person, scope=row.scope, reason=reason, agent=agent.name)
            told.setdefault(agent.name, notice)
    return (*_customer_notices(happening, policy), *told.values())


# -- customers ------------------------------------------------------------------------------------------------


def _customer_notices(happening: Happening, policy: Policy) -> list[Notice]:
    ticket = happening.after
    if ticket.status is Status.SPAM:
        return []
    facts = happening.facts
    if any(isinstance(fact, events.Replied) for fact in facts):
        return [_reply_to(person, reason, policy.hold) for person, reason in _correspondents(happening)]
    made = []
    if happening.acknowledge and any(isinstance(fact, events.Opened) for fact in facts):
        made.append(_to_requester(ticket, "acknowledgement", "you wrote to us"))
    if happening.actor.role is Role.AGENT and any(_ends(fact) for fact in facts):
        made.append(_to_requester(ticket, "closed", "you opened this ticket"))
    return [notice for notice in made if reachable(notice.to)]


def reachable(person: Person) -> bool:
    """False for requesters without an address."""
    return person.address.domain != NOWHERE


def _correspondents(happening: Happening) -> list[tuple[Person, str]]:
    ticket = happening.after
    people = [(ticket.requester, "you opened this ticket")]
    people += [(p.person, "you take part in this ticket") for p in ticket.participants if p.role == "cc"]
    return [(person, why) for person, why in people if reachable(person)]


def _reply_to(person: Person, reason: str, hold: timedelta) -> Notice:
    return Notice(template="reply", to=person, scope=Scope.USER, reason=reason, person_wrote=True, hold=hold)


def _to_requester(ticket: Ticket, template: str, reason: str) -> Notice:
    return Notice(template=template, to=ticket.requester, scope=Scope.USER, reason=reason)


def _ends(fact: Event) -> bool:
    return isinstance(fact, events.StatusChanged) and fact.status in {Status.RESOLVED, Status.CLOSED}


# -- agents: who is in charge ---------------------------------------------------------------------------------


def in_charge(ticket: Ticket, directory: Directory) -> list[_Told]:
    """The assignee; without one the team, else the department, else its manager, else the admins: never nobody."""
    assignee = directory.agent(ticket.assignee)
    if assignee:
        return [(assignee, "the ticket is assigned to you")]
    if members := directory.members(ticket.team):
        return [(agent, f"you are in the team {ticket.team}") for agent in members]
    if colleagues := directory.agents_of(ticket.department):
        return [(agent, f"you work in the department {ticket.department}") for agent in colleagues]
    return _last_resort(ticket, directory)


def _last_resort(ticket: Ticket, directory: Directory) -> list[_Told]:
    department = directory.department(ticket.department)
    manager = directory.agent(department.manager) if department else None
    if manager:
        return [(manager, f"you manage the department {ticket.department}")]
    return [(agent, "nobody else is in charge of this ticket") for agent in directory.admins() or directory.agents[:1]]


def _charged(happening: Happening, directory: Directory) -> list[_Told]:
    return in_charge(happening.after, directory)


def _assigned(happening: Happening, directory: Directory) -> list[_Told]:
    ticket = happening.after
    assignee = directory.agent(ticket.assignee)
    if assignee:
        return [(assignee, "the ticket was assigned to you")]
    return [(agent, f"the ticket was given to your team {ticket.team}") for agent in directory.members(ticket.team)]


def _assignee_or_team(happening: Happening, directory: Directory) -> list[_Told]:
    """For what colleagues write: a whole department is not woken by it."""
    ticket = happening.after
    return in_charge(ticket, directory) if ticket.assignee or directory.members(ticket.team) else []


# -- the table ------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Audience:
    """One row: which fact, whom it concerns, how it is told. Rows further up win for a person who is told twice."""

    template: str
    scope: Scope
    concerns: Callable[[Event, Happening], bool]
    audience: Callable[[Happening, Directory], list[_Told]]
    why: str


def _is(*kinds: type[Event]) -> Callable[[Event, Happening], bool]:
    return lambda fact, happening: isinstance(fact, kinds)


def _given_away(fact: Event, happening: Happening) -> bool:
    """An assignment to somebody; taking a ticket concerns nobody else, and one that opens assigned is told as new."""
    return isinstance(fact, events.Assigned) and bool(fact.assignee or fact.team)


def _from_outside(fact: Event, happening: Happening) -> bool:
    return isinstance(fact, events.MessageReceived) and not fact.automatic


AUDIENCES: tuple[Audience, ...] = (
    Audience("new-ticket", Scope.REPLY, _is(events.Opened), _charged, "a customer waits: the answer goes to them"),
    Audience("assigned", Scope.NOTE, _given_away, _assigned, "an answer to a colleague's act stays inside"),
    Audience("message", Scope.REPLY, _from_outside, _charged, "the customer wrote: the answer goes to them"),
    Audience("transferred", Scope.NOTE, _is(events.Transferred), _charged, "the new department must know"),
    Audience("message", Scope.REPLY, _is(events.Replied), _assignee_or_team, "a colleague answered in my ticket"),
    Audience("note", Scope.NOTE, _is(events.Noted), _assignee_or_team, "an answer to a note can only be a note"),
    Audience("note", Scope.NOTE, _is(events.Bounced, events.MailHeld), _charged, "somebody must look after it"),
)


def feedback(agent: Agent, scope: Scope) -> Notice:
    """The transcript for an agent whose mail asked for something that was not, or could not be, done."""
    return Notice(
        template="feedback", to=agent.person, scope=scope, reason="you sent a mail with commands", agent=agent.name
    )


def strongest(notices: Sequence[Notice]) -> tuple[Notice, ...]:
    """One notice per recipient, the first one."""
    kept: dict[str, Notice] = {}
    for notice in notices:
        kept.setdefault(notice.to.address.key, notice)
    return tuple(kept.values())
