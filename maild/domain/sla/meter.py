"""Measures one cycle of a target against a goal: how much is used, when an amount will be used, and where it
stands.

There are two meters with one interface. One counts the clock's runs, the other leads to a due time set by hand."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from maild.domain.sla.clocks import ByHand, Cycle, Target
from maild.domain.times.calendars import ALWAYS, Calendar, NotOpenLongEnoughError, add, between

_ZERO = timedelta(0)
_SECOND = timedelta(seconds=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class TargetStanding:
    """Where one cycle of one target stands. Instants are UTC in whole seconds.

    `due_at` is None while the clock stands (unless time had run out before), when the target ended in time, and
    when the calendar does not hold enough open time. `paused` means pending while the clock stands."""

    target: Target
    cycle: int
    started_at: datetime
    goal: timedelta
    consumed: timedelta
    due_at: datetime | None
    met_at: datetime | None
    ended_at: datetime | None
    breached_at: datetime | None
    paused: bool
    running: bool


def metered(cycle: Cycle, goal: timedelta | None, calendar: Calendar, now: datetime) -> Meter | HandMeter | None:
    """Return the meter of a cycle, or None when nothing was promised. A due time by hand replaces the plan's goal."""
    if cycle.by_hand is not None:
        return HandMeter(cycle, cycle.by_hand, calendar, now)
    return Meter(cycle, goal, calendar, now) if goal is not None else None


def promise_of(due: datetime) -> str:
    """Return what tells the steps of this due time from those of another one in the ledger."""
    return f"@{due:%Y-%m-%dT%H:%M:%SZ}"


def running_time(cycle: Cycle, calendar: Calendar, now: datetime) -> timedelta:
    """Return the open time over the runs of a cycle, whatever was promised: what a response or a resolution took."""
    return sum((between(calendar, run.start, run.end or now) for run in cycle.runs), _ZERO)


class Meter:
    """Measures one cycle with a calendar: how much of the goal is used, and when an amount will be."""

    promise = ""

    def __init__(self, cycle: Cycle, goal: timedelta, calendar: Calendar, now: datetime) -> None:
        self.cycle = cycle
        self.goal = goal
        self._calendar = calendar
        self._now = now
        self._before: list[timedelta] = []  # consumed before each run
        total = _ZERO
        for run in cycle.runs:
            self._before.append(total)
            total += between(calendar, run.start, run.end or now)
        self.consumed = total

    def instant_of(self, amount: timedelta) -> datetime | None:
        """Return the first instant at which `amount` is used, in the past or future.

        Returns None when the clock stands before that, or when the calendar does not hold so much open time. The
        last run of a met target counts as going on, which tells when it would have been due."""
        runs = self.cycle.runs
        for index, (run, before) in enumerate(zip(runs, self._before, strict=True)):
            last = index == len(runs) - 1
            until = self.consumed if last else self._before[index + 1]
            if amount <= until or (last and self.cycle.running_last):
                try:
                    return add(self._calendar, run.start, amount - before)
                except NotOpenLongEnoughError:
                    return None  # `explain` says so
        return None

    def standing(self) -> TargetStanding:
        """Return where the cycle stands against its goal."""
        return _standing(self, self.instant_of(self.goal), self._now)


class HandMeter:
    """Measures a cycle that is due at an instant that somebody set. The clock's pauses do not move it.

    The goal is the open time from the setting to that instant. So a step at 75% comes when a quarter of it is
    left. Steps after the due time count open time from it. Where all of it is closed, elapsed time counts."""

    def __init__(self, cycle: Cycle, by_hand: ByHand, calendar: Calendar, now: datetime) -> None:
        self.cycle = cycle
        self._due, self._since, self._now = by_hand.due_at, by_hand.since, now
        open_time = between(calendar, self._since, self._due)
        self._calendar = calendar if open_time else ALWAYS
        self.goal = open_time or max(_SECOND, self._due - self._since)
        self.consumed = between(self._calendar, self._since, cycle.met_at or cycle.ended_at or now)

    @property
    def promise(self) -> str:
        """What tells the steps of this due time from those of another one in the ledger."""
        return promise_of(self._due)

    def instant_of(self, amount: timedelta) -> datetime | None:
        """Return when `amount` of the goal is used. The whole goal is used exactly at the due time, open or not."""
        start, rest = (self._since, amount) if amount < self.goal else (self._due, amount - self.goal)
        try:
            return add(self._calendar, start, rest)
        except NotOpenLongEnoughError:
            return None  # steps after due in a calendar that has run out

    def standing(self) -> TargetStanding:
        """Return where the cycle stands against its due time."""
        return _standing(self, self._due, self._now)


def _standing(meter: Meter | HandMeter, due: datetime | None, now: datetime) -> TargetStanding:
    cycle = meter.cycle
    finish = cycle.met_at or cycle.ended_at
    breached = due is not None and (due < finish if finish else due <= now)
    return TargetStanding(
        target=cycle.target,
        cycle=cycle.number,
        started_at=cycle.started_at,
        goal=meter.goal,
        consumed=meter.consumed,
        due_at=due if cycle.ended_at is None or breached else None,
        met_at=cycle.met_at,
        ended_at=cycle.ended_at,
        breached_at=due if breached else None,
        paused=cycle.pending and not cycle.running_last,
        running=cycle.pending and cycle.running_last,
    )
