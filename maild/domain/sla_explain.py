"""Why is this due then? The derivation of every deadline, line by line, for people.

A derivation is a list of events that moved the clock, days that were not ordinary ones, and stretches of open time with
their lengths and the sum so far. The lengths add up to the goal, and the last stretch ends at the due instant. Lines
stay within 72 columns; times are local, with their UTC offset."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from textwrap import wrap
from zoneinfo import ZoneInfo

from maild.domain import events
from maild.domain.calendars import WEEKDAYS, Calendar, Interval, exception_on, hours_on, open_spans, zone_named
from maild.domain.sla import Plan, shown_duration
from maild.domain.sla_clocks import Cycle, cycles, whole_second
from maild.domain.sla_meter import HandMeter, Meter, TargetStanding, metered

WIDTH = 72
_ZERO = timedelta(0)
_MOST_STRETCHES = 40  # of a deadline; the middle of more is one line
_SHOWN_AT_EACH_END = 15


@dataclass(frozen=True, slots=True)
class _Line:
    """A line, maybe folded, with its place: by instant; at the same instant events stand first."""

    at: datetime
    rank: int
    text: tuple[str, ...]


def explain(
    history: Sequence[events.Event], plan: Plan, calendar: Calendar, now: datetime, zone: str = ""
) -> tuple[str, ...]:
    """The lines that derive each target's deadline, oldest cycle first. `zone` is for show; "" is the calendar's.

    ValueError for an unknown zone, or when the first event is not Opened."""
    shown_in = zone_named(zone or calendar.zone)
    moment = whole_second(now)
    lines = [f"Plan {plan.name}{_source(history, plan)}", f"Calendar {calendar.name} in {calendar.zone}"]
    for cycle in cycles(history):
        meter = metered(cycle, plan.goal(cycle.target), calendar, moment)
        if meter is not None:
            lines += ["", *_cycle_lines(meter, plan, calendar, moment, shown_in)]
    if len(lines) == 2:
        lines.append("This plan promises nothing for this ticket.")
    return tuple(lines)


def _source(history: Sequence[events.Event], plan: Plan) -> str:
    """ " (from the topic)": what chose the plan, when the events say so."""
    name = source = ""
    for event in history:
        if isinstance(event, events.Opened):
            name, source = event.sla_plan, event.plan_source
        elif isinstance(event, events.PlanChanged):
            name, source = event.sla_plan, event.source
    return f" (chosen by {source})" if source and name == plan.name else ""


def _cycle_lines(
    meter: Meter | HandMeter, plan: Plan, calendar: Calendar, now: datetime, zone: ZoneInfo
) -> Iterator[str]:
    cycle, target = meter.cycle, meter.standing()
    by_plan = isinstance(meter, Meter)
    # A due by hand is no sum: what led to it is that somebody set it.
    stretches = _stretches(cycle, target, calendar, now) if by_plan else []
    lines = [_Line(mark.at, 0, (f"  {shown_at(mark.at, zone)}  {mark.text}",)) for mark in cycle.marks]
    if target.due_at:
        utc = f"{target.due_at:%Y-%m-%d %H:%M:%S} UTC"
        lines.append(_Line(target.due_at, 3, (f"  {shown_at(target.due_at, zone)}  due ({utc})",)))
    finish = max([cycle.started_at, *(end for _, end in stretches)])
    lines += _unusual_days(calendar, cycle.started_at, finish) if by_plan else []
    lines += _stretch_lines(stretches, zone)
    number = f", cycle {cycle.number}" if cycle.number > 1 else ""
    yield f"{cycle.target.value.replace('-', ' ').capitalize()}{number}: {_promised(meter, plan)}"
    for line in sorted(lines, key=lambda line: (line.at, line.rank)):
        yield from line.text
    yield f"  {_verdict(target, now)}"


def _promised(meter: Meter | HandMeter, plan: Plan) -> str:
    goal = plan.goal(meter.cycle.target)
    shown = shown_duration(goal) if goal is not None else "no promise"
    return shown if isinstance(meter, Meter) else f"due by hand, in place of {shown}"


def _stretches(cycle: Cycle, target: TargetStanding, calendar: Calendar, now: datetime) -> list[Interval]:
    """The open time that led to the deadline: until due when there is one, else until the clock stopped or now."""
    found: list[Interval] = []
    for index, run in enumerate(cycle.runs):
        end = run.end or now
        if target.due_at is not None:
            goes_on = index == len(cycle.runs) - 1 and cycle.running_last
            end = target.due_at if goes_on else min(end, target.due_at)
        found += open_spans(calendar, run.start, end)
    return found


def _stretch_lines(stretches: Sequence[Interval], zone: ZoneInfo) -> Iterator[_Line]:
    total = _ZERO
    hidden = range(_SHOWN_AT_EACH_END, len(stretches) - _SHOWN_AT_EACH_END)
    if len(stretches) <= _MOST_STRETCHES:
        hidden = range(0)
    skipped = _ZERO
    for index, (start, end) in enumerate(stretches):
        length = end - start
        total += length
        if index not in hidden:
            yield _Line(start, 2, _interval(_sum(length, total), start, end, zone))
            continue
        skipped += length
        if index == hidden[-1]:
            yield _Line(start, 2, (f"{_sum(skipped, total)}in {len(hidden)} more stretches",))


def _unusual_days(calendar: Calendar, start: datetime, end: datetime) -> Iterator[_Line]:
    """Holidays, own days off and special hours that the derivation met; days that are always closed say nothing new."""
    day, last = calendar.local(start).date(), calendar.local(end).date()
    while day <= last:
        why = exception_on(calendar, day)
        if why and (hours_on(calendar, day) or calendar.week[day.weekday()]):
            midnight = datetime.combine(day, time(), zone_named(calendar.zone)).astimezone(UTC)
            text = f"  {WEEKDAYS[day.weekday()].capitalize()} {day}  {why}"
            yield _Line(max(midnight, start), 1, tuple(wrap(text, WIDTH, subsequent_indent=" " * 18)))
        day += timedelta(days=1)


def _verdict(target: TargetStanding, now: datetime) -> str:
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
    """On one line when the wall clock stays on one day and in one offset, else over two."""
    first, last = start.astimezone(zone), end.astimezone(zone)
    if first.date() == last.date() and first.utcoffset() == last.utcoffset():
        return (f"{head}{_day(first)} {_clock(first)}-{_clock(last)} {_offset(first)}",)
    return (f"{head}{shown_at(start, zone)}", f"{'to ':>{len(head)}}{shown_at(end, zone)}")


def shown_at(instant: datetime, zone: ZoneInfo) -> str:
    """ "Mon 2026-05-04 09:30 +02:00"."""
    local = instant.astimezone(zone)
    return f"{_day(local)} {_clock(local)} {_offset(local)}"


def _day(local: datetime) -> str:
    return f"{WEEKDAYS[local.weekday()].capitalize()} {local:%Y-%m-%d}"


def _clock(local: datetime) -> str:
    return f"{local:%H:%M:%S}" if local.second else f"{local:%H:%M}"


def _offset(local: datetime) -> str:
    text = f"{local:%z}"
    return f"{text[:3]}:{text[3:5]}"
