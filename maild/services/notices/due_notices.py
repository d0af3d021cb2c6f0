"""Who is mailed because of a decision. Whoever carries it out asks here, and so does whoever explains it."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

from maild.domain.decision import Decision
from maild.domain.effects import AlarmAdmin, AskQuery, MessageToAgent
from maild.domain.messages.reply_tokens import Scope
from maild.domain.notices.agent_notices import Notice, TicketChange, concerns_agents, notices_for, strongest
from maild.domain.notices.mail_kinds import Nature
from maild.domain.people.directory import Agent
from maild.domain.people.preferences import ALL_IN, Preferences, Readers
from maild.domain.people.rotas import on_duty
from maild.domain.policy import Policy
from maild.domain.sla.alarm_acks import wondering
from maild.domain.tickets.events import Assigned, Event
from maild.domain.tickets.ticket import Ticket
from maild.ports import UnitOfWork
from maild.services.work import Work

TellsAgent = MessageToAgent | AlarmAdmin | AskQuery


def readers_of(unit: UnitOfWork, policy: Policy, now: datetime) -> Readers:
    """Return how agents are today: what they wish to hear, who is away, who is on duty."""
    preferences = {agent: Preferences.of(kept) for agent, kept in unit.preferences.all().items()}
    duty = {rota.name: on_duty(rota, now) for rota in policy.directory.rotas}
    return Readers(preferences, unit.people.absent(now), duty)


def about_ticket(work: Work, decision: Decision, after: Ticket, events: tuple[Event, ...]) -> tuple[Notice, ...]:
    """Return the notices about the ticket that a decision concerns, customers' and agents'.

    `after` is the ticket with the decision's `events`, whether they are stored yet or not."""
    if not events:
        return decision.mails.notices
    change = TicketChange(after, events, decision.actor, decision.mails.acknowledge, decision.mails.quiet)
    notices = strongest((*decision.mails.notices, *_following(work, change)))
    if decision.mails.mute:
        notices = tuple(notice for notice in notices if not notice.agent)
    hold = _answers_wait(decision, work.now)
    if hold is not None:
        notices = tuple(replace(n, hold=hold) if n.mail_kind.nature is Nature.WORDS else n for n in notices)
    # A receipt says when the answer leaves: that is queued before.
    return tuple(sorted(notices, key=lambda notice: notice.mail_kind.nature is not Nature.WORDS))


def about_no_ticket(work: Work, effect: TellsAgent) -> tuple[Notice, Agent] | None:
    """Return the mail that an effect causes beside any ticket, with its reader; None when they are no agent any more.

    Only agents are written to without a ticket."""
    directory = work.helpdesk.policy.directory
    agent = directory.agent(effect.agent if isinstance(effect, AskQuery) else effect.notice.agent)
    if agent is None:
        return None
    if isinstance(effect, AskQuery):
        told = Notice(template="list", to=agent.person, scope=Scope.QUERY, reason="you asked", agent=agent.name)
        return told, agent
    return effect.notice, agent


def _following(work: Work, change: TicketChange) -> tuple[Notice, ...]:
    """The notices that follow from events. The store is asked only where they concern any agent."""
    unit, policy = work.unit, work.helpdesk.policy
    if any(isinstance(event, Assigned) for event in change.events):
        before = unit.tickets.history(change.after.number)[: change.after.seq - len(change.events)]
        change = replace(change, alarmed=wondering((*before, *change.events)))
    readers = readers_of(unit, policy, work.now) if concerns_agents(change) else ALL_IN
    return notices_for(change, policy, readers)


def _answers_wait(decision: Decision, now: datetime) -> timedelta | None:
    """How long the answer to the customer waits; None: as the configuration says."""
    leaves = decision.mails.answer_leaves
    return max(leaves - now, timedelta(0)) if isinstance(leaves, datetime) else leaves
