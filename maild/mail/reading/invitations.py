"""Turns a calendar part (RFC 5545, RFC 5546) into one line for people: what is asked, for when, and by whom.

Only the first event is read, with the few properties that the line needs. Recurrences are not expanded, and broken
values are left out."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from maild.mail.text.cleaning import one_line

_MAX_CHARACTERS = 200_000
_MAX_LINES = 5_000
_MAX_WORDS = 200  # characters of a summary, a place or a name
_MAX_ATTENDEES = 5  # answers that are shown

_FOLD = re.compile(r"\r?\n[ \t]")  # RFC 5545 3.1
_PROPERTY = re.compile(r'^([A-Za-z0-9-]{1,40})((?:;[^:;"]{1,400}(?:"[^"]{0,400}"[^:;"]{0,100})*)*):(.*)$', re.DOTALL)
_PARAMETER = re.compile(r';([A-Za-z0-9-]{1,40})=("[^"]{0,400}"|[^;:"]{0,400})')
_ESCAPED = re.compile(r"\\([\\;,Nn])")  # RFC 5545 3.3.11
# DATE or DATE-TIME (RFC 5545 3.3.4, 3.3.5).
_MOMENT = re.compile(r"^(\d{4})(\d\d)(\d\d)(?:T(\d\d)(\d\d)(?:\d\d)?(Z?))?$")
_METHOD = re.compile(r"^[A-Z-]{1,30}$")
_EVENTS = frozenset(("VEVENT", "VTODO", "VFREEBUSY"))
_ANSWERS = frozenset(("ACCEPTED", "DECLINED", "TENTATIVE", "DELEGATED"))  # PARTSTAT (RFC 5545 3.2.12)
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


@dataclass(slots=True)
class Invitation:
    """What a calendar part says."""

    method: str = ""  # METHOD (RFC 5546 1.4)
    line: str = ""  # the line for people; "" if there is no event


@dataclass(slots=True)
class _Event:
    """The first event of a calendar."""

    method: str = ""
    known: dict[str, tuple[dict[str, str], str]] = field(default_factory=dict)  # name -> (parameters, value)
    answers: list[str] = field(default_factory=list)  # of attendees, in words


def read(text: str, declared_method: str = "") -> Invitation:
    """Read a calendar. `declared_method` is the parameter of its Content-Type, for parts without METHOD."""
    event = _first_event(text[:_MAX_CHARACTERS])
    method = event.method or one_line(declared_method).strip().upper()
    method = method if _METHOD.match(method) else ""
    return Invitation(method, _line(event, method) if event.known else "")


def _first_event(text: str) -> _Event:
    """Collect the properties of the first event."""
    event = _Event()
    inside: list[str] = []
    done = False
    for name, parameters, value in _properties(text):
        if name == "BEGIN":
            inside.append(value.upper()[:40])
        elif name == "END":
            done = done or (bool(inside) and inside[-1] in _EVENTS)
            del inside[-1:]
        elif name == "METHOD" and not event.method:
            event.method = value.strip().upper()
        elif len(inside) == 2 and inside[1] in _EVENTS and not done:
            event.known.setdefault(name, (parameters, value))
            if name == "ATTENDEE" and parameters.get("PARTSTAT", "").upper() in _ANSWERS:
                event.answers.append(f"{_person(parameters, value)} {parameters['PARTSTAT'].upper()}")
    return event


def _properties(text: str) -> Iterator[tuple[str, dict[str, str], str]]:
    """Yield (name, parameters, value) of each content line, unfolded (RFC 5545 3.1)."""
    for line in _FOLD.sub("", text).splitlines()[:_MAX_LINES]:
        match = _PROPERTY.match(line[:4_000])
        if match:
            parameters = {found[1].upper(): found[2].strip('"') for found in _PARAMETER.finditer(match[2])}
            yield match[1].upper(), parameters, match[3]


def _line(event: _Event, method: str) -> str:
    """Write the line for people."""
    pieces = [f"Calendar: {method} {_words(event, 'SUMMARY') or '(no summary)'}".replace("  ", " ")]
    pieces.append(_time(event))
    pieces.append(_words(event, "LOCATION"))
    if "ORGANIZER" in event.known and method != "REPLY":
        pieces.append(f"organiser {_person(*event.known['ORGANIZER'])}")
    if event.known.get("STATUS", ({}, ""))[1].strip().upper() == "CANCELLED" and method != "CANCEL":
        pieces.append("cancelled")
    if "RRULE" in event.known:
        pieces.append("repeated")
    if method in {"REPLY", "COUNTER", "REFRESH"}:
        pieces += event.answers[:_MAX_ATTENDEES]
    return one_line(", ".join(piece for piece in pieces if piece))


def _words(event: _Event, name: str) -> str:
    """Return the text of a property without escapes, on one line."""
    value = event.known.get(name, ({}, ""))[1]
    value = _ESCAPED.sub(lambda found: " " if found[1] in "Nn" else found[1], value)
    return " ".join(one_line(value).split())[:_MAX_WORDS]


def _person(parameters: dict[str, str], value: str) -> str:
    """Write a calendar user (RFC 5545 3.3.3) as `name <address>`, with the name in CN (3.2.2)."""
    address = one_line(value).strip()
    address = address[7:] if address[:7].lower() == "mailto:" else address
    name = " ".join(one_line(parameters.get("CN", "")).split())[:_MAX_WORDS]
    return f"{name} <{address[:_MAX_WORDS]}>" if name and name != address else address[:_MAX_WORDS]


def _time(event: _Event) -> str:
    """Write the time of an event: `24 Nov 2026 10:00-11:00 UTC`. The zone has the sender's name for it."""
    start = _moment(*event.known.get("DTSTART", ({}, "")))
    if start is None:
        return ""
    begins, whole_day, zone = start
    end = _moment(*event.known.get("DTEND", ({}, "")))
    if end is None or end[1] != whole_day or end[0] <= begins:
        return _shown(begins, whole_day) + zone
    ends = end[0] - timedelta(days=1) if whole_day else end[0]  # DTEND is not a part of the event (RFC 5545 3.6.1)
    if whole_day:
        return _day(begins) if ends == begins else f"{_day(begins)} - {_day(ends)}"
    if ends.date() == begins.date() and end[2] == zone:
        return f"{_shown(begins, whole_day)}-{ends:%H:%M}{zone}"
    return f"{_shown(begins, whole_day)}{zone} - {_shown(ends, whole_day)}{end[2]}"


def _moment(parameters: dict[str, str], value: str) -> tuple[datetime, bool, str] | None:
    """Return (local time, whether it is a whole day, " ZONE"); None for a broken value."""
    match = _MOMENT.match(value.strip())
    if match is None:
        return None
    year, month, day, hour, minute, utc = match.groups()
    try:
        moment = datetime(int(year), int(month), int(day), int(hour or 0), int(minute or 0))  # noqa: DTZ001 - as written
    except ValueError:
        return None  # such a day does not exist: the line is written without it
    zone = "UTC" if utc else " ".join(one_line(parameters.get("TZID", "")).split())[:60]
    return moment, hour is None, f" {zone}" if zone and hour is not None else ""


def _day(moment: datetime) -> str:
    """Write a day: 24 Nov 2026."""
    return f"{moment.day} {_MONTHS[moment.month - 1]} {moment.year}"


def _shown(moment: datetime, whole_day: bool) -> str:
    """Write a day, with the time if it is not a whole day."""
    return _day(moment) if whole_day else f"{_day(moment)} {moment:%H:%M}"
