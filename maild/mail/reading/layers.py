"""Finds everything that is in bytes at any depth: encoded, attached, in another width of letters, or compressed.

It reads no MIME tree. It undoes the encodings of mail programs and file formats wherever they are, so that no broken
and no unknown format hides its content."""

from __future__ import annotations

import binascii
import re
import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass

from maild.mail.reading.parts import base64_octets

MAX_LOOKED_AT = 128 * 2**20  # octets of all layers together; 25 MiB of files stay far below
MAX_INFLATED = 16 * 2**20  # octets that the compressed files of one mail may become; the rest is not read
MAX_DEPTH = 8  # layers within each other
_MAX_MEMBERS = 1_000  # compressed pieces of one layer
_PIECE = 65_536  # octets that are inflated at a time
_MAX_RICH = 2**21  # octets of Outlook's compressed texts in one mail; the rest is not read

# Letters of base64 over whole lines, quoted or not (RFC 2045 6.8). A mark has at least 32 of them.
_BASE64 = re.compile(rb"[A-Za-z0-9+/]{32,}(?:\r?\n[ \t>]*[A-Za-z0-9+/]{4,}(?![^\r\n=]))*={0,2}")
_LONG = 200  # so many letters in a row can only be base64
_QUOTED_PRINTABLE = re.compile(rb"=(?:[0-9A-F]{2}|[ \t]*\r?\n)")
_CONTROLS = bytes({*range(32), 127} - set(b"\t\n\f\r"))
_ZIP = b"PK\x03\x04"  # APPNOTE.TXT 4.3.7, a local file header
_ZIP_HEAD = struct.Struct("<4sHHHHHIIIHH")
_DEFLATED = 8
_GZIP = b"\x1f\x8b\x08"  # RFC 1952 2.3.1


@dataclass(slots=True)
class _Room:
    """How many octets may still be read and inflated."""

    looked_at: int = MAX_LOOKED_AT
    inflated: int = MAX_INFLATED
    rich: int = _MAX_RICH


class TooMuchInside(Exception):
    """The bytes have so many layers within each other that not all of them can be read."""


def layers(octets: bytes) -> Iterator[bytes]:
    """Yield the bytes as they are, then everything that is encoded in them, at any depth. Raises TooMuchInside."""
    room = _Room()
    waiting = [(octets, 0)]
    while waiting:
        layer, depth = waiting.pop()
        room.looked_at -= len(layer)
        if room.looked_at < 0 or depth > MAX_DEPTH:
            raise TooMuchInside
        yield layer
        waiting += [(inner, depth + 1) for inner in _inside(layer, room) if inner]


def _inside(octets: bytes, room: _Room) -> Iterator[bytes]:
    """Yield the layers directly inside this one."""
    if _is_text(octets):
        yield from _decoded(octets)
    if b"\0" in octets:  # so it is no text of 8-bit letters
        yield octets.translate(None, b"\0")  # Latin letters in UTF-16 or UTF-32 become 8-bit letters
        yield b"\n\n".join(_rich_texts(octets, room))
        yield b"\n\n".join(_inflated(octets, room))


def _is_text(octets: bytes) -> bool:
    """Whether there are few control octets. In compressed data every ninth octet is one, in UTF-16 every second."""
    controls = len(octets) - len(octets.translate(None, _CONTROLS))
    return controls * 20 < len(octets)


def _decoded(octets: bytes) -> Iterator[bytes]:
    """Yield all base64 together (RFC 2045 6.8), and the rest decoded if it looks like quoted-printable (6.7)."""
    decoded: list[bytes] = []
    rest: list[bytes] = []
    at = 0
    for match in _BASE64.finditer(octets):
        decoded.append(base64_octets(match[0]))
        if match.end() - match.start() >= _LONG:
            rest.append(octets[at : match.start()])
            at = match.end()
    yield b"\n\n".join(decoded)
    coded = b"".join((*rest, octets[at:]))
    if _QUOTED_PRINTABLE.search(coded) and (plain := binascii.a2b_qp(coded)) != coded:
        yield plain


# -- compressed -------------------------------------------------------------------------------------------------------


def _inflated(octets: bytes, room: _Room) -> Iterator[bytes]:
    """Yield the files in a zip or gzip file, as far as there is room."""
    view = memoryview(octets)
    for at in _places(octets, _GZIP):
        yield _inflate(view[at:], 31, room)
    for at in _places(octets, _ZIP):
        if at + _ZIP_HEAD.size <= len(octets):
            _, _, _, method, *_, name, extra = _ZIP_HEAD.unpack_from(octets, at)
            if method == _DEFLATED:
                yield _inflate(view[at + _ZIP_HEAD.size + name + extra :], -15, room)


def _places(octets: bytes, sign: bytes) -> Iterator[int]:
    """Yield the first places of a signature."""
    at, count = octets.find(sign), 0
    while at >= 0 and count < _MAX_MEMBERS:
        yield at
        at, count = octets.find(sign, at + len(sign)), count + 1


def _inflate(octets: memoryview, window: int, room: _Room) -> bytes:
    """Return the content of a deflated stream (RFC 1951), up to the room that is left and up to its first error."""
    found = bytearray()
    stream = zlib.decompressobj(window)
    at = 0
    while at < len(octets) and not stream.eof and room.inflated > 0:
        try:
            piece = stream.decompress(octets[at : at + _PIECE], room.inflated)
        except zlib.error:
            break
        found += piece
        room.inflated -= len(piece)
        at += _PIECE
    return bytes(found)


# -- Outlook's compressed text ----------------------------------------------------------------------------------------

_RICH = b"LZFu"  # [MS-OXRTFCP] 2.1.3.1.1: the third field of the header
_RICH_HEAD = struct.Struct("<II4sI")
# The beginning of the dictionary ([MS-OXRTFCP] 2.1.2.1).
_RICH_WORDS = (
    rb"{\rtf1\ansi\mac\deff0\deftab720{\fonttbl;}{\f0\fnil \froman \fswiss \fmodern \fscript \fdecor "
    rb"MS Sans SerifSymbolArialTimes New RomanCourier{\colortbl\red0\green0\blue0"
    b"\r\n"
    rb"\par \pard\plain\f0\fs20\b\i\u\tab\tx"
)
_WINDOW = 4096


def _rich_texts(octets: bytes, room: _Room) -> Iterator[bytes]:
    """Yield the compressed RTF texts that Outlook puts into winmail.dat and .msg files."""
    view = memoryview(octets)
    for at in _places(octets, _RICH):
        if at >= 8 and at + 8 <= len(octets) and room.rich > 0:
            size, *_ = _RICH_HEAD.unpack_from(octets, at - 8)
            text = _rich_text(view[at + 8 : at - 4 + size], room.rich)
            room.rich -= len(text)
            yield text


def _rich_text(packed: memoryview, most: int) -> bytes:
    """Decompress a text of Outlook ([MS-OXRTFCP] 2.2.2), up to `most` octets.

    It has letters, and references (place, length) to the last 4,096 letters."""
    window = bytearray(_RICH_WORDS.ljust(_WINDOW, b"\0"))
    found = bytearray()
    write = len(_RICH_WORDS)
    for token in _tokens(packed):
        place, length = (token[0] << 4 | token[1] >> 4, (token[1] & 15) + 2) if len(token) == 2 else (-1, 1)
        if place == write or len(found) >= most:  # a reference to the place of the next letter is the end
            break
        for each in range(length):
            window[write] = letter = token[0] if place < 0 else window[(place + each) % _WINDOW]
            found.append(letter)
            write = (write + 1) % _WINDOW
    return bytes(found)


def _tokens(packed: memoryview) -> Iterator[memoryview]:
    """Yield the tokens: one octet for a letter, two for a reference. A bit before each eight tokens says which."""
    at = 0
    while at < len(packed):
        control, at = packed[at], at + 1
        for bit in range(8):
            length = (control >> bit & 1) + 1
            if at + length > len(packed):
                return
            yield packed[at : at + length]
            at += length
