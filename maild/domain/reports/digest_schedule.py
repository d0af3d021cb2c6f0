"""When a digest is due, and which of its sections a ticket belongs to.

A period has a key that never changes. So each digest is made once, by whichever node and however late."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta, tzinfo
from enum import StrEnum

from maild.domain.people.preferences import DigestWish
from maild.domain.times.calendars import WEEKDAYS, Calendar, hours_on

_ONE_DAY = timedelta(days=1)
_FAREST_WORKING_DAY = 14  # days: a longer closure is a holiday, and 24 hours ahead are enough
START = "start"  # in place of a period: when a reader was first seen, and nothing was mailed


class DigestKind(StrEnum):
    """Which digest it is, as stored in the list of digests that were made."""

    PERSONAL = "digest"
    TEAM = "team"
    MANAGER = "manager"


@dataclass(frozen=True, slots=True)
class Begun:
    """A period that began: its key and its instant (UTC)."""

    key: str
    at: datetime


def period_of(wish: DigestWish, now: datetime, zone: tzinfo) -> Begun | None:
    """Return the newest period that began by `now`; None when no digest is wanted.

    Keys are 2026-05-04 for a day or the first day of a week, and 2026-05-04T09 for an hour (in UTC, because a
    repeated hour is two hours)."""
    if wish.every == "hourly":
        return Begun(f"{now:%Y-%m-%dT%H}", now.replace(minute=0, second=0, microsecond=0))
    if wish.every not in ("daily", "weekly"):
        return None
    local = now.astimezone(zone).replace(tzinfo=None)
    day = local.date() if local.time() >= wish.at else local.date() - _ONE_DAY
    if wish.every == "weekly":
        day -= timedelta(days=(day.weekday() - list(WEEKDAYS).index(wish.day)) % 7)
    return Begun(day.isoformat(), datetime.combine(day, wish.at, tzinfo=zone).astimezone(UTC))


def works_on(calendars: Sequence[Calendar], day: date) -> bool:
    """Tell whether one of these offices is open on a day."""
    return any(hours_on(calendar, day) for calendar in calendars)


def horizon(calendars: Sequence[Calendar], now: datetime, zone: tzinfo) -> datetime:
    """Return until when a deadline counts as soon (UTC): the end of the next working day, at least 24 hours ahead."""
    today = now.astimezone(zone).date()
    following = (today + timedelta(days=ahead) for ahead in range(1, _FAREST_WORKING_DAY))
    day = next((day for day in following if works_on(calendars, day)), today)
    ends = datetime.combine(day + _ONE_DAY, datetime.min.time(), tzinfo=zone).astimezone(UTC)
    return max(now + _ONE_DAY, ends)


# -- the sections of a personal digest --------------------------------------------------------------------------


class Section(StrEnum):
    """The sections in their order, and how a subject names them. A ticket goes into the first one that fits."""

    OVERDUE = "overdue"
    SOON = "due soon"
    WAITING = "waiting for you"
    UNOWNED = "without an owner"
    WOKEN = "back"
    BOUNCED = "undelivered"


TITLES: Mapping[Section, str] = {
    Section.OVERDUE: "Overdue, yours or nobody's",
    Section.SOON: "Yours, and due by the end of the next working day",
    Section.WAITING: "Yours, and the customer wrote last",
    Section.UNOWNED: "Nobody's",
    Section.WOKEN: "Yours, and back from waiting or a snooze",
    Section.BOUNCED: "Yours, and a mail did not arrive",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """A ticket that may go into a personal digest. `woken` and `bounced` count since the reader's last digest."""

    number: int
    mine: bool
    due_at: datetime | None = None
    ended: bool = False
    asleep: bool = False  # snoozed: out of sight unless it is overdue
    customer_waits: bool = False
    woken: bool = False
    bounced: bool = False


def sorted_out(candidates: Iterable[Candidate], now: datetime, soon: datetime) -> Mapping[Section, tuple[int, ...]]:
    """Return the tickets of each section in the given order. Empty sections are left out."""
    found: dict[Section, list[int]] = {}
    for each in candidates:
        section = _section_of(each, now, soon)
        if section is not None:
            found.setdefault(section, []).append(each.number)
    return {section: tuple(found[section]) for section in Section if section in found}


def _section_of(ticket: Candidate, now: datetime, soon: datetime) -> Section | None:
    awake = not (ticket.ended or ticket.asleep)
    due_at = None if ticket.ended else ticket.due_at
    belongs = (
        (Section.OVERDUE, due_at is not None and due_at <= now),
        (Section.SOON, awake and ticket.mine and due_at is not None and due_at < soon),
        (Section.WAITING, awake and ticket.mine and ticket.customer_waits),
        (Section.UNOWNED, awake and not ticket.mine),
        (Section.WOKEN, awake and ticket.woken),
        (Section.BOUNCED, ticket.bounced),
    )
    return next((section for section, fits in belongs if fits), None)
