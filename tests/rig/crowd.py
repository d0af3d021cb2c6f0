"""Many tickets at once, in the database before anybody looks: as if their mails had been processed long ago."""

from __future__ import annotations

import json
import os
from datetime import datetime, timedelta
from itertools import cycle
from pathlib import Path

import sqlalchemy as sa

from maild.config import load
from maild.daemon import assembly
from maild.domain.messages.reply_tokens import root_id
from maild.domain.people.directory import Address, Person
from maild.domain.sla.standing import standing
from maild.domain.tickets.events import Assigned, Event, Opened
from maild.domain.tickets.ticket import EntryKind, apply
from maild.ports import SlaIndex, StoredEntry, UnitOfWork
from maild.services.helpdesk import Helpdesk

TOGETHER = 200  # tickets in one transaction


def add_tickets(
    config: Path,
    count: int,
    opened_at: datetime,
    assignees: tuple[str, ...] = ("",),
    apart: timedelta = timedelta(0),
    plan: str = "default",
) -> list[int]:
    """So many tickets of the installation with this maild.toml, each `apart` from the one before -> their numbers."""
    settings = load(config, environ=os.environ)
    helpdesk = Helpdesk.of(settings, assembly.key_ring(settings))
    store = assembly.open_store(settings, "crowd")
    owners = cycle(assignees)
    made: list[int] = []
    try:
        while len(made) < count:
            with store() as unit:
                for _ in range(min(TOGETHER, count - len(made))):
                    number = unit.tickets.new_number()
                    made.append(number)
                    at = opened_at + len(made) * apart
                    _add(unit, helpdesk, number, at, next(owners), plan)
                unit.commit()
    finally:
        store.close()
    return made


def _add(unit: UnitOfWork, helpdesk: Helpdesk, number: int, at: datetime, assignee: str, plan: str) -> None:
    person = Person(Address.of(f"customer-{number}@client.test"), f"Customer {number}")
    department = helpdesk.settings.default_department
    subject = f"Printer {number} burns"
    opened = Opened(at=at, requester=person, subject=subject, department=department, sla_plan=plan)
    words = StoredEntry(
        id=0,
        ticket=number,
        kind=EntryKind.MESSAGE.value,
        author=opened.by,
        author_name=person.name,
        at=at,
        text="It burns.",
    )
    unit.tickets.add_entry(words)
    facts: list[Event] = [opened]
    ticket = apply(number, None, opened)
    if assignee:
        facts.append(Assigned(at=at, assignee=assignee, team=""))
        ticket = apply(number, ticket, facts[-1])
    unit.tickets.append(ticket, facts, root_id(helpdesk.ring, number, helpdesk.domain))
    state = standing(facts, helpdesk.plan_of(ticket), helpdesk.calendar_of(ticket), at)
    index = SlaIndex(next_at=state.next_at, due_at=state.due_at, fingerprint=helpdesk.plan_fingerprint(ticket))
    unit.tickets.set_sla_index(number, index)


def steps_of(url: str) -> list[tuple[int, str, int, str]]:
    """(ticket, target, cycle, step) of every fact that a step fired, in the tickets' own histories."""
    engine = sa.create_engine(url)
    try:
        with engine.connect() as connection:
            found = connection.execute(sa.text("select ticket, detail from event where kind = 'escalated'")).all()
    finally:
        engine.dispose()
    details = [(row.ticket, json.loads(row.detail) if isinstance(row.detail, str) else row.detail) for row in found]
    return sorted((ticket, detail["target"], detail["cycle"], detail["step"]) for ticket, detail in details)
