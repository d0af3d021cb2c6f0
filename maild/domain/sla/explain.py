"""Explains why something is due when it is: the derivation of every deadline in words, line by line.

Lines have at most 72 columns. Times are local, with their UTC offset."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date, datetime, timedelta
from itertools import groupby
from textwrap import wrap
from zoneinfo import ZoneInfo

from maild.domain.sla.clocks import whole_second
from maild.domain.sla.derivation import Derivation, Line, LineKind, derivations
from maild.domain.sla.meter import TargetStanding
from maild.domain.sla.standing import Plan, shown_duration
from maild.domain.tickets import events
from maild.domain.times.calendars import WEEKDAYS, Calendar, zone_named

WIDTH = 72
_ZERO = timedelta(0)
_MOST_STRETCHES = 40  # of a deadline; the middle of more is one line
_SHOWN_AT_EACH_END = 15
_CHOSEN_BY = {
    "command": "by a command",
    "rule": "by a rule",
    "topic": "by its topic",
    "organisation": "by the organisation",
    "priority": "by its priority",
    "department": "by its department",
    "escalation": "by an escalation",
}


def explain(
    history: Sequence[events.Event],
    plan: Plan,
    calendar: Calendar,
    now: datetime,
    zone: str = "",
    organisation: str = "",
) -> tuple[str, ...]:
    """Return the lines that derive each target's deadline, the oldest cycle first.

    Times are shown in `zone`; "" is the calendar's. `organisation` is the name of the requester's organisation.
    Raises ValueError for an unknown zone, or when the first event is not Opened."""
    moment = whole_second(now)
    shown_in = zone_named(zone or calendar.zone)
    lines = [*_plan_lines(history, plan, shown_in, organisation), *_calendar_lines(calendar)]
    found = derivations(history, plan, calendar, moment)
    for derivation in found:
        lines += ["", *_told(derivation, moment, shown_in)]
    return tuple(lines if found else (*lines, "This plan promises nothing for this ticket."))


# -- what it is computed with -------------------------------------------------------------------------------------


def _plan_lines(history: Sequence[events.Event], plan: Plan, zone: ZoneInfo, organisation: str) -> Iterator[str]:
    """Return the plan and what chose it, and below it the plans that the ticket had before."""
    name = source = ""
    before: list[str] = []
    for event in history:
        if isinstance(event, events.Opened):
            name, source = event.sla_plan, event.plan_source
        elif isinstance(event, events.PlanChanged):
            if event.sla_plan != name and name:
                before.append(f"  until {shown_at(whole_second(event.at), zone)}: {name}")
            name, source = event.sla_plan, event.source
    words = _CHOSEN_BY.get(source, "")
    words += f" {organisation}" if source == "organisation" and organisation else ""
    if name and name != plan.name:
        words = f"for the configuration has no plan {name}"
    yield from wrap(f"Plan {plan.name}{', ' if words else ''}{words}", WIDTH, subsequent_indent="  ")
    yield from (line[:WIDTH] for line in before)
    if before:
        yield "  All deadlines are counted from their beginnings, by the plan of now."


def _calendar_lines(calendar: Calendar) -> Iterator[str]:
    if calendar.always_open:
        yield f"Calendar {calendar.name}: around the clock"
        return
    holidays = f", holidays of {calendar.holidays.name}" if calendar.holidays else ""
    yield from wrap(f"Calendar {calendar.name} in {calendar.zone}{holidays}", WIDTH, subsequent_indent="  ")
    hours = [(day, ", ".join(span.shown for span in spans)) for day, spans in zip(WEEKDAYS, calendar.week, strict=True)]
    for shown, days in groupby(hours, key=lambda pair: pair[1]):
        named = [day for day, _ in days]
        if shown:
            span = named[0] if len(named) == 1 else f"{named[0]}-{named[-1]}"
            yield from wrap(f"  open {span} {shown}", WIDTH, subsequent_indent="       ")


# -- one deadline -------------------------------------------------------------------------------------------------


def _told(derivation: Derivation, now: datetime, zone: ZoneInfo) -> Iterator[str]:
    target = derivation.target
    number = f", cycle {target.cycle}" if target.cycle > 1 else ""
    yield f"{target.target.value.replace('-', ' ').capitalize()}{number}: {_promised(derivation)}"
    stretches = [line for line in derivation.lines if line.part is LineKind.OPEN]
    hidden = stretches[_SHOWN_AT_EACH_END:-_SHOWN_AT_EACH_END] if len(stretches) > _MOST_STRETCHES else []
    inside = set(map(id, hidden))
    for line in derivation.lines:
        if id(line) not in inside:
            yield from _line(line, zone)
        elif line is hidden[-1]:
            skipped = sum((each.length for each in hidden), _ZERO)
            yield f"{_sum(skipped, line.total)}in {len(hidden)} more stretches"
    yield f"  {verdict(target, now)}"


def _promised(derivation: Derivation) -> str:
    if derivation.promised is None:
        return "due by hand; the plan promises none"
    shown = shown_duration(derivation.promised)
    return f"due by hand, in place of {shown}" if derivation.by_hand else shown


def _line(line: Line, zone: ZoneInfo) -> Sequence[str]:
    if line.part is LineKind.OPEN and line.until is not None:
        return _interval(_sum(line.length, line.total), line.at, line.until, zone)
    if line.part is LineKind.DAY:
        day, _, why = line.text.partition(" ")
        name = WEEKDAYS[date.fromisoformat(day).weekday()].capitalize()
        return wrap(f"  {name} {day}  {why}", WIDTH, subsequent_indent=" " * 18)
    text = f"due ({line.at:%Y-%m-%d %H:%M:%S} UTC)" if line.part is LineKind.DUE else line.text
    return (f"  {shown_at(line.at, zone)}  {text}",)


def verdict(target: TargetStanding, now: datetime) -> str:
    """Return where a target stands, in words: "2h of open time left"."""
    due, left = target.due_at, shown_duration(max(_ZERO, target.goal - target.consumed))
    finish = target.met_at or target.ended_at
    if finish:
        what = "met" if target.met_at else "ended"
        if due and target.breached_at:
            return f"breached: {what} {shown_duration(finish - due)} after due, by the clock"
        return f"met with {left} to spare" if target.met_at else "not needed any more: neither met nor breached"
    if due and target.breached_at:
        return f"breached: overdue for {shown_duration(now - due)}, by the clock"
    if target.paused and due is None:
        return f"no due while the clock stands; {left} left when it runs again"
    if due is None:
        return "no due: the calendar has too few opening hours in the next ten years"
    return f"{left} of open time left"


def _sum(length: timedelta, total: timedelta) -> str:
    return f"  + {shown_duration(length):>10} = {shown_duration(total):>10} "


def _interval(head: str, start: datetime, end: datetime, zone: ZoneInfo) -> tuple[str, ...]:
    """Return a stretch on one line when the wall clock stays on one day and in one offset, else on two."""
    first, last = start.astimezone(zone), end.astimezone(zone)
    if first.date() == last.date() and first.utcoffset() == last.utcoffset():
        return (f"{head}{_day(first)} {_clock(first)}-{_clock(last)} {_offset(first)}",)
    return (f"{head}{shown_at(start, zone)}", f"{'to ':>{len(head)}}{shown_at(end, zone)}")


def shown_at(instant: datetime, zone: ZoneInfo) -> str:
    """Return an instant with its offset: "Mon 2026-05-04 09:30 +02:00"."""
    local = instant.astimezone(zone)
    return f"{_day(local)} {_clock(local)} {_offset(local)}"


def _day(local: datetime) -> str:
    return f"{WEEKDAYS[local.weekday()].capitalize()} {local:%Y-%m-%d}"


def _clock(local: datetime) -> str:
    return f"{local:%H:%M:%S}" if local.second else f"{local:%H:%M}"


def _offset(local: datetime) -> str:
    text = f"{local:%z}"
    return f"{text[:3]}:{text[3:5]}"
