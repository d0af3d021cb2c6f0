"""Finds the texts in a file of any format, without markup and in no order. They are only for comparing."""

from __future__ import annotations

import html
import re
from collections.abc import Iterator

from maild.mail.reading.layers import layers
from maild.mail.text import charsets

_MOST = 2**20  # octets of one layer that are read as text
_NO_TEXT = (b"\xff\xd8\xff", b"\x89PNG", b"GIF8", b"%PDF", b"RIFF")  # files that have no text in their bytes
# Tags that may be within a word. All other tags are between words.
_WITHIN = re.compile(
    r"</?(?:a|b|i|u|s|em|strong|span|font|code|tt|small|sub|sup|mark|w:[rt]|o:p)(?:\s[^<>]{0,2000})?/?>"
)
_TAG = re.compile(r"<[^<>]{1,2000}>")
_RTF = re.compile(r"\\'([0-9a-f]{2})|\\u(-?[0-9]{1,6}) ?\??|\\[a-z]{1,32}-?[0-9]{0,10} ?|[{}]")


def texts_in(octets: bytes) -> Iterator[str]:
    """Yield the texts in a file and in everything inside it. Raises TooMuchInside as `layers` does."""
    for layer in layers(octets):
        if layer.startswith(_NO_TEXT):
            continue
        beginning = layer[:_MOST]
        if b"\0" in beginning:  # in Outlook's files a text may begin at an odd place
            yield beginning.decode("utf-16-le", "replace")
            yield beginning[1:].decode("utf-16-le", "replace")
        else:
            yield _without_markup(charsets.decode(beginning)[0])


def _without_markup(text: str) -> str:
    """Remove the tags of HTML and XML, and the control words of RTF."""
    if "<" in text:
        text = _TAG.sub(" ", _WITHIN.sub("", text))
    if "\\par" in text:
        text = _RTF.sub(_letter, text)
    return html.unescape(text) if "&" in text else text


def _letter(found: re.Match[str]) -> str:
    """Return what an RTF control word means: a letter, or a space between words."""
    if found[1]:
        return bytes.fromhex(found[1]).decode("cp1252", "replace")
    if found[2]:
        return chr(int(found[2]) % 65_536)
    return "" if found[0] in "{}" else " "
