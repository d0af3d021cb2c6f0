"""Mail in and mail out: clocks, sources, scanners, transports."""

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
    """Where the time comes from: the machine, or a test."""

    def now(self) -> datetime:
        """The moment, in UTC, aware."""
        ...


class TemporaryFailure(Exception):
    """Something we need is away just now (database, disk, relay); the same call may succeed later."""


# -- mail in ------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class IncomingMail:
    """A raw mail as a source hands it in, before anybody thinks about it."""

    raw: bytes
    source: str  # "smtp", "lmtp", "imap", "inject"
    arrived_at: datetime  # IMAP INTERNALDATE; SMTP: now. UTC
    envelope: Envelope = field(default_factory=Envelope)
    mailbox: str = ""  # the configured [[mailbox]] it came from
    uidvalidity: int | None = None  # IMAP only (RFC 9051 2.3.1.1)
    uid: int | None = None
    truncated: bool = False  # larger than the limit: only the beginning was fetched, the rest stays in the folder


@dataclass(frozen=True, slots=True)
class Receipt:
    """The mail is durably ours. `known` means that this very delivery had been kept before."""

    inbound: int
    known: bool


class HandIn(Protocol):
    """How a source hands a mail over. The future is done once the mail is durable, or fails with TemporaryFailure."""

    def __call__(self, mail: IncomingMail) -> Future[Receipt]: ...


class MailSource(Protocol):
    """Something that brings mail until told to stop."""

    def run(self, hand_in: HandIn, stop: ThreadEvent) -> None:
        """Blocks; returns within a second or so of `stop`. Acknowledges a mail only after its Receipt."""
        ...


@dataclass(frozen=True, slots=True)
class MailboxState:
    """How far an IMAP folder has been read. `start_at`: older mail found at first sight is ignored; None = take all."""

    uidvalidity: int
    last_uid: int
    start_at: datetime | None


@dataclass(frozen=True, slots=True)
class IgnoredMail:
    """A mail that is left in its folder and only recorded."""

    uid: int
    arrived_at: datetime


class MailboxLedger(Protocol):
    """What is remembered of IMAP folders. Every call is one durable transaction; TemporaryFailure when it cannot be."""

    def recall(self, mailbox: str) -> MailboxState | None: ...

    def remember(self, mailbox: str, state: MailboxState) -> None: ...

    def known(self, mailbox: str, uidvalidity: int, uids: Sequence[int]) -> frozenset[int]:
        """Those of the UIDs that are in the ledger already: kept or ignored."""
        ...

    def ignore(self, mailbox: str, uidvalidity: int, mails: Sequence[IgnoredMail], reason: str) -> None:
        """Record mails that are left in place: outcome ignored, no ticket, no mail, no SLA. Harmless when repeated."""
        ...


class ScanVerdict(StrEnum):
    """What a scanner for malware can say of a mail."""

    CLEAN = "clean"
    INFECTED = "infected"
    UNAVAILABLE = "unavailable"  # nothing is known of the mail


@dataclass(frozen=True, slots=True)
class Finding:
    """What a scanner said, in words. `answered`: it works, though it would not judge this very mail."""

    verdict: ScanVerdict
    reason: str
    name: str = ""  # of what was found
    answered: bool = False  # counts for UNAVAILABLE only


class Scanner(Protocol):
    """Looks for malware in whole mails. Any number of threads may ask at once."""

    def scan(self, raw: bytes) -> Finding:
        """Exactly one finding. Never raises for what the scanner does, and ends within its time limits."""
        ...


# -- mail out -----------------------------------------------------------------------------------------------


class MailTransport(Protocol):
    """Hands a mail to a relay. Not thread-safe: one worker owns one transport."""

    def send(self, message: OutboundMessage) -> Mapping[str, RelayAnswer] | ChannelFault:
        """Exactly one answer for each recipient, or one fault of the channel. Never raises for what a relay does."""
        ...

    def close(self) -> None: ...


WakeUp = Callable[[], None]
