"""What somebody asks of the helpdesk, once it is understood: the conditions of a list, and the kinds of questions."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from maild.domain.people.directory import Agent
from maild.domain.tickets.search_words import Terms
from maild.domain.tickets.ticket import Status

WORKED_ON = (Status.OPEN, Status.WAITING)
_LOOK_BACK = timedelta(days=30)


@dataclass(frozen=True, slots=True, kw_only=True)
class Filter:
    """The conditions of a list, all of them at once. Names are those of the configuration; empty is any."""

    statuses: tuple[Status, ...] = ()  # none named: what is worked on
    overdue: bool = False
    unassigned: bool = False
    snoozed: bool = False  # those alone; else they are left out of what is worked on
    assignee: str = ""
    department: str = ""
    team: str = ""
    tag: str = ""
    priority: str = ""
    sender: str = ""  # an address, or the domain behind its @
    age: timedelta | None = None  # begun within, or for what has ended: ended within

    @property
    def wanted(self) -> tuple[Status, ...]:
        """The statuses that the list shows. Whom it is from is asked of everything, unless a status is named."""
        if self.statuses:
            return self.statuses
        if self.sender and not (self.overdue or self.unassigned or self.snoozed):
            return tuple(status for status in Status if status is not Status.SPAM)
        return WORKED_ON

    @property
    def about_ended(self) -> bool:
        """Does it ask for tickets that have ended, and for no others?"""
        return all(status.ended for status in self.wanted)

    @property
    def window(self) -> timedelta | None:
        """How far the list looks back. Nobody wants all that was ever closed: without a word it is 30 days."""
        if self.age is None and any(status.ended for status in self.wanted):
            return _LOOK_BACK
        return self.age


@dataclass(frozen=True, slots=True)
class Wished:
    """JSON values by the names of docs/mail-commands.md, None for what is taken back; and what is told of it."""

    preferences: Mapping[str, Any]
    told: str


@dataclass(frozen=True, slots=True)
class ListQuery:
    """Tickets, by conditions."""

    filter: Filter


@dataclass(frozen=True, slots=True)
class FindQuery:
    """Tickets, by what is said in them."""

    terms: Terms
    filter: Filter


@dataclass(frozen=True, slots=True)
class ShowQuery:
    """One ticket: its facts and newest entries; `full` brings the whole thread."""

    number: int
    full: bool = False


@dataclass(frozen=True, slots=True)
class StatsQuery:
    """Figures of the last so many days, today among them: of all that the reader may see, or of one department's
    tickets, or of one agent's work."""

    days: int
    department: str = ""
    agent: str = ""


@dataclass(frozen=True, slots=True)
class WhoQuery:
    """Who is here, and who is away until when."""


@dataclass(frozen=True, slots=True)
class AwayQuery:
    """The writer is away until then, and somebody stands in for them; None: they are back."""

    until: datetime | None
    substitute: Agent | None = None


@dataclass(frozen=True, slots=True)
class WishQuery:
    """What the writer wishes of their mail."""

    wished: Wished


@dataclass(frozen=True, slots=True)
class HelpQuery:
    """What can be asked."""


Asked = ListQuery | FindQuery | ShowQuery | StatsQuery | WhoQuery | AwayQuery | WishQuery | HelpQuery


@dataclass(frozen=True, slots=True)
class Query:
    """One question: the line as it is understood, and what it asks for."""

    line: str
    asked: Asked


@dataclass(frozen=True, slots=True)
class Question:
    """What an agent asks in one mail; answered in one letter, after everything else of their mail is done."""

    queries: tuple[Query, ...]
