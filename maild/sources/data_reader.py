"""Reads the mail that follows DATA (RFC 5321 4.1.1.4): in large pieces up to CRLF.CRLF, then checked as a whole.

aiosmtpd reads DATA line by line. That costs a turn of the event loop for each line and refuses lines above 1,001
octets. It lets a bare CR or LF pass, which makes SMTP smuggling possible."""

from __future__ import annotations

import asyncio
import io
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

LINE_END = b"\r\n"
END_OF_DATA = b"\r\n.\r\n"  # RFC 5321 4.1.1.4

ALWAYS_ROOM_OCTETS = 65_536  # a mail up to this size is taken even when large ones fill the memory
HEADER_SEARCH_OCTETS = 1 << 20  # Received fields are counted in the first octets of the header only
DISCARD_FACTOR = 4  # an oversized mail is read and thrown away, up to so many times the largest mail


@dataclass(frozen=True, slots=True, kw_only=True)
class DataLimits:
    """What one DATA may cost. Sizes are in octets, times in seconds."""

    message: int  # the largest mail
    hops: int  # the most Received fields (RFC 5321 6.3)
    piece_seconds: float  # for each piece of at least 64 KiB, and for the last one (RFC 5321 4.5.3.2.5)
    total_seconds: float


@dataclass(frozen=True, slots=True)
class Refused:
    """The reply that refuses a mail. `hang_up`: nobody knows what follows on this connection, so it is closed."""

    reply: str
    hang_up: bool = False


BARE_LINE_END = Refused("554 5.5.2 Bare carriage return or line feed in the mail, each line must end in CRLF", True)
NUL_OCTET = Refused("554 5.5.2 NUL octet in the mail", True)
TOO_MANY_HOPS = Refused("554 5.4.6 Too many Received fields, this looks like a mail loop")
TOO_LARGE = Refused("552 5.3.4 The mail is larger than this server takes")
TOO_LARGE_BY_FAR = Refused(TOO_LARGE.reply, hang_up=True)
NO_ROOM = Refused("452 4.3.1 Too many large mails at the same time, try again later")
TOO_SLOW = Refused("421 4.4.2 Timeout while waiting for the end of the mail", hang_up=True)


class ReceiveMemory:
    """Limits how many octets the unfinished mails of all connections may have together.

    Without this limit 200 connections with 25 MiB each would need 5 GB."""

    def __init__(self, octets: int) -> None:
        self._left = octets

    @contextmanager
    def lease(self) -> Iterator[Lease]:
        """Return the share of one mail. It is given back at the end of the block."""
        share = Lease(self)
        try:
            yield share
        finally:
            share.give_back()

    def take(self, octets: int, already: int) -> bool:
        """Reserve octets for a mail that has `already` some -> whether there was room; else nothing is reserved."""
        if octets > self._left and already + octets > ALWAYS_ROOM_OCTETS:
            return False
        self._left -= octets
        return True

    def give_back(self, octets: int) -> None:
        """Free octets that were reserved."""
        self._left += octets


class Lease:
    """The octets that one unfinished mail has reserved."""

    def __init__(self, memory: ReceiveMemory) -> None:
        self._memory = memory
        self._octets = 0

    def take(self, octets: int) -> bool:
        """Reserve octets -> whether there was room."""
        granted = self._memory.take(octets, self._octets)
        if granted:
            self._octets += octets
        return granted

    def give_back(self) -> None:
        """Free all octets of this mail."""
        self._memory.give_back(self._octets)
        self._octets = 0


async def read_data(reader: asyncio.StreamReader, limits: DataLimits, lease: Lease) -> bytes | Refused:
    """Read a mail to its end -> its octets without the stuffed dots, or the reply that refuses it.

    The reader must begin with the CRLF that ended the DATA command. This CRLF is the first half of the terminator of an
    empty mail, and with it the first line is like any other. What follows the terminator stays in the reader: clients
    may send the next commands together with the final dot (RFC 2920 3.1). Raises asyncio.IncompleteReadError if the
    peer closes the connection.
    """
    try:
        async with asyncio.timeout(limits.total_seconds):
            wire = await _read_to_terminator(reader, limits, lease)
    except TimeoutError:
        return TOO_SLOW
    return wire if isinstance(wire, Refused) else _checked(wire, limits)


async def _read_to_terminator(reader: asyncio.StreamReader, limits: DataLimits, lease: Lease) -> bytes | Refused:
    """Read up to CRLF.CRLF -> all octets, or why the mail is refused. A refused mail is read on and thrown away."""
    # A stuffed dot adds one octet to a line of at least three, so this much may still be a mail of legal size.
    largest = limits.message * 4 // 3 + len(LINE_END) + len(END_OF_DATA)
    pieces: list[bytes] = []
    refused: Refused | None = None
    size = 0
    while True:
        async with asyncio.timeout(limits.piece_seconds):
            piece, is_last = await _next_piece(reader)
        size += len(piece)
        if refused is None:
            if size > largest:
                refused = TOO_LARGE
            elif not lease.take(len(piece)):
                refused = NO_ROOM
            else:
                pieces.append(piece)
        if refused is not None:
            pieces.clear()
            lease.give_back()
        if is_last:
            return refused or b"".join(pieces)
        if size > largest * DISCARD_FACTOR:
            return TOO_LARGE_BY_FAR


async def _next_piece(reader: asyncio.StreamReader) -> tuple[bytes, bool]:
    """Return (octets, whether they end with the terminator).

    Without the terminator in sight, these are the octets that cannot be a part of it."""
    try:
        return await reader.readuntil(END_OF_DATA), True
    except asyncio.LimitOverrunError as no_end_in_sight:
        return await reader.readexactly(no_end_in_sight.consumed), False


def _checked(wire: bytes, limits: DataLimits) -> bytes | Refused:
    """Return the mail between the DATA command's CRLF and the final dot, or why it is refused."""
    lines = wire[: -len(END_OF_DATA) + len(LINE_END)]
    for is_wrong, refusal in _CHECKS_OF_LINES:
        if is_wrong(lines):
            return refusal
    # RFC 5321 4.5.2: one leading dot is removed, whatever follows it.
    mail = lines.replace(b"\r\n.", LINE_END)[len(LINE_END) :]
    if len(mail) > limits.message:
        return TOO_LARGE
    if count_received_fields(mail) > limits.hops:
        return TOO_MANY_HOPS
    return mail


def has_bare_line_end(lines: bytes) -> bool:
    """Whether a CR or an LF is not part of a CRLF (RFC 5321 2.3.8)."""
    # One pass over the mail; counting CR, LF and CRLF takes three. For mails of 200 KB this is what costs most.
    decoder = io.IncrementalNewlineDecoder(None, translate=False)
    decoder.decode(lines.decode("latin-1"), final=True)
    return decoder.newlines not in (None, "\r\n")


def has_nul(lines: bytes) -> bool:
    """Whether there is a NUL octet."""
    return b"\0" in lines


_CHECKS_OF_LINES: tuple[tuple[Callable[[bytes], bool], Refused], ...] = (
    # A server that takes another sequence for the end of a mail would find a second, forged mail (CVE-2023-51764).
    (has_bare_line_end, BARE_LINE_END),
    # RFC 5321 4.5.2 forbids NUL. A later reader may stop at it, or drop it and then see a terminator.
    (has_nul, NUL_OCTET),
)


def count_received_fields(mail: bytes) -> int:
    """Count the Received fields in the header: so many servers have passed the mail on (RFC 5321 6.3)."""
    end = mail.find(b"\r\n\r\n", 0, HEADER_SEARCH_OCTETS)
    header = LINE_END + mail[: end if end >= 0 else HEADER_SEARCH_OCTETS].lower()
    return header.count(b"\r\nreceived:")
