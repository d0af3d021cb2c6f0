"""When a notice leaves: at once, together with what follows in the next minutes, or after the reader's quiet hours."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, tzinfo
from enum import StrEnum

from maild.domain.people.directory import Agent
from maild.domain.people.preferences import Preferences, hours
from maild.domain.policy import Rhythm
from maild.domain.tickets.ticket import Priority, Ticket
from maild.domain.times.calendars import Span

_HOUR = timedelta(hours=1)
_DAY_MINUTES = 1440


class Kind(StrEnum):
    """What a notice asks of its reader, the strongest first."""

    DIRECT = "direct"
    BREACH = "breach"
    WARNING = "warning"
    ASSIGNED = "assigned"
    NEW = "new"
    MENTION = "mention"
    MESSAGE = "message"
    MOVED = "moved"
    TROUBLE = "trouble"
    ANSWERED = "answered"
    NEWS = "news"
    WATCHED = "watched"


class Wakes(StrEnum):
    """Whether a notice disturbs quiet hours."""

    NEVER = "never"
    EMERGENCY = "in an emergency"  # the ticket's priority
    OWN = "own"  # that, and a ticket that is the reader's, or nobody's, or of whose assignee they stand in the place
    ALWAYS = "always"


@dataclass(frozen=True, slots=True)
class Pace:
    """One row: how urgent a kind of notice is."""

    batched: bool  # it waits for what follows
    wakes: Wakes
    folds: bool  # above the ceiling it becomes a line of a summary
    joins: bool  # it takes along what waits for its reader about its ticket
    why: str


_IN_NEED = Wakes.EMERGENCY
PACES: Mapping[Kind, Pace] = {
    Kind.DIRECT: Pace(False, Wakes.ALWAYS, False, False, "whoever wrote, at whatever hour, waits for this answer"),
    Kind.BREACH: Pace(
        False, Wakes.OWN, False, False, "somebody must hear of it: whose it is, or all while nobody has it"
    ),
    Kind.WARNING: Pace(False, _IN_NEED, False, False, "there is time left, but never so much that it can be folded"),
    Kind.ASSIGNED: Pace(False, _IN_NEED, True, True, "work that is the reader's from now on"),
    Kind.NEW: Pace(False, _IN_NEED, True, True, "a customer waits, until morning unless all of it is on fire"),
    Kind.MENTION: Pace(
        False, _IN_NEED, True, True, "a colleague asks; who needs an answer tonight raises the priority"
    ),
    Kind.MESSAGE: Pace(False, _IN_NEED, True, True, "a customer waits"),
    Kind.MOVED: Pace(False, _IN_NEED, True, True, "the new department has to know"),
    Kind.TROUBLE: Pace(False, _IN_NEED, True, True, "a mail is lost or held; many at once are one trouble"),
    Kind.ANSWERED: Pace(
        False, Wakes.NEVER, True, True, "before the reader writes the same; at night they write nothing"
    ),
    Kind.NEWS: Pace(True, Wakes.NEVER, True, True, "good to know, and nothing to do"),
    Kind.WATCHED: Pace(True, Wakes.NEVER, True, True, "good to know, and somebody else's work"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class NoticeReader:
    """The reader of a notice, as far as time matters. `quiet` is on the clock of `zone`."""

    quiet: Span | None
    zone: tzinfo
    at_once: bool = False

    @classmethod
    def of(cls, agent: Agent, preferences: Preferences, rhythm: Rhythm, zone: tzinfo) -> NoticeReader:
        """Return the reader with their own preference, else the configuration's for them, else the configuration's
        for all."""
        said = next((text for text in (preferences.quiet, agent.quiet, rhythm.quiet) if text), "")
        return cls(quiet=hours(said), zone=zone, at_once=preferences.at_once)


@dataclass(frozen=True, slots=True)
class Departure:
    """The instant (UTC) at which a mail leaves, and whether others may be merged with it until then."""

    at: datetime
    waits: bool


def leaving(
    kind: Kind,
    ticket: Ticket,
    agent: str,
    reader: NoticeReader,
    rhythm: Rhythm,
    now: datetime,
    first_at: datetime,
    *,
    in_place: bool = False,
) -> Departure:
    """Return when a notice about what happened `now` leaves.

    `first_at` is when the first of its events happened. `in_place`: the reader hears of it in place of somebody
    whom it did not reach, as if the ticket were theirs."""
    pace = PACES[kind]
    at = now
    if pace.batched and not reader.at_once:
        at = max(now, min(now + rhythm.batch, first_at + rhythm.batch_most))
    if not _disturbs(pace, ticket, own=in_place or ticket.assignee in ("", agent)):
        at = after_quiet(at, reader.quiet, reader.zone)
    return Departure(at, at > now)


def _disturbs(pace: Pace, ticket: Ticket, *, own: bool) -> bool:
    if pace.wakes in (Wakes.NEVER, Wakes.ALWAYS):
        return pace.wakes is Wakes.ALWAYS
    return ticket.priority is Priority.EMERGENCY or (pace.wakes is Wakes.OWN and own)


def after_quiet(at: datetime, quiet: Span | None, zone: tzinfo) -> datetime:
    """Return `at`, or the end of the quiet hours that contain it (UTC)."""
    if quiet is None:
        return at
    local = at.astimezone(zone)
    minute = local.hour * 60 + local.minute
    begins_today = quiet.start <= minute < quiet.end
    if not begins_today and minute + _DAY_MINUTES >= quiet.end:
        return at
    midnight = local.replace(hour=0, minute=0, second=0, microsecond=0, tzinfo=None, fold=0)
    wall = midnight + timedelta(minutes=quiet.end if begins_today else quiet.end - _DAY_MINUTES)
    ends = wall.replace(tzinfo=zone).astimezone(UTC)
    # Where the clock goes back the end comes twice: for whoever is past the first one the second counts.
    return ends if ends > at else wall.replace(tzinfo=zone, fold=1).astimezone(UTC)


def hour_of(at: datetime) -> tuple[datetime, datetime]:
    """Return the hour that contains an instant, end excluded. Notices are counted by these hours."""
    begins = at.replace(minute=0, second=0, microsecond=0)
    return begins, begins + _HOUR
