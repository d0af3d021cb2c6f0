"""Ports for mail in and mail out: clock, sources, mailboxes, malware scanner, transports."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from threading import Event as ThreadEvent
from typing import Protocol

from maild.domain.messages.message import Envelope, OutboundMessage
from maild.domain.messages.outbox import ChannelFault, RelayAnswer


class Clock(Protocol):
    """Tells the time: the machine's, or the time that a test sets."""

    def now(self) -> datetime:
        """Return the current time as an aware datetime in UTC."""
        ...


class TemporaryFailure(Exception):
    """The database, the disk or another service does not answer now. The same call may succeed later."""


# -- mail in ------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class IncomingMail:
    """A raw mail as a source hands it in, before anything reads it."""

    raw: bytes
    source: str  # "smtp", "lmtp", "imap", "inject"
    arrived_at: datetime  # UTC. IMAP: INTERNALDATE; SMTP: the time of receipt
    envelope: Envelope = field(default_factory=Envelope)
    mailbox: str = ""  # name of the configured [[mailbox]] that it came from
    uidvalidity: int | None = None  # IMAP only (RFC 9051 2.3.1.1)
    uid: int | None = None
    peer: str = ""  # the address that handed it to our listener; "": a program on this machine, or no listener
    truncated: bool = False  # larger than the limit: only the beginning was fetched, the rest stays in the folder


@dataclass(frozen=True, slots=True)
class Receipt:
    """Proof that a mail is stored durably. `known`: this same delivery had been stored before."""

    inbound: int
    known: bool


class HandIn(Protocol):
    """The function by which a source hands a mail over."""

    def __call__(self, mail: IncomingMail) -> Future[Receipt]:
        """Store the mail. The future ends once the mail is durable, or fails with TemporaryFailure."""
        ...


class MailSource(Protocol):
    """Brings mail until it is told to stop."""

    def run(self, hand_in: HandIn, stop: ThreadEvent) -> None:
        """Bring mail until `stop` is set, then return within about a second.

        The source acknowledges a mail to its server only after it has the Receipt."""
        ...


@dataclass(frozen=True, slots=True)
class MailboxState:
    """How far an IMAP folder has been read.

    Mail older than `start_at` that is found at the first look is ignored; None takes all mail."""

    uidvalidity: int
    last_uid: int
    start_at: datetime | None


@dataclass(frozen=True, slots=True)
class IgnoredMail:
    """A mail that stays in its folder and is only recorded."""

    uid: int
    arrived_at: datetime


class MailboxLedger(Protocol):
    """Remembers the state of IMAP folders.

    Every call is one durable transaction. It raises TemporaryFailure when the database does not answer."""

    def recall(self, mailbox: str) -> MailboxState | None:
        """Return the state of a folder; None when it has never been read."""
        ...

    def remember(self, mailbox: str, state: MailboxState) -> None:
        """Store the state of a folder."""
        ...

    def known(self, mailbox: str, uidvalidity: int, uids: Sequence[int]) -> frozenset[int]:
        """Return those of the UIDs that are already in the ledger, as kept or ignored."""
        ...

    def ignore(self, mailbox: str, uidvalidity: int, mails: Sequence[IgnoredMail], reason: str) -> None:
        """Record mails that stay in the folder: outcome ignored, no ticket. Repeating the call does no harm."""
        ...


class ScanVerdict(StrEnum):
    """The answers that a malware scanner can give."""

    CLEAN = "clean"
    INFECTED = "infected"
    UNAVAILABLE = "unavailable"  # the mail was not scanned


@dataclass(frozen=True, slots=True)
class Finding:
    """The answer of a malware scanner for one mail, with the reason in words."""

    verdict: ScanVerdict
    reason: str
    name: str = ""  # of the malware that was found
    answered: bool = False  # with UNAVAILABLE: the scanner works, but could not judge this mail


class Scanner(Protocol):
    """Looks for malware in whole mails. Any number of threads may call it at once."""

    def scan(self, raw: bytes) -> Finding:
        """Scan a mail and return exactly one finding.

        It ends within its time limits, and errors of the scanner become UNAVAILABLE instead of an exception."""
        ...


# -- mail out -----------------------------------------------------------------------------------------------


class MailTransport(Protocol):
    """Hands mails to a relay. It is not thread-safe: one worker owns one transport."""

    def send(self, message: OutboundMessage) -> Mapping[str, RelayAnswer] | ChannelFault:
        """Send a mail and return one answer for each recipient, or one fault of the channel.

        Errors of the relay are part of the answer; they raise no exception."""
        ...

    def close(self) -> None:
        """Close the connection, if one is open."""
        ...


WakeUp = Callable[[], None]  # tells another part of the daemon that there is new work
