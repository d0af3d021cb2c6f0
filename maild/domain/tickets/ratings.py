"""What customers said of the help, counted: for each time that a ticket was resolved, the last word on it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from maild.domain.people.directory import Role
from maild.domain.tickets import events
from maild.domain.tickets.ticket import Status, Ticket, apply


class Rating(StrEnum):
    GOOD = "good"
    FAIR = "fair"
    BAD = "bad"


@dataclass(frozen=True, slots=True)
class Rated:
    """The last word on one resolution: whose work it was, and when it was said (UTC). `agent` is "" for nobody."""

    rating: Rating
    agent: str
    department: str
    at: datetime


def rated(history: Sequence[events.Event]) -> tuple[Rated, ...]:
    """What was said of a ticket, one for each resolution that was rated, in their order. A word that comes after the
    ticket was opened again is about the resolution before that; one before any counts for whoever has the ticket."""
    said: list[Rated] = []
    ticket: Ticket | None = None
    work, answered = ("", ""), False  # (agent, department) of the last resolution; was it rated already?
    for event in history:
        before, ticket = ticket, apply(0, ticket, event)
        if isinstance(event, events.StatusChanged) and before is not None and _ends(event, before):
            work, answered = (_worker(event, before), before.department), False
        if isinstance(event, events.Rated):
            agent, department = work if any(work) else (ticket.assignee, ticket.department)
            word = Rated(Rating(event.rating), agent, department, event.at)
            said = [*(said[:-1] if answered else said), word]
            answered = True
    return tuple(said)


def _ends(event: events.StatusChanged, before: Ticket) -> bool:
    return Status(event.status).ended and not before.status.ended


def _worker(event: events.StatusChanged, before: Ticket) -> str:
    """Whose work a resolution was: the assignee's, else that of the agent who resolved it."""
    return before.assignee or (event.by.name if event.by.role is Role.AGENT else "")


@dataclass(frozen=True, slots=True)
class Counts:
    """How often each word was said, by agent and by department."""

    by_agent: Mapping[str, Mapping[Rating, int]]
    by_department: Mapping[str, Mapping[Rating, int]]


def counted(words: Iterable[Rated]) -> Counts:
    """Those of all tickets together."""
    agents: dict[str, Counter[Rating]] = {}
    departments: dict[str, Counter[Rating]] = {}
    for word in words:
        agents.setdefault(word.agent, Counter())[word.rating] += 1
        departments.setdefault(word.department, Counter())[word.rating] += 1
    return Counts(agents, departments)
