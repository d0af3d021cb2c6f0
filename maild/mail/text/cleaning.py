"""Cleans other people's text of characters that would harm a database, a terminal, a header or a reader."""

from __future__ import annotations

import re
import unicodedata

_SURROGATE = re.compile("[\ud800-\udfff]")

# Every character that ends a line for some program (str.splitlines). A field or a name of ours must not break at any.
_LINE_ENDS = "\n\r\x0b\x0c\x1c\x1d\x1e\x85\u2028\u2029"
# Characters that reverse the reading order: with them "pdf.exe" looks like "exe.fdp" (Unicode TR 36, section 2.9.1).
_DIRECTIONS = "\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"
_CONTROLS: dict[int, str | None] = dict.fromkeys((*range(0x20), *range(0x7F, 0xA0)))  # C0, DEL, C1

_BODY: dict[int, str | None] = {**_CONTROLS, 0: "\ufffd", 0x09: "\t", **dict.fromkeys(map(ord, _LINE_ENDS), "\n")}
_UNUSUAL = tuple(chr(point) for point, becomes in _BODY.items() if chr(point) != becomes)
_ONE_LINE: dict[int, str | None] = {
    **_CONTROLS,
    **dict.fromkeys(map(ord, _DIRECTIONS + "\ufeff")),
    **dict.fromkeys(map(ord, "\t" + _LINE_ENDS), " "),
}


def body_text(text: str) -> str:
    """Clean a text of several lines. LF becomes the only line end; tabs stay.

    NUL and lone surrogates become U+FFFD. A byte-order mark and other controls are removed: an escape sequence would
    steer the terminal that shows it."""
    if "\r" in text:
        text = text.replace("\r\n", "\n").replace("\r", "\n")
    if any(letter in text for letter in _UNUSUAL):  # much faster than translate() on text beyond ASCII
        text = text.translate(_BODY)
    return replace_surrogates(text).lstrip("\ufeff")


def replace_surrogates(text: str) -> str:
    """Replace each lone surrogate by U+FFFD, so that the text can be encoded."""
    if text.isascii():
        return text
    try:
        text.encode()  # much faster than a search
    except UnicodeEncodeError:
        return _SURROGATE.sub("\ufffd", text)
    return text


def one_line(text: str) -> str:
    """Make one line of a text: line ends and tabs become spaces; C0, C1 and bidirectional controls are removed."""
    if text.isascii() and text.isprintable():
        return text
    return replace_surrogates(text.translate(_ONE_LINE))


def short_line(text: str, limit: int = 200) -> str:
    """Make a name or a subject fit to show: one line of at most `limit` characters with single spaces."""
    words = " ".join(one_line(text[: 4 * limit]).split())
    return words if len(words) <= limit else words[: limit - 1].rstrip() + "…"


def visible(text: str) -> str:
    """Make one line without any invisible character (category Cf): for people's names and for file names."""
    text = one_line(text)
    if text.isascii():
        return text
    return "".join(letter for letter in text if unicodedata.category(letter) != "Cf")
