"""What statistics take from one ticket: what happened when and by whom, how long it took, which promises were kept.

It uses the same cycles and meters as the SLA, so statistics and deadlines cannot disagree."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from maild.domain.people.directory import Role
from maild.domain.sla.clocks import Cycle, Run, Target, cycles, undelivered, whole_second
from maild.domain.sla.meter import metered, running_time
from maild.domain.sla.standing import Plan
from maild.domain.tickets import events
from maild.domain.tickets.ratings import Rated, rated
from maild.domain.tickets.ticket import Status, Ticket
from maild.domain.times.calendars import Calendar

# The events that are read; no others have to be given.
COUNTED_KINDS = (
    "opened",
    "message-received",
    "replied",
    "status-changed",
    "assigned",
    "transferred",
    "due-set",
    "merged",
    "reply-withdrawn",
    "rated",
    "bounced",
)


class What(StrEnum):
    """What is counted, in the order of reports."""

    OPENED = "opened"  # tickets, by whatever way
    MESSAGES = "messages"  # of customers, the opening mail included; no automatic mail, no thanks
    REPLIES = "replies"  # to customers, as far as they arrived
    RESOLVED = "resolved"  # resolved or closed, by people and timers
    REOPENED = "reopened"


@dataclass(frozen=True, slots=True)
class Happened:
    """One thing that counts. `agent` is whose work it was; "" for nobody's."""

    what: What
    at: datetime
    agent: str


@dataclass(frozen=True, slots=True)
class Took:
    """A response or resolution: when it came, and the business time since it was asked for, without waiting."""

    target: Target
    at: datetime
    span: timedelta
    agent: str


@dataclass(frozen=True, slots=True)
class Promise:
    """A decided promise: kept when it was met, or missed at the instant when it fell due."""

    target: Target
    at: datetime
    kept: bool
    agent: str


@dataclass(frozen=True, slots=True)
class Stay:
    """A stretch in which a ticket was worked on, end excluded; None while it goes on. `runs`: its clock was
    running."""

    begun: datetime
    ended: datetime | None
    runs: tuple[Run, ...]

    def holds(self, at: datetime) -> bool:
        """Tell whether the instant lies in the stretch."""
        return self.begun <= at and (self.ended is None or at < self.ended)

    def runs_at(self, at: datetime) -> bool:
        """Tell whether the ticket was open, and not waiting for the customer, at this instant."""
        return any(run.start <= at and (run.end is None or at < run.end) for run in self.runs)


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """What one ticket adds to the statistics. `left_out` is "merged" or "spam" when it adds nothing.

    It counts for its present department and plan, because its deadlines are computed with these too."""

    department: str
    plan: str
    opened_at: datetime
    left_out: str = ""
    happened: tuple[Happened, ...] = ()
    took: tuple[Took, ...] = ()
    promises: tuple[Promise, ...] = ()
    stays: tuple[Stay, ...] = ()
    ratings: tuple[Rated, ...] = ()
    owners: tuple[tuple[datetime, str], ...] = ()

    def owner_at(self, at: datetime) -> str:
        """Return who had the ticket at that instant; "" for nobody."""
        return _owner(self.owners, at)


def measured(
    ticket: Ticket, history: Sequence[events.Event], plan: Plan, calendar: Calendar, now: datetime
) -> Measured:
    """Measure a ticket by its events (kinds in COUNTED_KINDS are enough), with its present plan and calendar."""
    left_out = "merged" if ticket.merged_into is not None else "spam" if ticket.status is Status.SPAM else ""
    common = Measured(
        department=ticket.department, plan=plan.name, opened_at=whole_second(ticket.created_at), left_out=left_out
    )
    if left_out:
        return common
    walk = _Walk(history)
    rounds = cycles(history)
    return Measured(
        department=common.department,
        plan=common.plan,
        opened_at=common.opened_at,
        happened=(*walk.mails(), *_of_rounds(rounds, walk)),
        took=tuple(
            Took(cycle.target, cycle.met_at, running_time(cycle, calendar, now), walk.worker(cycle, cycle.met_at))
            for cycle in rounds
            if cycle.met_at is not None
        ),
        promises=tuple(_promises(rounds, walk, plan, calendar, now)),
        stays=tuple(_stay(cycle) for cycle in rounds if cycle.target is Target.RESOLUTION),
        ratings=rated(history) if any(isinstance(event, events.Rated) for event in history) else (),
        owners=walk.owners,
    )


class _Walk:
    """Finds the people in a ticket's events, by the instants of its clocks."""

    def __init__(self, history: Sequence[events.Event]) -> None:
        self._history = history
        self._earliest = whole_second(history[0].at)
        self._lost = undelivered(history)
        self.owners = tuple(self._owners())
        self._repliers: Mapping[datetime, str] = dict(self._by_agents(events.Replied))
        self._enders: Mapping[datetime, str] = dict(self._by_agents(events.StatusChanged))

    def mails(self) -> Iterator[Happened]:
        """Return the opening, messages and replies."""
        for event in self._history:
            at = self._at(event)
            if isinstance(event, events.Opened):
                first = next((name for _, name in self.owners if name), "")
                yield Happened(What.OPENED, at, first)
                if event.by.role is Role.REQUESTER and not event.automatic:
                    yield Happened(What.MESSAGES, at, first)
            elif isinstance(event, events.MessageReceived) and not (event.automatic or event.courtesy):
                yield Happened(What.MESSAGES, at, _owner(self.owners, at))
            elif isinstance(event, events.Replied) and event.entry not in self._lost:
                yield Happened(What.REPLIES, at, event.by.name if event.by.role is Role.AGENT else "")

    def worker(self, cycle: Cycle, at: datetime) -> str:
        """Return whose work met a target: who replied; for a resolution who had the ticket, else who ended it."""
        if cycle.target is Target.RESOLUTION:
            return _owner(self.owners, at) or self._enders.get(at, "")
        return self._repliers.get(at) or _owner(self.owners, at)

    def _owners(self) -> Iterator[tuple[datetime, str]]:
        for event in self._history:
            if isinstance(event, (events.Opened, events.Assigned)):
                yield self._at(event), event.assignee

    def _by_agents(self, kind: type[events.Event]) -> Iterator[tuple[datetime, str]]:
        for event in self._history:
            if isinstance(event, kind) and event.by.role is Role.AGENT and event.entry not in self._lost:
                yield self._at(event), event.by.name

    def _at(self, event: events.Event) -> datetime:
        return max(whole_second(event.at), self._earliest)


def _owner(owners: Sequence[tuple[datetime, str]], at: datetime) -> str:
    place = bisect_right(owners, at, key=lambda each: each[0])
    return owners[place - 1][1] if place else ""


def _of_rounds(rounds: Sequence[Cycle], walk: _Walk) -> Iterator[Happened]:
    """Return when it was resolved and reopened. What was undone did not happen, as for the clocks."""
    for cycle in rounds:
        if cycle.target is not Target.RESOLUTION:
            continue
        if cycle.number > 1:
            yield Happened(What.REOPENED, cycle.started_at, _owner(walk.owners, cycle.started_at))
        if cycle.met_at is not None:
            yield Happened(What.RESOLVED, cycle.met_at, walk.worker(cycle, cycle.met_at))


def _promises(rounds: Sequence[Cycle], walk: _Walk, plan: Plan, calendar: Calendar, now: datetime) -> Iterator[Promise]:
    for cycle in rounds:
        meter = metered(cycle, plan.goal(cycle.target), calendar, whole_second(now))
        if meter is None:
            continue
        standing = meter.standing()
        if standing.breached_at is not None:
            yield Promise(cycle.target, standing.breached_at, False, _owner(walk.owners, standing.breached_at))
        elif cycle.met_at is not None:
            yield Promise(cycle.target, cycle.met_at, True, walk.worker(cycle, cycle.met_at))


def _stay(cycle: Cycle) -> Stay:
    return Stay(cycle.started_at, cycle.met_at or cycle.ended_at, cycle.runs)
