"""Questions to the helpdesk after reading: the conditions of a list, and the kinds of questions."""

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
    """The conditions of a list, which all must hold. Names are those of the configuration; empty means any."""

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
        """The statuses that the list shows. Conditions on the sender look at all statuses, unless one is named."""
        if self.statuses:
            return self.statuses
        if self.sender and not (self.overdue or self.unassigned or self.snoozed):
            return tuple(status for status in Status if status is not Status.SPAM)
        return WORKED_ON

    @property
    def about_ended(self) -> bool:
        """True when the list shows only tickets that have ended."""
        return all(status.ended for status in self.wanted)

    @property
    def window(self) -> timedelta | None:
        """How far the list looks back. Lists of ended tickets look back 30 days unless they say otherwise."""
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
    """Asks for tickets by conditions."""

    filter: Filter


@dataclass(frozen=True, slots=True)
class FindQuery:
    """Asks for tickets by words in them."""

    terms: Terms
    filter: Filter


@dataclass(frozen=True, slots=True)
class ShowQuery:
    """Asks for one ticket with its newest entries. `full` brings the whole thread."""

    number: int
    full: bool = False


@dataclass(frozen=True, slots=True)
class StatsQuery:
    """Asks for statistics of the last days, including today: of everything the reader may see, a department or an
    agent."""

    days: int
    department: str = ""
    agent: str = ""


@dataclass(frozen=True, slots=True)
class WhoQuery:
    """Asks who is here, and who is away until when."""


@dataclass(frozen=True, slots=True)
class AwayQuery:
    """Says that the writer is away until then and who stands in; None: they are back."""

    until: datetime | None
    substitute: Agent | None = None


@dataclass(frozen=True, slots=True)
class WishQuery:
    """Changes the writer's preferences."""

    wished: Wished


@dataclass(frozen=True, slots=True)
class HelpQuery:
    """Asks what can be asked."""


Asked = ListQuery | FindQuery | ShowQuery | StatsQuery | WhoQuery | AwayQuery | WishQuery | HelpQuery


@dataclass(frozen=True, slots=True)
class Query:
    """One question: its line as it was understood, and what it asks for."""

    line: str
    asked: Asked


@dataclass(frozen=True, slots=True)
class Question:
    """What an agent asks in one mail. One message answers it, after everything else of the mail is done."""

    queries: tuple[Query, ...]
