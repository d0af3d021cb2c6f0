"""What a command says about the mail that it stands in: a closed list of small records.

A verb brings events for its ticket, effects (domain/effects.py) for all else that it changes, and these instructions
for whoever judges the mail: about its text, about when that leaves, about what the writer is asked or told first."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from maild.domain.effects import Effect


@dataclass(frozen=True, slots=True)
class Instruction:
    """One thing to mind when the mail is judged."""


@dataclass(frozen=True, slots=True)
class AppendText(Instruction):
    """A canned text follows the writer's own."""

    text: str


@dataclass(frozen=True, slots=True)
class SendAt(Instruction):
    """The text leaves at this moment (UTC)."""

    moment: datetime


@dataclass(frozen=True, slots=True)
class SendNow(Instruction):
    """The text leaves at once, without the time in which it could be stopped."""


@dataclass(frozen=True, slots=True)
class QuietToCustomer(Instruction):
    """The customer is told nothing of what the commands do."""


@dataclass(frozen=True, slots=True)
class MeantForCustomer(Instruction):
    """The text is a note that a colleague may send to the customer."""


@dataclass(frozen=True, slots=True)
class OnlyCheck(Instruction):
    """Nothing is done: the writer is told what would happen."""


@dataclass(frozen=True, slots=True)
class WordOnHeldReply(Instruction):
    """A word about a held reply: "anyway", "text", "note", "nothing", "yes" or "no"."""

    word: str


@dataclass(frozen=True, slots=True)
class AskFirst(Instruction):
    """The whole mail waits for a "yes", because this cannot be taken back (one sentence)."""

    warning: str


@dataclass(frozen=True, slots=True)
class Receipt(Instruction):
    """The writer is told this line although all went well."""

    line: str


Brought = tuple[Effect | Instruction, ...]
