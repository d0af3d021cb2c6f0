"""Checks the bytes of a mail against limits before any parser sees it.

A mail over a limit is not refused: the beginning that may be parsed is found. All checks take linear time and the
memory of one copy of the mail."""

from __future__ import annotations

import re
from dataclasses import dataclass

from maild.mail.headers.fields import MAX_FIELD, content_type
from maild.mail.reading.parts import MAX_BOUNDARY

_FIELD_LINE = re.compile(rb"[!-9;-~]{1,200}:")
_FLAT = 8  # a mail with up to so many levels may have as many lines as a flat one; real mails have at most five
_PART_HEADER = 16_384  # bytes of a part's header in which its Content-Type is looked for

# Fields that are kept even beyond the limit on fields: without them a mail has no sender, no subject and no thread. The
# first two of each are kept, because a second From must still make the sender doubtful.
_ESSENTIAL = frozenset(
    (
        *(b"from", b"to", b"cc", b"reply-to", b"subject", b"date", b"message-id", b"in-reply-to", b"references"),
        *(b"content-type", b"content-transfer-encoding", b"auto-submitted", b"precedence", b"return-path"),
    )
)


@dataclass(frozen=True, slots=True)
class Limits:
    """The limits of a mail. Sizes are in bytes."""

    max_bytes: int = 25 * 2**20
    header_bytes: int = 128 * 2**10
    header_fields: int = 1_000
    received: int = 50  # more Received fields mean a loop (RFC 5321 6.3 asks for a limit of at least 100)
    parts: int = 500
    depth: int = 40  # multiparts within multiparts
    lines: int = 500_000  # 25 MiB of base64 have 345,000
    attachments: int = 100  # more are left out of the entry; the raw mail has them
    attachment_bytes: int = 50 * 2**20  # all attachments together, decoded


@dataclass(frozen=True, slots=True)
class Breach:
    """One limit that a mail exceeds."""

    name: str  # of a field of Limits
    found: int  # or less than there is: counting stops where nothing more is read
    allowed: int

    @property
    def sentence(self) -> str:
        """The breach in words."""
        return f"{_SENTENCES[self.name]}: {self.found:,}, at most {self.allowed:,} are allowed"


_SENTENCES = {
    "max_bytes": "the mail is too large (bytes)",
    "header_bytes": "its header is too large (bytes)",
    "header_fields": "it has too many header fields",
    "received": "it passed too many servers (Received fields)",
    "parts": "it has too many parts",
    "depth": "its parts are nested too deep",
    "lines": "it has too many lines",
}


@dataclass(frozen=True, slots=True)
class Survey:
    """What the bytes of a mail say."""

    breaches: tuple[Breach, ...]
    hops: int  # Received fields
    readable: bytes  # the beginning of the mail that may be parsed


def check(raw: bytes, limits: Limits | None = None) -> tuple[Breach, ...]:
    """Return the limits that a raw mail exceeds; () for a mail that may be parsed whole."""
    return survey(raw, limits).breaches


def survey(raw: bytes, limits: Limits | None = None) -> Survey:
    """Check a raw mail against the limits, and find what may be parsed. Never raises and runs no parser."""
    limits = limits or Limits()
    breaches: list[Breach] = []
    readable = raw
    if len(raw) > limits.max_bytes:
        breaches.append(Breach("max_bytes", len(raw), limits.max_bytes))
        readable = raw[: limits.max_bytes]
    if len(readable) > limits.lines and (lines := max(readable.count(b"\n"), readable.count(b"\r"))) > limits.lines:
        breaches.append(Breach("lines", lines, limits.lines))
        readable = _first_lines(_with_lf(readable), limits.lines)
    header = _header(readable)
    hops = _hops(_with_lf(header))
    if hops > limits.received:
        breaches.append(Breach("received", hops, limits.received))
    if len(header) > limits.header_bytes or header.count(b"\n") > limits.header_fields:
        header, readable = _reduced(header, readable, limits, breaches)
    readable = _within_structure(header, readable, limits, breaches)
    return Survey(tuple(breaches), hops, readable)


def _first_lines(raw: bytes, count: int) -> bytes:
    """Return the first `count` lines."""
    at = 0
    for _ in range(count):
        found = raw.find(b"\n", at)
        if found < 0:
            return raw
        at = found + 1
    return raw[:at]


def _with_lf(raw: bytes) -> bytes:
    """Return the mail with LF as its only line end. For the parser a bare CR ends a line too."""
    return raw.replace(b"\r\n", b"\n").replace(b"\r", b"\n")


def _header(raw: bytes) -> bytes:
    """Return everything before the first empty line (RFC 5322 2.1), with the end of its last line."""
    if raw[:1] in b"\r\n":
        return b""
    end = raw.find(b"\n\r\n")
    for blank in (b"\n\n", b"\r\r"):
        found = raw.find(blank, 0, end + 1 if end >= 0 else len(raw))
        end = found if found >= 0 else end
    return raw if end < 0 else raw[: end + 1]


def _hops(header: bytes) -> int:
    """Count the Received fields (RFC 5321 6.3)."""
    lowered = header.lower()
    return lowered.count(b"\nreceived:") + lowered.startswith(b"received:")


def _reduced(header: bytes, raw: bytes, limits: Limits, breaches: list[Breach]) -> tuple[bytes, bytes]:
    """Return (header, mail) with only so many fields as are allowed, and with long fields shortened.

    The essential fields are always kept."""
    fields: list[bytearray] = []
    size = 0
    for line in header.splitlines(keepends=True):
        if line[:1] in b" \t" and fields:
            fields[-1] += line
        elif _FIELD_LINE.match(line) or (not fields and line.startswith(b"From ")):
            fields.append(bytearray(line))
        else:
            break  # for the parser the header ends at the first line that is no field
        size += len(line)
    if size > limits.header_bytes:
        breaches.append(Breach("header_bytes", size, limits.header_bytes))
    if len(fields) > limits.header_fields:
        breaches.append(Breach("header_fields", len(fields), limits.header_fields))
    if size <= limits.header_bytes and len(fields) <= limits.header_fields:
        return header[:size], raw
    kept: list[bytes] = []
    essential: dict[bytes, int] = {}
    room = limits.header_bytes
    for number, field in enumerate(fields):
        name = bytes(field[:40]).partition(b":")[0].lower()
        short = bytes(field) if len(field) <= MAX_FIELD else bytes(field[: MAX_FIELD // 2] + field[-MAX_FIELD // 2 :])
        essential[name] = essential.get(name, 0) + 1
        wanted = name in _ESSENTIAL and essential[name] <= 2
        if (number < limits.header_fields and len(short) <= room) or wanted:
            kept.append(short)
            room -= len(short)
    shortened = b"".join(kept)
    return shortened, shortened + raw[size:]


def _within_structure(header: bytes, raw: bytes, limits: Limits, breaches: list[Breach]) -> bytes:
    """Return the mail up to the part that is one too many or one too deep."""
    boundary = _boundary(_with_lf(header))
    if not boundary:
        return raw
    original = raw
    if b"\r--" in raw:
        raw = _with_lf(raw)
    scan = _Scan(raw, limits)
    scan.run(boundary)
    if scan.parts > limits.parts:
        breaches.append(Breach("parts", scan.parts, limits.parts))
    if scan.depth > limits.depth:
        breaches.append(Breach("depth", scan.depth, limits.depth))
    kept = original if scan.cut is None else raw[: scan.cut]
    # The parser compares each line with the boundary of every open level, so deep mails may have fewer lines.
    allowed = limits.lines * _FLAT // max(_FLAT, scan.depth)
    if len(kept) > allowed and (lines := max(kept.count(b"\n"), kept.count(b"\r"))) > allowed:
        breaches.append(Breach("lines", lines, allowed))
        return _first_lines(_with_lf(kept), allowed)
    return kept


def _boundary(header: bytes) -> bytes:
    """Return the boundary that a header declares (RFC 2046 5.1.1); b"" if it declares no multipart."""
    lowered = header.lower()
    at = 0 if lowered.startswith(b"content-type:") else lowered.find(b"\ncontent-type:") + 1
    if not lowered.startswith(b"content-type:", at):
        return b""
    end = lowered.find(b"\n", at)
    while 0 <= end < len(header) - 1 and lowered[end + 1] in b" \t":
        end = lowered.find(b"\n", end + 1)
    value = header[at + 13 : end if end >= 0 else len(header)][: 2 * MAX_FIELD]
    if not value.lstrip().lower().startswith(b"multipart/"):
        return b""
    found = content_type(value.decode("ascii", "surrogateescape")).get("boundary").rstrip()
    return found.encode("utf-8", "surrogateescape") if 0 < len(found) <= MAX_BOUNDARY else b""


class _Scan:
    """Walks over the delimiter lines of a mail (RFC 2046 5.1.1) with a stack of open boundaries."""

    def __init__(self, raw: bytes, limits: Limits) -> None:
        self._raw = raw
        self._limits = limits
        self._open: list[bytes] = []
        self.parts = 0
        self.depth = 0
        self.cut: int | None = None  # where the first part begins that is not allowed

    def run(self, boundary: bytes) -> None:
        """Scan the whole mail; `boundary` is that of its root."""
        self._open = [boundary]
        self.depth = 1
        at = self._raw.find(b"\n--")
        while at >= 0:
            end = self._raw.find(b"\n", at + 3, at + 3 + 2 * MAX_BOUNDARY)
            end = end if end >= 0 else min(len(self._raw), at + 3 + 2 * MAX_BOUNDARY)
            self._line(at, end)
            at = self._raw.find(b"\n--", at + 1)

    def _line(self, at: int, end: int) -> None:
        """Compare a line that begins with "--" with the open boundaries, the innermost first."""
        line = self._raw[at + 3 : end].rstrip(b" \t\r")
        for level in range(len(self._open) - 1, -1, -1):
            if line == self._open[level] + b"--":
                del self._open[level:]
                return
            if line == self._open[level]:
                del self._open[level + 1 :]
                self._part(at, end)
                return

    def _part(self, at: int, end: int) -> None:
        """Count a part, and open its boundary if it is a multipart."""
        self.parts += 1
        if self.parts > self._limits.parts and self.cut is None:
            self.cut = at + 1
        if self.cut is not None:
            return
        inner = _boundary(_header(self._raw[end + 1 : end + 1 + _PART_HEADER]))
        if not inner:
            return
        self._open.append(inner)
        self.depth = max(self.depth, len(self._open))
        if self.depth > self._limits.depth:
            self.cut = at + 1
