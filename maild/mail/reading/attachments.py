"""Attachments as pointers into the raw mail, under names that are safe to show and to send again (RFC 2183)."""

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
MAX_TOTAL = 50 * 2**20  # octets of all of them, decoded
_NAMED = 10  # attachments left out that are told by name
_MAX_EXTENSION = 12

_FORBIDDEN = re.compile(r'[<>:"|?*\x00-\x1f]')
# Device names of Windows: a file of that name cannot be written there, whatever its extension.
_RESERVED = re.compile(r"^(?:con|prn|aux|nul|com\d|lpt\d)(?:\.|$)", re.IGNORECASE)
_CONTENT_ID = re.compile(r"[^\x21-\x7e]|[<>]")

# What an attachment without a name is called.
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
    """A file name of at most 150 bytes without path, control or invisible characters; "" when nothing is left.

    Leading dots go (no hidden files), and so do trailing ones and names that Windows keeps for devices."""
    name = visible(name[-4096:]).replace("\\", "/").rpartition("/")[2]
    name = " ".join(_FORBIDDEN.sub("_", name).split()).lstrip(". ").rstrip(". ")
    if _RESERVED.match(name):
        name = f"_{name}"
    return _shortened(name)


def _shortened(name: str) -> str:
    """At most MAX_NAME_BYTES of UTF-8; the extension stays."""
    if len(name.encode("utf-8")) <= MAX_NAME_BYTES:
        return name
    stem, dot, extension = name.rpartition(".")
    if not stem or len(extension) > _MAX_EXTENSION:
        stem, dot, extension = name, "", ""
    room = MAX_NAME_BYTES - len((dot + extension).encode("utf-8"))
    return stem.encode("utf-8")[:room].decode("utf-8", "ignore").rstrip() + dot + extension


def declared_name(leaf: Leaf) -> str:
    """The name that the mail gives a part, decoded as RFC 2231 says or as programs do it (RFC 2047); "" for none."""
    return leaf.part.disposition.get("filename") or leaf.part.type.get("name")


def pointers(
    attached: Sequence[Leaf], opened: Mapping[str, winmail.Opened], *, count: int = MAX_COUNT, total: int = MAX_TOTAL
) -> tuple[tuple[Attachment, ...], list[str]]:
    """(the attachments of a mail, what was left out of them and why). An opened winmail.dat is the files within it.

    What is left out stays in the raw mail."""
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
    return tuple(kept), _told(left, count, total)


def _told(left: Sequence[str], count: int, total: int) -> list[str]:
    if not left:
        return []
    names = ", ".join(left[:_NAMED]) + (" and more" if len(left) > _NAMED else "")
    allowed = f"allowed are {count} and {total // 2**20} MB"
    return [f"{len(left)} attachments are left out ({allowed}), they are in the raw mail: {names}"]


def distinct(found: Iterable[Attachment], known: Collection[str] = ()) -> tuple[Attachment, ...]:
    """Each content once, by sha256, and not those already `known`: the logo in a signature comes with every mail."""
    first: dict[str, Attachment] = {}
    for one in found:
        first.setdefault(one.sha256, one)
    return tuple(one for one in first.values() if one.sha256 not in known)


def pointer(leaf: Leaf) -> Attachment:
    """The part as an attachment: what it is called, what it is, how large, and where in the mail it stands."""
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
    """A name for a part without one: a nested message is called after its subject."""
    content_type = leaf.part.type.value
    if content_type in _MESSAGES:
        subject = safe_name(decode(header_of(octets).raw("subject") or ""))
        if subject:
            return _shortened(f"{subject}.eml")
    return f"part-{leaf.path}.{_EXTENSIONS.get(content_type, 'bin')}"
