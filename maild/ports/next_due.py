"""What time brings next: asked before each tick, and to know when the next one shall be."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol


@dataclass(frozen=True, slots=True, kw_only=True)
class Coming:
    """The next instant of each kind at which time does something; None where nothing will come."""

    sla: datetime | None  # a step of a plan
    snooze_over: datetime | None
    wait_over: datetime | None  # a wait until a time that was named
    asks_again: datetime | None  # a wait whose customer is reminded
    gives_up: datetime | None  # a wait for a customer who does not answer
    closes: datetime | None  # a resolved ticket that nobody wrote to
    reminder: datetime | None  # of a held text

    @property
    def timer(self) -> datetime | None:
        """The first of those that change a ticket beside its SLA."""
        timers = (self.snooze_over, self.wait_over, self.asks_again, self.gives_up, self.closes)
        return min((instant for instant in timers if instant is not None), default=None)

    @property
    def first(self) -> datetime | None:
        instants = (self.sla, self.timer, self.reminder)
        return min((instant for instant in instants if instant is not None), default=None)


@dataclass(frozen=True, slots=True)
class Lasts:
    """How long tickets stay waiting and resolved, and after how long the customer of a waiting one is reminded; None
    for never."""

    waiting: timedelta
    resolved: timedelta
    unreminded: timedelta | None = None


class Agenda(Protocol):
    def coming(self, lasts: Lasts, after: datetime | None = None) -> Coming:
        """What comes next, of all or after an instant."""
        ...
