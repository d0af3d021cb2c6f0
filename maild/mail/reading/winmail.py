"""Opens winmail.dat, the container in which Outlook puts attachments ([MS-OXTNEF]), if tnefparse is installed.

Its objects are counted and sorted before the library sees them. The library copies the rest of the file for every
object, and reads tables that nobody needs. A container that it cannot read stays an attachment."""

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
_MAX_COPIED = 1 << 30  # octets that the library may copy: number of objects times size of the container
_MAX_TEXT = 1_000_000

_SIGNATURE = struct.pack("<I", 0x223E9F78)
_OBJECT = struct.Struct("<BHHI")  # level, id, type, length; then the content and two octets of checksum
# Objects that the library gets: code page, body, MAPI properties, and everything of an attachment.
_NEEDED = frozenset((0x800C, 0x9003, 0x9007))
_ATTACHMENT_LEVEL = 2


@dataclass(frozen=True, slots=True)
class File:
    """One file in a container."""

    name: str
    octets: bytes


@dataclass(frozen=True, slots=True)
class Opened:
    """The content of a container."""

    files: tuple[File, ...] = ()
    text: str = ""
    failure: str = ""  # a sentence if it could not be opened


def is_container(leaf: Leaf) -> bool:
    """Whether a part is a winmail.dat, by its type or by its name."""
    if leaf.part.type.value in TYPES:
        return True
    name = leaf.part.disposition.get("filename") or leaf.part.type.get("name")
    return name.strip().lower() == "winmail.dat"


def open_container(octets: bytes) -> Opened:
    """Return the files and the text of a container. Never raises: `failure` says what went wrong."""
    if not octets.startswith(_SIGNATURE):
        return Opened(failure="winmail.dat is not what its name says: it is kept as it is")
    library = _library()
    if library is None:
        return Opened(failure="winmail.dat is not opened: tnefparse is not installed (remedy: install maild[calendar])")
    objects = list(_objects(octets))
    if len(objects) > MAX_OBJECTS or len(objects) * len(octets) > _MAX_COPIED:
        return Opened(failure="winmail.dat has too many objects: it is not opened")
    try:
        # The library skips a last object of the smallest size, so another octet follows.
        container = library.TNEF(octets[:6] + b"".join(objects) + b"\0", do_checksum=False)
        files = tuple(_file(found) for found in container.attachments[:MAX_FILES])
        return Opened(tuple(file for file in files if file.octets), _text(container))
    except Exception as problem:  # noqa: BLE001 - it raises struct.error, ValueError, IndexError and more on a broken one
        return Opened(failure=f"winmail.dat cannot be opened ({type(problem).__name__}): it is kept as it is")


def _library() -> ModuleType | None:
    """Return tnefparse, None if it is not installed."""
    try:
        return importlib.import_module("tnefparse")
    except ImportError:
        return None


def _objects(octets: bytes) -> Iterator[bytes]:
    """Yield the objects that the library needs. A cut one is left out; at most MAX_OBJECTS + 1 come."""
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
    """Read one attachment of the library."""
    name = found.long_filename()
    if isinstance(name, bytes):
        name = charsets.decode(name)[0]
    return File(str(name).strip("\0 "), bytes(found.data or b""))


def _text(container: Any) -> str:
    """Return the text of a container."""
    body = container.body
    if isinstance(body, bytes):
        body = charsets.decode(body[:_MAX_TEXT])[0]
    return body_text(str(body or "")[:_MAX_TEXT]).replace("\ufffd", "").strip("\n \t")


def pointers(leaf: Leaf, opened: Opened, safe_name: Callable[[str], str]) -> list[Attachment]:
    """Describe the files of an opened container as attachments. The path is that of the part, "!" and a number."""
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
    """Return the file of this number in an opened container. Raises LookupError if there is none."""
    files = opened.files
    if not number.isascii() or not number.isdigit() or not 0 < int(number) <= len(files):
        raise LookupError(f"winmail.dat has {len(files)} files, and none has the number {number!r}")
    return files[int(number) - 1].octets
