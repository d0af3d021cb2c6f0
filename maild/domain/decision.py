"""What a judgement says: outcome, reason, facts, entry. Data that the services carry out and `explain` shows."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from maild.domain.absence import Absence
from maild.domain.attachment import Attachment
from maild.domain.events import SYSTEM, Actor, Event
from maild.domain.notices import Notice
from maild.domain.ticket import EntryKind

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
class Step:
    """One stop on the way of a mail: what was found there, and why."""

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


@dataclass(frozen=True, slots=True, kw_only=True)
class Transcript:
    """What a feedback mail tells an agent: problems with their remedies, results, or the help text."""

    problems: tuple[tuple[str, str, str], ...] = ()  # (line, message, suggestion)
    results: tuple[str, ...] = ()
    help: str = ""
    original_text: str = ""
    corrected_text: str = ""


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
    steps: tuple[Step, ...] = ()
    also: EntryDraft | None = None  # a second entry, which facts name as NEXT_ENTRY
    mute: bool = False  # no agent hears of it
    absence: Absence | None = None  # an agent said that they are away
