"""Port for the question which instant comes next: asked before each tick, and to plan the next tick."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol


@dataclass(frozen=True, slots=True, kw_only=True)
class NextInstants:
    """The next instant of each kind of timed work; None where nothing is planned."""

    sla: datetime | None  # a step of an SLA plan fires
    snooze_ends: datetime | None
    wait_ends: datetime | None  # a waiting ticket opens at the time that an agent named
    customer_reminder: datetime | None  # the customer of a waiting ticket is reminded
    wait_times_out: datetime | None  # a ticket is resolved because its customer does not answer
    auto_close: datetime | None  # a resolved ticket closes
    held_reply_reminder: datetime | None

    @property
    def timer(self) -> datetime | None:
        """The earliest instant that changes the status of a ticket: all but SLA steps and held replies."""
        timers = (self.snooze_ends, self.wait_ends, self.customer_reminder, self.wait_times_out, self.auto_close)
        return min((instant for instant in timers if instant is not None), default=None)

    @property
    def first(self) -> datetime | None:
        """The earliest of all instants."""
        instants = (self.sla, self.timer, self.held_reply_reminder)
        return min((instant for instant in instants if instant is not None), default=None)


@dataclass(frozen=True, slots=True)
class StatusDurations:
    """How long tickets stay in a status.

    `waiting` until a waiting ticket is resolved, `resolved` until a resolved one closes, `until_reminder` until the
    customer of a waiting ticket is reminded (None: never)."""

    waiting: timedelta
    resolved: timedelta
    until_reminder: timedelta | None = None


class Agenda(Protocol):
    """Finds the next timed work in the database."""

    def next_instants(self, durations: StatusDurations, after: datetime | None = None) -> NextInstants:
        """Return the next instant of each kind that comes later than `after`; None: of all that are stored."""
        ...
