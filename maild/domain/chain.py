"""Who is asked when an agent is silent: the chain above them, which never ends in nobody."""

from __future__ import annotations

from maild.domain.people import Agent, Directory
from maild.domain.ticket import Ticket


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
