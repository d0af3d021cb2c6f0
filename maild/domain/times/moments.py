"""Reads moments that people name in commands: "2h", "tomorrow", "fri 15:00", "next week", "2026-12-01", "eod",
"+2bh"."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, time, timedelta, tzinfo

from maild.domain.times.calendars import Calendar, add, hours_on, open_spans

FORMS = "2h, 3d, tomorrow, mon, fri 15:00, next week, 2026-12-01 09:00, eod, +2bh or +1bd"
MAX_AHEAD = timedelta(days=731)  # whoever means a later day than that has mistyped the year

_MAX_LENGTH = 40  # the longest form is "wednesday 2026-12-01 09:00 am" and some blanks
_DAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
_WEEKDAY = {name[:length]: number for number, name in enumerate(_DAYS) for length in (2, 3, len(name))} | {
    "tues": 1,
    "thur": 3,
    "thurs": 3,
}
_AFTER = re.compile(r"\+?([0-9]{1,4}) ?(min|m|h|d|w|bh|bd)")
_ELAPSED = {"m": timedelta(minutes=1), "min": timedelta(minutes=1), "h": timedelta(hours=1)}
_CALENDAR = {"d": timedelta(days=1), "w": timedelta(weeks=1)}
_CLOCK = re.compile(r"([0-9]{1,2})(?::([0-9]{2}))? ?(am|pm)?")
_DATE = re.compile(r"([0-9]{4}-[0-9]{2}-[0-9]{2})(?:[t ] ?(.*))?")
_TIME_OF_DAY = r"[0-9]{1,2}(?::[0-9]{2} ?(?:am|pm)?| ?(?:am|pm))"
_DAY_NAMES = "|".join(sorted(("today", "tomorrow", *_WEEKDAY), key=len, reverse=True))
# What has the shape of a moment, right or wrong: for lines that nothing else marks as commands.
MOMENT = "|".join(
    (
        _AFTER.pattern,
        _TIME_OF_DAY,
        rf"[0-9]{{4}}-[0-9]{{2}}-[0-9]{{2}}(?:[t ]{_TIME_OF_DAY})?",
        rf"(?:{_DAY_NAMES})(?: {_TIME_OF_DAY})?",
        "next week|eod",
    )
)


def read_when(
    words: str,
    *,
    now: datetime,
    zone: tzinfo,
    day_begins: time = time(9),
    day_ends: time = time(17),
    calendar: Calendar | None = None,
) -> datetime:
    """Return the instant (UTC) that `words` mean to somebody in `zone` at `now`. It is always later than `now`.

    Hours and minutes are elapsed time. Days and weeks keep the time of day when the clocks change. A day without
    a time begins at `day_begins`. Business time (bh, bd) is that of `calendar`. Raises ValueError with a
    sentence that tells the writer what is wrong."""
    told = " ".join(words.casefold().split())[:_MAX_LENGTH]
    span = _AFTER.fullmatch(told)
    if span and span[2] in _ELAPSED:
        return _later(now.astimezone(UTC) + int(span[1]) * _ELAPSED[span[2]], now, told)
    if span and span[2] in ("bh", "bd"):
        return _later(_in_business_time(int(span[1]), span[2], now, calendar), now, told)
    local = now.astimezone(zone).replace(tzinfo=None)
    wall = local + int(span[1]) * _CALENDAR[span[2]] if span else _on_a_day(told, local, day_begins, day_ends)
    if abs(wall.year - local.year) > 3:  # the years 1 and 9999 cannot be converted to UTC everywhere
        return _later(wall.replace(tzinfo=UTC), now, told)
    return _later(wall.replace(tzinfo=zone).astimezone(UTC), now, told)


def shown_when(moment: datetime, zone: tzinfo) -> str:
    """Return an instant as people check it: "Tue 2026-12-01 09:00 CET"."""
    local = moment.astimezone(zone)
    return f"{_DAYS[local.weekday()][:3].title()} {local:%Y-%m-%d %H:%M} {local.tzname() or 'UTC'}"


def shown_time(moment: datetime, zone: tzinfo) -> str:
    """Return a time of this day as people check it: "09:00:30 CET"."""
    local = moment.astimezone(zone)
    return f"{local:%H:%M:%S} {local.tzname() or 'UTC'}"


def _later(moment: datetime, now: datetime, told: str) -> datetime:
    if moment <= now:
        raise ValueError(f"{told!r} has gone by already")
    if moment - now > MAX_AHEAD:
        raise ValueError(f"{told!r} is more than two years ahead")
    return moment


def _in_business_time(count: int, unit: str, now: datetime, calendar: Calendar | None) -> datetime:
    if calendar is None:
        raise ValueError(f"there are no opening hours to count {count}{unit} in: write {count}h or {count}d")
    if unit == "bh":
        return add(calendar, now, timedelta(hours=count))
    return _business_days(count, now, calendar)


def _business_days(count: int, now: datetime, calendar: Calendar) -> datetime:
    """Return the same time of day after `count` days with opening hours.

    When that time is outside opening hours, this is the end of the opening before it, or the first opening of
    that day."""
    if not count:
        return now
    local = calendar.local(now)
    day, left, last = local.date(), count, local.date() + MAX_AHEAD + timedelta(days=1)
    while left and day < last:
        day += timedelta(days=1)
        left -= bool(hours_on(calendar, day))
    if left:
        raise ValueError(f"{count}bd is more than two years ahead")
    moment = datetime.combine(day, local.time(), local.tzinfo).astimezone(UTC)
    midnight = datetime.combine(day, time(), local.tzinfo)
    spans = open_spans(calendar, midnight, datetime.combine(day + timedelta(days=1), time(), local.tzinfo))
    begun = [(start, end) for start, end in spans if start <= moment]
    if not spans:
        return moment
    return min(moment, begun[-1][1]) if begun else spans[0][0]


def _on_a_day(told: str, local: datetime, day_begins: time, day_ends: time) -> datetime:
    """Return the wall-clock time of a named day, a date, an hour, or the end of today."""
    if told == "eod":
        if local.time() >= day_ends:
            raise ValueError(f"the end of today ({day_ends:%H:%M}) has gone by: say tomorrow {day_ends:%H:%M}")
        return datetime.combine(local.date(), day_ends)
    if dated := _DATE.fullmatch(told):
        return datetime.combine(_date(dated[1]), _clock(dated[2] or "", told, day_begins))
    if told == "next week":
        monday = local.date() + timedelta(days=7 - local.weekday())
        return datetime.combine(monday, day_begins)
    name, _, clock = told.partition(" ")
    if name == "today" and clock:
        return datetime.combine(local.date(), _clock(clock, told, day_begins))
    if name == "tomorrow":
        return datetime.combine(local.date() + timedelta(days=1), _clock(clock, told, day_begins))
    if name in _WEEKDAY:
        ahead = timedelta(days=(_WEEKDAY[name] - local.weekday()) % 7)
        moment = datetime.combine(local.date() + ahead, _clock(clock, told, day_begins))
        return moment if moment > local else moment + timedelta(days=7)
    moment = datetime.combine(local.date(), _clock(told, told, None))
    return moment if moment > local else moment + timedelta(days=1)


def _date(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise ValueError(f"there is no day {text}") from None


def _clock(text: str, told: str, absent: time | None) -> time:
    """Read "15:00", "9am" or "3:30 pm"; `absent` for an empty text. A bare number is no hour: "mon 3" may be a
    date."""
    if not text and absent is not None:
        return absent
    found = _CLOCK.fullmatch(text)
    if not found or not (found[2] or found[3]):
        raise ValueError(f"{told!r} is no time: write {FORMS}")
    hour, minute = int(found[1]), int(found[2] or 0)
    if found[3] and 1 <= hour <= 12:
        hour = hour % 12 + (12 if found[3] == "pm" else 0)
    elif found[3]:
        hour = 24  # 13pm
    if hour > 23 or minute > 59:
        raise ValueError(f"there is no hour {text}")
    return time(hour, minute)
