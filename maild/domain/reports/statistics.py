"""Statistics of a period: how much came and went, how long it took, which promises were kept, what is left.

* A period is half open, [since, until). What happened in it counts, whenever its ticket was opened.
* *Volumes* count events at their instants (ticket_measures.What).
* *Times* are those of responses and resolutions that came in the period, also late ones. They are business time: open
  time of the ticket's calendar while its clock was running, so without waiting for the customer.
* *Promises* count at the instant that decided them: kept when the target was met, missed when it fell due. A target
  that still runs, or that is no longer needed, counts in neither.
* *Backlog* is what was open or waiting at the end of the period, or now when the end has not come yet.
* Merged tickets and spam count nowhere. The report says how many were left out.

Percentiles are nearest-rank: the p-th percentile of n spans is the one at place ceil(p/100 * n) in ascending
order, counted from 1. So each percentile is one of the spans, also the median. Without spans there is none."""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from enum import StrEnum

from maild.domain.reports.ticket_measures import Measured, What
from maild.domain.sla.clocks import Target
from maild.domain.tickets.ratings import Counts, Rated, Rating, counted

_DAY = timedelta(days=1)


class By(StrEnum):
    """What promises are grouped by."""

    PLAN = "plan"
    DEPARTMENT = "department"
    AGENT = "agent"
    WEEK = "week"


# How old what is left is, since its opening, in elapsed time: the first of which it is below.
AGES: tuple[tuple[str, timedelta | None], ...] = (
    ("under 1 day", _DAY),
    ("1 to 3 days", 3 * _DAY),
    ("3 to 7 days", 7 * _DAY),
    ("7 to 30 days", 30 * _DAY),
    ("over 30 days", None),
)


@dataclass(frozen=True, slots=True)
class Period:
    """The time from `since` to `until` (excluded), in UTC. Raises ValueError when it is empty."""

    since: datetime
    until: datetime

    def __post_init__(self) -> None:
        if self.until <= self.since:
            raise ValueError("a period ends after it begins")

    def holds(self, at: datetime) -> bool:
        """Tell whether the instant lies in the period."""
        return self.since <= at < self.until

    def days(self, zone: tzinfo) -> tuple[date, ...]:
        """Return the local days that the period touches."""
        first = self.since.astimezone(zone).date()
        last = (self.until - timedelta(microseconds=1)).astimezone(zone).date()
        return tuple(first + timedelta(days=n) for n in range((last - first).days + 1))


def midnight(day: date, zone: tzinfo) -> datetime:
    """Return the instant (UTC) at which a local day begins."""
    return datetime.combine(day, time(), tzinfo=zone).astimezone(UTC)


def last_days(days: int, now: datetime, zone: tzinfo) -> Period:
    """Return the last `count` local days, including today until now."""
    today = now.astimezone(zone).date()
    return Period(midnight(today - timedelta(days=days - 1), zone), now + timedelta(microseconds=1))


def whole_days(first: date, last: date, zone: tzinfo) -> Period:
    """Return the period from one local day to another, both included. Raises ValueError when the last comes first."""
    return Period(midnight(first, zone), midnight(last + _DAY, zone))


@dataclass(frozen=True, slots=True)
class Times:
    """How long something took. Without any span, median and p90 are None."""

    count: int = 0
    median: timedelta | None = None
    p90: timedelta | None = None

    @classmethod
    def of(cls, spans: Iterable[timedelta]) -> Times:
        """Summarise spans of time."""
        ordered = sorted(spans)
        return cls(len(ordered), percentile(ordered, 50), percentile(ordered, 90))


def percentile(ordered: Sequence[timedelta], percent: int) -> timedelta | None:
    """Return the nearest-rank percentile of spans in ascending order; None without spans."""
    return ordered[-(-percent * len(ordered) // 100) - 1] if ordered else None


@dataclass(frozen=True, slots=True)
class Kept:
    """How many decided promises were kept and missed."""

    met: int = 0
    missed: int = 0

    @property
    def all(self) -> int:
        """The number of decided promises."""
        return self.met + self.missed


@dataclass(frozen=True, slots=True)
class Day:
    """One local day: what happened on it, and what was open or waiting at its end (None while the day is not over)."""

    day: date
    counts: Mapping[What, int]
    backlog: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class PeriodStatistics:
    """The statistics of one period. `at` is the instant of the backlog. Names are those of the configuration; "" is
    nobody."""

    period: Period
    at: datetime
    totals: Mapping[What, int]
    days: tuple[Day, ...]
    agents: Mapping[str, Mapping[What, int]]
    times: Mapping[Target, Times]
    promises: Mapping[Target, Kept]
    kept: Mapping[By, Mapping[str, Mapping[Target, Kept]]]
    ages: Mapping[str, int]
    statuses: Mapping[str, int]
    ratings: Mapping[Rating, int]
    rated: Counts
    merged: int = 0
    spam: int = 0

    @property
    def backlog(self) -> int:
        """How many tickets were open or waiting at `at`."""
        return sum(self.statuses.values())

    @property
    def quiet(self) -> bool:
        """True when nothing at all happened in the period."""
        counts = (*self.totals.values(), *self.ratings.values(), *(kept.all for kept in self.promises.values()))
        return not any(counts)


@dataclass(slots=True)
class Tally:
    """Adds tickets up to statistics.

    `agent` limits them to one agent's work, `department` limits the ratings to one department. The caller
    chooses the tickets. Days and weeks are those of `zone`."""

    period: Period
    now: datetime
    zone: tzinfo
    agent: str = ""
    department: str = ""
    _days: tuple[date, ...] = field(init=False)
    _ends: tuple[datetime, ...] = field(init=False)
    _counts: dict[date, Counter[What]] = field(init=False, default_factory=dict)
    _agents: dict[str, Counter[What]] = field(init=False, default_factory=dict)
    _spans: dict[Target, list[timedelta]] = field(init=False, default_factory=dict)
    _kept: Counter[tuple[By | None, str, Target, bool]] = field(init=False, default_factory=Counter)
    _steps: Counter[int] = field(init=False, default_factory=Counter)  # how the backlog changes from day to day
    _ages: Counter[str] = field(init=False, default_factory=Counter)
    _statuses: Counter[str] = field(init=False, default_factory=Counter)
    _rated: list[Rated] = field(init=False, default_factory=list)
    _left_out: Counter[str] = field(init=False, default_factory=Counter)

    def __post_init__(self) -> None:
        self._days = self.period.days(self.zone)
        self._ends = tuple(min(midnight(day + _DAY, self.zone), self.period.until) for day in self._days)
        self._counts = {day: Counter() for day in self._days}

    @property
    def at(self) -> datetime:
        """The instant at which the backlog is looked at."""
        return min(self.period.until, self.now)

    def add(self, ticket: Measured) -> None:
        """Add one ticket."""
        if ticket.left_out:
            self._left_out[ticket.left_out] += self.period.holds(ticket.opened_at)
            return
        for event in ticket.happened:
            if self.period.holds(event.at) and self._theirs(event.agent):
                self._counts[event.at.astimezone(self.zone).date()][event.what] += 1
                self._agents.setdefault(event.agent, Counter())[event.what] += 1
        for took in ticket.took:
            if self.period.holds(took.at) and self._theirs(took.agent):
                self._spans.setdefault(took.target, []).append(took.span)
        self._add_promises(ticket)
        self._add_backlog(ticket)
        self._rated += [
            word
            for word in ticket.ratings
            if self.period.holds(word.at) and self._theirs(word.agent) and self.department in ("", word.department)
        ]

    def _theirs(self, agent: str) -> bool:
        return self.agent in ("", agent)

    def _add_promises(self, ticket: Measured) -> None:
        for promise in ticket.promises:
            if not (self.period.holds(promise.at) and self._theirs(promise.agent)):
                continue
            year, week, _ = promise.at.astimezone(self.zone).isocalendar()
            groups = {
                None: "",
                By.PLAN: ticket.plan,
                By.DEPARTMENT: ticket.department,
                By.AGENT: promise.agent,
                By.WEEK: f"{year}-W{week:02d}",
            }
            for by, name in groups.items():
                self._kept[by, name, promise.target, promise.kept] += 1

    def _add_backlog(self, ticket: Measured) -> None:
        for stay in ticket.stays:
            if self.agent:  # an owner may change from day to day
                for place, end in enumerate(self._ends):
                    if stay.holds(end) and self._theirs(ticket.owner_at(end)):
                        self._steps[place] += 1
                        self._steps[place + 1] -= 1
            else:
                first = bisect_left(self._ends, stay.begun)
                last = bisect_left(self._ends, stay.ended) if stay.ended is not None else len(self._ends)
                self._steps[first] += 1
                self._steps[max(first, last)] -= 1
            if stay.holds(self.at) and self._theirs(ticket.owner_at(self.at)):
                age = self.at - ticket.opened_at
                self._ages[next(name for name, below in AGES if below is None or age < below)] += 1
                self._statuses["open" if stay.runs_at(self.at) else "waiting"] += 1

    def statistics(self) -> PeriodStatistics:
        """Return the statistics of all added tickets."""
        totals: Counter[What] = Counter()
        for counts in self._counts.values():
            totals.update(counts)
        return PeriodStatistics(
            period=self.period,
            at=self.at,
            totals={what: totals[what] for what in What},
            days=self._by_day(),
            agents={name: dict(counts) for name, counts in sorted(self._agents.items())},
            times={target: Times.of(self._spans.get(target, ())) for target in Target},
            promises=self._kept_in(None).get("", {target: Kept() for target in Target}),
            kept={by: self._kept_in(by) for by in By},
            ages={name: self._ages[name] for name, _ in AGES},
            statuses={name: self._statuses[name] for name in ("open", "waiting")},
            ratings={word: sum(each.rating is word for each in self._rated) for word in Rating},
            rated=counted(self._rated),
            merged=self._left_out["merged"],
            spam=self._left_out["spam"],
        )

    def _by_day(self) -> tuple[Day, ...]:
        made, standing = [], 0
        for place, day in enumerate(self._days):
            standing += self._steps[place]
            come = midnight(day, self.zone) <= self.now
            counts = {what: self._counts[day][what] for what in What}
            made.append(Day(day, counts, standing if come else None))
        return tuple(made)

    def _kept_in(self, by: By | None) -> dict[str, dict[Target, Kept]]:
        names = sorted({name for group, name, _, _ in self._kept if group is by})
        return {
            name: {
                target: Kept(self._kept[by, name, target, True], self._kept[by, name, target, False])
                for target in Target
            }
            for name in names
        }
