"""Who hears of what: one ordered table of audiences. Never the actor; one mail a person, the strongest reason wins."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from maild.domain import events
from maild.domain.buttons import DROP_TEXT, KEEP_AS_NOTE, SEND_TEXT
from maild.domain.customer_notices import answerable as answerable
from maild.domain.customer_notices import customer_notices
from maild.domain.customer_notices import reachable as reachable
from maild.domain.events import Actor, Event
from maild.domain.notice import NOWHERE as NOWHERE
from maild.domain.notice import Happening as Happening
from maild.domain.notice import Notice as Notice
from maild.domain.people import Address, Agent, Directory, Role
from maild.domain.policy import Policy
from maild.domain.ratings import Rating
from maild.domain.ticket import Status, Ticket
from maild.domain.token import Scope

_Told = tuple[Agent, str]


def notices_for(happening: Happening, policy: Policy) -> tuple[Notice, ...]:
    """All notices of a happening, customers' first."""
    told: dict[str, Notice] = {}
    if happening.after.status is Status.SPAM:
        return ()
    for row in AUDIENCES:
        if not any(row.concerns(fact, happening) for fact in happening.facts):
            continue
        for agent, reason in row.audience(happening, policy.directory):
            if _is_actor(agent, happening.actor):
                continue
            # Where nobody outside can be reached, a mail must not promise that its answer goes there.
            scope = row.scope if answerable(happening.after) else Scope.NOTE
            notice = Notice(template=row.template, to=agent.person, scope=scope, reason=reason, agent=agent.name)
            told.setdefault(agent.name, notice)
    return (*customer_notices(happening, policy), *told.values())


def _is_actor(agent: Agent, actor: Actor) -> bool:
    """Did this agent do it: as an agent, or as somebody who has a ticket of their own?"""
    if actor.role is Role.AGENT:
        return agent.name == actor.name
    return Address.read(actor.address) in agent.addresses


# -- agents: who is in charge ---------------------------------------------------------------------------------


def in_charge(ticket: Ticket, directory: Directory, but: Address | None = None) -> list[_Told]:
    """The assignee; without one the team, else the department, else its manager, else the admins: never nobody.

    `but` is an address that no mail reaches: who reads it is passed over."""
    away = directory.agent_at(but) if but else None
    circles = (
        _assignee(ticket, directory),
        [(agent, f"you are in the team {ticket.team}") for agent in directory.members(ticket.team)],
        *_department(ticket, directory),
    )
    return next((told for circle in circles if (told := [pair for pair in circle if pair[0] != away])), [])


def _assignee(ticket: Ticket, directory: Directory) -> list[_Told]:
    assignee = directory.agent(ticket.assignee)
    return [(assignee, "the ticket is assigned to you")] if assignee else []


def _department(ticket: Ticket, directory: Directory) -> tuple[list[_Told], ...]:
    """Who stands in for a department: its people, else its manager, else the admins."""
    department = directory.department(ticket.department)
    manager = directory.agent(department.manager) if department else None
    people = directory.agents_of(ticket.department)
    return (
        [(agent, f"you work in the department {ticket.department}") for agent in people],
        [(manager, f"you manage the department {ticket.department}")] if manager else [],
        [(agent, "nobody else is in charge of this ticket") for agent in directory.admins() or directory.agents[:1]],
    )


def _charged(happening: Happening, directory: Directory) -> list[_Told]:
    return in_charge(happening.after, directory)


def _moved_to(happening: Happening, directory: Directory) -> list[_Told]:
    """The people of the new department, whoever works on the ticket: without them nobody there would know of it."""
    ticket = happening.after
    people = next((circle for circle in _department(ticket, directory) if circle), [])
    return [*_assignee(ticket, directory), *people]


def _undelivered(happening: Happening, directory: Directory) -> list[_Told]:
    """Who is in charge, but never by a mail to the very address that no mail reaches."""
    lost = next(fact.recipient for fact in happening.facts if isinstance(fact, events.Bounced))
    return in_charge(happening.after, directory, but=Address.read(lost))


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
    return isinstance(fact, events.MessageReceived) and not fact.automatic and not fact.courtesy


def _courtesy(fact: Event, happening: Happening) -> bool:
    return isinstance(fact, events.MessageReceived) and fact.courtesy


def _bad_rating(fact: Event, happening: Happening) -> bool:
    return isinstance(fact, events.Rated) and fact.rating == Rating.BAD


def _woken(fact: Event, happening: Happening) -> bool:
    """The clock opened it again: somebody has to go on with it, if nobody has it the whole department."""
    by_clock = happening.actor.role is Role.SYSTEM
    return by_clock and isinstance(fact, events.StatusChanged) and fact.status == Status.OPEN


AUDIENCES: tuple[Audience, ...] = (
    Audience("new-ticket", Scope.REPLY, _is(events.Opened), _charged, "a customer waits: the answer goes to them"),
    Audience("assigned", Scope.NOTE, _given_away, _assigned, "an answer to a colleague's act stays inside"),
    Audience("message", Scope.REPLY, _from_outside, _charged, "the customer wrote: the answer goes to them"),
    Audience("message", Scope.REPLY, _courtesy, _charged, "for information, with a button to reopen"),
    Audience("transferred", Scope.NOTE, _is(events.Transferred), _moved_to, "the new department must know"),
    Audience("message", Scope.REPLY, _is(events.Replied), _assignee_or_team, "a colleague answered in my ticket"),
    Audience("note", Scope.NOTE, _is(events.Noted), _assignee_or_team, "an answer to a note can only be a note"),
    Audience("note", Scope.NOTE, _woken, _charged, "somebody must go on with it"),
    Audience("note", Scope.NOTE, _bad_rating, _charged, "whoever helped should hear that it did not help"),
    Audience("note", Scope.NOTE, _is(events.MailHeld), _charged, "somebody must look after it"),
    Audience("note", Scope.NOTE, _is(events.Bounced), _undelivered, "somebody must look after it"),
)


def feedback(agent: Agent, scope: Scope, *, held: bool = False) -> Notice:
    """The transcript for an agent whose mail asked for something that was not, or could not be, done.

    `held`: text in it waits for their word, which the buttons give; an answer with the mended text takes its place."""
    notice = Notice(
        template="feedback", to=agent.person, scope=scope, reason="you sent a mail with commands", agent=agent.name
    )
    if not held:
        return notice
    return replace(notice, buttons=(SEND_TEXT, KEEP_AS_NOTE, DROP_TEXT), verb="fix-{draft}")


def strongest(notices: Sequence[Notice]) -> tuple[Notice, ...]:
    """One notice per recipient, the first one."""
    kept: dict[str, Notice] = {}
    for notice in notices:
        kept.setdefault(notice.to.address.key, notice)
    return tuple(kept.values())
