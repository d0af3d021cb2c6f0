"""Reads delivery status notifications (RFC 3464, RFC 6533): who did not get which of our mails, and why."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from maild.domain.messages.message import DeliveryAction, DeliveryReport, DeliveryStatus
from maild.mail.headers.fields import decode, message_ids
from maild.mail.reading import dsn_wording as dsn_texts
from maild.mail.reading.parts import Leaf, MimePart, header_of, tree
from maild.mail.text.cleaning import one_line

MAX_RECIPIENTS = 200
MAX_DIAGNOSTIC = 1_000  # characters
_MAX_STATUS_BYTES = 262_144

_BLANK_LINES = re.compile(rb"\n[ \t]*\n\s*")
_STATUS = re.compile(r"[245]\.\d{1,3}\.\d{1,3}")
_UTF8_XTEXT = re.compile(r"\\x\{([0-9A-Fa-f]{2,6})\}")
_XTEXT = re.compile(r"\+([0-9A-F]{2})")
_ACTIONS = {action.value: action for action in DeliveryAction}


def read(leaves: Sequence[Leaf], fields: Mapping[str, Sequence[str]], text: str) -> DeliveryReport | None:
    """Read a mail as a delivery report; None if it is none, or if it names no recipient.

    The machine-readable part counts. Without one the words of known servers count, and only in a mail that claims to be
    from a server. `fields` are raw header values by name in lower case; `text` is the body."""
    statuses = _standard(leaves) or dsn_texts.statuses(fields, text)
    if not statuses:
        return None
    return DeliveryReport(tuple(statuses[:MAX_RECIPIENTS]), _original_message_id(leaves, fields, text))


def _standard(leaves: Sequence[Leaf]) -> list[DeliveryStatus]:
    """Read the message/delivery-status part of a multipart/report (RFC 3464 2, RFC 6533 4)."""
    for leaf in leaves:
        if leaf.part.type.value in {"message/delivery-status", "message/global-delivery-status"}:
            blocks = _blocks(leaf.part.octets()[:_MAX_STATUS_BYTES])
            statuses = [status for block in blocks if (status := _status(block)) is not None]
            if statuses:
                return statuses
    return []


def _blocks(octets: bytes) -> list[MimePart]:
    """Cut the part into groups of fields: one for the message, then one for each recipient (RFC 3464 2.1)."""
    lines = octets.replace(b"\r\n", b"\n").replace(b"\r", b"\n").strip()
    found = _BLANK_LINES.split(lines, maxsplit=MAX_RECIPIENTS)
    return [tree(block.strip() + b"\n\n") for block in found[: MAX_RECIPIENTS + 1] if block.strip()]


def _status(block: MimePart) -> DeliveryStatus | None:
    """Read the group of one recipient (RFC 3464 2.3); None for the group about the message."""
    action = _ACTIONS.get(decode(block.raw("action") or "").partition(" ")[0].lower())
    recipient = _typed(block.raw("original-recipient")) or _typed(block.raw("final-recipient"))
    if action is None or not recipient:
        return None
    status = _STATUS.search(decode(block.raw("status") or "")[:200])
    diagnostic = _typed(block.raw("diagnostic-code"))
    return DeliveryStatus(recipient[:320], action, status[0] if status else "", diagnostic[:MAX_DIAGNOSTIC])


def _typed(raw: str | None) -> str:
    """Return the value of a field such as `rfc822; jane@client.example` without its type (RFC 3464 2.1.2)."""
    kind, semicolon, value = decode(raw or "").partition(";")
    value = (value if semicolon else kind).strip().strip("<>")
    if kind.strip().lower() == "utf-8":  # RFC 6533 3: letters beyond ASCII may be written as \x{HEX}
        value = _UTF8_XTEXT.sub(_letter, value)
    if kind.strip().lower() == "rfc822" and "+" in value:  # some gateways do not decode the xtext of RFC 3461 4
        value = _XTEXT.sub(lambda match: chr(int(match[1], 16)), value)
    return one_line(value)


def _letter(match: re.Match[str]) -> str:
    """Return the letter of \\x{HEX}; the escape itself for controls and surrogates."""
    point = int(match[1], 16)
    return chr(point) if 0x20 <= point < 0xD800 or 0xDFFF < point <= 0x10FFFF else match[0]


def _original_message_id(leaves: Sequence[Leaf], fields: Mapping[str, Sequence[str]], text: str) -> str:
    """Return the Message-ID of the mail that came back.

    It is in the returned mail, in its returned header (RFC 3464 2), in the text, or in the report's In-Reply-To."""
    for leaf in leaves:
        if leaf.part.type.value in {
            "message/rfc822",
            "message/global",
            "text/rfc822-headers",
            "message/global-headers",
        }:
            found = message_ids(header_of(leaf.part.octets()).raw("message-id") or "")
            if found:
                return found[0]
    for value in (dsn_texts.original_message_id(text), *fields.get("in-reply-to", ())[:1]):
        if found := message_ids(value):
            return found[0]
    return ""
