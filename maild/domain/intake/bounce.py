"""What follows for a ticket when a delivery report or the relay says that a mail of ours did not arrive."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime

from maild.domain.decision import Decision, EntryDraft, Mails, Outcome
from maild.domain.effects import MarkAlarmLost
from maild.domain.escalation.undelivered import LostAlarm, handed_on, unheard
from maild.domain.messages.reply_tokens import Scope
from maild.domain.notices.agent_notices import Notice
from maild.domain.notices.pacing import Kind
from maild.domain.people.directory import Address, Role
from maild.domain.policy import Policy
from maild.domain.tickets.events import THIS_ENTRY, Actor, Bounced
from maild.domain.tickets.ticket import EntryKind, Ticket
from maild.domain.tickets.visibility import may_see


@dataclass(frozen=True, slots=True)
class BouncedMail:
    """The mail of ours that did not arrive."""

    ticket: int | None  # None: it concerned none
    recipient: str
    entry: int | None  # the reply it delivered
    outbox: int | None = None
    alarm: LostAlarm | None = None  # what it told of deadlines


def stopped(
    ticket: Ticket, mail: BouncedMail, why: str, *, writer: str, by: str, at: datetime, policy: Policy
) -> Decision:
    """Return the event of a mail to a customer that maild stopped before it left. `why` says what to do instead.

    Besides those in charge, its writer and the admins are told, if they may see the ticket."""
    decision = bounced(ticket, mail, why, by=by, at=at, policy=policy)
    told = [(agent, "a mail of yours was stopped") for agent in (policy.directory.agent(writer),) if agent]
    told += [(agent, "you are an admin of this helpdesk") for agent in policy.directory.admins()]
    notices = [
        Notice(template="note", to=agent.person, scope=Scope.NOTE, reason=reason, agent=agent.name, kind=Kind.TROUBLE)
        for agent, reason in told
        if may_see(agent, ticket, policy.directory)
    ]
    what = "An answer" if mail.entry is not None else "A mail"
    text = f"{what} to {mail.recipient} was stopped before it left: {why}"
    entries = tuple(replace(entry, text=text) for entry in decision.entries)
    mails = replace(decision.mails, notices=(*notices, *decision.mails.notices))
    return replace(decision, reason=text, entries=entries, mails=mails)


def bounced(ticket: Ticket, mail: BouncedMail, diagnostic: str, *, by: str, at: datetime, policy: Policy) -> Decision:
    """Return the event, with a note for those in charge. `by` names who reported it.

    A reply did not happen when its requester did not get it. A lost copy undoes nothing. An alarm goes to the
    next person in line."""
    recipient = Address.read(mail.recipient)
    notices = handed_on(ticket, mail.alarm, policy) if mail.alarm else ()
    event = Bounced(
        at=at,
        by=Actor(Role.SYSTEM, by),
        entry=THIS_ENTRY,
        recipient=mail.recipient,
        permanent=True,
        diagnostic=diagnostic,
        reply=mail.entry if recipient == ticket.requester.address else None,
        passed_to=tuple(notice.agent for notice in notices),
    )
    answer = mail.entry is not None and recipient is not None and ticket.includes(recipient)
    lost = "An answer" if answer else "A mail"
    text = f"{lost} to {mail.recipient} could not be delivered: {diagnostic or 'no reason was given'}"
    if mail.alarm and unheard(mail.alarm, notices):
        text += "\nIt was an alarm about a deadline, and nobody is left who could be told of it by mail."
    author = Actor(Role.SYSTEM, "maild")
    note = EntryDraft(kind=EntryKind.NOTE, author=author, author_name=policy.helpdesk_name, text=text)
    effects = (MarkAlarmLost(mail.alarm.outbox, event.passed_to),) if mail.alarm else ()
    return Decision(Outcome.BOUNCED, text, (event,), (note,), author, Mails(notices=notices), effects)
