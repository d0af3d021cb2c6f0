"""Names what to look up for a mail, by keys, and holds what was found, for one mail or for many at once."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from datetime import datetime
from typing import Any

from maild.domain.effects import ReleasedAs
from maild.domain.escalation.undelivered import LostAlarm
from maild.domain.intake.auto_answer_limits import Traffic
from maild.domain.intake.classify import Classification, MailClass
from maild.domain.intake.decide.buttons import numbered
from maild.domain.intake.route import Clues, Holder
from maild.domain.intake.rules import Filing
from maild.domain.lookups import Lookups
from maild.domain.messages.message import Envelope, Evidence, InboundMessage
from maild.domain.messages.reply_tokens import KeyRing
from maild.domain.people.directory import Address, Agent
from maild.domain.queries.row_commands import Rows
from maild.domain.tickets.held_replies import HeldReply


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadMail:
    """A mail, and what its own text and envelope say, before anything is looked up.

    `released`: a person let it in; `proven`: its sender said that they wrote it. `waiting_in` are mailboxes whose
    copies do not count as earlier ones while they wait."""

    inbound: int
    message: InboundMessage
    envelope: Envelope
    arrived_at: datetime
    evidence: Evidence
    classification: Classification
    clues: Clues
    filing: Filing
    agent: Agent | None  # the agent whose address stands in From
    department: str = ""  # of the mailbox it came by
    junk: str = ""  # the provider's spam folder that it lies in; "" when it counts
    waiting_in: tuple[str, ...] = ()
    released: bool = False
    proven: bool = False
    released_as: ReleasedAs = ReleasedAs.AS_IT_IS

    @property
    def returned_id(self) -> str:
        """Return the Message-ID of the mail of ours that a delivery report returns (RFC 3464 section 2.1)."""
        report = self.message.delivery_report
        return report.original_message_id if report and self.classification.mail_class is MailClass.DSN else ""


# -- the first look ---------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Keys:
    """The keys that are looked up for every mail. Keys of several mails can be added up."""

    holders: frozenset[int] = frozenset()  # the contacts to whom its marks were given
    message_ids: frozenset[str] = frozenset()  # of the mails that it answers
    ancestors: frozenset[str] = frozenset()  # by which earlier mails may have named it, or its ancestors
    samenesses: frozenset[str] = frozenset()
    join_keys: frozenset[str] = frozenset()
    returned_ids: frozenset[str] = frozenset()
    lists: frozenset[int] = frozenset()
    held_replies: frozenset[int] = frozenset()  # that buttons name
    writers: frozenset[str] = frozenset()  # agents by name

    def __or__(self, other: Keys) -> Keys:
        return Keys(**{each.name: getattr(self, each.name) | getattr(other, each.name) for each in fields(Keys)})


def keys_of(read: ReadMail) -> Keys:
    """Return the keys of one mail."""
    found = read.clues
    return Keys(
        holders=frozenset(found.recipients),
        message_ids=frozenset(found.parent_ids),
        ancestors=frozenset(found.family),
        samenesses=_filled(found.sameness),
        join_keys=_filled(read.filing.join_key),
        returned_ids=_filled(read.returned_id),
        lists=frozenset(found.lists),
        held_replies=frozenset(number for mark in found.sealed if (number := numbered(mark.verb)[1])),
        writers=_filled(read.agent.name if read.agent else ""),
    )


def _filled(text: str) -> frozenset[str]:
    return frozenset({text} if text else ())


@dataclass(frozen=True, slots=True)
class EarlierMail:
    """A mail with the same sameness that was judged before. `waits`: it was held or ignored."""

    inbound: int
    ticket: int | None
    mailbox: str
    waits: bool


@dataclass(frozen=True, slots=True)
class MailedList:
    """A list, and the agent whom it was made for."""

    agent: str
    rows: Rows


@dataclass(frozen=True, slots=True)
class ReturnedMail:
    """A mail of ours that came back: its outbox number, its ticket, its recipient, the reply that it delivered."""

    outbox: int
    ticket: int | None
    to: Address
    entry: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class FirstLook:
    """What was found by the keys of one mail or of several. `tickets` has every ticket that a valid clue names."""

    holders: Mapping[int, Holder] = field(default_factory=dict)
    tickets_of_ids: Mapping[str, int] = field(default_factory=dict)
    tickets_of_ancestors: Mapping[str, int] = field(default_factory=dict)
    earlier: Mapping[str, tuple[EarlierMail, ...]] = field(default_factory=dict)  # by sameness, the oldest first
    joined: Mapping[str, int] = field(default_factory=dict)  # join key -> the open ticket that has it
    returned: Mapping[str, ReturnedMail] = field(default_factory=dict)
    lists: Mapping[int, MailedList] = field(default_factory=dict)
    held_replies: tuple[HeldReply, ...] = ()  # those that wait for the writers' words, and those that buttons name
    preferences: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)  # by agent
    signatures: Mapping[str, str] = field(default_factory=dict)  # by agent: what was learned
    tickets: Lookups = Lookups()


def tickets_of_clues(found: Clues, known: FirstLook, ring: KeyRing) -> tuple[int, ...]:
    """Return the tickets that clues lead to. A mark that does not open leads nowhere."""
    of_ids = (known.tickets_of_ids[text] for text in found.parent_ids if text in known.tickets_of_ids)
    of_ancestors = (known.tickets_of_ancestors[text] for text in found.family if text in known.tickets_of_ancestors)
    return tuple(dict.fromkeys((*found.tickets(known.holders, ring), *of_ids, *of_ancestors)))


def tickets_named(read: ReadMail, known: FirstLook, ring: KeyRing) -> frozenset[int]:
    """Return all tickets that a mail may concern: by clues, by its rule's join key, or by the mail that it returns."""
    returned = known.returned.get(read.returned_id)
    others = (known.joined.get(read.filing.join_key), returned.ticket if returned else None)
    return frozenset((*tickets_of_clues(read.clues, known, ring), *(number for number in others if number is not None)))


# -- the second look --------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class SecondLook:
    """What was found once the ticket of a mail was known.

    The new text of `message` has lost our own words and the writer's signature. `outbox` is the lost mail that a
    delivery report is about, `alarm` what that mail told of deadlines."""

    message: InboundMessage
    lookups: Lookups = Lookups()
    traffic: Traffic | None = None  # None: not counted
    outbox: int | None = None
    alarm: LostAlarm | None = None
