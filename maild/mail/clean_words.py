"""Other people's words without what no reader sees: controls, halves of characters, marks that turn the direction."""

from __future__ import annotations

_LINE_ENDS = str.maketrans(dict.fromkeys("\r\x0b\x0c\x1c\x1d\x1e\x85\u2028\u2029", "\n"))
# C0 but tab and newline, DEL, C1; and halves of surrogate pairs, which no charset can write.
_CONTROLS = dict.fromkeys((*range(0x09), *range(0x0B, 0x20), *range(0x7F, 0xA0)))
_SURROGATES = dict.fromkeys(range(0xD800, 0xE000), "\ufffd")
# Marks that turn the direction of what follows: in a name they can turn the words around it.
_DIRECTIONS = dict.fromkeys((0x061C, 0x200E, 0x200F, *range(0x202A, 0x202F), *range(0x2066, 0x206A)))


def plain(text: str) -> str:
    """`text` as it is, with newlines as its only line ends and without controls (tabs stay)."""
    one_end = str(text).replace("\r\n", "\n").translate(_LINE_ENDS)
    return one_end.translate(_CONTROLS).translate(_SURROGATES)


def oneline(text: str, limit: int = 200) -> str:
    """A name or a subject on one line of at most `limit` characters, single-spaced, unable to turn its surroundings."""
    words = " ".join(plain(str(text)[: 4 * limit]).translate(_DIRECTIONS).split())
    return words if len(words) <= limit else words[: limit - 1].rstrip() + "…"
