"""What follows for a ticket when a delivery report or the relay says that a mail of ours did not arrive."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from maild.domain.decision import Decision, EntryDraft, Mails, Outcome
from maild.domain.effects import MarkAlarmLost
from maild.domain.escalation.undelivered import LostAlarm, handed_on, unheard
from maild.domain.people.directory import Address, Role
from maild.domain.policy import Policy
from maild.domain.tickets.events import THIS_ENTRY, Actor, Bounced
from maild.domain.tickets.ticket import EntryKind, Ticket


@dataclass(frozen=True, slots=True)
class BouncedMail:
    """The mail of ours that did not arrive."""

    ticket: int | None  # None: it concerned none
    recipient: str
    entry: int | None  # the reply it delivered
    outbox: int | None = None
    alarm: LostAlarm | None = None  # what it told of deadlines


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
