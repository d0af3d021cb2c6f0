"""What would become of a mail: the same stops as in earnest, and nothing is written."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from maild.domain.decision import Decision, TraceStep
from maild.domain.effects import AlarmAdmin
from maild.domain.notices.agent_notices import TicketChange, strongest
from maild.domain.tickets.ticket import Ticket, apply
from maild.mail.headers.trace import Trace, trace
from maild.ports import IncomingMail, OpenUnitOfWork
from maild.services.helpdesk import Helpdesk
from maild.services.intake.gather import MailReader, judge
from maild.services.notices.due_notices import notices_of
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
        effects = _effects(work, judged.decision, judged.ticket)
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


def _effects(work: Work, decision: Decision, before: Ticket | None) -> list[str]:
    """Facts and mails that would follow."""
    after = None if decision.opens else before
    for fact in decision.facts:
        after = apply(after.number if after else 0, after, fact)
    told = [f"event {fact.kind}" for fact in decision.facts]
    alarms = (effect.notice for effect in decision.effects_of(AlarmAdmin))
    told += [f"mail {alarm.template} to {alarm.to.address}: {alarm.reason}" for alarm in alarms]
    if after is None:
        return told
    happening = TicketChange(after, decision.facts, decision.actor, decision.acknowledge, decision.quiet)
    due = notices_of(work.unit, happening, work.helpdesk.policy, work.now)
    notices = strongest((*decision.notices, *due))
    return told + [f"mail {notice.template} to {notice.to.address}: {notice.reason}" for notice in notices]
