"""Reminds of held replies: first the writer, later the lead, until somebody decides."""

from __future__ import annotations

from datetime import datetime
from functools import partial

from maild.domain.agent_mail.guards import BUTTONS
from maild.domain.decision import Decision, Mails, Outcome
from maild.domain.effects import MessageToAgent, RemindOfHeldReply
from maild.domain.escalation.chain import above
from maild.domain.messages.reply_tokens import Scope
from maild.domain.notices.agent_notices import Notice
from maild.domain.notices.buttons import DROP_TEXT, IT_WAS_ME, KEEP_AS_NOTE, NOT_ME, SEND_TEXT, Button
from maild.domain.people.directory import Agent, Directory
from maild.domain.tickets.held_replies import LEAD_EVERY, HeldReply, HeldReplyKind, asked_about, next_reminder
from maild.domain.tickets.ticket import Ticket
from maild.domain.tickets.visibility import may_see
from maild.ports import OpenUnitOfWork, UnitOfWork
from maild.services.apply.decision import apply_decision
from maild.services.helpdesk import Helpdesk
from maild.services.work import Work, isolated

BATCH = 100
Readers = tuple[tuple[Agent, str], ...]  # each with the reason in words

_BUTTONS: dict[HeldReplyKind, tuple[Button, ...]] = {
    **BUTTONS,
    HeldReplyKind.REFUSED: (SEND_TEXT, KEEP_AS_NOTE, DROP_TEXT),
    HeldReplyKind.UNPROVEN: (IT_WAS_ME, NOT_ME),
}


def remind_writers(open_unit: OpenUnitOfWork, helpdesk: Helpdesk, now: datetime) -> int:
    """Send the reminders that are due at `now`. Returns how many."""
    sent = 0
    stuck: set[int] = set()  # they stay due, and are passed over until the next tick
    while True:
        with open_unit() as unit:
            due = [draft for draft in unit.held_replies.due(now, BATCH + len(stuck)) if draft.id not in stuck]
            for draft in due:
                if isolated(
                    unit, draft.ticket or 0, partial(_reminded, Work(unit, helpdesk, now, f"draft-{draft.id}"), draft)
                ):
                    sent += 1
                else:
                    stuck.add(draft.id)
            unit.commit()
        if len(due) < BATCH:
            return sent


def _reminded(work: Work, draft: HeldReply) -> bool:
    unit, now = work.unit, work.now
    later = _later(unit, draft)
    if draft.id in later:
        unit.held_replies.set_reminder(draft.id, now + LEAD_EVERY)  # sooner when a question is answered
        return False
    to_lead, again = next_reminder(draft, now)
    if not unit.held_replies.record_reminder(draft.id, draft.reminders, again):
        return False
    directory = work.helpdesk.policy.directory
    ticket = unit.tickets.get(draft.ticket) if draft.ticket is not None else None
    writer = directory.agent(draft.agent)
    readers = above(writer, ticket, directory) if to_lead or writer is None else ((writer, _REASON),)
    if ticket is not None:
        readers = _who_may_see(readers, writer, ticket, directory)
    for reader, reason in readers:
        decision = _reminder(draft, reader, reason, ticket, by_other=reader != writer, more=len(later))
        apply_decision(work, decision, ticket)
    return True


def _later(unit: UnitOfWork, draft: HeldReply) -> frozenset[int]:
    """Return the mails in this agent's name that are not asked about yet, because enough questions are open."""
    if draft.kind is not HeldReplyKind.UNPROVEN:
        return frozenset()
    _, later = asked_about(unit.held_replies.waiting(agent=draft.agent))
    return frozenset(each.id for each in later)


def _who_may_see(readers: Readers, writer: Agent | None, ticket: Ticket, directory: Directory) -> Readers:
    """Return the readers who may see the ticket, which a reminder shows; else those above them or in its
    department."""
    reason = f"you work in the department {ticket.department}"
    department = tuple((one, reason) for one in directory.agents_of(ticket.department))
    circles = (readers, above(writer, ticket, directory), department)
    seeing = (tuple(pair for pair in circle if may_see(pair[0], ticket, directory)) for circle in circles)
    return next(filter(None, seeing), ())


_REASON = "your text waits for your word"


def _reminder(
    draft: HeldReply, reader: Agent, reason: str, ticket: Ticket | None, *, by_other: bool, more: int = 0
) -> Decision:
    # Who leads may file a text or drop it; only its writer may let it leave.
    buttons = (KEEP_AS_NOTE, DROP_TEXT) if by_other else _BUTTONS[draft.kind]
    if by_other and draft.kind in (HeldReplyKind.UNPROVEN, HeldReplyKind.CONFIRM):
        buttons = (DROP_TEXT,)
    notice = Notice(
        template="held",
        to=reader.person,
        scope=Scope.NOTE,
        reason=reason,
        agent=reader.name,
        buttons=buttons,
        verb="" if by_other else "fix-{draft}",
    )
    remind = RemindOfHeldReply(
        held_reply=draft.id,
        kind=draft.kind,
        agent=draft.agent,
        reason=draft.reason,
        news=(draft.reason, *([_more_wait(more)] if more else [])),
        text=draft.text,
        by_other=by_other,
    )
    waits = f"held reply {draft.id} still waits"
    if ticket is None:
        return Decision(Outcome.HELD, waits, effects=(remind, MessageToAgent(notice=notice)))
    return Decision(Outcome.HELD, waits, mails=Mails(notices=(notice,)), effects=(remind,))


def _more_wait(more: int) -> str:
    mails = "1 more mail in the same name waits" if more == 1 else f"{more} more mails in the same name wait"
    return f"{mails}: the next is asked about when one is answered"
