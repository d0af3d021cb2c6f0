"""Our own words in other people's mail: the surest sign of a quote, marked or not, however it was broken anew."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

_LINE = 8  # characters: a shorter line of ours says nothing by itself
_ALONE = 40  # characters: a line of ours that counts without a neighbour
_SHINGLE = 4  # words
_LOOK = 4_000  # characters of a line that are looked at

_LINK = re.compile(r"<[^<>\s]{1,300}>")  # mail programs write link targets beside the words, or leave them out
_MARKS = "*_|>•·#= \t\xa0\u200b"  # what they put around words of HTML
_RULE = frozenset("-–—=_*")


def _words(line: str) -> list[str]:
    """The words of a line without what programs add to them or take away."""
    line = line[:_LOOK]
    if "<" in line:
        line = _LINK.sub(" ", line)
    words = [word.strip(_MARKS) for word in line.split()]
    return [word for word in words if word and not _RULE.issuperset(word)]


class KnownTexts:
    """Lines that we sent, and their words in fours, which survive another width of line."""

    def __init__(self, texts: Iterable[str]) -> None:
        self._lines: set[str] = set()
        self._short: set[str] = set()
        self._shingles: set[tuple[str, ...]] = set()
        for text in texts:
            words: list[str] = []
            for line in text.split("\n"):
                found = _words(line)
                words += found
                joined = " ".join(found)
                (self._lines if len(joined) >= _LINE else self._short).add(joined)
            self._shingles.update(tuple(words[at : at + _SHINGLE]) for at in range(len(words) - _SHINGLE + 1))

    def lines_in(self, lines: Sequence[str]) -> set[int]:
        """The numbers of the lines that we sent. One line of ours alone counts when it is long enough."""
        found: set[int] = set()
        if not self._lines:
            return found
        run: list[int] = []
        between: list[int] = []  # short lines that are ours if the next one is too
        before: list[str] = []
        for number, line in enumerate(lines):
            words = _words(line)
            if not words:
                continue
            if self._is_ours(words, before):
                run += [*between, number]
                between, before = [], words
            elif run and " ".join(words) in self._short:
                between.append(number)
            else:
                found.update(_counting(run, lines))
                run, between, before = [], [], []
        found.update(_counting(run, lines))
        return found

    def _is_ours(self, words: list[str], before: list[str]) -> bool:
        """Whether a line is ours. `before` is the line of ours above it: a short rest of a sentence continues that."""
        if " ".join(words) in self._lines:
            return True
        words = before[1 - _SHINGLE :] + words
        runs = range(len(words) - _SHINGLE + 1)
        return len(words) >= _SHINGLE and all(tuple(words[at : at + _SHINGLE]) in self._shingles for at in runs)


def _counting(run: list[int], lines: Sequence[str]) -> list[int]:
    """A run of lines of ours, if it cannot be chance."""
    return run if len(run) > 1 or (run and len(lines[run[0]].strip()) >= _ALONE) else []
