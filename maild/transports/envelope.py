"""Envelope addresses as they may stand in an SMTP command: checked, their domains in A-labels."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

import idna

from maild.domain.messages.message import OutboundMessage
from maild.domain.messages.outbox import DeliveryResult, RelayAnswer

MAX_LOCAL = 64  # octets, RFC 5321 4.5.3.1.1
MAX_PATH = 254  # octets, RFC 5321 4.5.3.1.3 without the brackets
# Atoms and dots (RFC 5322 3.2.3; two dots in a row exist in the wild), or letters beyond ASCII (RFC 6531 3.3).
# No quoted strings: what needs quotes is where commands are smuggled.
_LOCAL = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~.\u0080-\U0010ffff-]{1,64}")
_DOMAIN = re.compile(r"(?:[A-Za-z0-9_](?:[A-Za-z0-9_-]{0,62})\.){0,126}[A-Za-z0-9_-]{1,63}|\[[0-9A-Fa-f.:IPv]{2,60}\]")


@dataclass(frozen=True, slots=True)
class Envelope:
    """What the commands will say. `sender` "" is the null reverse-path; `answers` are those that need no relay."""

    sender: str
    recipients: tuple[tuple[str, str], ...]  # (as given, as sent)
    answers: Mapping[str, RelayAnswer]


def envelope_of(message: OutboundMessage) -> Envelope:
    """The addresses of a mail. Those that may not enter a command are answered here, permanently."""
    answers: dict[str, RelayAnswer] = {}
    recipients: list[tuple[str, str]] = []
    sender = sendable(message.envelope_from) if message.envelope_from else ""
    for given in dict.fromkeys(message.recipients):
        sent = sendable(given)
        if sender is None:
            answers[given] = refused("501 5.1.7", f"the sender {message.envelope_from!r} is no address for an envelope")
        elif sent is None:
            answers[given] = refused("501 5.1.3", f"{given!r} is no address for an envelope")
        else:
            recipients.append((given, sent))
    return Envelope(sender or "", tuple(recipients), answers)


def sendable(address: str) -> str | None:
    """The address with its domain as A-labels (RFC 5891); None when it may not stand in a command."""
    local, at, domain = address.rpartition("@")
    if not at or not _LOCAL.fullmatch(local) or not local.isprintable() or len(local.encode()) > MAX_LOCAL:
        return None
    if not domain.isascii():
        try:
            domain = idna.encode(domain, uts46=True).decode("ascii")
        except idna.IDNAError:
            return None
    if not _DOMAIN.fullmatch(domain) or len(local.encode()) + len(domain) + 1 > MAX_PATH:
        return None
    return f"{local}@{domain}"


def refused(codes: str, reason: str) -> RelayAnswer:
    """A permanent answer of our own, in the words of SMTP: reply code, enhanced code, text."""
    return RelayAnswer(DeliveryResult.PERMANENT, f"{codes} {reason}", int(codes[:3]))
