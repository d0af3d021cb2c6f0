"""Who is to be told: circles of people around a ticket, and who stands in for those who are away."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from zoneinfo import ZoneInfo

from maild.domain.people.directory import Address, Agent, Directory, name_key
from maild.domain.people.preferences import ALL_IN, Claim, Readers
from maild.domain.people.rotas import Rota
from maild.domain.tickets.ticket import Ticket
from maild.domain.tickets.visibility import may_see
from maild.domain.times.moments import shown_when


@dataclass(frozen=True, slots=True)
class Told:
    """Somebody to tell, why in words for the foot of the mail, and what makes it their affair."""

    agent: Agent
    reason: str
    claim: Claim
    in_place: bool = False  # of somebody whom no alarm reaches: nobody else is told


@dataclass(frozen=True, slots=True)
class Office:
    """Everybody the configuration names, and how they are today: for the ticket that they would be told of, when one
    is given. Who may not see that is passed over."""

    directory: Directory
    readers: Readers = ALL_IN
    zone: str = "UTC"  # of whoever has none of their own
    about: Ticket | None = None

    def sees(self, agent: Agent) -> bool:
        """May this agent be told what is in the ticket?"""
        return self.about is None or may_see(agent, self.about, self.directory)

    def away(self, agent: Agent) -> bool:
        """Is this agent away? Where all are whom it may be told, nobody is: mail then waits in their mailboxes, not
        with us."""
        gone = self.readers.away
        return agent.name in gone and any(each.name not in gone and self.sees(each) for each in self.directory.agents)

    def instead(self, told: Told) -> Told | None:
        """The same for whoever stands in where the agent is away; None when nobody does."""
        if not self.away(told.agent):
            return told
        standing = self.readers.stand_in(told.agent, self.directory, self.sees)
        return Told(standing, f"{self.gone(told.agent, standing)}, and you stand in", told.claim) if standing else None

    def without(self, agent: Agent, others: Iterable[Told]) -> list[Told]:
        """Others, told because this agent is away."""
        return [replace(told, reason=f"{self.gone(agent, told.agent)}, and {told.reason}") for told in others]

    def gone(self, agent: Agent, reader: Agent) -> str:
        """ "Jane Doe is away until Mon 4 May 09:00", on the reader's clock."""
        until = shown_when(self.readers.away[agent.name], ZoneInfo(reader.timezone or self.zone))
        return f"{agent.shown} is away until {until}"


Wants = Callable[[Told], bool]


def in_charge(
    ticket: Ticket, office: Office, but: Address | None = None, wants: Wants = lambda told: True
) -> list[Told]:
    """The assignee; without one the team, else the department, else its manager, else the admins: never nobody.

    `but` is an address that no mail reaches: who reads it is passed over. The first circle counts in which anybody
    is there and `wants` to be told; for an assignee who is away their substitute is, or else the next circle."""
    assignee = office.directory.agent(ticket.assignee)
    lost = office.directory.agent_at(but) if but else None
    if assignee is None or assignee == lost:
        return _first(around(ticket, office), office, lost, wants)
    own = Told(assignee, "the ticket is assigned to you", Claim.OWNER)
    standing = office.instead(own)
    if standing is None:
        return office.without(assignee, _first(around(ticket, office, assignee), office, lost, wants))
    if standing.agent == lost:
        return _first(around(ticket, office), office, lost, wants)
    return [standing]


def newly_in_charge(ticket: Ticket, office: Office, wants: Wants = lambda told: True) -> list[Told]:
    """Who hears of a ticket that has just come: who is on duty for it while nobody has it, else who is in charge."""
    duty = [] if ticket.assignee else on_duty(ticket, office, wide=False)
    told = _first([duty], office, None, wants) if duty else []
    return told or in_charge(ticket, office, wants=wants)


def on_duty(ticket: Ticket, office: Office, rota: str = "", *, wide: bool = True) -> list[Told]:
    """Who is on duty for a ticket now and may see it: by the rotas that cover it (`covering`), or by the one named."""
    directory, duty = office.directory, office.readers.duty
    named = directory.rota(rota) if rota else None
    rotas = covering(ticket, directory.rotas, wide=wide) if not rota else (named,) if named else ()
    found = {name: each.name for each in reversed(rotas) for name in reversed(duty.get(each.name, ()))}
    agents = [(agent, by) for name, by in reversed(found.items()) if (agent := directory.agent(name))]
    return [
        Told(agent, f"you are on duty ({by})", Claim.CIRCLE)
        for agent, by in agents
        if may_see(agent, ticket, directory)
    ]


def covering(ticket: Ticket, rotas: Sequence[Rota], *, wide: bool = True) -> tuple[Rota, ...]:
    """The rotas that a ticket belongs to: its team's, else its department's, else those of all. Not `wide`: a ticket
    that a team has belongs to the rotas of that team alone."""
    team = tuple(rota for rota in rotas if rota.team and name_key(rota.team) == name_key(ticket.team))
    if team or (ticket.team and not wide):
        return team
    department = tuple(r for r in rotas if r.department and name_key(r.department) == name_key(ticket.department))
    return department or tuple(rota for rota in rotas if not rota.team and not rota.department)


def people_of(ticket: Ticket, office: Office, wants: Wants = lambda told: True) -> list[Told]:
    """Who answers for the ticket's department, whoever works on the ticket."""
    return _first(_department(ticket, office.directory), office, None, wants)


def given_to(ticket: Ticket, office: Office) -> list[Told]:
    """Who has just got the ticket: the assignee, or else the team; nobody where it was taken from somebody."""
    assignee, team = office.directory.agent(ticket.assignee), office.directory.members(ticket.team)
    if assignee is not None:
        standing = office.instead(Told(assignee, "the ticket was assigned to you", Claim.NAMED))
        return [standing] if standing else in_charge(ticket, office)
    members = [Told(agent, f"the ticket was given to your team {ticket.team}", Claim.CIRCLE) for agent in team]
    there = _first([members], office, None, lambda told: True)
    return there or (in_charge(ticket, office) if members else [])


def around(ticket: Ticket, office: Office, owner: Agent | None = None) -> list[list[Told]]:
    """The circles around a ticket that nobody has, or whose `owner` is away: the nearest first."""
    directory = office.directory
    found, team = directory.team(ticket.team), directory.members(ticket.team)
    lead = directory.agent(found.lead) if found else None
    *department, admins = _department(ticket, directory)
    teams = [each for each in directory.teams if owner is not None and owner.name in each.members]
    leads = [(leader, each.name) for each in teams if (leader := directory.agent(each.lead)) and leader != owner]
    return [
        [Told(agent, f"you are in the team {ticket.team}", Claim.CIRCLE) for agent in team],
        [Told(lead, f"you lead the team {ticket.team}", Claim.CIRCLE)] if lead else [],
        *department,
        [Told(leader, f"you lead their team {name}", Claim.CIRCLE) for leader, name in leads],
        admins,
    ]


def _department(ticket: Ticket, directory: Directory) -> list[list[Told]]:
    """Who stands in for a department: its people, else its manager, else the admins."""
    department = directory.department(ticket.department)
    manager = directory.agent(department.manager) if department else None
    people = directory.agents_of(ticket.department)
    return [
        [Told(agent, f"you work in the department {ticket.department}", Claim.CIRCLE) for agent in people],
        [Told(manager, f"you manage the department {ticket.department}", Claim.CIRCLE)] if manager else [],
        [
            Told(agent, "nobody else is in charge of this ticket", Claim.CIRCLE)
            for agent in directory.admins() or directory.agents[:1]
        ],
    ]


def _first(circles: Sequence[Sequence[Told]], office: Office, lost: Agent | None, wants: Wants) -> list[Told]:
    """The first circle in which anybody can be told: those who are there, or who stand in for all of them. Where no
    circle may see the ticket, whoever may."""
    seeing = [[told for told in circle if office.sees(told.agent)] for circle in circles]
    if any(circles) and not any(seeing):
        reason = "nobody else is in charge of this ticket"
        seeing = [[Told(agent, reason, Claim.CIRCLE) for agent in office.directory.agents if office.sees(agent)]]
    for circle in seeing:
        there = [told for told in circle if not office.away(told.agent)]
        standing = there or [stand_in for told in circle if (stand_in := office.instead(told))]
        able = {told.agent.name: told for told in reversed(standing) if told.agent != lost and wants(told)}
        if able:
            return list(reversed(able.values()))
    return []
