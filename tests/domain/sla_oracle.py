"""A slow second opinion on business time and tickets: it looks at every single minute. It shares no code with maild.

The wall clock of a place is a list: one number per UTC minute, the minutes of local wall time since a first midnight,
made never to go back (a time that comes twice only counts when it first comes). A minute is open when its number is
marked open."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from itertools import accumulate
from zoneinfo import ZoneInfo

DAY = 1440
WINDOW_DAYS = 18
MINUTE = timedelta(minutes=1)

# A zone and a day in whose neighbourhood its clock does something remarkable.
PLACES: tuple[tuple[str, date], ...] = (
    ("Europe/Berlin", date(2026, 3, 29)),  # 02:00 -> 03:00
    ("Europe/Berlin", date(2026, 10, 25)),  # 03:00 -> 02:00
    ("Europe/Paris", date(2026, 3, 29)),
    ("Europe/Paris", date(2026, 10, 25)),
    ("America/New_York", date(2026, 3, 8)),
    ("America/New_York", date(2026, 11, 1)),
    ("America/Sao_Paulo", date(2018, 11, 4)),  # midnight does not exist
    ("America/Sao_Paulo", date(2018, 2, 17)),  # the hour before midnight comes twice
    ("America/Sao_Paulo", date(2026, 3, 2)),  # no daylight saving any more
    ("Australia/Lord_Howe", date(2026, 4, 5)),  # half an hour back
    ("Australia/Lord_Howe", date(2026, 10, 4)),  # half an hour forward
    ("Australia/Sydney", date(2026, 4, 5)),  # the south goes back in autumn, too: in April
    ("Pacific/Auckland", date(2026, 9, 27)),
    ("America/Santiago", date(2026, 9, 6)),  # midnight does not exist
    ("Pacific/Apia", date(2011, 12, 30)),  # a day that never was
    ("Asia/Kolkata", date(2026, 5, 4)),  # half past
    ("Asia/Kathmandu", date(2026, 5, 4)),  # a quarter to
    ("UTC", date(2026, 12, 24)),
)


def window_start(anchor: date) -> datetime:
    """The first UTC minute of the window around an anchor."""
    first = anchor - timedelta(days=WINDOW_DAYS // 2)
    return datetime(first.year, first.month, first.day, tzinfo=UTC)


@lru_cache(maxsize=64)
def wall_minutes(zone: str, anchor: date) -> tuple[int, ...]:
    """For each UTC minute of the window: local wall minutes since the first UTC midnight's date, never going back."""
    start = window_start(anchor)
    place = ZoneInfo(zone)
    walls = (
        (start + index * MINUTE).astimezone(place).replace(tzinfo=None) - start.replace(tzinfo=None)
        for index in range(WINDOW_DAYS * DAY)
    )
    return tuple(accumulate((wall // MINUTE for wall in walls), max))


@dataclass(frozen=True)
class Hours:
    """Opening hours as bare numbers: (start, end) minutes for the seven days, days off, and days with other hours."""

    week: tuple[tuple[tuple[int, int], ...], ...]
    off: frozenset[date] = frozenset()
    special: Mapping[date, tuple[tuple[int, int], ...]] | None = None


def open_minutes(hours: Hours, zone: str, anchor: date) -> bytearray:
    """One flag per UTC minute of the window."""
    special = hours.special or {}
    first = window_start(anchor).date() - timedelta(days=3)
    days = [first + timedelta(days=index) for index in range(WINDOW_DAYS + 6)]
    shift = 3 * DAY  # the list begins three days before the window
    painted = bytearray((len(days) + 2) * DAY)
    for index, day in enumerate(days):
        closed = day in hours.off and day not in special
        spans = special.get(day, () if closed else hours.week[day.weekday()])
        for start, end in spans:
            for minute in range(index * DAY + start, index * DAY + end):
                painted[minute] = 1
        # A closed day is closed from midnight on: what yesterday's night shift painted into it goes.
        # The spans of this very day, and of later ones, are painted after; so a closed day keeps nothing.
        if closed or special.get(day) == ():
            painted[index * DAY : (index + 1) * DAY] = bytes(DAY)
    return bytearray(painted[wall + shift] for wall in wall_minutes(zone, anchor))


def count(flags: Sequence[int], a: int, b: int) -> int:
    """Open minutes in [a, b), by counting."""
    return sum(flags[a:b])


def after(flags: Sequence[int], a: int, minutes: int) -> int | None:
    """The first minute at which `minutes` open ones have passed since `a`; None when the window ends before."""
    if minutes == 0:
        return a
    for index in range(a, len(flags)):
        minutes -= flags[index]
        if minutes == 0:
            return index + 1
    return None


FIRST, NEXT, RESOLUTION = "first-response", "next-response", "resolution"
ENDED = ("resolved", "closed", "spam")


@dataclass
class Promise:
    """A target as the simulation sees it: `reached[n]` is the minute at which n open minutes were consumed."""

    target: str
    start: int
    reached: list[int] = field(default_factory=list)
    met: int | None = None
    ended: int | None = None
    ran_last: bool = False

    @property
    def pending(self) -> bool:
        return self.met is None and self.ended is None

    def at(self, amount: int) -> int | None:
        return self.reached[amount] if amount < len(self.reached) else None

    def consumed(self, now: int) -> int:
        return max(0, sum(minute <= now for minute in self.reached) - 1)


def simulate(acts: Sequence[tuple[int, str]], flags: Sequence[int], until: int) -> list[Promise]:
    """Every promise of a ticket by its acts, (minute, word) in order; what is open then goes on until `until`."""
    simulation = _Simulation(acts)
    for minute in range(acts[0][0], until):
        simulation.act(minute)
        for promise in simulation.promises:
            # What was met goes on in thought, to tell when it would have been due.
            runs = simulation.status == "open" if promise.pending else promise.met is not None and promise.ran_last
            if runs and flags[minute]:
                promise.reached.append(minute + 1)
    return simulation.promises


class _Simulation:
    def __init__(self, acts: Sequence[tuple[int, str]]) -> None:
        self.promises: list[Promise] = []
        self.status = "open"
        self._todo = list(acts)
        self._bounced = {word.split()[1] for _, word in acts if word.startswith("bounce")}
        self._owed = True  # the customer has never had an answer
        self._asked = False

    def act(self, minute: int) -> None:
        while self._todo and self._todo[0][0] == minute:
            verb, _, entry = self._todo.pop(0)[1].partition(" ")
            if verb == "opened":
                self._promise(FIRST, minute)
                self._promise(RESOLUTION, minute)
            elif verb == "message":
                self._message(minute)
            elif verb == "reply" and entry not in self._bounced:
                self._reply(minute)
            elif verb in ENDED:
                self._end(minute, verb)
            elif verb in ("open", "waiting"):
                self._work(minute, verb)

    def _promise(self, target: str, minute: int) -> None:
        self.promises.append(Promise(target, minute, [minute] if self.status == "open" else []))

    def _message(self, minute: int) -> None:
        if self._owed or self._asked:
            return
        self._asked = True
        if self.status not in ENDED:
            self._promise(NEXT, minute)

    def _reply(self, minute: int) -> None:
        self._owed = self._asked = False
        for promise in self.promises:
            if promise.target == RESOLUTION or promise.met is not None:
                continue
            if promise.ended == minute:
                promise.met, promise.ended = minute, None
            elif promise.ended is None:
                promise.met, promise.ran_last = minute, self.status == "open"

    def _end(self, minute: int, verb: str) -> None:
        for promise in self.promises:
            if promise.pending:
                promise.ran_last = self.status == "open"
                if promise.target == RESOLUTION and verb != "spam":
                    promise.met = minute
                else:
                    promise.ended = minute
        self.status = verb

    def _work(self, minute: int, verb: str) -> None:
        reopened, self.status = self.status in ENDED, verb
        if reopened:
            if self._owed or self._asked:
                self._promise(FIRST if self._owed else NEXT, minute)
            self._promise(RESOLUTION, minute)
        elif verb == "open":
            for promise in self.promises:
                promise.reached = promise.reached or [minute]
