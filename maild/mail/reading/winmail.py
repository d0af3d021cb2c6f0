"""winmail.dat: the container in which Outlook hides attachments (MS-OXTNEF). Opened when the extra tnefparse is there.

Its objects are counted and sifted before the library sees them: it copies the rest of the file for every object, and
reads tables that nobody needs. A container that it cannot read stays an attachment as it is."""

from __future__ import annotations

import hashlib
import importlib
import struct
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from types import ModuleType
from typing import Any

from maild.domain.messages.message import Attachment
from maild.mail.reading.parts import Leaf
from maild.mail.text import charsets
from maild.mail.text.cleaning import body_text

TYPES = frozenset(("application/ms-tnef", "application/vnd.ms-tnef"))
SEPARATOR = "!"  # "2!1" is the first file in the container at part 2
MAX_FILES = 100
MAX_OBJECTS = 1_000
_MAX_COPIED = 1 << 30  # octets that the library may copy: objects by size
_MAX_TEXT = 1_000_000

_SIGNATURE = struct.pack("<I", 0x223E9F78)
_OBJECT = struct.Struct("<BHHI")  # level, id, type, length; then the content and two octets of checksum
# What is kept for the library: code page, body, MAPI properties, and all that belongs to an attachment.
_NEEDED = frozenset((0x800C, 0x9003, 0x9007))
_ATTACHMENT_LEVEL = 2


@dataclass(frozen=True, slots=True)
class File:
    """One file in a container."""

    name: str
    octets: bytes


@dataclass(frozen=True, slots=True)
class Opened:
    """What a container holds; `failure` is a sentence when it could not be opened."""

    files: tuple[File, ...] = ()
    text: str = ""
    failure: str = ""


def is_container(leaf: Leaf) -> bool:
    """Whether a part is a winmail.dat, by its type or by that name."""
    if leaf.part.type.value in TYPES:
        return True
    name = leaf.part.disposition.get("filename") or leaf.part.type.get("name")
    return name.strip().lower() == "winmail.dat"


def open_container(octets: bytes) -> Opened:
    """The files and the text of a container. Never raises: what went wrong stands in `failure`."""
    if not octets.startswith(_SIGNATURE):
        return Opened(failure="winmail.dat is none: kept as it is")
    library = _library()
    if library is None:
        return Opened(failure="winmail.dat is kept unopened: the extra tnefparse is not installed")
    objects = list(_objects(octets))
    if len(objects) > MAX_OBJECTS or len(objects) * len(octets) > _MAX_COPIED:
        return Opened(failure="winmail.dat has too many objects: kept unopened")
    try:
        # The octet behind them is for the library, which passes over a last object of the smallest size.
        container = library.TNEF(octets[:6] + b"".join(objects) + b"\0", do_checksum=False)
        files = tuple(_file(found) for found in container.attachments[:MAX_FILES])
        return Opened(tuple(file for file in files if file.octets), _text(container))
    except Exception as problem:  # noqa: BLE001 - it raises struct.error, ValueError, IndexError and more on a broken one
        return Opened(failure=f"winmail.dat cannot be opened ({type(problem).__name__}): kept as it is")


def _library() -> ModuleType | None:
    try:
        return importlib.import_module("tnefparse")
    except ImportError:
        return None


def _objects(octets: bytes) -> Iterator[bytes]:
    """The objects that matter, whole ones only; one more than MAX_OBJECTS at most."""
    at, count = 6, 0
    while at + _OBJECT.size + 2 <= len(octets) and count <= MAX_OBJECTS:
        level, name, _, length = _OBJECT.unpack_from(octets, at)
        end = at + _OBJECT.size + length + 2
        if end > len(octets):
            return
        if level == _ATTACHMENT_LEVEL or name in _NEEDED:
            count += 1
            yield octets[at:end]
        at = end


def _file(found: Any) -> File:
    name = found.long_filename()
    if isinstance(name, bytes):
        name = charsets.decode(name)[0]
    return File(str(name).strip("\0 "), bytes(found.data or b""))


def _text(container: Any) -> str:
    body = container.body
    if isinstance(body, bytes):
        body = charsets.decode(body[:_MAX_TEXT])[0]
    return body_text(str(body or "")[:_MAX_TEXT]).replace("\ufffd", "").strip("\n \t")


def pointers(leaf: Leaf, opened: Opened, safe_name: Callable[[str], str]) -> list[Attachment]:
    """The files of an opened container as attachments: their path is that of the part, "!" and their number."""
    return [
        Attachment(
            part=f"{leaf.path}{SEPARATOR}{number}",
            name=safe_name(file.name) or f"part-{leaf.path}-{number}.bin",
            content_type="application/octet-stream",
            size=len(file.octets),
            sha256=hashlib.sha256(file.octets).hexdigest(),
        )
        for number, file in enumerate(opened.files, 1)
    ]


def file_in(opened: Opened, number: str) -> bytes:
    """The file of this number in an opened container; LookupError when it has none."""
    files = opened.files
    if not number.isascii() or not number.isdigit() or not 0 < int(number) <= len(files):
        raise LookupError(f"winmail.dat holds {len(files)} files, none has the number {number!r}")
    return files[int(number) - 1].octets
