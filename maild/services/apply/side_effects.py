"""What a decision does beside the ticket's thread: held mails and texts, stopped answers, absences, wishes."""

from __future__ import annotations

from datetime import datetime

from maild.domain.decision import Decision
from maild.domain.tickets.held_replies import MOST_QUESTIONS, HeldReply, HeldReplyKind, asked_about, first_reminder
from maild.domain.tickets.ticket import Ticket
from maild.ports import UnitOfWork
from maild.services.work import Work


class Overtaken(Exception):
    """Somebody else was faster: what was decided rests on what is so no longer. Decide anew."""


def apply_effects(work: Work, decision: Decision) -> tuple[int, ...]:
    """Do what concerns no thread -> the held mails that wait to be judged once more. Overtaken when a text was settled,
    or an answer left, before this could settle or stop it."""
    unit, now = work.unit, work.now
    if decision.absence is not None:
        unit.people.set_absence(decision.absence.agent, decision.absence.since, decision.absence.until)
    if decision.back:
        unit.people.clear_absence(decision.back)
    if decision.preferences:
        unit.preferences.change(decision.actor.name, decision.preferences, now)
    for domain in sorted(decision.meets):
        unit.people.record_contact(decision.actor.name, domain)
    for draft, settled_as in decision.settles:
        if not unit.held_replies.settle(draft, settled_as, now):
            raise Overtaken(f"the held text {draft} was settled meanwhile")
        _ask_about_next(unit, draft, now)
    for number in decision.drops:
        drop(unit, number, now, by=decision.actor.shown)
    _stop(unit, decision)
    for release in decision.releases:
        let_in = release.no_junk or release.proven  # whose sender stands to it is no junk either
        said = release.released_as.value
        unit.inbound.replay(release.inbound, released=let_in, proven=release.proven, released_as=said)
    return tuple(release.inbound for release in decision.releases)


def drop(unit: UnitOfWork, number: int, now: datetime, by: str = "the admin") -> bool:
    """Leave a mail that waits aside for good, and with it the text in it that waits for a word: nobody is reminded of
    what is gone. False when the mail did not wait."""
    dropped = unit.inbound.drop(number, now, by=by)
    if dropped:
        unit.held_replies.settle_from_mail(number, "dropped", now)
    return dropped


def _stop(unit: UnitOfWork, decision: Decision) -> None:
    """Stop what was taken back before it left."""
    reason = f"stopped by {decision.actor.shown} before it left"
    for entry in decision.withdraws:
        if not unit.outbox.withdraw(entry, reason):
            raise Overtaken("the answer left meanwhile")
    for ticket, to in decision.withdrawn_histories:
        if not unit.outbox.withdraw_history(ticket, to, reason):
            raise Overtaken("the history left meanwhile")


def _ask_about_next(unit: UnitOfWork, settled: int, now: datetime) -> None:
    """An open question less: the next mail in this agent's name is asked about, by a reminder that is due at once."""
    draft = unit.held_replies.get(settled)
    if draft is None or draft.kind is not HeldReplyKind.UNPROVEN:
        return
    asked, _ = asked_about(unit.held_replies.waiting(agent=draft.agent))
    if len(asked) == MOST_QUESTIONS and asked[-1].id > settled:
        unit.held_replies.set_reminder(asked[-1].id, now)


def keep_draft(work: Work, decision: Decision, ticket: Ticket | None, inbound: int | None) -> int:
    """Keep the text that a decision holds -> its number; 0 when it holds none."""
    hold = decision.hold
    if hold is None or inbound is None:
        return 0
    return work.unit.held_replies.add(
        HeldReply(
            inbound=inbound,
            ticket=ticket.number if ticket is not None else None,
            agent=hold.agent,
            kind=hold.kind,
            reason=hold.reason,
            text=decision.transcript.original_text if decision.transcript else "",
            created_at=work.now,
            remind_at=first_reminder(work.now),
        )
    )
