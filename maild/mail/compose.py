"""Rendered text becomes the bytes of a mail: the same draft gives the same bytes at every attempt.

The header block is written here line by line, because the standard library's folding encodes long ids as encoded words
(and Outlook then loses the thread), drops the quotes of long names on some versions, and raises where a stranger's
words hold a line break. The MIME tree below it is the standard library's."""

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

MAX_REFERENCES = 20  # beside the root
MAX_REFERENCES_LENGTH = 1500  # characters: relays refuse header blocks above 4,096 bytes
SUBJECT_LENGTH = 200  # characters, without prefix and token
SUPPRESS = "DR, RN, NRN, OOF, AutoReply"  # [MS-OXCMAIL] 2.1.3.2.20; never All or NDR, which would silence bounces

# What a mail client shows without running anything. All else goes as application/octet-stream: HTML, SVG, XML, PDF and
# office files can act, and message/* may not be base64 (RFC 2046 5.2.1).
INERT_TYPES = re.compile(
    r"image/(png|jpeg|gif|webp|bmp|heic|tiff)|audio/[a-z0-9.+-]{1,60}|video/[a-z0-9.+-]{1,60}|text/plain"
)
_LANGUAGE = re.compile(r"[A-Za-z]{1,8}(-[A-Za-z0-9]{1,8}){0,4}")
_EPOCH_1601 = datetime(1601, 1, 1, tzinfo=UTC)  # FILETIME counts from here


@dataclass(frozen=True, slots=True)
class OutgoingAttachment:
    """A file to send. `inline` asks for a place in the HTML part, by `content_id` without angle brackets."""

    name: str
    content_type: str
    content: bytes
    inline: bool = False
    content_id: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class OutgoingMail:
    """All that one mail to one recipient is made of. Strings from strangers may be anything: they are cleaned here.

    `date` is aware. `references` is oldest first, the ticket's root id in front. `automatic` is "" where a person
    wrote the text, else the Auto-Submitted keyword (RFC 3834 5)."""

    from_: Person
    to: Person
    subject: str
    message_id: str
    date: datetime
    text: str
    html: str = ""
    cc: tuple[Person, ...] = ()
    reply_to: str = ""
    in_reply_to: str = ""
    references: tuple[str, ...] = ()
    automatic: str = ""  # "" | "auto-generated" | "auto-replied"
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
    """Writes ids as they are: the stock policy encodes those longer than a line, and no client knows them again."""

    IDS = frozenset({"content-id", "message-id", "in-reply-to", "references"})

    def fold(self, name: str, value: Any) -> str:
        if name.lower() in self.IDS:
            return f"{name}: " + (self.linesep + " ").join(str(value).split()) + self.linesep
        return str(super().fold(name, value))

    def fold_binary(self, name: str, value: Any) -> bytes:
        if name.lower() in self.IDS:
            return self.fold(name, value).encode("ascii", "surrogateescape")
        return bytes(super().fold_binary(name, value))


WIRE = WirePolicy(linesep="\r\n", cte_type="7bit")


def compose(draft: OutgoingMail) -> bytes:
    """The mail with CRLF line ends, 7-bit clean unless the recipient's address needs UTF-8 (RFC 6531).

    Nothing that a stranger chose raises; ValueError when our own Message-ID, From, Reply-To or Date is unfit."""
    if not valid_id(draft.message_id):
        raise ValueError(f"{draft.message_id!r} is no Message-ID: expected <left@right> of printable ASCII")
    if not address_list([draft.from_]):
        raise ValueError(
            f"{draft.from_.address} cannot stand in From: the helpdesk's address must be ASCII before the @"
        )
    if draft.date.tzinfo is None:
        raise ValueError("the date of a draft needs a time zone")
    head = "".join(f"{name}: {value}\r\n" for name, value in _header(draft) if value)
    return head.encode("utf-8" if _needs_utf8(draft) else "ascii") + _body(draft)


def _header(draft: OutgoingMail) -> Iterator[tuple[str, str]]:
    """The fields in their order, folded; empty ones are left out."""
    yield "From", address_list([draft.from_])
    yield "Reply-To", address_list([Person(Address.of(draft.reply_to))]) if draft.reply_to else ""
    yield "To", address_list([draft.to], utf8=_needs_utf8(draft))
    yield "Cc", address_list(draft.cc)
    yield "Subject", unstructured("Subject", draft.subject)
    yield "Date", format_datetime(draft.date)
    yield "Message-ID", draft.message_id
    yield "In-Reply-To", valid_id(draft.in_reply_to)
    yield "References", id_list(capped_references(draft.references, draft.in_reply_to))
    yield "Thread-Topic", unstructured("Thread-Topic", draft.thread_topic)
    if draft.thread_key and draft.thread_started:
        yield "Thread-Index", thread_index(draft.thread_key, draft.thread_started)
    if draft.automatic:
        yield "Auto-Submitted", header_text(draft.automatic)
        yield "X-Auto-Response-Suppress", SUPPRESS
    yield "Precedence", header_text(draft.precedence)
    yield "List-Id", list_id_of(draft.list_id)
    yield "List-Unsubscribe", header_text(draft.list_unsubscribe)
    yield "Content-Language", draft.language if _LANGUAGE.fullmatch(draft.language) else ""
    yield "X-Maild-Reason", unstructured("X-Maild-Reason", draft.reason)
    yield "X-Maild-Trace", header_text(draft.trace)
    yield "X-Maild-Loop", header_text(draft.loop_mark)
    yield "MIME-Version", "1.0"


def _needs_utf8(draft: OutgoingMail) -> bool:
    """A recipient with a non-ASCII local part can be written in UTF-8 only (RFC 6532 3.2)."""
    return not draft.to.address.local.isascii()


def capped_references(references: Iterable[str], in_reply_to: str = "") -> tuple[str, ...]:
    """The ids fit to be sent, each once: the root, then the last 20 that fit into 1,500 characters, the parent last.

    Ids of others that hold anything but printable ASCII, or more than 250 characters, are left out."""
    fit = list(dict.fromkeys(filter(None, map(valid_id, references))))
    parent = valid_id(in_reply_to)
    if parent and parent not in fit:
        fit.append(parent)
    root, rest = fit[:1], fit[1:][-MAX_REFERENCES:]
    while rest and sum(len(each) + 1 for each in (*root, *rest)) > MAX_REFERENCES_LENGTH:
        rest.pop(0)
    return (*root, *rest)


def thread_index(key: bytes, started: datetime) -> str:
    """Outlook's Thread-Index ([MS-OXOMSG] 2.2.1.3): 01, five bytes of FILETIME, 16 of the conversation; base64."""
    if len(key) != 16:
        raise ValueError(f"a conversation has 16 bytes, not {len(key)}")
    filetime = (started - _EPOCH_1601) // timedelta(microseconds=1) * 10
    octets = b"\x01" + filetime.to_bytes(8, "big")[:5] + key
    return base64.b64encode(octets).decode("ascii")


def reply_subject(thread_subject: str, token: str, *, first: bool, show_token: bool) -> str:
    """The one subject of a ticket's mails: "Re: Printer on fire [#1042-7k2m]".

    The Re: and AW: of the customer's subject and former tokens are cut; `first` leaves out our Re: (the first mail to
    this recipient), `show_token` False the token."""
    subject = header_line(base_subject(short_line(thread_subject, 2000)), SUBJECT_LENGTH) or "(no subject)"
    return f"{'' if first else 'Re: '}{subject}{f' [#{token}]' if show_token and token else ''}"


# -- the MIME tree --------------------------------------------------------------------------------------------


def _body(draft: OutgoingMail) -> bytes:
    """multipart/alternative, in related when images stand in the HTML, in mixed when files are attached."""
    inline = [file for file in draft.attachments if _stands_inline(file, draft.html)]
    mail: MIMEPart = MIMEPart(policy=WIRE)
    mail.set_content(body_text(draft.text), subtype="plain", charset="utf-8", cte=_encoding(draft.text))
    if draft.html:
        mail.add_alternative(body_text(draft.html), subtype="html", charset="utf-8", cte=_encoding(draft.html))
        page = list(mail.iter_parts())[-1]
        for file in inline:
            main, _, sub = sent_type(file.content_type).partition("/")
            name = _file_name(file.name)
            page.add_related(file.content, main, sub, cid=f"<{file.content_id}>", disposition="inline", filename=name)
    for file in draft.attachments:
        if file not in inline:
            main, _, sub = sent_type(file.content_type).partition("/")
            mail.add_attachment(file.content, main, sub, disposition="attachment", filename=_file_name(file.name))
    _hide_from_mbox(mail)
    _set_boundaries(mail, draft)
    return mail.as_bytes(policy=WIRE)


def _encoding(text: str) -> str:
    """7bit where that is safe, else quoted-printable: never base64, which people cannot read in the raw."""
    safe = text.isascii() and all(len(line) <= 78 and not line.startswith("From ") for line in text.splitlines())
    return "7bit" if safe else "quoted-printable"


def _hide_from_mbox(mail: MIMEPart) -> None:
    """Lines that begin with "From " are spelt =46rom: readers of mbox files would take them for the next mail."""
    for part in mail.walk():
        if part["Content-Transfer-Encoding"] == "quoted-printable":
            coded = "\n" + str(part.get_payload())
            part.set_payload(coded.replace("\nFrom ", "\n=46rom ")[1:])


def sent_type(content_type: str) -> str:
    """The type that a file is sent as: its own when nothing in it can act, else application/octet-stream."""
    stated = content_type.strip().lower()[:100]
    return stated if INERT_TYPES.fullmatch(stated) else "application/octet-stream"


def _stands_inline(file: OutgoingAttachment, html: str) -> bool:
    shown = sent_type(file.content_type).startswith("image/") and valid_id(f"<{file.content_id}>")
    return bool(file.inline and shown and f"cid:{file.content_id}" in html)


def _file_name(name: str) -> str:
    bare = short_line(name, 1000).replace("/", "_").replace("\\", "_").replace('"', "'")
    stem, dot, ending = bare.rpartition(".")
    return (f"{stem[:100]}{dot}{ending[:16]}" if stem else bare[:100]) or "file"


def _set_boundaries(mail: MIMEPart, draft: OutgoingMail) -> None:
    """Boundaries that follow from the mail itself: the same bytes at each attempt, and nobody can foresee them."""
    digest = hashlib.sha256(draft.message_id.encode())
    for piece in (draft.text, draft.html):
        digest.update(piece.encode("utf-8", "replace") + b"\0")
    for file in draft.attachments:
        digest.update(hashlib.sha256(file.content).digest())
    multiparts = (part for part in mail.walk() if part.is_multipart())
    for number, part in enumerate(multiparts):
        part.set_boundary(f"=_{digest.hexdigest()[:32]}_{number}")
