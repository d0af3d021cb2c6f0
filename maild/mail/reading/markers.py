"""Finds our own marks in the body of a mail. They lead to the ticket even if ids and subject were changed."""

from __future__ import annotations

import re
from collections.abc import Iterable

from maild.domain.people.directory import ascii_lower

MAX_MARKERS = 10
MAX_CHARACTERS = 200_000  # of text and HTML together

# "ref:" and the left side of one of our Message-IDs (maild.domain.messages.reply_tokens). Any case is read:
# phones change it.
_WORDS = ("ref:", "Ref:", "REF:")  # the usual cases, which are looked for first because that is much faster
_MARKER = re.compile(
    r"(?<![0-9A-Za-z])[Rr][Ee][Ff]:[ \t]?"
    r"([A-Za-z][0-9]{1,12}[A-Za-z][0-9]{1,12}[Ss][0-9]{1,9}\.[0-9]{1,12}\.[0-9A-Za-z]{16})(?![0-9A-Za-z])"
)


def find(texts: Iterable[str]) -> tuple[str, ...]:
    """Return what follows "ref:" in each mark: in order, each once, in lower case. The MAC is not checked here."""
    found: dict[str, None] = {}
    room = MAX_CHARACTERS
    for text in texts:
        for match in _MARKER.finditer(text[: max(0, room)] if any(word in text for word in _WORDS) else ""):
            found.setdefault(ascii_lower(match[1]))
            if len(found) == MAX_MARKERS:
                return tuple(found)
        room -= len(text)
    return tuple(found)
