"""Builds the MIME tree of a mail (RFC 2046) with the standard library's compat32 parser, which never refuses a mail.

Nested messages are not entered, no slow reader of the library is used, and walks over the tree need no recursion."""

from __future__ import annotations

import binascii
from dataclasses import dataclass
from email.feedparser import BytesFeedParser
from email.message import Message
from email.policy import Compat32, compat32

from maild.mail.headers.fields import Parameters, content_type, parameters

MAX_BOUNDARY = 200  # characters; RFC 2046 5.1.1 says 70
MAX_NESTED_HEADER = 65_536  # bytes of a nested message's header that are read


class MimePart(Message):
    """One part, built by the library's parser, with our own readers for Content-Type and the boundary.

    The library's readers take quadratic time for a stuffed Content-Type (CPython issue 87075), and its parser would
    enter message/*. Here a nested message has no parts of its own: the mail in a bounce never becomes text, and depth
    costs nothing."""

    def __init__(self, policy: Compat32 = compat32) -> None:
        super().__init__(policy)
        self._type: Parameters | None = None
        self._disposition: Parameters | None = None
        self._octets: bytes | None = None

    def raw(self, name: str) -> str | None:
        """Return the raw value of the first field of this name, with 8-bit bytes as surrogates; None if absent."""
        wanted = name.lower()
        return next((value for key, value in self.raw_items() if key.lower() == wanted), None)

    @property
    def type(self) -> Parameters:
        """The Content-Type; if absent, text/plain (RFC 2045 5.2), or message/rfc822 in a digest (RFC 2046 5.1.5)."""
        if self._type is None:
            self._type = content_type(self.raw("content-type"), self.get_default_type())
        return self._type

    @property
    def disposition(self) -> Parameters:
        """The Content-Disposition (RFC 2183 2); its value is "" if it is absent."""
        if self._disposition is None:
            raw = self.raw("content-disposition")
            self._disposition = parameters(raw) if raw else Parameters("")
        return self._disposition

    @property
    def is_container(self) -> bool:
        """Whether this is a multipart whose parts were found."""
        return self.is_multipart()

    def parts(self) -> list[MimePart]:
        """Return the parts of a multipart; [] for a part with content."""
        found = self._payload
        return [part for part in found if isinstance(part, MimePart)] if isinstance(found, list) else []

    def get_content_type(self) -> str:
        """Return the type for the parser; a nested message has another one, so that the parser does not enter it."""
        found = self.type.value
        return "application/octet-stream" if found.startswith("message/") else found

    def get_content_maintype(self) -> str:
        """Return the main type for the parser."""
        return self.get_content_type().partition("/")[0]

    def get_boundary(self, failobj: object = None) -> str | None:  # type: ignore[override]
        """Return the boundary for the parser (RFC 2046 5.1.1), without the spaces at its end; None if it has none."""
        found = self.type.get("boundary").rstrip()
        return found if 0 < len(found) <= MAX_BOUNDARY else None

    def set_payload(self, payload: object, charset: object = None) -> None:
        """Store the body as the parser found it; the library would decode it here."""
        self._payload = payload

    @property
    def encoded(self) -> bytes:
        """The body as it is in the mail; b"" for a multipart."""
        found = self._payload
        return found.encode("ascii", "surrogateescape") if isinstance(found, str) else b""

    def octets(self) -> bytes:
        """Return the body without its transfer encoding (RFC 2045 6). Of damaged base64 the readable part is returned.

        uuencode is no MIME encoding, so it stays as text."""
        if self._octets is None:
            self._octets = self._decoded()
        return self._octets

    def _decoded(self) -> bytes:
        """Undo the transfer encoding; an unknown one counts as none."""
        encoding = (self.raw("content-transfer-encoding") or "").partition(";")[0].strip(" \t\r\n\"'").lower()
        if encoding == "base64":
            return base64_octets(self.encoded)
        if encoding == "quoted-printable":
            return binascii.a2b_qp(self.encoded)
        return self.encoded


def base64_octets(encoded: bytes) -> bytes:
    """Decode base64 (RFC 2045 6.8): other characters are ignored, and a missing or broken end is cut off."""
    try:
        return binascii.a2b_base64(encoded)
    except binascii.Error:
        pass
    alphabet = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
    kept = encoded.translate(None, bytes(set(range(256)) - set(alphabet)))
    return binascii.a2b_base64(kept[: len(kept) - len(kept) % 4] + _last_group(kept[len(kept) - len(kept) % 4 :]))


def _last_group(rest: bytes) -> bytes:
    """Return the last one to three characters as a whole group; a single one has no meaning."""
    return rest.ljust(4, b"=") if len(rest) > 1 else b""


@dataclass(frozen=True, slots=True)
class Leaf:
    """A part with content, and its place in the tree."""

    path: str  # "2.1", as in IMAP (RFC 9051 6.4.5)
    part: MimePart
    around: tuple[tuple[str, str], ...] = ()  # (path, subtype) of each multipart around it, outermost first

    @property
    def container(self) -> str:
        """The subtype of the multipart directly around this part; "" for a mail of one part."""
        return self.around[-1][1] if self.around else ""


def tree(raw: bytes) -> MimePart:
    """Parse a mail -> its root part. Its `defects` are what the parser found wrong.

    Raises RecursionError for some hundred levels of multiparts."""
    parser: BytesFeedParser[MimePart] = BytesFeedParser(MimePart)
    parser.feed(raw)
    return parser.close()


def header_of(raw: bytes) -> MimePart:
    """Parse the header of a mail -> a part without content. Of a header that is too long the beginning is read."""
    head = raw[:MAX_NESTED_HEADER]
    ends = [at for blank in (b"\r\n\r\n", b"\n\n") if (at := head.find(blank)) >= 0]
    return tree(head[: min(ends)] + b"\n\n" if ends else head)


def leaves(root: MimePart) -> list[Leaf]:
    """Return all parts with content, in order."""
    if not root.is_container:
        return [Leaf("1", root)]
    found: list[Leaf] = []
    waiting: list[Leaf] = [Leaf("", root)]
    while waiting:
        leaf = waiting.pop()
        if not leaf.part.is_container:
            found.append(leaf)
            continue
        around = (*leaf.around, (leaf.path, leaf.part.type.value.partition("/")[2]))
        prefix = f"{leaf.path}." if leaf.path else ""
        inner = [Leaf(f"{prefix}{number}", part, around) for number, part in enumerate(leaf.part.parts(), 1)]
        waiting.extend(reversed(inner))
    return found


def defects(root: MimePart) -> tuple[str, ...]:
    """Say in words what the parser found wrong anywhere in the tree, each kind once."""
    found: dict[str, None] = {}
    waiting = [root]
    while waiting:
        part = waiting.pop()
        for defect in part.defects:
            name = type(defect).__name__
            found.setdefault(_DEFECTS.get(name, f"the parser reports {name}"))
        waiting.extend(reversed(part.parts()))
    return tuple(sentence for sentence in found if sentence)


# Defect of the standard library's parser -> what was wrong, and how the mail is read.
_DEFECTS = {
    "NoBoundaryInMultipartDefect": "a multipart names no boundary: it is read as text",
    "StartBoundaryNotFoundDefect": "the boundary of a multipart never comes: it is read as text",
    "CloseBoundaryNotFoundDefect": "a multipart has no end: it is read to the last line",
    "FirstHeaderLineIsContinuationDefect": "the header begins with a continuation line: this line is left out",
    "MisplacedEnvelopeHeaderDefect": "a mailbox separator is within the header: it is left out",
    "MissingHeaderBodySeparatorDefect": "no empty line ends the header: it ends at the first line that is no field",
    "InvalidHeaderDefect": "a header line has no name: it is left out",
    "InvalidMultipartContentTransferEncodingDefect": "a multipart claims a transfer encoding: it is not applied",
    "MultipartInvariantViolationDefect": "",  # comes always with one of the first two
}
