"""Clean text: what may leave this room as a string. Nothing that a database, a terminal or a header would choke on."""

from __future__ import annotations

import re
import unicodedata

_SURROGATE = re.compile("[\ud800-\udfff]")

# Characters that turn the reading order around; they make "exe.fdp" of "pdf.exe" (Unicode TR 36, section 2.9.1).
_BIDI = "\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"
_SPACES = {0x09: " ", 0x0A: " ", 0x0B: " ", 0x0C: " ", 0x0D: " ", 0x85: " ", 0x2028: " ", 0x2029: " "}
_CONTROLS: dict[int, str | None] = dict.fromkeys((*range(0x20), *range(0x7F, 0xA0), *map(ord, _BIDI), 0xFEFF))
_ONE_LINE: dict[int, str | None] = {**_CONTROLS, **_SPACES}


def body_text(text: str) -> str:
    """Text of several lines: line ends are LF, NUL and lone surrogates become U+FFFD, a byte-order mark goes."""
    if "\r" in text:
        text = text.replace("\r\n", "\n").replace("\r", "\n")
    if "\0" in text:
        text = text.replace("\0", "\ufffd")
    return replace_surrogates(text).removeprefix("\ufeff")


def replace_surrogates(text: str) -> str:
    """`text` with each lone surrogate as U+FFFD, so that it can be encoded."""
    if text.isascii():
        return text
    try:
        text.encode()  # much faster than a search
    except UnicodeEncodeError:
        return _SURROGATE.sub("\ufffd", text)
    return text


def one_line(text: str) -> str:
    """Text of one line: line ends and tabs are spaces; C0, C1 and bidirectional controls are gone."""
    if text.isascii() and text.isprintable():
        return text
    return replace_surrogates(text.translate(_ONE_LINE))


def visible(text: str) -> str:
    """One line with no invisible character at all (category Cf too): for people's names and file names."""
    text = one_line(text)
    if text.isascii():
        return text
    return "".join(letter for letter in text if unicodedata.category(letter) != "Cf")
