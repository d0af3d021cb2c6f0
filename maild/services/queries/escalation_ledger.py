"""The escalation ledger for people: each step that fired, whom it told, when, and what became of it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from textwrap import wrap
from typing import Any
from zoneinfo import ZoneInfo

from maild.domain.messages.outbox import OutboxState
from maild.domain.sla.explain import WIDTH, shown_at
from maild.domain.sla.step_keys import shown_step
from maild.domain.tickets.events import Acknowledged, Escalated, Event
from maild.ports import LedgerLine, UnitOfWork
from maild.services.work import Work

_OUTCOMES = {OutboxState.SENDING: "queued", OutboxState.FAILED: "failed"}


def outcome_of(telling: LedgerLine, history: Sequence[Event]) -> str:
    """Return one word: acknowledged, bounced, or how far its mail came (queued, sent, deferred, failed, held,
    dropped)."""
    if telling.lost_at is not None:
        return "failed" if telling.state is OutboxState.FAILED else "bounced"
    if telling.agent and any(_acknowledges(event, telling) for event in history):
        return "acknowledged"
    state = telling.state or OutboxState.DROPPED
    return _OUTCOMES.get(state, state.value)


def _acknowledges(event: Event, telling: LedgerLine) -> bool:
    if not isinstance(event, Acknowledged) or event.agent != telling.agent:
        return False
    return (event.target, event.cycle) == (telling.target, telling.cycle) and event.at >= telling.notified_at


def steps_told(history: Sequence[Event], told: Sequence[LedgerLine]) -> list[tuple[Escalated, list[LedgerLine]]]:
    """Return each step that fired, in order, with whom it told; nobody where a later one overtook it."""
    fired = [event for event in history if isinstance(event, Escalated)]
    return [
        (event, [t for t in told if (t.target, t.cycle, t.step) == (event.target, event.cycle, event.step)])
        for event in fired
    ]


def escalation_documents(history: Sequence[Event], told: Sequence[LedgerLine]) -> list[dict[str, Any]]:
    """Return the ledger for `maild ticket show --json`."""
    return [
        {
            "target": event.target,
            "cycle": event.cycle,
            "step": event.step,
            "breach": event.breach,
            "instant": _moment(event.instant),
            "at": _moment(event.at),
            "told": [
                {
                    "agent": each.agent or None,
                    "address": str(each.recipient),
                    "paged": each.paged,
                    "at": _moment(each.notified_at),
                    "outbox": each.outbox,
                    "outcome": outcome_of(each, history),
                    "answer": each.answer,
                    "passed_to": list(each.passed_to),
                }
                for each in tellings
            ],
        }
        for event, tellings in steps_told(history, told)
    ]


def escalations_of(unit: UnitOfWork, number: int, now: datetime) -> list[dict[str, Any]]:
    """Return the steps of a ticket that had fired at `now`, with what became of them."""
    return escalation_documents(*_as_of(unit, number, now))


def lines_of(work: Work, number: int) -> tuple[str, ...]:
    """Return the same as lines for people, after an empty line; () when none had fired."""
    history, told = _as_of(work.unit, number, work.now)
    return _lines(history, told, work.helpdesk.zone)


def _as_of(unit: UnitOfWork, number: int, now: datetime) -> tuple[list[Event], list[LedgerLine]]:
    history = [event for event in unit.tickets.history(number) if event.at <= now]
    return history, [each for each in unit.sla_steps.lines_of_ticket(number) if each.notified_at <= now]


def _lines(history: Sequence[Event], told: Sequence[LedgerLine], zone: ZoneInfo) -> tuple[str, ...]:
    lines: list[str] = []
    for event, tellings in steps_told(history, told):
        cycle = f", cycle {event.cycle}" if event.cycle > 1 else ""
        people = "; ".join(_person(each, history) for each in tellings) or "nobody"
        step = f"{event.target.replace('-', ' ')} {shown_step(event.step)}{cycle}"
        text = f"{shown_at(event.instant, zone)}  {step}: told {people}"
        lines += wrap(text, WIDTH, initial_indent="  ", subsequent_indent=" " * 6, break_on_hyphens=False)
    return ("", "Escalations", *lines) if lines else ()


def _person(telling: LedgerLine, history: Sequence[Event]) -> str:
    how = " by pager" if telling.paged else ""
    passed = f", so {', '.join(telling.passed_to)} heard of it" if telling.passed_to else ""
    return f"{telling.agent or telling.recipient}{how} ({outcome_of(telling, history)}{passed})"


def _moment(instant: datetime) -> str:
    return instant.strftime("%Y-%m-%dT%H:%M:%SZ")
