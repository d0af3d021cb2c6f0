"""Does a text that is about to leave hold what was said inside? And our own lines, which never leave.

Texts are compared as words, by runs of SHINGLE words; what was said outside as well is no secret (a customer's own
words, quoted in a note, may be answered). Linear in the length of the texts."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from maild.domain.lookups import Said

SHINGLE = 5  # words that are compared at a time
RUN = 12  # so many words in a row of an internal text are a leak
_MOST_WORDS = 20_000  # of one text
_SHORTEST_LINE = 4  # words: shorter lines of ours are everybody's
_WORD = re.compile(r"\w+")


def leaked(text: str, said: Said) -> str:
    """The first run of words of `text` that was said inside and not outside; "" when there is none."""
    found = list(_WORD.finditer(text))[:_MOST_WORDS]
    words = [match[0].casefold() for match in found]
    if len(words) < RUN:
        return ""
    inside = _shingles((*said.notes, *said.notices)) - _shingles(said.outside)
    run = 0
    for at in range(len(words) - SHINGLE + 1):
        run = run + 1 if tuple(words[at : at + SHINGLE]) in inside else 0
        if run + SHINGLE - 1 >= RUN:
            first = found[at - run + 1].start()
            return text[first : found[at + SHINGLE - 1].end()]
    return ""


def without_our_lines(text: str, said: Said) -> str:
    """`text` without whole lines of our notices (the banner, the buttons, the foot) that nobody wrote."""
    written = _lines((*said.notes, *said.outside))
    ours = {line for line in _lines(said.notices) - written if len(_WORD.findall(line)) >= _SHORTEST_LINE}
    kept = [line for line in text.split("\n") if _folded(line) not in ours]
    return "\n".join(kept) if len(kept) < text.count("\n") + 1 else text


def _shingles(texts: Iterable[str]) -> set[tuple[str, ...]]:
    made: set[tuple[str, ...]] = set()
    for text in texts:
        words = [word.casefold() for word in _WORD.findall(text)][:_MOST_WORDS]
        made.update(tuple(words[at : at + SHINGLE]) for at in range(len(words) - SHINGLE + 1))
    return made


def _lines(texts: Sequence[str]) -> set[str]:
    return {_folded(line) for text in texts for line in text.split("\n")}


def _folded(line: str) -> str:
    """A line as it is compared: no quote marks before it, single blanks."""
    return " ".join(line.lstrip(" >\t").split())
