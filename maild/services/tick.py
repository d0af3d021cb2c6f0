"""One tick: everything that time brings, done once for this moment. Safe to repeat, on any number of nodes."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from maild.ports import OpenUnitOfWork
from maild.services.digests import make_digests
from maild.services.escalate import Fired, escalate_due
from maild.services.helpdesk import Helpdesk
from maild.services.housekeeping import keep_house
from maild.services.monthly_reports import make_reports
from maild.services.remind import remind_writers


@dataclass(frozen=True, slots=True)
class Ticked:
    """What one tick did: SLA steps that fired, tickets that a timer changed, reminders of held texts, digests."""

    fired: tuple[Fired, ...]
    timers: int
    reminders: int
    digests: int = 0


def tick(open_unit: OpenUnitOfWork, helpdesk: Helpdesk, now: datetime) -> Ticked:
    """Do what is due at `now`."""
    fired = tuple(escalate_due(open_unit, helpdesk, now))
    timers = keep_house(open_unit, helpdesk, now)
    reminders = remind_writers(open_unit, helpdesk, now)
    digests = make_digests(open_unit, helpdesk, now) + make_reports(open_unit, helpdesk, now)
    return Ticked(fired, timers, reminders, digests)
