"""The moments that people name in commands: "2h", "tomorrow", "fri 15:00", "2026-12-01", "eod"."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, time, timedelta, tzinfo

FORMS = "2h, 3d, tomorrow, mon, fri 15:00, 2026-12-01 09:00 or eod"
MAX_AHEAD = timedelta(days=731)  # whoever means a later day than that has mistyped the year

_MAX_LENGTH = 40  # the longest form is "wednesday 2026-12-01 09:00 am" and some blanks
_DAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
_WEEKDAY = {name[:length]: number for number, name in enumerate(_DAYS) for length in (2, 3, len(name))} | {
    "tues": 1,
    "thur": 3,
    "thurs": 3,
}
_AFTER = re.compile(r"\+?([0-9]{1,4}) ?(min|m|h|d|w)")
_ELAPSED = {"m": timedelta(minutes=1), "min": timedelta(minutes=1), "h": timedelta(hours=1)}
_CALENDAR = {"d": timedelta(days=1), "w": timedelta(weeks=1)}
_CLOCK = re.compile(r"([0-9]{1,2})(?::([0-9]{2}))? ?(am|pm)?")
_DATE = re.compile(r"([0-9]{4}-[0-9]{2}-[0-9]{2})(?:[t ] ?(.*))?")


def read_when(
    words: str, *, now: datetime, zone: tzinfo, day_begins: time = time(9), day_ends: time = time(17)
) -> datetime:
    """The instant in UTC that `words` mean to somebody in `zone` at `now`; always later than `now`.

    Hours and minutes are elapsed time; days and weeks keep the time of day across a change of clocks. A day without
    a time begins at `day_begins`. ValueError says what is wrong with the words, as a sentence for their writer."""
    told = " ".join(words.casefold().split())[:_MAX_LENGTH]
    span = _AFTER.fullmatch(told)
    if span and span[2] in _ELAPSED:
        return _later(now.astimezone(UTC) + int(span[1]) * _ELAPSED[span[2]], now, told)
    local = now.astimezone(zone).replace(tzinfo=None)
    wall = local + int(span[1]) * _CALENDAR[span[2]] if span else _on_a_day(told, local, day_begins, day_ends)
    if abs(wall.year - local.year) > 3:  # the years 1 and 9999 cannot be converted to UTC everywhere
        return _later(wall.replace(tzinfo=UTC), now, told)
    return _later(wall.replace(tzinfo=zone).astimezone(UTC), now, told)


def shown_when(moment: datetime, zone: tzinfo) -> str:
    """An instant as people check it: "Tue 2026-12-01 09:00 CET"."""
    local = moment.astimezone(zone)
    return f"{_DAYS[local.weekday()][:3].title()} {local:%Y-%m-%d %H:%M} {local.tzname() or 'UTC'}"


def _later(moment: datetime, now: datetime, told: str) -> datetime:
    if moment <= now:
        raise ValueError(f"{told!r} has gone by already")
    if moment - now > MAX_AHEAD:
        raise ValueError(f"{told!r} is more than two years ahead")
    return moment


def _on_a_day(told: str, local: datetime, day_begins: time, day_ends: time) -> datetime:
    """The wall-clock time of a named day, a date, an hour, or the end of today."""
    if told == "eod":
        if local.time() >= day_ends:
            raise ValueError(f"the end of today ({day_ends:%H:%M}) has gone by: say tomorrow {day_ends:%H:%M}")
        return datetime.combine(local.date(), day_ends)
    if dated := _DATE.fullmatch(told):
        return datetime.combine(_date(dated[1]), _clock(dated[2] or "", told, day_begins))
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
    """ "15:00", "9am" or "3:30 pm"; `absent` for an empty text. A bare number is no hour: "mon 3" may be a date."""
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
