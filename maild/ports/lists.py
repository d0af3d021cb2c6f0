"""Lists of tickets and the search through them: what may be asked, by conditions that indexes answer."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Protocol

from maild.domain.tickets.events import Event
from maild.domain.tickets.search_words import Terms
from maild.domain.tickets.ticket import Ticket
from maild.domain.tickets.visibility import Sight


class Order(StrEnum):
    """What comes first in a list."""

    NUMBER = "number"
    DUE = "due"  # the deadline that is nearest or longest gone by, then the priority
    ENDED = "ended"  # what ended last
    CREATED = "created"  # the newest


@dataclass(frozen=True, slots=True, kw_only=True)
class Listing:
    """Which tickets a list wants; None leaves a property open. `sight` leaves out what somebody may not see."""

    statuses: tuple[str, ...] | None = None
    assignee: str | None = None
    department: str | None = None
    overdue_at: datetime | None = None  # only those whose due instant has come
    limit: int | None = None
    team: str | None = None
    unassigned: bool = False
    tag: str | None = None
    priority: str | None = None
    sender: str | None = None  # the requester's address, or the domain behind its @, in lower case
    created_since: datetime | None = None
    ended_since: datetime | None = None
    not_snoozed_at: datetime | None = None  # without those that are snoozed then
    snoozed_at: datetime | None = None  # those alone
    domains: tuple[str, ...] | None = None  # the requester's, in lower case; "*." before one: all below it
    sight: Sight | None = None
    order: Order = Order.NUMBER


@dataclass(frozen=True, slots=True)
class ListedTicket:
    """A ticket as lists show it: without its participants."""

    ticket: Ticket
    due_at: datetime | None


@dataclass(frozen=True, slots=True)
class TicketHistory:
    """A ticket as lists show it, with facts of it in their order."""

    listed: ListedTicket
    events: tuple[Event, ...]


class Search(Protocol):
    """Full text over subjects, thread and people: one document for each ticket, written with it.

    A document holds words of internal notes as well: whoever asks gives the `sight` of somebody who may read them."""

    def find(self, terms: Terms, wanted: Listing, limit: int) -> list[ListedTicket]:
        """The tickets of a list (its order and limit apart) that say so, the best first. Among more than some hundreds
        that fit only the newest are weighed."""
        ...

    def renew(self, ticket: int) -> None:
        """Read the document of a ticket anew. Whoever changes a text by other ways than Tickets has to ask for it."""
        ...

    def forget(self, ticket: int) -> None:
        """Remove the document of a ticket, and what the index still knows of removed words. That reads the whole index:
        for erasing, not for every day."""
        ...
