"""Sends alarms that did not arrive to the next person in line, in the transaction that learns of it."""

from __future__ import annotations

from functools import partial

from maild import maillog
from maild.domain.decision import Decision
from maild.domain.escalation.undelivered import LostAlarm
from maild.domain.intake.bounce import BouncedMail, bounced
from maild.domain.sla.alarm_acks import alarms
from maild.domain.tickets.events import Escalated, Event
from maild.domain.tickets.ticket import Ticket
from maild.ports import LedgerLine
from maild.services.escalation.alarms import Decided, tell_alarms
from maild.services.notices.due_notices import readers_of
from maild.services.work import Work, isolated


def lost_alarm(work: Work, outbox: int, ticket: Ticket) -> LostAlarm | None:
    """Return what a lost mail told of this ticket's deadlines; None when it told nothing or was known to be lost."""
    unit = work.unit
    ledger = unit.sla_steps.lines_of_ticket(ticket.number)
    told = [each for each in ledger if each.outbox == outbox and each.lost_at is None]
    if not told:
        return None
    steps = {(each.target, each.cycle, each.step) for each in told}
    others = [each for each in ledger if _step(each) in steps and each.outbox != outbox]
    history = unit.tickets.history(ticket.number)
    standing = set() if ticket.status.ended else {(alarm.target, alarm.cycle) for alarm in alarms(history)}
    first = told[0]
    mailed = not first.paged or any(each.agent == first.agent and not each.paged for each in others)
    return LostAlarm(
        outbox=outbox,
        steps=tuple(event for event in _events(history, steps) if (event.target, event.cycle) in standing),
        recipient=str(first.recipient),
        agent=first.agent,
        told=frozenset(each.agent for each in others) | (frozenset({first.agent}) if mailed else frozenset()),
        reached=any(each.lost_at is None for each in others),
        paged=first.paged,
        readers=readers_of(unit, work.helpdesk.policy, work.now),
    )


def notify_next_in_line(work: Work, outbox: int, diagnostic: str, by: str) -> None:
    """Pass on each alarm of a mail about many tickets that did not arrive, in one mail where many go to one person.

    Who is told of the alarms is also told of the problem. It is one problem, so there is no note for each
    ticket."""
    decided: list[Decided] = []
    for number in dict.fromkeys(each.ticket for each in work.unit.sla_steps.lines_of_mail(outbox)):
        made = isolated(work.unit, number, partial(_one, work, outbox, number, diagnostic, by))
        if made is not None:
            decided.append(made)
    tell_alarms(work, decided, alone=True)


def _one(work: Work, outbox: int, number: int, diagnostic: str, by: str) -> Decided | None:
    ticket = work.unit.tickets.get(number)
    alarm = lost_alarm(work, outbox, ticket) if ticket is not None else None
    if ticket is None or alarm is None:
        return None
    lost = BouncedMail(number, alarm.recipient, None, outbox, alarm)
    at = max(work.now, ticket.updated_at)
    decision = bounced(ticket, lost, diagnostic, by=by, at=at, policy=work.helpdesk.policy)
    tell_of(ticket, lost, decision)
    return Decided(ticket, decision)


def tell_of(ticket: Ticket, lost: BouncedMail, decision: Decision) -> None:
    """Write to the log where a lost alarm went."""
    if lost.alarm is None or not lost.alarm.steps:
        return
    if decision.mails.notices:
        to = [notice.agent for notice in decision.mails.notices]
        maillog.alarm_handed_on(ticket=ticket.number, lost=lost.recipient, to=to)
    elif not lost.alarm.reached:
        maillog.alarm_unheard(ticket=ticket.number, lost=lost.recipient)


def _step(telling: LedgerLine) -> tuple[str, int, str]:
    return (telling.target, telling.cycle, telling.step)


def _events(history: tuple[Event, ...], steps: set[tuple[str, int, str]]) -> list[Escalated]:
    events = (event for event in history if isinstance(event, Escalated))
    return [event for event in events if (event.target, event.cycle, event.step) in steps]
