"""Which tickets an agent may see, find and change.

Agents see the tickets of departments that they work in or manage, of their teams, those assigned to them, and
those whose notes mention them. Managers and admins see all others too, except in private departments. Nobody
else sees the tickets of a private department."""

from __future__ import annotations

from dataclasses import dataclass

from maild.domain.people.directory import Agent, AgentRole, Directory, name_key
from maild.domain.tickets.ticket import Ticket


@dataclass(frozen=True, slots=True)
class Sight:
    """What one agent can see. Departments and teams are written as in the configuration.

    `all_but` holds the departments that a view of everything leaves out; None means there is no such view."""

    agent: str
    departments: tuple[str, ...] = ()
    teams: tuple[str, ...] = ()
    all_but: tuple[str, ...] | None = None

    def sees(self, ticket: Ticket) -> bool:
        """Tell whether the ticket is in sight."""
        related = (
            name_key(ticket.assignee) == name_key(self.agent),
            any(name_key(name) == name_key(self.agent) for name in ticket.mentioned),
            _among(ticket.department, self.departments),
            _among(ticket.team, self.teams),
        )
        if any(related):
            return True
        return self.all_but is not None and not _among(ticket.department, self.all_but)


def sight_of(agent: Agent, directory: Directory) -> Sight:
    """Return what this agent may see."""
    departments = tuple(d.name for d in directory.departments if _in_department(agent, d.name, d.manager))
    teams = tuple(team.name for team in directory.teams if _among(agent.name, (*team.members, team.lead)))
    if agent.role is AgentRole.AGENT:
        return Sight(agent.name, departments, teams)
    private = tuple(d.name for d in directory.departments if d.private and d.name not in departments)
    return Sight(agent.name, departments, teams, private)


def may_see(agent: Agent, ticket: Ticket, directory: Directory) -> bool:
    """Tell whether the agent may see the ticket, and so find and change it."""
    return sight_of(agent, directory).sees(ticket)


def _in_department(agent: Agent, department: str, manager: str) -> bool:
    return _among(department, agent.departments) or _among(agent.name, (manager,))


def _among(name: str, names: tuple[str, ...]) -> bool:
    wanted = name_key(name)
    return bool(wanted) and any(name_key(other) == wanted for other in names)
