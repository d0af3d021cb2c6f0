"""One agent as the admin sees them: who they are, what they wish to hear, whether they are there."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from maild.domain.complaint import Complaint
from maild.domain.people import Agent
from maild.domain.timing import Reader
from maild.domain.wishes import Wishes, in_words, read_wish
from maild.ports import Listing, OpenUnitOfWork
from maild.services.helpdesk import Helpdesk


def agent_document(open_unit: OpenUnitOfWork, helpdesk: Helpdesk, agent: Agent, now: datetime) -> dict[str, Any]:
    """Everything about an agent that is not a secret: names, place, wishes, absence, signature, open tickets."""
    with open_unit(reading=True) as unit:
        kept = unit.preferences.of(agent.name)
        away = unit.people.absent(now).get(agent.name)
        signature = unit.people.signature(agent)
        tickets = len(unit.tickets.listing(Listing(statuses=("open", "waiting"), assignee=agent.name)))
    zone = helpdesk.clock_of(agent)
    wishes = Wishes.of(kept)
    quiet = Reader.of(agent, wishes, helpdesk.policy.rhythm, ZoneInfo(zone)).quiet
    return {
        "name": agent.name,
        "display": agent.shown,
        "addresses": [str(address) for address in agent.addresses],
        "role": agent.role.value,
        "departments": list(agent.departments),
        "teams": [team.name for team in helpdesk.policy.directory.teams if agent.name in team.members],
        "timezone": zone,
        "quiet": quiet.shown if quiet else None,
        "wishes": dict(kept),
        "away_until": away.isoformat() if away else None,
        "substitute": wishes.substitute or None,
        "signature": signature,
        "tickets": tickets,
    }


def wishes_of(open_unit: OpenUnitOfWork, agent: Agent) -> tuple[str, ...]:
    """What an agent wishes, in the words that would say it."""
    with open_unit(reading=True) as unit:
        return in_words(unit.preferences.of(agent.name))


def wish(
    open_unit: OpenUnitOfWork, helpdesk: Helpdesk, agent: Agent, words: str, now: datetime
) -> Mapping[str, Any] | Complaint:
    """Keep a wish for an agent, as if they had mailed it -> what changed, or why it cannot be."""
    wanted = read_wish(words, helpdesk.policy.directory)
    if isinstance(wanted, Complaint):
        return wanted
    if wanted.get("substitute") == agent.name:
        return Complaint(f"{agent.name} cannot stand in for themselves")
    with open_unit() as unit:
        unit.preferences.change(agent.name, wanted, now)
        unit.commit()
    return wanted
