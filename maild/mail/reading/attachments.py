"""Describes attachments as pointers into the raw mail, with names that are safe to show and to send (RFC 2183)."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Collection, Iterable, Mapping, Sequence

from maild.domain.messages.message import Attachment
from maild.mail.headers.fields import decode
from maild.mail.reading import winmail
from maild.mail.reading.parts import Leaf, header_of
from maild.mail.text.cleaning import visible

MAX_NAME_BYTES = 150
MAX_COUNT = 100  # attachments of one mail
MAX_TOTAL = 50 * 2**20  # octets of all attachments together, decoded
_NAMED = 10  # so many attachments that are left out are named
_MAX_EXTENSION = 12

_FORBIDDEN = re.compile(r'[<>:"|?*\x00-\x1f]')
# Device names of Windows: no file there can have such a name, whatever its extension.
_RESERVED = re.compile(r"^(?:con|prn|aux|nul|com\d|lpt\d)(?:\.|$)", re.IGNORECASE)
_CONTENT_ID = re.compile(r"[^\x21-\x7e]|[<>]")

# The extension of an attachment without a name, by its type.
_EXTENSIONS = {
    "application/ics": "ics",
    "application/json": "json",
    "application/msword": "doc",
    "application/pdf": "pdf",
    "application/zip": "zip",
    "image/bmp": "bmp",
    "image/gif": "gif",
    "image/heic": "heic",
    "image/jpeg": "jpg",
    "image/jpg": "jpg",
    "image/png": "png",
    "image/svg+xml": "svg",
    "image/tiff": "tif",
    "image/webp": "webp",
    "message/delivery-status": "txt",
    "message/rfc822": "eml",
    "message/global": "eml",
    "text/calendar": "ics",
    "text/csv": "csv",
    "text/html": "html",
    "text/plain": "txt",
    "text/rfc822-headers": "txt",
    "text/vcard": "vcf",
    "text/x-vcard": "vcf",
}
_MESSAGES = frozenset(("message/rfc822", "message/global"))


def safe_name(name: str) -> str:
    """Make a file name safe (RFC 2183 2.3): no path, no control or invisible character, at most 150 bytes.

    Dots at both ends are removed, so that no file is hidden. A device name of Windows gets an underscore. "" means that
    nothing is left."""
    name = visible(name[-4096:]).replace("\\", "/").rpartition("/")[2]
    name = " ".join(_FORBIDDEN.sub("_", name).split()).lstrip(". ").rstrip(". ")
    if _RESERVED.match(name):
        name = f"_{name}"
    return _shortened(name)


def _shortened(name: str) -> str:
    """Cut a name to MAX_NAME_BYTES of UTF-8. The extension stays."""
    if len(name.encode("utf-8")) <= MAX_NAME_BYTES:
        return name
    stem, dot, extension = name.rpartition(".")
    if not stem or len(extension) > _MAX_EXTENSION:
        stem, dot, extension = name, "", ""
    room = MAX_NAME_BYTES - len((dot + extension).encode("utf-8"))
    return stem.encode("utf-8")[:room].decode("utf-8", "ignore").rstrip() + dot + extension


def declared_name(leaf: Leaf) -> str:
    """Return the name that the mail gives a part; "" if it gives none.

    It is decoded as RFC 2231 says, or as encoded words (RFC 2047), which many programs write there."""
    return leaf.part.disposition.get("filename") or leaf.part.type.get("name")


def pointers(
    attached: Sequence[Leaf], opened: Mapping[str, winmail.Opened], *, count: int = MAX_COUNT, total: int = MAX_TOTAL
) -> tuple[tuple[Attachment, ...], list[str]]:
    """Describe the attachments of a mail -> (attachments, a sentence about those that are left out, if any).

    An opened winmail.dat counts as the files within it. What is left out is still in the raw mail."""
    kept: list[Attachment] = []
    left: list[str] = []
    size = 0
    for leaf in attached:
        if len(kept) == count:
            left.append(safe_name(declared_name(leaf)) or f"part {leaf.path}")
            continue
        found = [pointer(leaf)]
        if leaf.path in opened and opened[leaf.path].files:
            found = winmail.pointers(leaf, opened[leaf.path], safe_name)
        for attachment in found:
            if len(kept) == count or size + attachment.size > total:
                left.append(attachment.name)
                continue
            size += attachment.size
            kept.append(attachment)
    return tuple(kept), _left_out(left, count, total)


def _left_out(names: Sequence[str], count: int, total: int) -> list[str]:
    """Say in one sentence which attachments are left out; [] if none is."""
    if not names:
        return []
    shown = ", ".join(names[:_NAMED]) + (" and more" if len(names) > _NAMED else "")
    allowed = f"at most {count} and {total // 2**20} MB are shown"
    return [f"{len(names)} attachments are left out ({allowed}); the raw mail has them: {shown}"]


def distinct(found: Iterable[Attachment], known: Collection[str] = ()) -> tuple[Attachment, ...]:
    """Return each content once, by its sha256, without those in `known`: the logo of a signature is in every mail."""
    first: dict[str, Attachment] = {}
    for one in found:
        first.setdefault(one.sha256, one)
    return tuple(one for one in first.values() if one.sha256 not in known)


def pointer(leaf: Leaf) -> Attachment:
    """Describe a part as an attachment: name, type, size, sha256, and its place in the mail."""
    octets = leaf.part.octets()
    content_type = leaf.part.type.value
    content_id = _CONTENT_ID.sub("", leaf.part.raw("content-id") or "")[:250]
    disposition = leaf.part.disposition.value
    shown_inside = bool(content_id) or disposition == "inline"
    return Attachment(
        part=leaf.path,
        name=safe_name(declared_name(leaf)) or _made_up_name(leaf, octets),
        content_type=content_type,
        size=len(octets),
        sha256=hashlib.sha256(octets).hexdigest(),
        inline=shown_inside and disposition != "attachment" and content_type.startswith("image/"),
        content_id=content_id,
    )


def _made_up_name(leaf: Leaf, octets: bytes) -> str:
    """Make up a name for a part without one. A nested message is named after its subject."""
    content_type = leaf.part.type.value
    if content_type in _MESSAGES:
        subject = safe_name(decode(header_of(octets).raw("subject") or ""))
        if subject:
            return _shortened(f"{subject}.eml")
    return f"part-{leaf.path}.{_EXTENSIONS.get(content_type, 'bin')}"
