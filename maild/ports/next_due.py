"""What time brings next: asked before each tick, and to know when the next one shall be."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol


@dataclass(frozen=True, slots=True, kw_only=True)
class NextInstants:
    """The next instant of each kind at which time does something; None where nothing will come."""

    sla: datetime | None  # a step of a plan
    snooze_ends: datetime | None
    wait_ends: datetime | None  # a wait until a time that was named
    customer_reminder: datetime | None  # a wait whose customer is reminded
    wait_times_out: datetime | None  # a wait for a customer who does not answer
    auto_close: datetime | None  # a resolved ticket that nobody wrote to
    held_reply_reminder: datetime | None  # of a held text

    @property
    def timer(self) -> datetime | None:
        """The first of those that change a ticket beside its SLA."""
        timers = (self.snooze_ends, self.wait_ends, self.customer_reminder, self.wait_times_out, self.auto_close)
        return min((instant for instant in timers if instant is not None), default=None)

    @property
    def first(self) -> datetime | None:
        instants = (self.sla, self.timer, self.held_reply_reminder)
        return min((instant for instant in instants if instant is not None), default=None)


@dataclass(frozen=True, slots=True)
class StatusDurations:
    """How long tickets stay waiting and resolved, and after how long the customer of a waiting one is reminded; None
    for never."""

    waiting: timedelta
    resolved: timedelta
    until_reminder: timedelta | None = None


class Agenda(Protocol):
    def next_instants(self, durations: StatusDurations, after: datetime | None = None) -> NextInstants:
        """What comes next, of all or after an instant."""
        ...
