"""What a decision does beside the ticket's thread: held mails and texts, stopped answers, absences, wishes."""

from __future__ import annotations

from datetime import datetime

from maild.domain.decision import Decision
from maild.domain.drafts import Draft, first_reminder
from maild.domain.ticket import Ticket
from maild.ports import UnitOfWork


class Overtaken(Exception):
    """Somebody else was faster: what was decided rests on what is so no longer. Decide anew."""


def do_beside(unit: UnitOfWork, decision: Decision, now: datetime) -> tuple[int, ...]:
    """Do what concerns no thread -> the held mails that wait to be judged once more. Overtaken when a text was settled,
    or an answer left, before this could settle or stop it."""
    if decision.absence is not None:
        unit.people.be_absent(decision.absence.agent, decision.absence.since, decision.absence.until)
    if decision.back:
        unit.people.be_back(decision.back)
    if decision.wishes:
        unit.preferences.change(decision.actor.name, decision.wishes, now)
    for domain in sorted(decision.meets):
        unit.people.meet(decision.actor.name, domain)
    for draft, settled_as in decision.settles:
        if not unit.drafts.settle(draft, settled_as, now):
            raise Overtaken(f"the held text {draft} was settled meanwhile")
    for number in decision.drops:
        unit.inbound.drop(number, now, by=decision.actor.shown)
    for entry in decision.withdraws:
        if not unit.outbox.withdraw(entry, f"stopped by {decision.actor.shown} before it left"):
            raise Overtaken("the answer left meanwhile")
    for release in decision.releases:
        unit.inbound.replay(release.inbound, released=release.proven, released_as=release.released_as.value)
    return tuple(release.inbound for release in decision.releases)


def keep_draft(unit: UnitOfWork, decision: Decision, ticket: Ticket | None, inbound: int | None, now: datetime) -> int:
    """Keep the text that a decision holds -> its number; 0 when it holds none."""
    hold = decision.hold
    if hold is None or inbound is None:
        return 0
    return unit.drafts.add(
        Draft(
            inbound=inbound,
            ticket=ticket.number if ticket is not None else None,
            agent=hold.agent,
            kind=hold.kind,
            reason=hold.reason,
            text=decision.transcript.original_text if decision.transcript else "",
            created_at=now,
            remind_at=first_reminder(now),
        )
    )
