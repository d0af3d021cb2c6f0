"""What a judgement says: outcome, reason, events, entries, mails, effects. Data that the services carry out and
`explain` shows."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import TypeVar

from maild.domain.effects import Effect
from maild.domain.messages.attachment import Attachment
from maild.domain.notices.agent_notices import Notice
from maild.domain.tickets.events import SYSTEM, Actor, Event, Opened
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


@dataclass(frozen=True, slots=True, kw_only=True)
class Mails:
    """Which mails follow besides those that the events bring, and how all of them look and leave."""

    notices: tuple[Notice, ...] = ()  # they are about the decision's ticket
    transcript: Transcript | None = None  # what feedback among them says
    acknowledge: bool = False  # the sender is told that their ticket is there
    quiet: bool = False  # the customer is told nothing
    mute: bool = False  # no agent is told
    answer_leaves: datetime | timedelta | None = None  # at this moment (UTC), or after so long; None: as configured


@dataclass(frozen=True, slots=True)
class ActOnOtherTicket(Effect):
    """The same act does something to another ticket (its number; None: to one that opens with it)."""

    ticket: int | None
    decision: Decision


@dataclass(frozen=True, slots=True)
class Decision:
    """The verdict on a mail, on a line of commands, or on what time brings.

    Events name the entries as THIS_ENTRY and NEXT_ENTRY, for those have no ids yet. Effects may stand in any order:
    they are carried out in the order of their table."""

    outcome: Outcome
    reason: str
    events: tuple[Event, ...] = ()
    entries: tuple[EntryDraft, ...] = ()
    actor: Actor = SYSTEM
    mails: Mails = Mails()
    effects: tuple[Effect, ...] = ()
    steps: tuple[TraceStep, ...] = ()

    @property
    def opens(self) -> bool:
        """Tell whether a ticket begins with it."""
        return bool(self.events) and isinstance(self.events[0], Opened)

    @property
    def entry(self) -> EntryDraft | None:
        """Return the entry that events name as THIS_ENTRY; None when it brings none."""
        return self.entries[0] if self.entries else None

    def effects_of(self, kind: type[E]) -> tuple[E, ...]:
        """Return the effects of one kind, in their order."""
        return tuple(effect for effect in self.effects if isinstance(effect, kind))

    def with_effects(self, *effects: Effect) -> Decision:
        """Return the same decision with more effects."""
        return replace(self, effects=(*self.effects, *effects))

    def with_notices(self, *notices: Notice) -> Decision:
        """Return the same decision with more notices about its ticket."""
        return replace(self, mails=replace(self.mails, notices=(*self.mails.notices, *notices)))
