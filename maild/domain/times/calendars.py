"""Business calendars: opening hours in local wall time, counted in UTC.

Everything here keeps these rules:

* A wall-clock time means the first instant at which the local clock shows that time or a later one. A time inside a
  DST gap is the instant of the shift. A time that comes twice is its first coming. The edges of spans are converted to
  UTC one by one by this rule. So spans that touch on the wall clock touch in UTC, and a shift neither loses nor repeats
  time. An hour that the clock shows twice inside a span counts twice: people are there twice as long.
* A span belongs to the local day on which it starts, also its part after midnight.
* For one day the first of these counts: special hours, own closed dates, holidays, the week. A closed day is closed
  from midnight to midnight. Spans that start on it do not take place, and an overnight span of the day before ends at
  midnight.
* All instants come in with a time zone and go out in UTC. Intervals are half open."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from itertools import pairwise
from typing import Protocol
from zoneinfo import ZoneInfo

DAY_MINUTES = 1440
HORIZON = timedelta(days=3653)  # ten years: nothing is looked for beyond
WEEKDAYS: tuple[str, ...] = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")

Interval = tuple[datetime, datetime]

_ZERO = timedelta(0)
_ONE_DAY = timedelta(days=1)
_REMEMBERED_DAYS = 8192  # more than twice HORIZON


class NotOpenLongEnoughError(ValueError):
    """The calendar does not offer the wanted open time within HORIZON."""


@dataclass(frozen=True, slots=True, order=True)
class Span:
    """A stretch of opening time in minutes from local midnight. The end is excluded; above 1440 it lies on the next
    day.

    Raises ValueError unless 0 <= start < 1440 and start < end <= start + 1440."""

    start: int
    end: int

    def __post_init__(self) -> None:
        if not 0 <= self.start < DAY_MINUTES:
            raise ValueError(f"a span starts between 00:00 and 23:59, not at minute {self.start}")
        if not self.start < self.end <= self.start + DAY_MINUTES:
            raise ValueError(f"a span lasts between one minute and 24 hours, not {self.end - self.start} minutes")

    @property
    def shown(self) -> str:
        """The span as people write it: "22:00-06:00". An end at midnight is "24:00"."""
        return f"{_clock(self.start)}-{_clock(self.end if self.end <= DAY_MINUTES else self.end - DAY_MINUTES)}"


WHOLE_DAY = Span(0, DAY_MINUTES)
Week = tuple[tuple[Span, ...], ...]
ROUND_THE_CLOCK: Week = ((WHOLE_DAY,),) * 7


class HolidaySource(Protocol):
    """Gives the public holidays of one place."""

    @property
    def name(self) -> str:
        """The place as the configuration calls it: "DE-BE"."""
        ...

    @property
    def edition(self) -> str:
        """The version of the tables. It changes whenever dates may have changed, and is part of the fingerprint."""
        ...

    def dates(self, year: int) -> frozenset[date]:
        """Return the holidays of one year, in the place's own local dates."""
        ...


@dataclass(frozen=True, slots=True)
class Calendar:
    """When an office is open.

    `week` holds the spans of the seven days, Monday first. `closed` are the office's own days off. `special`
    gives single days their own hours, above everything else (half days, Saturdays before Christmas); no spans
    mean closed. Raises ValueError for an unknown time zone, a week without seven days, or two special entries
    for one day."""

    name: str
    zone: str
    week: Week
    holidays: HolidaySource | None = None
    closed: frozenset[date] = frozenset()
    special: tuple[tuple[date, tuple[Span, ...]], ...] = ()
    _zone: ZoneInfo = field(init=False, repr=False, compare=False)
    _special: dict[date, tuple[Span, ...]] = field(init=False, repr=False, compare=False)
    _always: bool = field(init=False, repr=False, compare=False)
    _days: dict[date, tuple[Interval, ...]] = field(init=False, repr=False, compare=False, default_factory=dict)

    def __post_init__(self) -> None:
        if len(self.week) != 7:
            raise ValueError(f"calendar {self.name!r}: a week has 7 days, not {len(self.week)}")
        special = dict(self.special)
        if len(special) != len(self.special):
            raise ValueError(f"calendar {self.name!r}: two special entries for one day; write its spans into one")
        plain = self.holidays is None and not self.closed and not special
        object.__setattr__(self, "_zone", zone_named(self.zone))
        object.__setattr__(self, "_special", special)
        object.__setattr__(self, "_always", plain and self.week == ROUND_THE_CLOCK)

    @property
    def always_open(self) -> bool:
        """True when the office is open around the clock every day. Open time is then elapsed time."""
        return self._always

    def local(self, instant: datetime) -> datetime:
        """Return `instant` on this calendar's wall clock."""
        return instant.astimezone(self._zone)


def zone_named(name: str) -> ZoneInfo:
    """Return the IANA time zone of this name. Raises ValueError for anything else."""
    try:
        return ZoneInfo(name)
    except (KeyError, ValueError, OSError) as error:  # OSError: the name of a folder, such as "Europe"
        raise ValueError(f"{name!r} is not an IANA time zone: write one such as Europe/Berlin or UTC") from error


ALWAYS = Calendar("always", "UTC", ROUND_THE_CLOCK)


def between(calendar: Calendar, a: datetime, b: datetime) -> timedelta:
    """Return the open time in [a, b); zero when b is not after a. Raises ValueError for naive times."""
    start, end = _utc(a), _utc(b)
    if end <= start:
        return _ZERO
    if calendar.always_open:
        return end - start
    return sum((closing - opening for opening, closing in _openings(calendar, start, end)), _ZERO)


def add(calendar: Calendar, a: datetime, duration: timedelta) -> datetime:
    """Return the first instant (UTC) at which the open time since `a` equals `duration`.

    When the duration ends exactly at closing time, this is the closing time. Zero returns `a` itself, open or
    not. Raises ValueError for a negative duration or a naive time, and NotOpenLongEnoughError when the calendar
    does not offer the time within HORIZON."""
    start = _utc(a)
    if duration <= _ZERO:
        if duration < _ZERO:
            raise ValueError("business time can only be added, not taken away")
        return start
    if calendar.always_open:
        return start + duration
    rest = duration
    for opening, closing in _openings(calendar, start, start + HORIZON):
        length = closing - opening
        if length >= rest:
            return opening + rest
        rest -= length
    raise NotOpenLongEnoughError(
        f"calendar {calendar.name!r} does not have {duration / timedelta(hours=1):g} h of open time in the ten years "
        f"after {start:%Y-%m-%d}: shorten the goal, or give the calendar more opening hours"
    )


def open_spans(calendar: Calendar, a: datetime, b: datetime) -> tuple[Interval, ...]:
    """Return the open time in [a, b) as ascending UTC intervals. Intervals that touch are joined."""
    start, end = _utc(a), _utc(b)
    if end <= start:
        return ()
    if calendar.always_open:
        return ((start, end),)
    joined: list[Interval] = []
    for opening, closing in _openings(calendar, start, end):
        if joined and joined[-1][1] == opening:
            joined[-1] = (joined[-1][0], closing)
        else:
            joined.append((opening, closing))
    return tuple(joined)


def is_open(calendar: Calendar, at: datetime) -> bool:
    """Tell whether the office is open at this instant. At closing time it is already closed."""
    return bool(open_spans(calendar, at, at + timedelta(microseconds=1)))


def hours_on(calendar: Calendar, day: date) -> tuple[Span, ...]:
    """Return the spans that start on this local day."""
    special = calendar._special.get(day)
    if special is not None:
        return special
    return () if _day_off(calendar, day) else calendar.week[day.weekday()]


def exception_on(calendar: Calendar, day: date) -> str:
    """Return why this local day differs from an ordinary day of the week; "" when it does not."""
    special = calendar._special.get(day)
    if special is not None:
        return "special hours " + ", ".join(span.shown for span in special) if special else "own day off"
    if day in calendar.closed:
        return "own day off"
    if calendar.holidays is not None and day in calendar.holidays.dates(day.year):
        return f"holiday ({calendar.holidays.name})"
    return ""


def never_open(calendar: Calendar) -> bool:
    """Tell whether the week has no opening hours at all. Special days do not count: they run out."""
    return not any(calendar.week)


def overlaps(calendar: Calendar) -> tuple[str, ...]:
    """Return the pairs of spans of the week that overlap, as text for an error: "mon 22:00-06:00 and tue
    05:00-09:00"."""
    week_minutes = 7 * DAY_MINUTES
    placed = sorted(
        (day * DAY_MINUTES + span.start, day * DAY_MINUTES + span.end, f"{WEEKDAYS[day]} {span.shown}")
        for day, spans in enumerate(calendar.week)
        for span in spans
    )
    found = _overlapping(placed)
    if len(placed) > 1:  # Sunday night runs into Monday
        first = placed[0]
        found += _overlapping([placed[-1], (first[0] + week_minutes, first[1] + week_minutes, first[2])])
    return tuple(found)


def special_overlaps(calendar: Calendar) -> tuple[tuple[date, str], ...]:
    """Return the same for the spans of single days, each with its day: "08:00-12:00 and 11:00-13:00"."""
    return tuple(
        (day, pair)
        for day, spans in calendar.special
        for pair in _overlapping(sorted((span.start, span.end, span.shown) for span in spans))
    )


def fingerprint(calendar: Calendar) -> str:
    """Return 16 hex digits that change when a deadline of this calendar may change. The name does not matter."""
    source = calendar.holidays
    parts = (
        calendar.zone,
        [[(span.start, span.end) for span in sorted(spans)] for spans in calendar.week],
        (source.name, source.edition) if source else None,
        sorted(day.isoformat() for day in calendar.closed),
        sorted(
            (day.isoformat(), [(span.start, span.end) for span in sorted(spans)]) for day, spans in calendar.special
        ),
    )
    return hashlib.sha256(repr(parts).encode()).hexdigest()[:16]


def _openings(calendar: Calendar, start: datetime, end: datetime) -> Iterator[Interval]:
    """Yield the open intervals in [start, end), ascending and disjoint. Takes and gives UTC."""
    day = calendar.local(start).date() - _ONE_DAY  # an overnight span of yesterday may still be running
    last = calendar.local(end).date()
    cursor = start
    while day <= last:
        for opening, closing in _intervals(calendar, day):
            if opening >= end:
                return
            if closing > cursor:
                cursor = max(opening, cursor)
                yield cursor, min(closing, end)
                cursor = closing
                if cursor >= end:
                    return
        day += _ONE_DAY


def _intervals(calendar: Calendar, day: date) -> tuple[Interval, ...]:
    """Return the spans that start on a local day as ascending UTC intervals. They are cached: every ticket asks for
    them."""
    known = calendar._days.get(day)
    if known is not None:
        return known
    intervals: tuple[Interval, ...] = ()
    spans = hours_on(calendar, day)
    if spans:
        cut = DAY_MINUTES if _closed_all_day(calendar, day + _ONE_DAY) else 2 * DAY_MINUTES
        edges = (
            (_first_instant(calendar, day, s.start), _first_instant(calendar, day, min(s.end, cut)))
            for s in sorted(spans)
        )
        intervals = tuple((opening, closing) for opening, closing in edges if opening < closing)
    if len(calendar._days) >= _REMEMBERED_DAYS:
        calendar._days.clear()
    calendar._days[day] = intervals
    return intervals


def _closed_all_day(calendar: Calendar, day: date) -> bool:
    special = calendar._special.get(day)
    return not special if special is not None else _day_off(calendar, day)


def _day_off(calendar: Calendar, day: date) -> bool:
    if day in calendar.closed:
        return True
    return calendar.holidays is not None and day in calendar.holidays.dates(day.year)


def _first_instant(calendar: Calendar, day: date, minutes: int) -> datetime:
    """Return the first instant at which the local clock shows `day` 00:00 plus `minutes`, or later (PEP 495: folds,
    gaps)."""
    wall = datetime.combine(day, time()) + timedelta(minutes=minutes)
    after = wall.replace(tzinfo=calendar._zone).astimezone(UTC)  # fold=0: the first coming of a time that comes twice
    if after.astimezone(calendar._zone).replace(tzinfo=None) == wall:
        return after
    before = wall.replace(tzinfo=calendar._zone, fold=1).astimezone(UTC)
    while after - before > timedelta(seconds=1):  # the shift lies in (before, after]
        middle = before + timedelta(seconds=(after - before) // timedelta(seconds=2))
        if middle.astimezone(calendar._zone).replace(tzinfo=None) >= wall:
            after = middle
        else:
            before = middle
    return after


def _overlapping(placed: list[tuple[int, int, str]]) -> list[str]:
    """Return the neighbours in a sorted list of (start, end, text) where the second starts before the first ends."""
    return [f"{first[2]} and {second[2]}" for first, second in pairwise(placed) if second[0] < first[1]]


def _clock(minutes: int) -> str:
    return f"{minutes // 60:02d}:{minutes % 60:02d}"


def _utc(instant: datetime) -> datetime:
    if instant.tzinfo is None:
        raise ValueError(f"{instant.isoformat()} has no time zone: pass an aware time")
    return instant if instant.tzinfo is UTC else instant.astimezone(UTC)
