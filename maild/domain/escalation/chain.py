"""Who is asked when an agent is silent, away or out of reach: the chain above them, which never ends in nobody."""

from __future__ import annotations

from collections.abc import Callable, Collection

from maild.domain.notices.recipients import Recipient, Roster
from maild.domain.people.directory import Agent, Directory
from maild.domain.people.preferences import Interest
from maild.domain.tickets.ticket import Ticket
from maild.domain.tickets.visibility import may_see

Why = Callable[[Agent], str]  # to whom it is said -> why they hear of it in the place of somebody else


def above(agent: Agent | None, ticket: Ticket | None, directory: Directory) -> tuple[tuple[Agent, str], ...]:
    """The lead of the ticket's team, else the manager of its department (of one of the agent's, where there is no
    ticket), else the admins, else somebody; each with the reason in words. The agent only when there is nobody else."""
    team = directory.team(ticket.team) if ticket else None
    places = [ticket.department] if ticket else list(agent.departments if agent else ())
    departments = [found for place in places if (found := directory.department(place))]
    circles = (
        [(directory.agent(team.lead), f"you lead the team {team.name}")] if team else [],
        [(directory.agent(d.manager), f"you manage the department {d.name}") for d in departments],
        [(admin, "you are an admin of this helpdesk") for admin in directory.admins()],
        [(other, "nobody else is there") for other in directory.agents],
    )
    for circle in circles:
        others = tuple((one, reason) for one, reason in circle if one is not None and one != agent)
        if others:
            return others[:1] if circle is circles[-1] else others
    return ((agent, "nobody else is there"),) if agent is not None else ()


def next_in_line(
    agent: Agent | None, ticket: Ticket, roster: Roster, why: Why, but: Collection[str] = frozenset()
) -> list[Recipient]:
    """Who hears of a ticket's alarm in the place of an agent (None: of an address that is nobody's).

    The first circle of whom anybody is there, may see the ticket, and is not among `but` (names): the agent's
    substitute; the lead of the ticket's team (else of the agent's own); the manager of its department; the admins; its
    people. When all of them are away the admins hear of it all the same, or whoever else may see it. [] when `but` are
    all there are."""
    circles = _above(agent, ticket, roster)
    able = [
        [(one, words) for one, words in circle if one.name not in but and may_see(one, ticket, roster.directory)]
        for circle in circles
    ]
    there = [[(one, words) for one, words in circle if one.name not in roster.readers.away] for circle in able]
    substitute, leads, manager, admins, people = able
    found = next(filter(None, (*there, admins, manager, leads, people, substitute)), [])
    return [
        Recipient(one, ", and ".join(filter(None, (why(one), words))), Interest.OWNER, True) for one, words in found
    ]


def _above(agent: Agent | None, ticket: Ticket, roster: Roster) -> tuple[list[tuple[Agent, str]], ...]:
    """The circles in their order: each agent with the reason in words."""
    directory = roster.directory

    def sees(other: Agent) -> bool:
        return may_see(other, ticket, directory)

    substitute = roster.readers.stand_in(agent, directory, sees) if agent is not None else None
    team, department = directory.team(ticket.team), directory.department(ticket.department)
    own = [each for each in directory.teams if agent is not None and agent.name in each.members]
    lead = directory.agent(team.lead) if team else None
    leads = [(lead, f"you lead the team {ticket.team}")] if lead else []
    leads = leads or [(one, f"you lead their team {each.name}") for each in own if (one := directory.agent(each.lead))]
    manager = directory.agent(department.manager) if department else None
    return (
        [(substitute, "you stand in")] if substitute else [],
        leads,
        [(manager, f"you manage the department {ticket.department}")] if manager else [],
        [(admin, "you are an admin of this helpdesk") for admin in directory.admins()],
        [(one, f"you work in the department {ticket.department}") for one in directory.agents_of(ticket.department)],
    )
