"""The way a mail came, by mail-parser: hops, delays, the first server outside, what is odd. On demand only.

It costs as much as all other reading of a mail together, and it decides nothing about a ticket's content."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from maild.mail.text.cleaning import one_line

_MAX_BYTES = 262_144  # the beginning of a mail that mail-parser gets to see: the trace stands at the top
_MAX_WORDS = 300


@dataclass(frozen=True, slots=True)
class Hop:
    """One Received field (RFC 5321 4.4), oldest first. `delay` in seconds since the hop before; `at` in UTC."""

    sent_by: str
    taken_by: str
    protocol: str
    at: datetime | None
    delay: float


@dataclass(frozen=True, slots=True)
class Trace:
    """`first_outside`: the IP address of the server that handed the mail to the trusted one, "" when not known.

    `failure` says why a mail has no trace, "" when it has."""

    hops: tuple[Hop, ...] = ()
    first_outside: str = ""
    anomalies: tuple[str, ...] = ()
    failure: str = ""


def trace(raw: bytes, *, trusted_server: str = "") -> Trace:
    """The trace of a raw mail. Never raises: mail-parser does on mails that any sender can write, and that is told.

    `trusted_server` is a word in the `by` of the Received fields that our own server adds."""
    try:
        return _trace(raw[:_MAX_BYTES], trusted_server)
    except Exception as problem:  # noqa: BLE001 - it raises bare AttributeError and more; an explanation must not fail
        return Trace(
            failure=f"mail-parser cannot read this mail: {type(problem).__name__}: {one_line(str(problem))[:200]}"
        )


def _trace(raw: bytes, trusted_server: str) -> Trace:
    import mailparser  # here, because only explanations need it

    mail = mailparser.parse_from_bytes(raw)
    hops = tuple(_hop(received) for received in mail.received)
    outside = mail.get_server_ipaddress(trusted_server) if trusted_server else None
    if not outside:
        outside = ""
    return Trace(hops, one_line(str(outside)), tuple(sorted(one_line(str(name)) for name in mail.defects_categories)))


def _hop(received: dict[str, Any]) -> Hop:
    return Hop(
        sent_by=_words(received.get("from")),
        taken_by=_words(received.get("by")),
        protocol=_words(received.get("with")),
        at=_moment(received.get("date_utc")),
        delay=float(received.get("delay") or 0.0),
    )


def _words(value: object) -> str:
    return one_line(str(value or ""))[:_MAX_WORDS]


def _moment(text: object) -> datetime | None:
    if not isinstance(text, str):
        return None
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        return None  # a Received field without a readable date
    return found.astimezone(UTC) if found.tzinfo else found.replace(tzinfo=UTC)
