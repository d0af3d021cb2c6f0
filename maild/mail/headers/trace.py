"""Reads the way of a mail with mail-parser: hops, delays, the first server outside, and anomalies.

Only explanations do this: it costs as much as all other reading of a mail, and it decides nothing."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from maild.mail.text.cleaning import one_line

_MAX_BYTES = 262_144  # mail-parser gets only the beginning of a mail, because the trace is at the top (RFC 5321 4.4)
_MAX_WORDS = 300


@dataclass(frozen=True, slots=True)
class Hop:
    """One Received field (RFC 5321 4.4)."""

    sent_by: str
    taken_by: str
    protocol: str
    at: datetime | None  # UTC
    delay: float  # seconds since the hop before


@dataclass(frozen=True, slots=True)
class Trace:
    """The way of a mail."""

    hops: tuple[Hop, ...] = ()  # oldest first
    first_outside: str = ""  # the IP address of the server that passed the mail to the trusted one; "" if unknown
    anomalies: tuple[str, ...] = ()
    failure: str = ""  # why there is no trace; "" if there is one


def trace(raw: bytes, *, trusted_server: str = "") -> Trace:
    """Return the trace of a raw mail.

    `trusted_server` is a word in the `by` clause of our own server. Never raises: for some mails mail-parser does, and
    then `failure` says so."""
    try:
        return _trace(raw[:_MAX_BYTES], trusted_server)
    except Exception as problem:  # noqa: BLE001 - it raises AttributeError and more; an explanation must not fail
        return Trace(
            failure=f"mail-parser cannot read this mail: {type(problem).__name__}: {one_line(str(problem))[:200]}"
        )


def _trace(raw: bytes, trusted_server: str) -> Trace:
    """Let mail-parser read the mail."""
    import mailparser  # imported here, because only explanations need it

    mail = mailparser.parse_from_bytes(raw)
    hops = tuple(_hop(received) for received in mail.received)
    outside = mail.get_server_ipaddress(trusted_server) if trusted_server else None
    if not outside:
        outside = ""
    return Trace(hops, one_line(str(outside)), tuple(sorted(one_line(str(name)) for name in mail.defects_categories)))


def _hop(received: dict[str, Any]) -> Hop:
    """Turn mail-parser's record of a Received field into a Hop."""
    return Hop(
        sent_by=_words(received.get("from")),
        taken_by=_words(received.get("by")),
        protocol=_words(received.get("with")),
        at=_moment(received.get("date_utc")),
        delay=float(received.get("delay") or 0.0),
    )


def _words(value: object) -> str:
    """Return a value as one short line."""
    return one_line(str(value or ""))[:_MAX_WORDS]


def _moment(text: object) -> datetime | None:
    """Read mail-parser's time as UTC; None if there is none."""
    if not isinstance(text, str):
        return None
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        return None  # a Received field without a readable date
    return found.astimezone(UTC) if found.tzinfo else found.replace(tzinfo=UTC)
