"""How a deadline came about, as data: what moved the clock, unusual days, stretches of open time, and the due
instant.

Each stretch has its length and the sum so far. The lengths add up to the goal, and the last stretch ends at the
due instant. For a due time that somebody set by hand, the setting is the whole derivation."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from enum import StrEnum

from maild.domain.sla.clocks import Cycle, cycles, whole_second
from maild.domain.sla.meter import HandMeter, Meter, TargetStanding, metered
from maild.domain.sla.standing import Plan
from maild.domain.tickets import events
from maild.domain.times.calendars import Calendar, Interval, exception_on, hours_on, open_spans, zone_named

_ZERO = timedelta(0)


class LineKind(StrEnum):
    """What a line of a derivation tells. Lines of the same instant stand in this order."""

    EVENT = "event"  # something moved the clock
    DAY = "day"  # a holiday, a day off or special hours
    OPEN = "open"  # a stretch of open time that counted
    DUE = "due"


_RANK = {part: rank for rank, part in enumerate(LineKind)}


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One step. `until`, `length` and `total` (the sum including this step) belong to open stretches."""

    part: LineKind
    at: datetime  # UTC
    text: str = ""
    until: datetime | None = None
    length: timedelta = _ZERO
    total: timedelta = _ZERO


@dataclass(frozen=True, slots=True, kw_only=True)
class Derivation:
    """One cycle of one target. `promised` is the plan's goal or None. `by_hand` is a due time that replaces it."""

    target: TargetStanding
    promised: timedelta | None
    by_hand: bool
    lines: tuple[Line, ...]


def derivations(
    history: Sequence[events.Event], plan: Plan, calendar: Calendar, now: datetime
) -> tuple[Derivation, ...]:
    """Return the derivation of each promise of a ticket by its start. Raises ValueError when the first event is not
    Opened."""
    moment = whole_second(now)
    found = []
    for cycle in cycles(history):
        meter = metered(cycle, plan.goal(cycle.target), calendar, moment)
        if meter is not None:
            found.append(_derivation(meter, plan, calendar, moment))
    return tuple(found)


def _derivation(meter: Meter | HandMeter, plan: Plan, calendar: Calendar, now: datetime) -> Derivation:
    cycle, target = meter.cycle, meter.standing()
    by_hand = isinstance(meter, HandMeter)
    lines = [Line(part=LineKind.EVENT, at=mark.at, text=mark.text) for mark in cycle.marks]
    if target.due_at:
        lines.append(Line(part=LineKind.DUE, at=target.due_at))
    if not by_hand:
        stretches = _stretches(cycle, target, calendar, now)
        finish = max([cycle.started_at, *(end for _, end in stretches)])
        lines += _unusual_days(calendar, cycle.started_at, finish)
        lines += _summed(stretches)
    lines.sort(key=lambda line: (line.at, _RANK[line.part]))
    return Derivation(target=target, promised=plan.goal(cycle.target), by_hand=by_hand, lines=tuple(lines))


def _stretches(cycle: Cycle, target: TargetStanding, calendar: Calendar, now: datetime) -> list[Interval]:
    """Return the open time that led to the deadline. Without a due instant it ends when the clock stopped, or now."""
    found: list[Interval] = []
    for index, run in enumerate(cycle.runs):
        end = run.end or now
        if target.due_at is not None:
            goes_on = index == len(cycle.runs) - 1 and cycle.running_last
            end = target.due_at if goes_on else min(end, target.due_at)
        found += open_spans(calendar, run.start, end)
    return found


def _summed(stretches: Sequence[Interval]) -> Iterator[Line]:
    total = _ZERO
    for start, end in stretches:
        total += end - start
        yield Line(part=LineKind.OPEN, at=start, until=end, length=end - start, total=total)


def _unusual_days(calendar: Calendar, start: datetime, end: datetime) -> Iterator[Line]:
    """Return the holidays, own days off and special hours on the way. Days that are always closed are not news."""
    day, last = calendar.local(start).date(), calendar.local(end).date()
    while day <= last:
        why = exception_on(calendar, day)
        if why and (hours_on(calendar, day) or calendar.week[day.weekday()]):
            midnight = datetime.combine(day, time(), zone_named(calendar.zone)).astimezone(UTC)
            yield Line(part=LineKind.DAY, at=max(midnight, start), text=f"{day} {why}")
        day += timedelta(days=1)
