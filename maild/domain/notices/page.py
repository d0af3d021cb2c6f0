"""A page: text that fits on a pager or into an SMS. ASCII, one line, at most 160 characters with its subject."""

from __future__ import annotations

import unicodedata

MOST = 160  # characters of subject and text together: one SMS (GSM 03.38), as gateways make one of both

_SPELT = {
    "ß": "ss", "ẞ": "SS", "æ": "ae", "Æ": "AE", "œ": "oe", "Œ": "OE", "ø": "o", "Ø": "O", "đ": "d", "Đ": "D",
    "ł": "l", "Ł": "L", "þ": "th", "Þ": "Th", "ð": "d", "Ð": "D", "ı": "i", "€": "EUR", "£": "GBP",
    "\N{EN DASH}": "-", "\N{EM DASH}": "-", "\N{MINUS SIGN}": "-", "\N{BULLET}": "-", "\N{MIDDLE DOT}": "-",
    "\N{LEFT SINGLE QUOTATION MARK}": "'", "\N{RIGHT SINGLE QUOTATION MARK}": "'",
    "\N{LEFT DOUBLE QUOTATION MARK}": '"', "\N{RIGHT DOUBLE QUOTATION MARK}": '"', "\N{HORIZONTAL ELLIPSIS}": "...",
}  # fmt: skip


def page_text(text: str, subject: str) -> str:
    """Return `text` as it fits next to `subject`: without accents, "?" for what ASCII does not have, cut."""
    room = MOST - len(folded(subject)) - 1  # gateways put a blank between the two
    plain = folded(text)
    return plain if len(plain) <= room else plain[: max(room - 3, 0)].rstrip() + "..."


def folded(text: str) -> str:
    """Return one line of printable ASCII that reads as closely like `text` as it can."""
    spelt = "".join(_SPELT.get(letter, letter) for letter in text)
    parted = unicodedata.normalize("NFKD", spelt)
    bare = (letter for letter in parted if not unicodedata.combining(letter))
    seen = (" " if letter.isspace() else letter for letter in bare if letter.isspace() or _is_shown(letter))
    return " ".join("".join(letter if letter.isascii() else "?" for letter in seen).split())


def _is_shown(letter: str) -> bool:
    """Tell whether it is no control, no format mark and no half of a surrogate pair."""
    return unicodedata.category(letter)[0] != "C"
