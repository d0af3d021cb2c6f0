"""What a judgement says: outcome, reason, events, entries. Data that the services carry out and `explain` shows."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import TypeVar

from maild.domain.effects import Effect
from maild.domain.messages.attachment import Attachment
from maild.domain.notices.agent_notices import Notice
from maild.domain.tickets.events import SYSTEM, Actor, Event
from maild.domain.tickets.ticket import EntryKind

E = TypeVar("E", bound=Effect)
QUEUED = "queued"  # the verdict of a step that put a mail into the outbox


class Outcome(StrEnum):
    """How a mail can end. Every mail that reaches us ends as one of these."""

    OPENED = "opened"
    REPLIED = "replied"
    NOTED = "noted"
    COMMANDED = "commanded"
    IGNORED = "ignored"
    BOUNCED = "bounced"
    DUPLICATE = "duplicate"
    HELD = "held"
    QUARANTINED = "quarantined"
    REJECTED = "rejected"


@dataclass(frozen=True, slots=True)
class TraceStep:
    """One step on the way of a mail: what was found there, and why."""

    stop: str  # limits, parse, authentication, classify, route, rules, decide, notices
    verdict: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class EntryDraft:
    """An entry of the thread before it has an id."""

    kind: EntryKind
    author: Actor
    author_name: str
    text: str
    html: str = ""
    folded_lines: int = 0
    message_id: str = ""
    trust: str = "claimed"
    attachments: tuple[Attachment, ...] = ()
    may_leave: bool = False  # a note that its author meant for the customer
    inbound: int | None = None  # the mail that it comes from, where that is not the one that is judged


@dataclass(frozen=True, slots=True, kw_only=True)
class AnswerWait:
    """What a receipt says about an answer that waits before it leaves.

    The moment is not in it: only the queued mail knows that (domain/agent_mail/send_delay.py: `wait_lines`)."""

    to: str = ""  # whom the text goes to, where the address that it was sent to meant something else
    named: bool = False  # the writer named the moment
    reasons: tuple[str, ...] = ()  # why it waits longer than usual


@dataclass(frozen=True, slots=True, kw_only=True)
class Transcript:
    """What a feedback mail tells an agent: problems with their remedies, results, or the help text."""

    problems: tuple[tuple[str, str, str], ...] = ()  # (line, message, suggestion)
    results: tuple[str, ...] = ()
    wait: AnswerWait | None = None  # told below the results
    help: str = ""
    original_text: str = ""
    corrected_text: str = ""


@dataclass(frozen=True, slots=True)
class ActOnOtherTicket(Effect):
    """The same act does something to another ticket (its number; None: to one that opens with it)."""

    ticket: int | None
    decision: Decision


@dataclass(frozen=True, slots=True)
class Decision:
    """The verdict on a mail, or on a line of commands. `facts` name the entry as THIS_ENTRY."""

    outcome: Outcome
    reason: str
    facts: tuple[Event, ...] = ()
    entry: EntryDraft | None = None
    actor: Actor = SYSTEM
    acknowledge: bool = False
    opens: bool = False
    notices: tuple[Notice, ...] = ()  # beside those that follow from the facts
    transcript: Transcript | None = None
    steps: tuple[TraceStep, ...] = ()
    also: EntryDraft | None = None  # a second entry, which facts name as NEXT_ENTRY
    mute: bool = False  # no agent hears of it
    effects: tuple[Effect, ...] = ()  # in any order: they are carried out in the order of their table
    leaves_after: timedelta | None = None  # how long the answer waits; None: as the configuration says
    leaves_at: datetime | None = None  # the moment that its writer named (UTC)
    quiet: bool = False  # the customer is told nothing of it

    def effects_of(self, kind: type[E]) -> tuple[E, ...]:
        """The effects of one kind, in their order."""
        return tuple(effect for effect in self.effects if isinstance(effect, kind))
