"""Checks the envelope addresses of a mail before they enter an SMTP command (RFC 5321 4.1.2).

Domains beyond ASCII become A-labels (RFC 5890 2.3.2.1)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

import idna

from maild.domain.messages.message import OutboundMessage
from maild.domain.messages.outbox import DeliveryResult, RelayAnswer

MAX_LOCAL = 64  # octets, RFC 5321 4.5.3.1.1
MAX_PATH = 254  # octets, RFC 5321 4.5.3.1.3 without the brackets
# Atoms and dots (RFC 5321 4.1.2, Dot-string), or letters beyond ASCII (RFC 6531 3.3). Two dots in a row are let pass,
# because real addresses have them. Quoted strings are refused: they can smuggle commands into the dialogue.
_LOCAL = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~.\u0080-\U0010ffff-]{1,64}")
_DOMAIN = re.compile(r"(?:[A-Za-z0-9_](?:[A-Za-z0-9_-]{0,62})\.){0,126}[A-Za-z0-9_-]{1,63}|\[[0-9A-Fa-f.:IPv]{2,60}\]")


@dataclass(frozen=True, slots=True)
class Envelope:
    """The addresses that the commands will carry, and the answers that need no relay."""

    sender: str  # "" is the null reverse-path (RFC 5321 4.5.5)
    recipients: tuple[tuple[str, str], ...]  # (as given, as sent)
    answers: Mapping[str, RelayAnswer]  # by recipient as given: addresses that may not enter a command


def envelope_of(message: OutboundMessage) -> Envelope:
    """Prepare the addresses of a mail.

    An address that may not enter a command gets a permanent answer here. If the sender is such an address, every
    recipient gets one."""
    answers: dict[str, RelayAnswer] = {}
    recipients: list[tuple[str, str]] = []
    sender = sendable(message.envelope_from) if message.envelope_from else ""
    for given in dict.fromkeys(message.recipients):
        sent = sendable(given)
        if sender is None:
            answers[given] = refused("501 5.1.7", f"the sender {message.envelope_from!r} cannot be used in an envelope")
        elif sent is None:
            answers[given] = refused("501 5.1.3", f"{given!r} cannot be used in an envelope")
        else:
            recipients.append((given, sent))
    return Envelope(sender or "", tuple(recipients), answers)


def sendable(address: str) -> str | None:
    """Return the address with its domain as A-labels (RFC 5891 5); None if it may not enter a command."""
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
    """Make a permanent answer of our own. `codes` are reply code and enhanced code (RFC 3463 2): "501 5.1.3"."""
    return RelayAnswer(DeliveryResult.PERMANENT, f"{codes} {reason}", int(codes[:3]))
