"""Ports for lists of tickets and for full-text search."""

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
    """How a list is sorted."""

    NUMBER = "number"
    DUE = "due"  # the longest overdue or nearest deadline first, then the highest priority
    ENDED = "ended"  # the ticket that ended last comes first
    CREATED = "created"  # the newest ticket comes first


@dataclass(frozen=True, slots=True, kw_only=True)
class Listing:
    """Which tickets a list shows. None means any value; `sight` leaves out tickets that the reader may not see."""

    statuses: tuple[str, ...] | None = None
    assignee: str | None = None
    department: str | None = None
    overdue_at: datetime | None = None  # only tickets that are due at this instant or before
    limit: int | None = None
    team: str | None = None
    unassigned: bool = False
    tag: str | None = None
    priority: str | None = None
    sender: str | None = None  # the requester's address, or the domain after the @, in lower case
    created_since: datetime | None = None
    ended_since: datetime | None = None
    not_snoozed_at: datetime | None = None  # without tickets that are snoozed at this instant
    snoozed_at: datetime | None = None  # only tickets that are snoozed at this instant
    domains: tuple[str, ...] | None = None  # the requester's domain, in lower case; "*.x" means all domains below x
    sight: Sight | None = None
    order: Order = Order.NUMBER


@dataclass(frozen=True, slots=True)
class ListedTicket:
    """A ticket as lists show it: without its participants."""

    ticket: Ticket
    due_at: datetime | None


@dataclass(frozen=True, slots=True)
class TicketHistory:
    """A ticket as lists show it, with some of its events in their order."""

    listed: ListedTicket
    events: tuple[Event, ...]


class Search(Protocol):
    """Full-text search over subjects, threads and people. Each ticket has one document, stored with the ticket.

    A document holds words of internal notes too. The caller must pass the `sight` of the person who searches."""

    def find(self, terms: Terms, wanted: Listing, limit: int) -> list[ListedTicket]:
        """Return the tickets of a list that match the terms, the best match first.

        The list's own order and limit do not count. Only the newest few hundred matches are ranked."""
        ...

    def renew(self, ticket: int) -> None:
        """Read the document of a ticket again. Call it after a text was changed by other means than Tickets."""
        ...

    def forget(self, ticket: int) -> None:
        """Remove the document of a ticket, and all traces of removed words from the index.

        This rewrites the whole index. It is meant for erasing a person, not for daily use."""
        ...
