"""One tick: everything that time brings, done once for this moment. It is safe to repeat, on any number of nodes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import TypeVar

from maild.ports import NextInstants, OpenUnitOfWork, StatusDurations, UnitOfWork
from maild.services.escalation.due_steps import Fired, escalate_due
from maild.services.helpdesk import Helpdesk
from maild.services.housekeeping.held_replies import remind_writers
from maild.services.housekeeping.status_timers import run_timers
from maild.services.reports.digests import due_digests, make_digests
from maild.services.reports.monthly_reports import make_reports
from maild.services.reports.retry_later import RetryLater
from maild.services.work import Work

Result = TypeVar("Result")


@dataclass(frozen=True, slots=True)
class Ticked:
    """What one tick did: SLA steps that fired, tickets that a timer changed, reminders of held replies, digests."""

    fired: tuple[Fired, ...]
    timers: int
    reminders: int
    digests: int = 0


def tick(open_unit: OpenUnitOfWork, helpdesk: Helpdesk, now: datetime, retry_later: RetryLater | None = None) -> Ticked:
    """Do what is due at `now`. When nothing is due it costs few questions, however many tickets are open.

    `retry_later` remembers between ticks which digests and reports failed; None tries each of them."""
    retry_later = retry_later or RetryLater()
    with open_unit(reading=True) as unit:
        coming = _coming(unit, helpdesk)
        digests_due = list(due_digests(Work(unit, helpdesk, now)))
    failed: list[Exception] = []
    none: list[Fired] = []
    fired = _part(failed, none, lambda: escalate_due(open_unit, helpdesk, now) if _has_come(coming.sla, now) else [])
    timers = _part(failed, 0, lambda: run_timers(open_unit, helpdesk, now) if _has_come(coming.timer, now) else 0)
    due = _has_come(coming.held_reply_reminder, now)
    reminders = _part(failed, 0, lambda: remind_writers(open_unit, helpdesk, now) if due else 0)
    digests = _part(failed, 0, lambda: make_digests(open_unit, helpdesk, now, digests_due, retry_later))
    digests += _part(failed, 0, lambda: make_reports(open_unit, helpdesk, now, retry_later))
    if failed:
        raise failed[0]
    return Ticked(tuple(fired), timers, reminders, digests)


def _part(failed: list[Exception], nothing: Result, work: Callable[[], Result]) -> Result:
    """Do one part. A part that fails does not stop the others; the failure is reported after all had their turn."""
    try:
        return work()
    except Exception as error:  # noqa: BLE001 - raised by the caller
        failed.append(error)
        return nothing


def next_instant(open_unit: OpenUnitOfWork, helpdesk: Helpdesk, after: datetime) -> datetime | None:
    """Return the earliest instant after `after` at which a tick has something to do; None when nothing is known."""
    with open_unit(reading=True) as unit:
        return _coming(unit, helpdesk, after).first


def _coming(unit: UnitOfWork, helpdesk: Helpdesk, after: datetime | None = None) -> NextInstants:
    closing = helpdesk.settings.closing
    customer_reminder = closing.waiting_to_resolved / 2 if closing.waiting_reminder else None
    durations = StatusDurations(closing.waiting_to_resolved, closing.resolved_to_closed, customer_reminder)
    return unit.agenda.next_instants(durations, after)


def _has_come(instant: datetime | None, now: datetime) -> bool:
    return instant is not None and instant <= now
