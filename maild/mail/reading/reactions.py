"""Reads mails that are only a reaction to another mail: by RFC 9078, and by Gmail's own part."""

from __future__ import annotations

import json
from collections.abc import Sequence

from maild.mail.reading.parts import Leaf
from maild.mail.text import charsets
from maild.mail.text.cleaning import one_line

MAX_REACTION = 24  # characters; an emoji of a family with skin tones has eleven
_MAX_BYTES = 4_096
GMAIL = "text/vnd.google.email-reaction+json"


def is_reaction(leaf: Leaf) -> bool:
    """Whether a part is a reaction; then it is neither text nor attachment."""
    return leaf.part.type.value == GMAIL or leaf.part.disposition.value == "reaction"


def read(leaves: Sequence[Leaf]) -> str:
    """Return the emoji of the first reaction; "" if there is none, or if it is no emoji."""
    for leaf in leaves:
        if is_reaction(leaf):
            found = _gmail(leaf) if leaf.part.type.value == GMAIL else _standard(leaf)
            if found:
                return found
    return ""


def _standard(leaf: Leaf) -> str:
    """Read the standard form: one line of emoji (RFC 9078 3)."""
    text, _ = charsets.decode(leaf.part.octets()[:_MAX_BYTES], leaf.part.type.get("charset"))
    return _emoji(text)


def _gmail(leaf: Leaf) -> str:
    """Read Gmail's form: `{"emoji": "👍", "version": 1}`."""
    try:
        found = json.loads(leaf.part.octets()[:_MAX_BYTES])
    except (ValueError, RecursionError):
        return ""  # it is no JSON, so there is no reaction
    emoji = found.get("emoji") if isinstance(found, dict) else None
    return _emoji(emoji) if isinstance(emoji, str) else ""


def _emoji(text: str) -> str:
    """Return the first line of a text if it can be an emoji: no letter, not only ASCII, and short; else ""."""
    lines = text.strip().splitlines()
    words = "".join(one_line(lines[0]).split()) if lines else ""
    plain = words.isascii() or any(letter.isalpha() for letter in words)
    return "" if plain or len(words) > MAX_REACTION else words
