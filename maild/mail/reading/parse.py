"""Reads a raw mail into an InboundMessage, without I/O and without a clock.

No bytes make it raise; the message says what was wrong. The parser is the standard library's compat32 one. Fields,
addresses, parameters and charsets have readers of our own: for some mails that anybody can write, the library's newer
readers raise, or never end."""

from __future__ import annotations

import hashlib
from binascii import b2a_base64
from collections.abc import Mapping, Sequence
from datetime import datetime

from maild.domain.messages.message import Attachment, InboundMessage
from maild.domain.people.directory import Address
from maild.mail.headers import addresses
from maild.mail.headers import fields as headers
from maild.mail.headers.border import server_fields
from maild.mail.reading import attachments, body, dsn, forward, limits, parts, winmail
from maild.mail.reading.limits import Limits
from maild.mail.reading.parts import Leaf, MimePart

_MAX_VALUES = 100  # of one header name
_DELIVERED_TO = ("delivered-to", "x-original-to", "envelope-to", "x-envelope-to", "x-delivered-to")
# A boundary that no line of base64 can be equal to (RFC 2045 6.8: base64 has no "_").
_FLAT_HEAD = (
    b"From: <files@localhost.invalid>\r\nSubject: files\r\nMIME-Version: 1.0\r\n"
    b'Content-Type: multipart/mixed; boundary="=_file"\r\n\r\n'
)
_FLAT_PART = (
    b"--=_file\r\nContent-Type: application/octet-stream\r\nContent-Transfer-Encoding: base64\r\n"
    b"Content-Disposition: attachment\r\n\r\n"
)
_FLAT_END = b"--=_file--\r\n"

_Fields = Mapping[str, Sequence[str]]


def read(
    raw: bytes, *, limits: Limits | None = None, known_texts: Sequence[str] = (), signature: str = ""
) -> InboundMessage:
    """Read a mail. Never raises.

    Of a mail over a limit the beginning is read: the header and the first parts. `defects` says so. `known_texts` are
    texts of our own notices: their lines are quotes wherever they are. `signature` is the block that this sender puts
    below every mail: it is folded if it is there exactly."""
    root, hops, notes = _parsed(raw, limits)
    fields: _Fields = headers.by_name(root.raw_items(), values=_MAX_VALUES)
    leaves = parts.leaves(root)
    subject = headers.decode(_first(fields, "subject"))
    sent_at = headers.date(_first(fields, "date")) if "date" in fields else None
    hints = body.Hints(known_texts, signature, forward.is_announced(subject))
    content = body.read(leaves, hints)
    allowed = limits or Limits()
    pointers, left_out = attachments.pointers(
        content.attached, content.opened, count=allowed.attachments, total=allowed.attachment_bytes
    )
    words = {name: tuple(headers.decode(raw_value) for raw_value in values) for name, values in fields.items()}
    ids = _ids(fields, "message-id")
    people = {name: addresses.people(fields.get(name, ())) for name in ("reply-to", "to", "cc")}
    return InboundMessage(
        sha256=hashlib.sha256(raw).hexdigest(),
        size=len(raw),
        sender=addresses.sender(fields.get("from", ())),
        from_header=", ".join(words.get("from", ())),
        reply_to=people["reply-to"],
        to=people["to"],
        cc=people["cc"],
        delivered_to=_delivered_to(fields),
        subject=subject,
        sent_at=sent_at,
        message_id=ids[0] if ids else "",
        in_reply_to=_ids(fields, "in-reply-to"),
        references=_ids(fields, "references"),
        headers=words,
        server_fields=server_fields(root.raw_items()),
        content_type=root.type.value,
        report_type=root.type.get("report-type").lower() if root.type.value == "multipart/report" else "",
        text=content.text,
        new_text=content.cut.new_text,
        folded_lines=content.cut.folded_lines,
        forwarded_lines=content.cut.forwarded_lines,
        only_quotes=content.cut.kept_everything and bool(content.text.strip()),
        html=content.html,
        html_words=content.html_words,
        attachments=pointers,
        delivery_report=dsn.read(leaves, fields, content.text),
        forwarded=forward.read(subject, fields, leaves, content),
        reaction=content.reaction,
        calendar_method=content.calendar_method,
        markers=content.markers,
        sameness=_sameness(words, ids, content.shown, pointers),
        hops=hops,
        left_out=tuple(left_out),
        defects=(*notes, *_field_defects(fields, words, sent_at), *parts.defects(root), *content.notes, *left_out),
    )


def extract(raw: bytes, part: str, *, limits: Limits | None = None) -> bytes:
    """Return the decoded bytes of one attachment, by its Attachment.part. Raises LookupError for an unknown part."""
    return extract_all(raw, [part], limits=limits)[0]


def extract_all(raw: bytes, wanted: Sequence[str], *, limits: Limits | None = None) -> list[bytes]:
    """Return the decoded bytes of several attachments, in the order of `wanted`; the mail is parsed once.

    Raises LookupError for an unknown part."""
    root, _, _ = _parsed(raw, limits)
    known = {leaf.path: leaf.part for leaf in parts.leaves(root)}
    opened: dict[str, winmail.Opened] = {}
    found: list[bytes] = []
    for name in wanted:
        path, inside, number = name.partition(winmail.SEPARATOR)
        if path not in known:
            raise LookupError(f"the mail has no part {name!r}; use the part of one of its attachments")
        octets = known[path].octets()
        if inside and path not in opened:
            opened[path] = winmail.open_container(octets)
        found.append(winmail.file_in(opened[path], number) if inside else octets)
    return found


def rewritten(raw: bytes, wanted: Sequence[str], *, limits: Limits | None = None) -> bytes:
    """Return a flat mail with the attachments as we read them. Every program finds the same parts in it.

    It is for scanners, which read MIME themselves: in a hostile mail they may not find the parts that we find. Raises
    LookupError for an unknown part."""
    files = extract_all(raw, wanted, limits=limits)
    return b"".join((_FLAT_HEAD, *(_FLAT_PART + b2a_base64(octets) for octets in files), _FLAT_END))


def _parsed(raw: bytes, allowed: Limits | None) -> tuple[MimePart, int, list[str]]:
    """Parse a mail within its limits -> (root part, hops, what was left out)."""
    found = limits.survey(raw, allowed)
    notes = [f"{breach.sentence}; it is read up to there" for breach in found.breaches if breach.name != "received"]
    notes += [breach.sentence for breach in found.breaches if breach.name == "received"]
    try:
        return parts.tree(found.readable), found.hops, notes
    except RecursionError:
        notes.append("its parts are nested too deep for the parser; only its header is read")
        return parts.header_of(found.readable), found.hops, notes


def _first(fields: Mapping[str, Sequence[str]], name: str) -> str:
    """Return the first value of a field, "" if it is absent."""
    values = fields.get(name, ())
    return values[0] if values else ""


def _ids(fields: _Fields, name: str) -> tuple[str, ...]:
    """Return the ids in the first field of this name (RFC 5322 3.6 allows one)."""
    return headers.message_ids(_first(fields, name))


def _delivered_to(fields: _Fields) -> tuple[Address, ...]:
    """Return the addresses to which servers say that they delivered the mail."""
    found = (person.address for name in _DELIVERED_TO for person in addresses.people(fields.get(name, ())))
    return tuple(dict.fromkeys(found))


def _field_defects(fields: _Fields, words: Mapping[str, tuple[str, ...]], sent_at: datetime | None) -> list[str]:
    """Say what is missing, doubled or unreadable among the fields that a ticket needs (RFC 5322 3.6)."""
    found: list[str] = []
    senders = fields.get("from", ())
    if not senders:
        found.append("there is no From: the mail has no sender")
    elif len(senders) > 1:
        found.append(f"there are {len(senders)} From fields: the mail counts as without a sender")
    elif addresses.sender(senders) is None:
        found.append("From is not one plain address: the mail counts as without a sender")
    found += [
        f"there are {len(fields[name])} {shown} fields: the first one counts"
        for name, shown in (("subject", "Subject"), ("date", "Date"), ("message-id", "Message-ID"))
        if len(fields.get(name, ())) > 1
    ]
    if "message-id" not in fields:
        found.append("there is no Message-ID")
    if "date" not in fields:
        found.append("there is no Date")
    elif sent_at is None:
        found.append(f"Date cannot be true: {_first(words, 'date')[:60]!r}")
    return found


def _sameness(
    words: Mapping[str, tuple[str, ...]], ids: Sequence[str], shown: Sequence[Leaf], pointers: Sequence[Attachment]
) -> str:
    """Return a value that is equal for two copies of one mail (To and Cc, two mailboxes); "" without a Message-ID.

    Bodies are hashed decoded and with LF, because relays change transfer encodings and line ends (RFC 2045 6)."""
    if not ids:
        return ""
    digest = hashlib.sha256()
    for value in (_first(words, "from"), _first(words, "date"), ids[0], _first(words, "subject")):
        digest.update(value.strip().encode() + b"\0")
    for leaf in shown:
        digest.update(leaf.part.octets().replace(b"\r\n", b"\n").rstrip() + b"\0")
    for attachment in pointers:
        digest.update(attachment.sha256.encode() + b"\0")
    return digest.hexdigest()
