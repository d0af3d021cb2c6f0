"""The MIME tree of a mail (RFC 2046) on the standard library's compat32 parser, which never refuses a mail.

The tree is walked without recursion, nested messages are not entered, and no slow reader of the library is used."""

from __future__ import annotations

import binascii
from dataclasses import dataclass
from email.feedparser import BytesFeedParser
from email.message import Message
from email.policy import Compat32, compat32

from maild.mail.headers.fields import Parameters, content_type, parameters

MAX_BOUNDARY = 200  # RFC 2046 5.1.1 says 70
MAX_NESTED_HEADER = 65_536  # bytes of a nested message's header that are read


class MimePart(Message):
    """One part as the library's parser builds it, with readers of our own for Content-Type and the boundary.

    The library's are quadratic on a stuffed Content-Type (CPython issue 87075), and its parser would enter message/*;
    here a nested message is an opaque part, so that a bounce's original never becomes text and depth costs nothing."""

    def __init__(self, policy: Compat32 = compat32) -> None:
        super().__init__(policy)
        self._type: Parameters | None = None
        self._disposition: Parameters | None = None
        self._octets: bytes | None = None

    def raw(self, name: str) -> str | None:
        """The first field of this name as it stood in the mail, 8-bit bytes as surrogates; None when absent."""
        wanted = name.lower()
        return next((value for key, value in self.raw_items() if key.lower() == wanted), None)

    @property
    def type(self) -> Parameters:
        """The Content-Type; text/plain, or message/rfc822 inside a digest (RFC 2046 5.1.5), when absent."""
        if self._type is None:
            self._type = content_type(self.raw("content-type"), self.get_default_type())
        return self._type

    @property
    def disposition(self) -> Parameters:
        """The Content-Disposition (RFC 2183)."""
        if self._disposition is None:
            raw = self.raw("content-disposition")
            self._disposition = parameters(raw) if raw else Parameters("")
        return self._disposition

    @property
    def is_container(self) -> bool:
        """A multipart whose parts were found."""
        return self.is_multipart()

    def parts(self) -> list[MimePart]:
        """The parts of a multipart; empty for a part with content."""
        found = self._payload
        return [part for part in found if isinstance(part, MimePart)] if isinstance(found, list) else []

    def get_content_type(self) -> str:
        found = self.type.value
        return "application/octet-stream" if found.startswith("message/") else found

    def get_content_maintype(self) -> str:
        return self.get_content_type().partition("/")[0]

    def get_boundary(self, failobj: object = None) -> str | None:  # type: ignore[override]
        found = self.type.get("boundary").rstrip()
        return found if 0 < len(found) <= MAX_BOUNDARY else None

    def set_payload(self, payload: object, charset: object = None) -> None:
        self._payload = payload

    @property
    def encoded(self) -> bytes:
        """The body as it stood in the mail; empty for a multipart."""
        found = self._payload
        return found.encode("ascii", "surrogateescape") if isinstance(found, str) else b""

    def octets(self) -> bytes:
        """The body with its transfer encoding undone (RFC 2045 6); damaged base64 gives what can be read of it.

        uuencode is no MIME encoding: it stays as text."""
        if self._octets is None:
            self._octets = self._decoded()
        return self._octets

    def _decoded(self) -> bytes:
        encoding = (self.raw("content-transfer-encoding") or "").partition(";")[0].strip(" \t\r\n\"'").lower()
        if encoding == "base64":
            return base64_octets(self.encoded)
        if encoding == "quoted-printable":
            return binascii.a2b_qp(self.encoded)
        return self.encoded


def base64_octets(encoded: bytes) -> bytes:
    """Base64 as leniently as mail needs it: foreign characters are skipped, a missing or broken end is cut off."""
    try:
        return binascii.a2b_base64(encoded)
    except binascii.Error:
        pass
    alphabet = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
    kept = encoded.translate(None, bytes(set(range(256)) - set(alphabet)))
    return binascii.a2b_base64(kept[: len(kept) - len(kept) % 4] + _last_group(kept[len(kept) - len(kept) % 4 :]))


def _last_group(rest: bytes) -> bytes:
    return rest.ljust(4, b"=") if len(rest) > 1 else b""


@dataclass(frozen=True, slots=True)
class Leaf:
    """A part that holds content: its path ("2.1", as in IMAP) and the multiparts around it, outermost first."""

    path: str
    part: MimePart
    around: tuple[tuple[str, str], ...] = ()  # (path, subtype) of each multipart

    @property
    def container(self) -> str:
        """The subtype of the multipart that holds this part directly, "" for a mail of one part."""
        return self.around[-1][1] if self.around else ""


def tree(raw: bytes) -> MimePart:
    """The root part; what the parser found wrong stands in its `defects`. RecursionError beyond some hundred levels."""
    parser: BytesFeedParser[MimePart] = BytesFeedParser(MimePart)
    parser.feed(raw)
    return parser.close()


def header_of(raw: bytes) -> MimePart:
    """The header alone of a mail, as a part without content; of a header that is too long, the beginning."""
    head = raw[:MAX_NESTED_HEADER]
    ends = [at for blank in (b"\r\n\r\n", b"\n\n") if (at := head.find(blank)) >= 0]
    return tree(head[: min(ends)] + b"\n\n" if ends else head)


def leaves(root: MimePart) -> list[Leaf]:
    """All parts with content, in order."""
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
    """What the parser found wrong anywhere in the tree, each kind once, in words."""
    found: dict[str, None] = {}
    waiting = [root]
    while waiting:
        part = waiting.pop()
        for defect in part.defects:
            name = type(defect).__name__
            found.setdefault(_DEFECTS.get(name, f"the parser reports {name}"))
        waiting.extend(reversed(part.parts()))
    return tuple(sentence for sentence in found if sentence)


# What the standard library's parser calls a defect, and what became of it.
_DEFECTS = {
    "NoBoundaryInMultipartDefect": "a multipart names no boundary: read as text",
    "StartBoundaryNotFoundDefect": "the boundary of a multipart never comes: read as text",
    "CloseBoundaryNotFoundDefect": "a multipart has no end: read to the last line",
    "FirstHeaderLineIsContinuationDefect": "the header begins with a continuation line: left out",
    "MisplacedEnvelopeHeaderDefect": "a mailbox separator stands amid the header: left out",
    "MissingHeaderBodySeparatorDefect": "no empty line ends the header: it ends at the first line that is no field",
    "InvalidHeaderDefect": "a header line has no name: left out",
    "InvalidMultipartContentTransferEncodingDefect": "a multipart claims a transfer encoding: not applied",
    "MultipartInvariantViolationDefect": "",  # always together with one of the first two
}
