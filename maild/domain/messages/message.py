"""A mail as words: what reading makes of raw bytes, and what goes out again. Frozen values without parsing."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from maild.domain.messages.attachment import Attachment as Attachment
from maild.domain.people.directory import Address, Person, Trust


@dataclass(frozen=True, slots=True)
class Envelope:
    """The SMTP envelope (RFC 5321 2.3.1): sender without brackets, "" for the null reverse-path; recipients as
    given.

    A mail fetched by IMAP has no envelope. `sender` is then None and `recipients` is empty."""

    sender: str | None = None
    recipients: tuple[str, ...] = ()


class DeliveryAction(StrEnum):
    """The Action field of a delivery report (RFC 3464 2.3.3)."""

    FAILED = "failed"
    DELAYED = "delayed"
    DELIVERED = "delivered"
    RELAYED = "relayed"
    EXPANDED = "expanded"


@dataclass(frozen=True, slots=True)
class DeliveryStatus:
    """What a delivery report says of one recipient (RFC 3464 2.3)."""

    recipient: str
    action: DeliveryAction
    status: str = ""  # enhanced code such as 5.1.1
    diagnostic: str = ""


@dataclass(frozen=True, slots=True)
class DeliveryReport:
    """A whole delivery report: one status for each recipient, and the Message-ID of the returned mail ("" without
    one)."""

    statuses: tuple[DeliveryStatus, ...] = ()
    original_message_id: str = ""


@dataclass(frozen=True, slots=True)
class ForwardedMail:
    """A mail that the sender forwarded, attached or in the text. `certain`: it was read without doubt."""

    sender: Person | None  # who wrote it; None when that cannot be read strictly
    subject: str = ""
    text: str = ""  # the original's own text
    comment: str = ""  # what the one who forwards wrote above it
    date: str = ""  # as written there
    certain: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class InboundMessage:
    """One mail after reading. Strings are clean text: no NUL, no lone surrogates, headers unfolded and decoded."""

    sha256: str
    size: int  # bytes of the raw mail
    sender: Person | None  # the one From mailbox; None when From is absent, several or not a strict addr-spec
    from_header: str = ""  # as written, decoded, for people to look at
    reply_to: tuple[Person, ...] = ()
    to: tuple[Person, ...] = ()
    cc: tuple[Person, ...] = ()
    delivered_to: tuple[Address, ...] = ()  # Delivered-To, X-Original-To, Envelope-To
    subject: str = ""
    sent_at: datetime | None = None  # Date, in UTC; None when absent or absurd
    message_id: str = ""  # with its angle brackets; "" when absent
    in_reply_to: tuple[str, ...] = ()
    references: tuple[str, ...] = ()
    headers: Mapping[str, tuple[str, ...]] = field(default_factory=dict)  # lower-case name -> decoded values, in order
    server_fields: tuple[tuple[str, str], ...] = ()  # Received and Authentication-Results from the top, not decoded
    content_type: str = "text/plain"  # of the root part, lower case, without parameters
    report_type: str = ""  # report-type parameter of multipart/report
    text: str = ""  # the whole body as text
    new_text: str = ""  # what the sender wrote now: quotes and signature cut
    folded_lines: int = 0  # lines cut from text to make new_text
    forwarded_lines: int = 0  # lines at the end of new_text that are a forwarded mail: not the sender's own words
    only_quotes: bool = False  # new_text is all of text, because nothing of it is new
    html: str = ""  # sanitised
    html_words: str = ""  # its new words, where the plain text is what counts and one of the two may hold a command
    attachments: tuple[Attachment, ...] = ()
    delivery_report: DeliveryReport | None = None
    forwarded: ForwardedMail | None = None
    reaction: str = ""  # the emoji when the mail is a reaction to another one (RFC 9078, Gmail)
    calendar_method: str = ""  # METHOD of its calendar part (RFC 5546): REQUEST, REPLY, CANCEL, …
    markers: tuple[str, ...] = ()  # our marks in its text or HTML, what follows "ref:": KTSRsN.OUTBOX.MAC
    sameness: str = ""  # sha256 of From, Date, Message-ID, Subject and body; "" without a Message-ID
    hops: int = 0  # Received fields
    left_out: tuple[str, ...] = ()  # sentences about files that are in the raw mail alone
    defects: tuple[str, ...] = ()  # what was wrong with the mail and how it was read anyway

    def header(self, name: str) -> str:
        """Return the first value of a header; "" when it is absent."""
        values = self.headers.get(name.lower(), ())
        return values[0] if values else ""

    @property
    def own_and_forwarded(self) -> tuple[str, str]:
        """Return the new text in two parts: the sender's own words, and the forwarded mail that follows them."""
        if self.only_quotes:
            return "", ""
        if not self.forwarded_lines:
            return self.new_text, ""
        lines = self.new_text.split("\n")
        return "\n".join(lines[: -self.forwarded_lines]), "\n".join(lines[-self.forwarded_lines :])

    @property
    def recipients(self) -> tuple[Address, ...]:
        """Every address that the mail itself names as a recipient."""
        return (*(p.address for p in self.to), *(p.address for p in self.cc), *self.delivered_to)


@dataclass(frozen=True, slots=True)
class Evidence:
    """How well the sender was authenticated when the mail came in. It is stored with the mail, because keys change."""

    trust: Trust
    reason: str


@dataclass(frozen=True, slots=True)
class OutboundMessage:
    """A mail ready to be sent. Every attempt sends the same bytes."""

    envelope_from: str  # "" is the null reverse-path
    recipients: tuple[str, ...]
    raw: bytes
