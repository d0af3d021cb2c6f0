"""Counts customers' ratings: the last word on each resolution of a ticket."""

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
    """What a customer can say of the help."""

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
    """Return the rating of each rated resolution of a ticket, in their order.

    A rating that comes after the ticket was reopened is about the resolution before that. A rating before any
    resolution counts for whoever has the ticket."""
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
    """Return whose work a resolution was: the assignee's, else that of the agent who resolved it."""
    return before.assignee or (event.by.name if event.by.role is Role.AGENT else "")


@dataclass(frozen=True, slots=True)
class Counts:
    """How often each rating was given, by agent and by department."""

    by_agent: Mapping[str, Mapping[Rating, int]]
    by_department: Mapping[str, Mapping[Rating, int]]


def counted(words: Iterable[Rated]) -> Counts:
    """Count the ratings of all these tickets together."""
    agents: dict[str, Counter[Rating]] = {}
    departments: dict[str, Counter[Rating]] = {}
    for word in words:
        agents.setdefault(word.agent, Counter())[word.rating] += 1
        departments.setdefault(word.department, Counter())[word.rating] += 1
    return Counts(agents, departments)
