"""Buttons in mails: a reply address that asks for something by itself, so that an empty answer is enough.

The verb is in the sealed address (scope c), bound to its recipient and to the last event that they had seen. It
is also shown as a line to type, for those who answer by hand."""

from __future__ import annotations

from dataclasses import dataclass

from maild.domain.messages.reply_tokens import Scope
from maild.domain.people.directory import Agent
from maild.domain.tickets.ticket import Ticket

MOST = 4  # buttons of one mail; beside them only the hint at !help


@dataclass(frozen=True, slots=True)
class Button:
    """One button.

    `verb` is as in the address: "close", "snooze-1d"; {draft} in it is the number of the held reply that the
    mail is about. `typed` is the same as a line of an answer, or "". With a `scope` other than COMMAND, it is
    the address of an answer with another meaning, and there is no verb."""

    label: str
    verb: str
    typed: str = ""
    scope: Scope = Scope.COMMAND


TAKE = Button("Take it", "take", "!take")
SNOOZE = Button("Snooze 1 day", "snooze-1d", "!snooze 1d")
WAIT = Button("Wait for customer", "wait", "!wait")
RESOLVE = Button("Resolve", "resolve", "!resolve")
CLOSE = Button("Close", "close", "!close")
REOPEN = Button("Reopen", "reopen", "!reopen")
ACKNOWLEDGE = Button("Acknowledge", "ack", "!ack")
NOTE_ONLY = Button("Note only", "", "!note", Scope.NOTE)
TO_CUSTOMER = Button("Answer the customer", "", "!reply", Scope.REPLY)

UNDO = Button("Undo", "undo", "!undo")

SEND_ANYWAY = Button("Send anyway", "send-{draft}", "!send anyway")
SEND_TEXT = Button("Send the text alone", "text-{draft}", "!send text")
KEEP_AS_NOTE = Button("Keep as a note", "note-{draft}", "!send note")
DROP_TEXT = Button("Drop it", "drop-{draft}", "!send nothing")
YES = Button("Yes, do it", "yes-{draft}", "!yes")
NO = Button("No", "drop-{draft}", "!no")
IT_WAS_ME = Button("Yes, I wrote it", "yes-{draft}", "!yes")
NOT_ME = Button("No, drop it", "drop-{draft}", "!no")


def usual(ticket: Ticket, agent: Agent, scope: Scope) -> tuple[Button, ...]:
    """Return what an agent most likely wants to do next, at most MOST things."""
    other_audience = NOTE_ONLY if scope is Scope.REPLY else TO_CUSTOMER
    if ticket.status.ended:
        return (REOPEN, other_audience)
    owning = SNOOZE if ticket.assignee == agent.name else TAKE
    return (owning, RESOLVE, CLOSE, other_audience)
