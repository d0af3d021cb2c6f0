"""Who is told: circles of people around a ticket, and who stands in for those who are away."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from zoneinfo import ZoneInfo

from maild.domain.people.directory import Address, Agent, Directory, name_key
from maild.domain.people.preferences import ALL_IN, Interest, Readers
from maild.domain.people.rotas import Rota
from maild.domain.tickets.ticket import Ticket
from maild.domain.tickets.visibility import may_see
from maild.domain.times.moments import shown_when


@dataclass(frozen=True, slots=True)
class Recipient:
    """Somebody to tell, the reason in words for the foot of the mail, and their interest in the ticket."""

    agent: Agent
    reason: str
    claim: Interest
    in_place: bool = False  # of somebody whom no alarm reaches: nobody else is told


@dataclass(frozen=True, slots=True)
class Roster:
    """Everybody in the configuration and how they are today, for the ticket they would be told of (if one is
    given).

    Agents who may not see that ticket are skipped."""

    directory: Directory
    readers: Readers = ALL_IN
    zone: str = "UTC"  # of whoever has none of their own
    about: Ticket | None = None

    def sees(self, agent: Agent) -> bool:
        """Tell whether this agent may be told what is in the ticket."""
        return self.about is None or may_see(agent, self.about, self.directory)

    def away(self, agent: Agent) -> bool:
        """Tell whether this agent is away.

        When everybody who may be told is away, nobody counts as away: mail then waits in their mailboxes, not
        with us."""
        gone = self.readers.away
        return agent.name in gone and any(each.name not in gone and self.sees(each) for each in self.directory.agents)

    def instead(self, told: Recipient) -> Recipient | None:
        """Return the recipient, or who stands in for them while they are away; None when nobody does."""
        if not self.away(told.agent):
            return told
        standing = self.readers.stand_in(told.agent, self.directory, self.sees)
        return (
            Recipient(standing, f"{self.gone(told.agent, standing)}, and you stand in", told.claim)
            if standing
            else None
        )

    def without(self, agent: Agent, others: Iterable[Recipient]) -> list[Recipient]:
        """Return others who are told because this agent is away."""
        return [replace(told, reason=f"{self.gone(agent, told.agent)}, and {told.reason}") for told in others]

    def gone(self, agent: Agent, reader: Agent) -> str:
        """Return "Jane Doe is away until Mon 4 May 09:00", on the reader's clock."""
        until = shown_when(self.readers.away[agent.name], ZoneInfo(reader.timezone or self.zone))
        return f"{agent.shown} is away until {until}"


Wants = Callable[[Recipient], bool]


def in_charge(
    ticket: Ticket, roster: Roster, but: Address | None = None, wants: Wants = lambda told: True
) -> list[Recipient]:
    """Return the assignee, else the team, else the department, else its manager, else the admins. Never nobody.

    `but` is an address that mail does not reach; its reader is skipped. The first circle counts in which
    somebody is there and `wants` to be told. For an absent assignee this is their substitute, or else the next
    circle."""
    assignee = roster.directory.agent(ticket.assignee)
    lost = roster.directory.agent_at(but) if but else None
    if assignee is None or assignee == lost:
        return _first(around(ticket, roster), roster, lost, wants)
    own = Recipient(assignee, "the ticket is assigned to you", Interest.OWNER)
    standing = roster.instead(own)
    if standing is None:
        return roster.without(assignee, _first(around(ticket, roster, assignee), roster, lost, wants))
    if standing.agent == lost:
        return _first(around(ticket, roster), roster, lost, wants)
    return [standing]


def newly_in_charge(ticket: Ticket, roster: Roster, wants: Wants = lambda told: True) -> list[Recipient]:
    """Return who hears of a new ticket: who is on duty for it while it has no owner, else who is in charge."""
    duty = [] if ticket.assignee else on_duty(ticket, roster, wide=False)
    told = _first([duty], roster, None, wants) if duty else []
    return told or in_charge(ticket, roster, wants=wants)


def on_duty(ticket: Ticket, roster: Roster, rota: str = "", *, wide: bool = True) -> list[Recipient]:
    """Return who is on duty for a ticket now and may see it: by the rotas that cover it, or by the named rota."""
    directory, duty = roster.directory, roster.readers.duty
    named = directory.rota(rota) if rota else None
    rotas = covering(ticket, directory.rotas, wide=wide) if not rota else (named,) if named else ()
    found = {name: each.name for each in reversed(rotas) for name in reversed(duty.get(each.name, ()))}
    agents = [(agent, by) for name, by in reversed(found.items()) if (agent := directory.agent(name))]
    return [
        Recipient(agent, f"you are on duty ({by})", Interest.CIRCLE)
        for agent, by in agents
        if may_see(agent, ticket, directory)
    ]


def covering(ticket: Ticket, rotas: Sequence[Rota], *, wide: bool = True) -> tuple[Rota, ...]:
    """Return the rotas of a ticket: its team's, else its department's, else those of all.

    Not `wide`: a ticket of a team belongs only to the rotas of that team."""
    team = tuple(rota for rota in rotas if rota.team and name_key(rota.team) == name_key(ticket.team))
    if team or (ticket.team and not wide):
        return team
    department = tuple(r for r in rotas if r.department and name_key(r.department) == name_key(ticket.department))
    return department or tuple(rota for rota in rotas if not rota.team and not rota.department)


def people_of(ticket: Ticket, roster: Roster, wants: Wants = lambda told: True) -> list[Recipient]:
    """Return who answers for the ticket's department, whoever works on the ticket."""
    return _first(_department(ticket, roster.directory), roster, None, wants)


def given_to(ticket: Ticket, roster: Roster) -> list[Recipient]:
    """Return who has just got the ticket: the assignee or else the team; () when it was taken from somebody."""
    assignee, team = roster.directory.agent(ticket.assignee), roster.directory.members(ticket.team)
    if assignee is not None:
        standing = roster.instead(Recipient(assignee, "the ticket was assigned to you", Interest.NAMED))
        return [standing] if standing else in_charge(ticket, roster)
    members = [Recipient(agent, f"the ticket was given to your team {ticket.team}", Interest.CIRCLE) for agent in team]
    there = _first([members], roster, None, lambda told: True)
    return there or (in_charge(ticket, roster) if members else [])


def around(ticket: Ticket, roster: Roster, owner: Agent | None = None) -> list[list[Recipient]]:
    """Return the circles around a ticket that has no owner, or whose `owner` is away: the nearest first."""
    directory = roster.directory
    found, team = directory.team(ticket.team), directory.members(ticket.team)
    lead = directory.agent(found.lead) if found else None
    *department, admins = _department(ticket, directory)
    teams = [each for each in directory.teams if owner is not None and owner.name in each.members]
    leads = [(leader, each.name) for each in teams if (leader := directory.agent(each.lead)) and leader != owner]
    return [
        [Recipient(agent, f"you are in the team {ticket.team}", Interest.CIRCLE) for agent in team],
        [Recipient(lead, f"you lead the team {ticket.team}", Interest.CIRCLE)] if lead else [],
        *department,
        [Recipient(leader, f"you lead their team {name}", Interest.CIRCLE) for leader, name in leads],
        admins,
    ]


def _department(ticket: Ticket, directory: Directory) -> list[list[Recipient]]:
    """Return who stands in for a department: its people, else its manager, else the admins."""
    department = directory.department(ticket.department)
    manager = directory.agent(department.manager) if department else None
    people = directory.agents_of(ticket.department)
    return [
        [Recipient(agent, f"you work in the department {ticket.department}", Interest.CIRCLE) for agent in people],
        [Recipient(manager, f"you manage the department {ticket.department}", Interest.CIRCLE)] if manager else [],
        [
            Recipient(agent, "nobody else is in charge of this ticket", Interest.CIRCLE)
            for agent in directory.admins() or directory.agents[:1]
        ],
    ]


def _first(circles: Sequence[Sequence[Recipient]], roster: Roster, lost: Agent | None, wants: Wants) -> list[Recipient]:
    """Return the first circle in which somebody can be told: those who are there, or who stand in for all of them.

    When no circle may see the ticket, this is anybody who may."""
    seeing = [[told for told in circle if roster.sees(told.agent)] for circle in circles]
    if any(circles) and not any(seeing):
        reason = "nobody else is in charge of this ticket"
        seeing = [
            [Recipient(agent, reason, Interest.CIRCLE) for agent in roster.directory.agents if roster.sees(agent)]
        ]
    for circle in seeing:
        there = [told for told in circle if not roster.away(told.agent)]
        standing = there or [stand_in for told in circle if (stand_in := roster.instead(told))]
        able = {told.agent.name: told for told in reversed(standing) if told.agent != lost and wants(told)}
        if able:
            return list(reversed(able.values()))
    return []
