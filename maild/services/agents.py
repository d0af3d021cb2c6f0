"""One agent as the admin sees them: who they are, what they want to hear, whether they are there."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from maild.domain.agent_mail.agent_mail import ADMIN
from maild.domain.decision import Decision, Outcome
from maild.domain.invalid import Invalid
from maild.domain.notices.pacing import NoticeReader
from maild.domain.people.directory import Agent
from maild.domain.people.preferences import Preferences, in_words, read_wish
from maild.domain.tickets.events import Assigned
from maild.ports import Listing, OpenUnitOfWork
from maild.services.apply.decision import apply_decision
from maild.services.helpdesk import Helpdesk
from maild.services.work import Work


def agent_document(open_unit: OpenUnitOfWork, helpdesk: Helpdesk, agent: Agent, now: datetime) -> dict[str, Any]:
    """Return everything about an agent that is not secret: names, place, preferences, absence, signature, open
    tickets."""
    with open_unit(reading=True) as unit:
        kept = unit.preferences.of(agent.name)
        away = unit.people.absent(now).get(agent.name)
        signature = unit.people.signature(agent)
        tickets = len(unit.tickets.listing(Listing(statuses=("open", "waiting"), assignee=agent.name)))
    zone = helpdesk.clock_of(agent)
    preferences = Preferences.of(kept)
    quiet = NoticeReader.of(agent, preferences, helpdesk.policy.rhythm, ZoneInfo(zone)).quiet
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
        "substitute": preferences.substitute or None,
        "signature": signature,
        "tickets": tickets,
    }


def wishes_of(open_unit: OpenUnitOfWork, agent: Agent) -> tuple[str, ...]:
    """Return an agent's preferences, in the words that would set them."""
    with open_unit(reading=True) as unit:
        return in_words(unit.preferences.of(agent.name))


def wish(
    open_unit: OpenUnitOfWork, helpdesk: Helpdesk, agent: Agent, words: str, now: datetime
) -> Mapping[str, Any] | Invalid:
    """Store a preference for an agent, as if they had mailed it. Returns what changed, or why it cannot be stored."""
    wanted = read_wish(words, helpdesk.policy.directory)
    if isinstance(wanted, Invalid):
        return wanted
    if wanted.get("substitute") == agent.name:
        return Invalid(f"{agent.name} cannot stand in for themselves")
    with open_unit() as unit:
        unit.preferences.change(agent.name, wanted, now)
        unit.commit()
    return wanted


@dataclass(frozen=True, slots=True)
class Revoked:
    """What revoking an agent's marks came to. `named_in` are the lines of the configuration that still name them."""

    reassigned: tuple[int, ...]
    named_in: tuple[str, ...]


def revoke(open_unit: OpenUnitOfWork, helpdesk: Helpdesk, agent: Agent, to: Agent | None, now: datetime) -> Revoked:
    """Make every reply address, button and Message-ID of an agent worthless. `to` takes over their tickets.

    It is one transaction: nobody is left with half of it."""
    moved = []
    with open_unit() as unit:
        unit.people.revoke(agent.name, unit.outbox.next_id())
        theirs = unit.tickets.listing(Listing(statuses=("open", "waiting"), assignee=agent.name)) if to else []
        for listed in theirs:
            ticket = unit.tickets.get(listed.ticket.number)
            if ticket is None or to is None:
                continue
            event = Assigned(at=max(now, ticket.updated_at), by=ADMIN, assignee=to.name, team=ticket.team)
            decision = Decision(Outcome.COMMANDED, f"{agent.name} left", (event,), actor=ADMIN)
            apply_decision(Work(unit, helpdesk, now, f"revoke-{ticket.number}"), decision, ticket)
            moved.append(ticket.number)
        unit.commit()
    return Revoked(tuple(moved), named_in(agent, helpdesk))


def named_in(agent: Agent, helpdesk: Helpdesk) -> tuple[str, ...]:
    """Return where the configuration names an agent, so that the admin can remove them everywhere."""
    policy, settings = helpdesk.policy, helpdesk.settings
    found = [f"[[agent]] {agent.name}"]
    found += [f"[[team]] {team.name}" for team in policy.directory.teams if agent.name in (*team.members, team.lead)]
    found += [
        f"[[department]] {each.name} manager" for each in policy.directory.departments if each.manager == agent.name
    ]
    found += [f"[[topic]] {topic.name} assignee" for topic in settings.topics if topic.assignee == agent.name]
    numbered = enumerate(settings.rules, 1)
    found += [f"[[rule]] {number} assignee" for number, rule in numbered if rule.assignee == agent.name]
    customers = policy.directory.organisations
    found += [f"[[organisation]] {each.name} contacts" for each in customers if agent.name in each.followers]
    found += [f"[[rota]] {rota.name}" for rota in policy.directory.rotas if agent.name in rota.names]
    for plan in policy.plans.values():
        for step in plan.steps:
            if step.reassign == agent.name or f"agent:{agent.name}" in (*step.notify, *step.page):
                found.append(f"[[sla_plan]] {plan.name} step {step.key}")
    return tuple(found)
