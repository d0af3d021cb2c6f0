"""Clean text: other people's words without what a database, a terminal, a header or a reader would choke on."""

from __future__ import annotations

import re
import unicodedata

_SURROGATE = re.compile("[\ud800-\udfff]")

# Everything that ends a line for some program (str.splitlines): nothing of ours may break at any of them.
_LINE_ENDS = "\n\r\x0b\x0c\x1c\x1d\x1e\x85\u2028\u2029"
# Characters that turn the reading order around; they make "exe.fdp" of "pdf.exe" (Unicode TR 36, section 2.9.1).
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
    """Text of several lines. LF is its only line end, tabs stay; NUL and lone surrogates become U+FFFD, a byte-order
    mark and other controls go: an escape sequence would steer the terminal that it is shown on."""
    if "\r" in text:
        text = text.replace("\r\n", "\n").replace("\r", "\n")
    if any(letter in text for letter in _UNUSUAL):  # far faster than to translate what is not ASCII
        text = text.translate(_BODY)
    return replace_surrogates(text).lstrip("\ufeff")


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


def short_line(text: str, limit: int = 200) -> str:
    """A name or a subject to show: one line of at most `limit` characters, white space single."""
    words = " ".join(one_line(text[: 4 * limit]).split())
    return words if len(words) <= limit else words[: limit - 1].rstrip() + "…"


def visible(text: str) -> str:
    """One line with no invisible character at all (category Cf too): for people's names and file names."""
    text = one_line(text)
    if text.isascii():
        return text
    return "".join(letter for letter in text if unicodedata.category(letter) != "Cf")
