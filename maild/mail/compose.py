"""Makes the bytes of a mail (RFC 5322, RFC 2045) from rendered text. The same mail gives the same bytes every time.

The header is written here line by line. The standard library would encode long ids as encoded words, and Outlook would
lose the thread. Some versions of it drop the quotes of long names, and it raises for a line break in a stranger's
words. The MIME tree comes from the standard library."""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.message import MIMEPart
from email.policy import EmailPolicy
from email.utils import format_datetime
from typing import Any

from maild.domain.messages.subject import base_subject
from maild.domain.people.directory import Address, Person
from maild.mail.headers.encoding import (
    address_list,
    header_line,
    header_text,
    id_list,
    list_id_of,
    unstructured,
    valid_id,
)
from maild.mail.text.cleaning import body_text, short_line

MAX_REFERENCES = 20  # ids in References, besides the root
MAX_REFERENCES_LENGTH = 1500  # characters: some relays refuse headers above 4,096 bytes
SUBJECT_LENGTH = 200  # characters, without prefix and token
SUPPRESS = "DR, RN, NRN, OOF, AutoReply"  # [MS-OXCMAIL] 2.1.3.2.20; not All and not NDR, which would suppress bounces

# Types that a mail program shows without running anything. Everything else goes as application/octet-stream: HTML, SVG,
# XML, PDF and office files may contain code, and message/* may not be base64 (RFC 2046 5.2.1).
INERT_TYPES = re.compile(
    r"image/(png|jpeg|gif|webp|bmp|heic|tiff)|audio/[a-z0-9.+-]{1,60}|video/[a-z0-9.+-]{1,60}|text/plain"
)
_LANGUAGE = re.compile(r"[A-Za-z]{1,8}(-[A-Za-z0-9]{1,8}){0,4}")  # RFC 5646 2.1, as far as we need it
_EPOCH_1601 = datetime(1601, 1, 1, tzinfo=UTC)  # FILETIME counts from this instant


@dataclass(frozen=True, slots=True)
class OutgoingAttachment:
    """A file to send."""

    name: str
    content_type: str
    content: bytes
    inline: bool = False  # show it in the HTML part, by its Content-ID (RFC 2387, RFC 2392)
    content_id: str = ""  # without angle brackets


@dataclass(frozen=True, slots=True, kw_only=True)
class OutgoingMail:
    """The contents of one mail to one recipient. `compose` cleans all strings, so they may come from strangers."""

    from_: Person
    to: Person
    subject: str
    message_id: str
    date: datetime  # aware
    text: str
    html: str = ""
    cc: tuple[Person, ...] = ()
    reply_to: str = ""
    in_reply_to: str = ""
    references: tuple[str, ...] = ()  # the ticket's root id, then oldest first
    automatic: str = ""  # "" if a person wrote the text, else "auto-generated" or "auto-replied" (RFC 3834 5)
    precedence: str = ""  # "" | "bulk" | "list"
    thread_key: bytes = b""  # 16 bytes, the same for every mail about a ticket
    thread_started: datetime | None = None
    thread_topic: str = ""
    list_id: str = ""
    list_unsubscribe: str = ""
    reason: str = ""
    trace: str = ""
    loop_mark: str = ""
    language: str = ""
    attachments: tuple[OutgoingAttachment, ...] = ()


class WirePolicy(EmailPolicy):
    """Writes message ids as they are. The library's policy encodes long ones, and then no program recognises them."""

    IDS = frozenset({"content-id", "message-id", "in-reply-to", "references"})

    def fold(self, name: str, value: Any) -> str:
        """Fold a field; ids are never encoded (RFC 2047 5). The library calls this."""
        if name.lower() in self.IDS:
            return f"{name}: " + (self.linesep + " ").join(str(value).split()) + self.linesep
        return str(super().fold(name, value))

    def fold_binary(self, name: str, value: Any) -> bytes:
        """Fold a field to bytes, in the same way."""
        if name.lower() in self.IDS:
            return self.fold(name, value).encode("ascii", "surrogateescape")
        return bytes(super().fold_binary(name, value))


WIRE = WirePolicy(linesep="\r\n", cte_type="7bit")


def compose(outgoing: OutgoingMail) -> bytes:
    """Make the bytes of a mail, with CRLF line ends (RFC 5321 2.3.8).

    They are 7-bit unless the recipient's address needs UTF-8 (RFC 6532). A stranger's words never raise. Raises
    ValueError if our own Message-ID, From, Reply-To or Date is not valid."""
    if not valid_id(outgoing.message_id):
        raise ValueError(f"{outgoing.message_id!r} is no Message-ID: expected <left@right> of printable ASCII")
    if not address_list([outgoing.from_]):
        raise ValueError(
            f"{outgoing.from_.address} cannot be in From: the helpdesk's address must be ASCII before the @"
        )
    if outgoing.date.tzinfo is None:
        raise ValueError("the date of an outgoing mail needs a time zone")
    head = "".join(f"{name}: {value}\r\n" for name, value in _header(outgoing) if value)
    return head.encode("utf-8" if _needs_utf8(outgoing) else "ascii") + _body(outgoing)


def _header(outgoing: OutgoingMail) -> Iterator[tuple[str, str]]:
    """Yield (name, folded value) of each field in order; empty values are left out by the caller."""
    # RFC 5322 3.6.2: originator fields; 3.6.3: destination fields.
    yield "From", address_list([outgoing.from_])
    yield "Reply-To", address_list([Person(Address.of(outgoing.reply_to))]) if outgoing.reply_to else ""
    yield "To", address_list([outgoing.to], utf8=_needs_utf8(outgoing))
    yield "Cc", address_list(outgoing.cc)
    yield "Subject", unstructured("Subject", outgoing.subject)  # RFC 5322 3.6.5
    yield "Date", format_datetime(outgoing.date)  # RFC 5322 3.6.1
    # RFC 5322 3.6.4: identification fields.
    yield "Message-ID", outgoing.message_id
    yield "In-Reply-To", valid_id(outgoing.in_reply_to)
    yield "References", id_list(capped_references(outgoing.references, outgoing.in_reply_to))
    # Outlook groups by these two ([MS-OXOMSG] 2.2.1.3).
    yield "Thread-Topic", unstructured("Thread-Topic", outgoing.thread_topic)
    if outgoing.thread_key and outgoing.thread_started:
        yield "Thread-Index", thread_index(outgoing.thread_key, outgoing.thread_started)
    if outgoing.automatic:
        yield "Auto-Submitted", header_text(outgoing.automatic)  # RFC 3834 5
        yield "X-Auto-Response-Suppress", SUPPRESS
    yield "Precedence", header_text(outgoing.precedence)
    yield "List-Id", list_id_of(outgoing.list_id)  # RFC 2919 3
    yield "List-Unsubscribe", header_text(outgoing.list_unsubscribe)  # RFC 2369 3.2
    # RFC 3282 2
    yield "Content-Language", outgoing.language if _LANGUAGE.fullmatch(outgoing.language) else ""
    yield "X-Maild-Reason", unstructured("X-Maild-Reason", outgoing.reason)
    yield "X-Maild-Trace", header_text(outgoing.trace)
    yield "X-Maild-Loop", header_text(outgoing.loop_mark)
    yield "MIME-Version", "1.0"  # RFC 2045 4


def _needs_utf8(outgoing: OutgoingMail) -> bool:
    """Whether the recipient's local part is beyond ASCII: only UTF-8 can write it (RFC 6532 3.2)."""
    return not outgoing.to.address.local.isascii()


def capped_references(references: Iterable[str], in_reply_to: str = "") -> tuple[str, ...]:
    """Choose the ids for References (RFC 5322 3.6.4): the root, then the last ones, with the parent at the end.

    At most 20 ids follow the root, and all have at most 1,500 characters together. Each id is there once. Ids that
    `valid_id` refuses are left out."""
    valid = list(dict.fromkeys(filter(None, map(valid_id, references))))
    parent = valid_id(in_reply_to)
    if parent and parent not in valid:
        valid.append(parent)
    root, rest = valid[:1], valid[1:][-MAX_REFERENCES:]
    while rest and sum(len(each) + 1 for each in (*root, *rest)) > MAX_REFERENCES_LENGTH:
        rest.pop(0)
    return (*root, *rest)


def thread_index(key: bytes, started: datetime) -> str:
    """Make Outlook's Thread-Index ([MS-OXOMSG] 2.2.1.3): 01, five bytes of FILETIME, the 16 bytes of `key`; in base64.

    Raises ValueError for a key of another length."""
    if len(key) != 16:
        raise ValueError(f"the key of a thread has 16 bytes, not {len(key)}")
    filetime = (started - _EPOCH_1601) // timedelta(microseconds=1) * 10
    octets = b"\x01" + filetime.to_bytes(8, "big")[:5] + key
    return base64.b64encode(octets).decode("ascii")


def reply_subject(thread_subject: str, token: str, *, first: bool, show_token: bool) -> str:
    """Make the subject of a ticket's mails: "Re: Printer on fire [#1042-7k2m]" (RFC 5322 3.6.5).

    "Re:", "AW:" and former tokens in the customer's subject are cut. `first` is for the first mail to this recipient,
    which has no "Re:". Without `show_token` there is no token."""
    subject = header_line(base_subject(short_line(thread_subject, 2000)), SUBJECT_LENGTH) or "(no subject)"
    return f"{'' if first else 'Re: '}{subject}{f' [#{token}]' if show_token and token else ''}"


# -- the MIME tree --------------------------------------------------------------------------------------------


def _body(outgoing: OutgoingMail) -> bytes:
    """Make the MIME tree below the header.

    Text and HTML are multipart/alternative (RFC 2046 5.1.4). HTML that shows images is in multipart/related (RFC 2387).
    With files, all of it is in multipart/mixed (RFC 2046 5.1.3)."""
    inline = [file for file in outgoing.attachments if _is_shown_inline(file, outgoing.html)]
    mail: MIMEPart = MIMEPart(policy=WIRE)
    text, html = body_text(outgoing.text), body_text(outgoing.html)
    mail.set_content(text, subtype="plain", charset="utf-8", cte=_encoding(text))
    if html:
        mail.add_alternative(html, subtype="html", charset="utf-8", cte=_encoding(html))
        page = list(mail.iter_parts())[-1]
        for file in inline:
            main, _, sub = sent_type(file.content_type).partition("/")
            name = _file_name(file.name)
            page.add_related(file.content, main, sub, cid=f"<{file.content_id}>", disposition="inline", filename=name)
    for file in outgoing.attachments:
        if file not in inline:
            main, _, sub = sent_type(file.content_type).partition("/")
            mail.add_attachment(file.content, main, sub, disposition="attachment", filename=_file_name(file.name))
    _hide_from_mbox(mail)
    _set_boundaries(mail, outgoing)
    return mail.as_bytes(policy=WIRE)


def _encoding(text: str) -> str:
    """Choose the transfer encoding (RFC 2045 6.1): 7bit if that is safe, else quoted-printable.

    It is never base64, which people cannot read in the raw mail."""
    safe = text.isascii() and all(len(line) <= 78 and not line.startswith("From ") for line in text.splitlines())
    return "7bit" if safe else "quoted-printable"


def _hide_from_mbox(mail: MIMEPart) -> None:
    """Write =46rom for "From " at line starts: in an mbox file such a line begins the next mail (RFC 2049 3)."""
    for part in mail.walk():
        if part["Content-Transfer-Encoding"] == "quoted-printable":
            coded = "\n" + str(part.get_payload())
            part.set_payload(coded.replace("\nFrom ", "\n=46rom ")[1:])


def sent_type(content_type: str) -> str:
    """Return the type to send a file as: its own if that is in INERT_TYPES, else application/octet-stream."""
    stated = content_type.strip().lower()[:100]
    return stated if INERT_TYPES.fullmatch(stated) else "application/octet-stream"


def _is_shown_inline(file: OutgoingAttachment, html: str) -> bool:
    """Whether the HTML shows this image by its Content-ID (RFC 2392 2)."""
    shown = sent_type(file.content_type).startswith("image/") and valid_id(f"<{file.content_id}>")
    return bool(file.inline and shown and f"cid:{file.content_id}" in html)


def _file_name(name: str) -> str:
    """Return a file name without path separators and quotes, and not too long (RFC 2183 2.3)."""
    bare = short_line(name, 1000).replace("/", "_").replace("\\", "_").replace('"', "'")
    stem, dot, ending = bare.rpartition(".")
    return (f"{stem[:100]}{dot}{ending[:16]}" if stem else bare[:100]) or "file"


def _set_boundaries(mail: MIMEPart, outgoing: OutgoingMail) -> None:
    """Compute the boundaries (RFC 2046 5.1.1) from the mail: the same at each attempt, and nobody can predict them."""
    digest = hashlib.sha256(outgoing.message_id.encode())
    for piece in (outgoing.text, outgoing.html):
        digest.update(piece.encode("utf-8", "replace") + b"\0")
    for file in outgoing.attachments:
        digest.update(hashlib.sha256(file.content).digest())
    multiparts = (part for part in mail.walk() if part.is_multipart())
    for number, part in enumerate(multiparts):
        part.set_boundary(f"=_{digest.hexdigest()[:32]}_{number}")
