"""What the digests share: their reader, and the sections that they are made of."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from maild.domain.notices.buttons import Button
from maild.domain.people.directory import Agent
from maild.domain.people.preferences import DigestWish
from maild.domain.tickets.visibility import Sight
from maild.domain.times.calendars import Calendar
from maild.ports import ListedTicket
from maild.services.helpdesk import Helpdesk
from maild.services.listing import rows_of, sight_for

MOST_ROWS = 50  # of one mail
Section = dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class DigestReader:
    """The reader of a digest. `begun` is when its period began, `since` when they had the last one.

    `offices` are open on their working days."""

    agent: Agent
    helpdesk: Helpdesk
    now: datetime
    begun: datetime
    since: datetime
    wish: DigestWish
    offices: tuple[Calendar, ...]

    @property
    def sight(self) -> Sight | None:
        """What the reader may see."""
        return sight_for(self.agent, self.helpdesk)

    @property
    def zone(self) -> ZoneInfo:
        """The reader's time zone."""
        return ZoneInfo(self.helpdesk.clock_of(self.agent))


@dataclass(slots=True)
class Contents:
    """What a digest says. `numbers` are the tickets of its rows, in their order."""

    subject: str = ""
    sections: list[Section] = field(default_factory=list)
    numbers: list[int] = field(default_factory=list)
    buttons: tuple[Button, ...] = ()

    def add_rows(self, title: str, found: Sequence[ListedTicket], reader: DigestReader, most: int = MOST_ROWS) -> None:
        """Add a section of tickets that have no row yet, numbered on. Without tickets there is no section."""
        fresh = [listed for listed in found if listed.ticket.number not in self.numbers]
        shown = fresh[: max(0, min(most, MOST_ROWS - len(self.numbers)))]
        if not fresh:
            return
        rows = rows_of(shown, reader.helpdesk, reader.now, len(self.numbers) + 1)
        self.numbers += [listed.ticket.number for listed in shown]
        count = tickets_told(len(fresh))
        note = count if len(shown) == len(fresh) else f"{count}, the first {len(shown)} of them are here"
        self.sections.append(section(title, note, rows=rows))


def section(title: str, note: str = "", **more: Any) -> Section:
    """Return a section of a message with what it shows: rows, lines, charts."""
    return {"title": title, "note": note, "rows": [], "lines": [], "text": "", "entries": [], "charts": []} | more


def many_told(count: int) -> str:
    """Return a number of tickets, as far as it was counted."""
    return str(count) if count <= MOST_ROWS else f"more than {MOST_ROWS}"


def tickets_told(count: int) -> str:
    """Return a number of tickets in words."""
    return f"{many_told(count)} ticket{'s' if count != 1 else ''}"


def by_due(found: Sequence[ListedTicket]) -> list[ListedTicket]:
    """Sort by the deadline, the earliest first, as lists do. Tickets without a deadline come last."""

    def urgency(each: ListedTicket) -> tuple[bool, datetime, int]:
        return each.due_at is None, each.due_at or each.ticket.created_at, each.ticket.number

    return sorted(found, key=urgency)


def is_overdue(listed: ListedTicket, now: datetime) -> bool:
    """Tell whether the ticket is overdue."""
    return listed.due_at is not None and listed.due_at <= now and not listed.ticket.status.ended


def is_asleep(listed: ListedTicket, now: datetime) -> bool:
    """Tell whether the ticket is snoozed."""
    return listed.ticket.snoozed_until is not None and listed.ticket.snoozed_until > now


LOOK_BACK = timedelta(days=14)  # of the backlog's line
