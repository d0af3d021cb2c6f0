"""What a decision does besides the thread of its ticket: a closed list of small records.

They are data. One table carries them out (services/apply/effects.py), and `explain` shows the mails among them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from maild.domain.notices.notice import Notice
from maild.domain.people.absence import Absence
from maild.domain.people.directory import Address
from maild.domain.query import Question
from maild.domain.tickets.held_replies import HeldReplyKind

YOUR_MAIL = "Your mail"  # the subject of a message to an agent, where their mail has led to none


@dataclass(frozen=True, slots=True)
class Effect:
    """One thing to do. Every kind has a row in the table of services/apply/effects.py."""


# -- people -----------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class SetAbsence(Effect):
    """An agent is away from now on."""

    absence: Absence


@dataclass(frozen=True, slots=True)
class ClearAbsence(Effect):
    """An agent (their name) is back."""

    agent: str


@dataclass(frozen=True, slots=True)
class ChangePreferences(Effect):
    """An agent wishes to hear something else from now on. `changes` as domain/people/preferences.py keeps them."""

    agent: str
    changes: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class RecordContact(Effect):
    """An agent writes to these domains now, maybe for the first time."""

    agent: str
    domains: frozenset[str]


# -- held replies and held mails --------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class AboutHeldReply(Effect):
    """An agent's text is held: why, and the text as they wrote it.

    `news` tells line by line what they should know before they decide."""

    kind: HeldReplyKind
    agent: str
    reason: str
    news: tuple[str, ...] = ()
    text: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class HoldReply(AboutHeldReply):
    """Hold the text from now on. Events and notices name its number as THIS_DRAFT and {draft}."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RemindOfHeldReply(AboutHeldReply):
    """The mails of the decision are about a text that was kept before. `by_other`: its writer is not their reader."""

    held_reply: int
    by_other: bool = False


@dataclass(frozen=True, slots=True)
class SettleHeldReply(Effect):
    """A held reply (its number) has ended: "sent", "noted", "dropped" or "replaced"."""

    held_reply: int
    settled_as: str


@dataclass(frozen=True, slots=True)
class DropHeldMail(Effect):
    """End a held mail (its number) unread."""

    inbound: int


class ReleasedAs(StrEnum):
    """What a person said of a held mail."""

    AS_IT_IS = ""  # it is judged as if it had come by itself
    ANYWAY = "anyway"  # it leaves, whatever its writer had not seen or should not have said
    TEXT = "text"  # its text counts, without its commands
    NOTE = "note"  # its text stays inside, without its commands
    CONFIRMED = "confirmed"  # what cannot be taken back may be done


@dataclass(frozen=True, slots=True)
class ReleaseHeldMail(Effect):
    """Judge a held mail (its number) once more.

    Two people may say two things about it: that it is no junk, which lets it in; and its own sender, at the
    address on file, that they wrote it (`proven`)."""

    inbound: int
    released_as: ReleasedAs
    no_junk: bool = False
    proven: bool = False


# -- mails that must not leave ----------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class WithdrawAnswer(Effect):
    """The mails of a reply (its entry) must not leave."""

    entry: int


@dataclass(frozen=True, slots=True)
class WithdrawHistory(Effect):
    """The mail that shows somebody the history of a ticket must not leave."""

    ticket: int
    to: Address


# -- alarms that did not arrive ---------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class MarkAlarmLost(Effect):
    """The ledger of the ticket's alarms says that this mail of ours (its outbox number) did not arrive.

    `passed_to` are the agents, by name, who hear of the alarm instead."""

    outbox: int
    passed_to: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class NotifyNextInLine(Effect):
    """A mail of ours (its outbox number) about the alarms of many tickets did not arrive: each alarm goes on to
    whoever is next. `diagnostic` says why it did not."""

    outbox: int
    diagnostic: str


# -- mails that concern no ticket -------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class MessageToAgent(Effect):
    """An agent is told what came of their mail, by a mail that concerns no ticket.

    It shows the transcript of the decision and the held reply that the decision is about. An answer to it goes to the
    list `about` (its number; 0: to none), unless the notice has buttons."""

    notice: Notice
    subject: str = YOUR_MAIL
    in_reply_to: str = ""  # the Message-ID that it answers
    about: int = 0


@dataclass(frozen=True, slots=True)
class AlarmAdmin(Effect):
    """An admin is told that automatic answers are stopped for an hour. The mail shows nothing of any ticket."""

    notice: Notice


@dataclass(frozen=True, slots=True, kw_only=True)
class AskQuery(Effect):
    """An agent (their name) asks something; one mail answers it when all the rest is done."""

    agent: str
    question: Question
    subject: str = ""
    in_reply_to: str = ""  # the Message-ID that the answer answers
