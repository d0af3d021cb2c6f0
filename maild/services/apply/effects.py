"""What a decision does beside its ticket's thread: one table says which function carries out which effect, and when."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from maild.domain.decision import Decision
from maild.domain.effects import (
    ChangePreferences,
    ClearAbsence,
    DropHeldMail,
    Effect,
    RecordContact,
    ReleaseHeldMail,
    SetAbsence,
    SettleHeldReply,
    WithdrawAnswer,
    WithdrawHistory,
)
from maild.domain.tickets.held_replies import MOST_QUESTIONS, HeldReply, HeldReplyKind, asked_about, first_reminder
from maild.domain.tickets.ticket import Ticket
from maild.ports import UnitOfWork
from maild.services.work import Work


class Overtaken(Exception):
    """Somebody else was faster: what was decided rests on what is so no longer. Decide anew."""


@dataclass(slots=True)
class Applying:
    """A decision on its way into the store, and what came of its effects so far."""

    work: Work
    decision: Decision
    released: list[int] = field(default_factory=list)  # held mails that wait to be judged once more


def carry_out(applying: Applying) -> None:
    """Carry out the effects of a decision, in the order of the table.

    Overtaken when a held reply was settled, or an answer left, before this could settle or stop it. LookupError for an
    effect that has no row."""
    for effect in applying.decision.effects:
        if type(effect) not in EFFECTS:
            raise LookupError(f"no row in the table of services/apply/effects.py carries out {type(effect).__name__}")
    for kind, function in EFFECTS.items():
        for effect in applying.decision.effects:
            if type(effect) is kind:
                function(applying, effect)


# -- people -----------------------------------------------------------------------------------------------------


def _set_absence(applying: Applying, effect: SetAbsence) -> None:
    away = effect.absence
    applying.work.unit.people.set_absence(away.agent, away.since, away.until)


def _clear_absence(applying: Applying, effect: ClearAbsence) -> None:
    applying.work.unit.people.clear_absence(effect.agent)


def _change_preferences(applying: Applying, effect: ChangePreferences) -> None:
    applying.work.unit.preferences.change(effect.agent, effect.changes, applying.work.now)


def _record_contact(applying: Applying, effect: RecordContact) -> None:
    for domain in sorted(effect.domains):
        applying.work.unit.people.record_contact(effect.agent, domain)


# -- held replies and held mails --------------------------------------------------------------------------------


def _settle_held_reply(applying: Applying, effect: SettleHeldReply) -> None:
    work = applying.work
    if not work.unit.held_replies.settle(effect.held_reply, effect.settled_as, work.now):
        raise Overtaken(f"the held text {effect.held_reply} was settled meanwhile")
    _ask_about_next(work, effect.held_reply)


def _ask_about_next(work: Work, settled: int) -> None:
    """An open question less: the next mail in this agent's name is asked about, by a reminder that is due at once."""
    drafts = work.unit.held_replies
    draft = drafts.get(settled)
    if draft is None or draft.kind is not HeldReplyKind.UNPROVEN:
        return
    asked, _ = asked_about(drafts.waiting(agent=draft.agent))
    if len(asked) == MOST_QUESTIONS and asked[-1].id > settled:
        drafts.set_reminder(asked[-1].id, work.now)


def _drop_held_mail(applying: Applying, effect: DropHeldMail) -> None:
    drop(applying.work.unit, effect.inbound, applying.work.now, by=applying.decision.actor.shown)


def drop(unit: UnitOfWork, number: int, now: datetime, by: str = "the admin") -> bool:
    """Leave a held mail aside for good, and with it the held reply in it: nobody is reminded of what is gone. False
    when the mail did not wait."""
    dropped = unit.inbound.drop(number, now, by=by)
    if dropped:
        unit.held_replies.settle_from_mail(number, "dropped", now)
    return dropped


def _release_held_mail(applying: Applying, effect: ReleaseHeldMail) -> None:
    let_in = effect.no_junk or effect.proven  # whose sender stands to it is no junk either
    said = effect.released_as.value
    applying.work.unit.inbound.replay(effect.inbound, released=let_in, proven=effect.proven, released_as=said)
    applying.released.append(effect.inbound)


# -- mails that must not leave ----------------------------------------------------------------------------------


def _withdraw_answer(applying: Applying, effect: WithdrawAnswer) -> None:
    if not applying.work.unit.outbox.withdraw(effect.entry, _stopped_by(applying)):
        raise Overtaken("the answer left meanwhile")


def _withdraw_history(applying: Applying, effect: WithdrawHistory) -> None:
    if not applying.work.unit.outbox.withdraw_history(effect.ticket, effect.to, _stopped_by(applying)):
        raise Overtaken("the history left meanwhile")


def _stopped_by(applying: Applying) -> str:
    return f"stopped by {applying.decision.actor.shown} before it left"


# The order in which effects are carried out, whatever their order in the decision: what concerns people first, then
# what ended, and what is judged again last.
EFFECTS: Mapping[type[Effect], Callable[[Applying, Any], None]] = {
    SetAbsence: _set_absence,
    ClearAbsence: _clear_absence,
    ChangePreferences: _change_preferences,
    RecordContact: _record_contact,
    SettleHeldReply: _settle_held_reply,
    DropHeldMail: _drop_held_mail,
    WithdrawAnswer: _withdraw_answer,
    WithdrawHistory: _withdraw_history,
    ReleaseHeldMail: _release_held_mail,
}


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
