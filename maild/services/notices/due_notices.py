"""How agents are today: what they wish to hear, who of them is away. And who is told then."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from maild.domain.notices.agent_notices import Notice, TicketChange, concerns_agents, notices_for
from maild.domain.people.preferences import ALL_IN, Preferences, Readers
from maild.domain.people.rotas import on_duty
from maild.domain.policy import Policy
from maild.domain.sla.alarm_acks import wondering
from maild.domain.tickets.events import Assigned
from maild.ports import UnitOfWork


def readers_of(unit: UnitOfWork, policy: Policy, now: datetime) -> Readers:
    preferences = {agent: Preferences.of(kept) for agent, kept in unit.preferences.all().items()}
    duty = {rota.name: on_duty(rota, now) for rota in policy.directory.rotas}
    return Readers(preferences, unit.people.absent(now), duty)


def notices_of(unit: UnitOfWork, happening: TicketChange, policy: Policy, now: datetime) -> tuple[Notice, ...]:
    """Who hears of a happening. The store is asked only where it concerns any agent."""
    if any(isinstance(fact, Assigned) for fact in happening.facts):
        happening = replace(happening, alarmed=wondering(unit.tickets.history(happening.after.number)))
    readers = readers_of(unit, policy, now) if concerns_agents(happening) else ALL_IN
    return notices_for(happening, policy, readers)
