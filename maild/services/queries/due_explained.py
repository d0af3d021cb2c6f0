"""Why each deadline of a ticket is when it is: as lines for people and as a document for programs."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from maild.domain.sla.derivation import Derivation, Line, derivations
from maild.domain.sla.explain import explain, verdict
from maild.domain.tickets.ticket import Ticket, fold
from maild.ports import UnitOfWork
from maild.services.helpdesk import Helpdesk
from maild.services.work import Work


def derived_lines(work: Work, number: int) -> tuple[str, ...] | None:
    """Return the derivation line by line, as of the moment of the work; None when there was no such ticket then."""
    helpdesk, now = work.helpdesk, work.now
    ticket, history = _as_of(work.unit, number, now)
    if ticket is None:
        return None
    calendar = helpdesk.calendar_of(ticket)
    # Opening hours are read on their own clock; where there are none, on the helpdesk's.
    zone = str(helpdesk.zone) if calendar.always_open else ""
    return explain(history, helpdesk.plan_of(ticket), calendar, now, zone, _organisation(ticket, helpdesk))


def derived_document(work: Work, number: int) -> dict[str, Any] | None:
    """Return the same as JSON values."""
    helpdesk, now = work.helpdesk, work.now
    ticket, history = _as_of(work.unit, number, now)
    if ticket is None:
        return None
    plan, calendar = helpdesk.plan_of(ticket), helpdesk.calendar_of(ticket)
    chosen_by = ticket.plan_source or "default"
    return {
        "ticket": number,
        "at": _moment(now),
        "plan": {
            "name": plan.name,
            "chosen_by": chosen_by,
            "organisation": (_organisation(ticket, helpdesk) or None) if chosen_by == "organisation" else None,
        },
        "calendar": {"name": calendar.name, "timezone": calendar.zone},
        "targets": [_target(each, now) for each in derivations(history, plan, calendar, now)],
    }


def _as_of(unit: UnitOfWork, number: int, now: datetime) -> tuple[Ticket | None, tuple[Any, ...]]:
    history = tuple(event for event in unit.tickets.history(number) if event.at <= now)
    return (fold(number, history) if history else None), history


def _organisation(ticket: Ticket, helpdesk: Helpdesk) -> str:
    found = helpdesk.policy.directory.organisation_of(ticket.requester.address)
    return found.name if found else ""


def _target(derivation: Derivation, now: datetime) -> dict[str, Any]:
    target = derivation.target
    return {
        "target": target.target.value,
        "cycle": target.cycle,
        "goal_seconds": _seconds(target.goal),
        "by_hand": derivation.by_hand,
        "started_at": _moment(target.started_at),
        "consumed_seconds": _seconds(target.consumed),
        "due_at": _moment(target.due_at),
        "met_at": _moment(target.met_at),
        "breached_at": _moment(target.breached_at),
        "paused": target.paused,
        "lines": [_line(line) for line in derivation.lines],
        "verdict": verdict(target, now),
    }


def _line(line: Line) -> dict[str, Any]:
    shown: dict[str, Any] = {"kind": line.part.value, "at": _moment(line.at)}
    if line.until is not None:
        span = {"until": _moment(line.until), "seconds": _seconds(line.length), "total_seconds": _seconds(line.total)}
        shown |= span
    return shown | ({"text": line.text} if line.text else {})


def _moment(instant: datetime | None) -> str | None:
    return None if instant is None else instant.strftime("%Y-%m-%dT%H:%M:%SZ")


def _seconds(length: timedelta) -> int:
    return int(length.total_seconds())
