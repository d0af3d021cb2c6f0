"""Digests: what waits for an agent, at the time that they wished for it. Each row can be answered, as in any list."""

from __future__ import annotations

from datetime import datetime
from functools import partial
from typing import Any
from zoneinfo import ZoneInfo

from maild.domain.buttons import MOST, Button
from maild.domain.decide.buttons import MAKE
from maild.domain.digests import period_of
from maild.domain.people import Agent, AgentRole
from maild.domain.question import Filter
from maild.domain.ticket import Status
from maild.domain.token import Scope
from maild.domain.wishes import Wishes
from maild.ports import InboundState, KeptMail, ListedTicket, OpenUnitOfWork, Snapshot, UnitOfWork
from maild.services.helpdesk import Helpdesk
from maild.services.isolation import isolated
from maild.services.letters import BY_ITSELF, Letter, post
from maild.services.listing import listing_of, rows_of, sight_for

KIND = "digest"
_MOST_ROWS = 50  # of one mail
_MOST_UNHEARD = 20  # alarms that reached nobody
_MOST_JUNK = 20  # mails of a spam folder that are named
_COUNTED_JUNK = 500  # and that are counted
_TEMPLATE = "list"


def make_digests(open_unit: OpenUnitOfWork, helpdesk: Helpdesk, now: datetime) -> int:
    """Make the digests whose period has begun -> how many were mailed. One without a row is none."""
    with open_unit(reading=True) as unit:
        wishes = {name: Wishes.of(kept) for name, kept in unit.preferences.all().items()}
    made = 0
    for agent in helpdesk.policy.directory.agents:
        wish = wishes[agent.name].digest if agent.name in wishes else None
        period = period_of(wish, now, ZoneInfo(helpdesk.clock_of(agent))) if wish is not None else ""
        if period:
            with open_unit() as unit:
                made += bool(isolated(unit, 0, partial(_one, unit, agent, period, helpdesk, now)))
                unit.commit()
    return made


def _one(unit: UnitOfWork, agent: Agent, period: str, helpdesk: Helpdesk, now: datetime) -> bool:
    """One agent's digest of one period -> whether there was anything to tell."""
    if not unit.digests.begin(agent.name, KIND, period, now):
        return False
    numbers: list[int] = []
    sections = [_section(unit, title, wanted, numbers, agent, helpdesk, now) for title, wanted in _conditions(agent)]
    junk = _junk(unit, helpdesk) if agent.role is AgentRole.ADMIN else []
    told = [section for section in sections if section["rows"]]
    if unheard := unit.sla_steps.unheard(_MOST_UNHEARD) if agent.role is AgentRole.ADMIN else []:
        told.insert(0, _unheard_section(unheard))
    if junk:
        told.append(_junk_section(junk))
    if not told:
        return False
    made = Snapshot(agent=agent.name, kind=KIND, asked=period, made_at=now, tickets=tuple(numbers))
    letter = Letter(
        template=_TEMPLATE,
        agent=agent,
        subject=f"Your tickets: {', '.join(section['note'] for section in told)}",
        scope=Scope.DIGEST,
        about=unit.snapshots.add(made),
        reason='you wished for it; "digest off" ends it',
        words={"sections": told},
        buttons=tuple(_make_ticket(kept) for kept in junk[:MOST]),
        automatic=BY_ITSELF,
    )
    post(unit, letter, helpdesk, now, f"digest-{agent.name}-{period}")
    return True


def _junk(unit: UnitOfWork, helpdesk: Helpdesk) -> list[KeptMail]:
    """What waits in the providers' spam folders for a person's word, the newest first."""
    doors = helpdesk.junk_doors
    return unit.inbound.listed(InboundState.HELD, _COUNTED_JUNK + 1, doors)[::-1] if doors else []


def _junk_section(junk: list[KeptMail]) -> dict[str, Any]:
    lines = [f"{kept.id}: {kept.sender[:60]}: {kept.subject[:80]}" for kept in junk[:_MOST_JUNK]]
    count = f"more than {_COUNTED_JUNK}" if len(junk) > _COUNTED_JUNK else str(len(junk))
    more = "; the others: maild held list" if len(junk) > _MOST_JUNK else ""
    note = f"{count} taken for spam by the provider{more}"
    return {"title": "Taken for spam", "note": note, "rows": [], "lines": lines, "text": "", "entries": []}


def _unheard_section(unheard: list[tuple[int, str, str]]) -> dict[str, Any]:
    lines = [f"#{ticket}: {target.replace('-', ' ')} {step}; ask: show {ticket}" for ticket, target, step in unheard]
    note = f"{len(lines)} alarm{'s' if len(lines) > 1 else ''} that reached nobody by mail"
    return {"title": "Alarms that reached nobody", "note": note, "rows": [], "lines": lines, "text": "", "entries": []}


def _make_ticket(kept: KeptMail) -> Button:
    return Button(f"Make ticket of {kept.id}", f"{MAKE}-{kept.id}")


def _conditions(agent: Agent) -> tuple[tuple[str, Filter], ...]:
    """The sections in their order; a ticket stands in the first one that it belongs to."""
    return (
        ("Overdue and yours", Filter(overdue=True, assignee=agent.name)),
        ("Yours, by when they are due", Filter(statuses=(Status.OPEN,), assignee=agent.name)),
        ("Overdue and nobody's", Filter(overdue=True, unassigned=True)),
        ("Nobody's", Filter(statuses=(Status.OPEN,), unassigned=True)),
    )


_SHORT = ("overdue", "yours", "overdue without an owner", "without an owner")


def _section(
    unit: UnitOfWork,
    title: str,
    wanted: Filter,
    numbers: list[int],
    agent: Agent,
    helpdesk: Helpdesk,
    now: datetime,
) -> dict[str, Any]:
    limit = _MOST_ROWS + len(numbers) + 1
    found = unit.tickets.listing(listing_of(wanted, now, sight_for(agent, helpdesk), limit))
    fresh: list[ListedTicket] = [listed for listed in found if listed.ticket.number not in numbers]
    shown = fresh[: _MOST_ROWS - len(numbers)]
    rows = rows_of(shown, helpdesk, now, len(numbers) + 1)
    numbers += [listed.ticket.number for listed in shown]
    kind = _SHORT[[name for name, _ in _conditions(agent)].index(title)]
    more = f" of more than {len(shown)}" if len(fresh) > len(shown) else ""
    note = f"{len(shown)}{more} {kind}"
    return {"title": title, "note": note, "rows": rows, "lines": [], "text": "", "entries": []}
