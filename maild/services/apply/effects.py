"""What a decision does besides its ticket's thread. One table says which function carries out which effect, and
when."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime
from enum import Enum, auto
from typing import Any

from maild.domain.decision import ActOnOtherTicket
from maild.domain.effects import (
    AlarmAdmin,
    AskQuery,
    ChangePreferences,
    ClearAbsence,
    DropHeldMail,
    Effect,
    HoldReply,
    MarkAlarmLost,
    MessageToAgent,
    NotifyNextInLine,
    RecordContact,
    ReleaseHeldMail,
    RemindOfHeldReply,
    SetAbsence,
    SettleHeldReply,
    WithdrawAnswer,
    WithdrawHistory,
)
from maild.domain.messages.reply_tokens import Scope
from maild.domain.tickets.held_replies import MOST_QUESTIONS, HeldReply, HeldReplyKind, asked_about, first_reminder
from maild.ports import UnitOfWork
from maild.services.apply.applying import Applying
from maild.services.notices.agent_message import AgentMessage, post
from maild.services.notices.due_notices import about_no_ticket
from maild.services.notices.template_context import message_words
from maild.services.work import Work


class Overtaken(Exception):
    """Somebody else was faster: the state that the decision rests on has changed. Decide again."""


class Stage(Enum):
    """When an effect is carried out."""

    BEFORE_THREAD = auto()  # events, entries and notices of the ticket may name what it leaves behind
    AFTER_THREAD = auto()  # it needs to know what was stored, or is said last


@dataclass(frozen=True, slots=True)
class Row:
    """One row: a kind of effect, the function that carries it out, and when."""

    effect: type[Effect]
    function: Callable[[Applying, Any], None]
    stage: Stage = Stage.BEFORE_THREAD


def check(effects: Iterable[Effect]) -> None:
    """Raise LookupError for an effect without a row."""
    known = {row.effect for row in EFFECTS}
    for effect in effects:
        if type(effect) not in known:
            raise LookupError(f"no row in the table of services/apply/effects.py carries out {type(effect).__name__}")


def carry_out(applying: Applying, stage: Stage) -> None:
    """Carry out the effects of a decision that belong to a stage, in the order of the table.

    Overtaken when a held reply was settled, or an answer left, before this could settle or stop it."""
    for row in EFFECTS:
        for effect in applying.decision.effects:
            if row.stage is stage and type(effect) is row.effect:
                row.function(applying, effect)


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


def _hold_reply(applying: Applying, effect: HoldReply) -> None:
    work, ticket = applying.work, applying.ticket
    if applying.inbound is None:
        return  # nobody asks the admin about their own line
    applying.held_reply = work.unit.held_replies.add(
        HeldReply(
            inbound=applying.inbound,
            ticket=ticket.number if ticket is not None else None,
            agent=effect.agent,
            kind=effect.kind,
            reason=effect.reason,
            text=effect.text,
            created_at=work.now,
            remind_at=first_reminder(work.now),
        )
    )


def _remind_of_held_reply(applying: Applying, effect: RemindOfHeldReply) -> None:
    applying.held_reply = effect.held_reply


def _settle_held_reply(applying: Applying, effect: SettleHeldReply) -> None:
    work = applying.work
    if not work.unit.held_replies.settle(effect.held_reply, effect.settled_as, work.now):
        raise Overtaken(f"the held reply {effect.held_reply} was settled meanwhile")
    _ask_about_next(work, effect.held_reply)


def _ask_about_next(work: Work, settled: int) -> None:
    """Ask about the next mail in this agent's name, as one question is settled: by a reminder that is due at once."""
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
    """End a held mail for good, and with it the held reply in it. Returns False when the mail was not waiting."""
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


# -- other tickets ----------------------------------------------------------------------------------------------


def _act_on_other_ticket(applying: Applying, effect: ActOnOtherTicket) -> None:
    before = applying.work.unit.tickets.get(effect.ticket) if effect.ticket is not None else None
    if before is None and effect.ticket is not None:
        return  # it was there when the decision was made: tickets are never deleted within a transaction
    done = applying.apply_other(effect.decision, before)
    if effect.ticket is None and done.ticket is not None:
        applying.opened.append(done.ticket.number)
    applying.add(done)


# -- alarms that did not arrive ---------------------------------------------------------------------------------


def _mark_alarm_lost(applying: Applying, effect: MarkAlarmLost) -> None:
    if applying.ticket is not None:
        work, number = applying.work, applying.ticket.number
        work.unit.sla_steps.mark_lost(effect.outbox, number, work.now, effect.passed_to)


# -- mails that concern no ticket -------------------------------------------------------------------------------


def _message_to_agent(applying: Applying, effect: MessageToAgent) -> None:
    due = about_no_ticket(applying.work, effect)
    if due is None:
        return
    notice, agent = due
    message = AgentMessage(
        template=notice.template,
        agent=agent,
        subject=effect.subject,
        scope=Scope.COMMAND if notice.buttons else Scope.DIGEST if effect.about else Scope.QUERY,
        about=0 if notice.buttons else effect.about,
        reason=notice.reason,
        words=message_words(applying.decision, applying.work.helpdesk),
        verb=notice.verb.format(draft=applying.held_reply),
        buttons=notice.buttons or (),
        draft=applying.held_reply,
        in_reply_to=effect.in_reply_to,
    )
    applying.outbox.append(post(applying.work, message))


def _alarm_admin(applying: Applying, effect: AlarmAdmin) -> None:
    due = about_no_ticket(applying.work, effect)
    if due is None:
        return
    notice, agent = due
    message = AgentMessage(
        template=notice.template,
        agent=agent,
        subject="Automatic answers are stopped for an hour",
        scope=notice.scope,
        reason=notice.reason,
        words={"inbound": applying.inbound or 0},
    )
    applying.outbox.append(post(applying.work, message))


def _left_to_caller(applying: Applying, effect: AskQuery | NotifyNextInLine) -> None:
    """Leave the effect to the caller: applying a decision reads no lists and escalates nothing."""
    applying.left.append(effect)


# The order in which effects are carried out, whatever their order in the decision. People come first; then what ends,
# so that a text which takes the place of another one is kept after that has ended; then what the thread names.
EFFECTS: tuple[Row, ...] = (
    Row(SetAbsence, _set_absence),
    Row(ClearAbsence, _clear_absence),
    Row(ChangePreferences, _change_preferences),
    Row(RecordContact, _record_contact),
    Row(SettleHeldReply, _settle_held_reply),
    Row(DropHeldMail, _drop_held_mail),
    Row(WithdrawAnswer, _withdraw_answer),
    Row(WithdrawHistory, _withdraw_history),
    Row(ReleaseHeldMail, _release_held_mail),
    Row(ActOnOtherTicket, _act_on_other_ticket),  # a split names the number of the ticket that it opens
    Row(HoldReply, _hold_reply),  # events, buttons and reply addresses name its number
    Row(RemindOfHeldReply, _remind_of_held_reply),
    Row(MarkAlarmLost, _mark_alarm_lost),
    Row(MessageToAgent, _message_to_agent, Stage.AFTER_THREAD),
    Row(AlarmAdmin, _alarm_admin, Stage.AFTER_THREAD),
    Row(AskQuery, _left_to_caller, Stage.AFTER_THREAD),  # the answer shows what all the rest has changed
    Row(NotifyNextInLine, _left_to_caller, Stage.AFTER_THREAD),
)
