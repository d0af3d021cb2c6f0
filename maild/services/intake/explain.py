"""What would become of a mail: the same steps as in earnest, without writing anything."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from maild.domain.decision import ActOnOtherTicket, Decision, TraceStep
from maild.domain.notices.notice import Notice
from maild.domain.tickets.ticket import Ticket, apply
from maild.mail.headers.trace import Trace, trace
from maild.ports import IncomingMail, OpenUnitOfWork
from maild.services.apply.moved_deadlines import with_moves
from maild.services.helpdesk import Helpdesk
from maild.services.intake.gather import MailReader, judge
from maild.services.notices.due_notices import TellsAgent, about_no_ticket, about_ticket
from maild.services.work import Work

_DRY_RUN = 0  # the number of a mail that is not kept


def explain_mail(
    mail: IncomingMail, open_unit: OpenUnitOfWork, reader: MailReader, helpdesk: Helpdesk, now: datetime
) -> dict[str, Any]:
    """The decisions about a mail, step by step, and the mails that would leave."""
    message = reader.read(mail.raw)
    with open_unit(reading=True) as unit:
        work = Work(unit, helpdesk, now)
        judged = judge(work, mail, message, _DRY_RUN)
        effects = effects_of(work, judged.decision, judged.ticket)
    way = trace(mail.raw)
    steps = [TraceStep("parse", "way", _way(way)), *judged.steps]
    ticket = judged.ticket
    return {
        "inbound": None,
        "ticket": ticket.number if ticket and not judged.decision.opens else None,
        "outcome": judged.decision.outcome.value,
        "reason": judged.decision.reason,
        "steps": [{"stop": s.stop, "verdict": s.verdict, "reason": s.reason} for s in steps],
        "effects": effects,
    }


def _way(way: Trace) -> str:
    """The servers that the mail passed, in one line."""
    if way.failure:
        return way.failure
    outside = f", handed over by {way.first_outside}" if way.first_outside else ""
    odd = f"; odd: {', '.join(way.anomalies)}" if way.anomalies else ""
    return f"{len(way.hops)} hops{outside}{odd}"


def effects_of(work: Work, decision: Decision, before: Ticket | None, where: str = "") -> list[str]:
    """Return the events and mails that would follow, a line each; `before` is the ticket as it is, if there is one.

    The decision's own ticket comes first, then other tickets, each named at the end of its lines (`where`), then mails
    that concern no ticket."""
    events, start = decision.events, None if decision.opens else before
    if start is not None:
        events = with_moves(work, start, events)
    after = start
    for event in events:
        after = apply(after.number if after else 0, after, event)
    told = [f"event {event.kind}{where}" for event in events]
    if after is not None:
        told += [_mail(notice, where) for notice in about_ticket(work, decision, after, events)]
    for effect in decision.effects:
        if isinstance(effect, ActOnOtherTicket):
            told += _elsewhere(work, effect)
    for effect in decision.effects:
        if isinstance(effect, TellsAgent) and (due := about_no_ticket(work, effect)):
            told.append(_mail(due[0]))
    return told


def _elsewhere(work: Work, effect: ActOnOtherTicket) -> list[str]:
    if effect.ticket is None:
        return effects_of(work, effect.decision, None, " (a new ticket)")
    ticket = work.unit.tickets.get(effect.ticket)
    return effects_of(work, effect.decision, ticket, f" (ticket {effect.ticket})") if ticket is not None else []


def _mail(notice: Notice, where: str = "") -> str:
    return f"mail {notice.template} to {notice.to.address}: {notice.reason}{where}"
