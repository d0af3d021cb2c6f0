"""Finds our own words in other people's mails, with or without quote marks and with any line breaks.

A line that equals one of ours is not yet a quote: people type the same greeting, or copy a line on purpose. Its place
makes it a quote, and `cut` decides that."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

_LINE = 8  # characters; a shorter line of ours means nothing by itself
_SHINGLE = 4  # words
_LOOK = 4_000  # characters of a line that are read
_END_LINES = 3  # at the end of a mail so many lines of ours without marks are a quote,
_END_WORDS = 12  # if they have so many words

_LINK = re.compile(r"<[^<>\s]{1,300}>")  # mail programs write the target of a link behind its words, or leave it out
_MARKS = "*_|>•·#= \t\xa0\u200b"  # characters that mail programs put around words of HTML
_RULE = frozenset("-–—=_*")

_Key = tuple[str, ...]


def _words(line: str) -> _Key:
    """Return the words of a line, without anything that mail programs add or leave out."""
    line = line[:_LOOK]
    if "<" in line:
        line = _LINK.sub(" ", line)
    words = [word.strip(_MARKS) for word in line.split()]
    return tuple(word for word in words if word and not _RULE.issuperset(word))


def may_end_in_quote(text: str) -> bool:
    """Whether the text is long enough to end with a quote that has no marks."""
    written = [line for line in text.split("\n") if line.strip()]
    return len(written) >= _END_LINES and len(text.split()) >= _END_WORDS


@dataclass(frozen=True, slots=True)
class Run:
    """Lines from one text of ours that follow each other. Blank lines may be between them."""

    lines: tuple[int, ...]  # their numbers
    whole: bool  # long enough to be a quote at the end of a mail
    begins: bool  # begins with the first line of that text
    follows: bool  # nothing is between it and the run before
    rests: tuple[int, ...]  # lines that are the end of a marked line which a program broke


@dataclass(frozen=True, slots=True)
class _Found:
    """A line of ours in a mail."""

    number: int
    words: _Key
    key: _Key  # how it was found: all its words, or its first four
    marked: bool  # with a quote mark


class KnownTexts:
    """The lines of texts that we sent, and their words in fours, which are found with any line width.

    `copied` are texts within those that people copy, such as a colleague's note: a run of only their lines is a copy
    and no quote."""

    def __init__(self, texts: Iterable[str], copied: Iterable[str] = ()) -> None:
        self._texts = [_Text(text) for text in texts]
        self._all = _together(self._texts)
        self._copied = _together([_Text(text) for text in copied])

    def runs_in(self, lines: Sequence[str]) -> list[Run]:
        """Return the runs of our lines, in order.

        A line that a text has once is only once in a run of it. So our words that were typed above a quote are a run of
        their own."""
        found: list[Run] = []
        for stretch in self._stretches(lines):
            parts = self._parted(stretch)
            found += [self._run(part, lines, follows=at > 0) for at, part in enumerate(parts)]
        return found

    def _stretches(self, lines: Sequence[str]) -> list[list[_Found]]:
        """Return the stretches of our lines, with nothing between the lines of each."""
        done: list[list[_Found]] = []
        stretch: list[_Found] = []
        before: _Key = ()
        for number, line in enumerate(lines if self._texts else ()):
            words = _words(line)
            if not words:
                continue
            key = self._all.key(words, before) or (words if stretch and words in self._all.lines else ())
            if key:
                stretch.append(_Found(number, words, key, _marked(line)))
                before = words
            elif stretch:
                done.append(stretch)
                stretch, before = [], ()
        return [each for each in (*done, stretch) if each]

    def _parted(self, stretch: Sequence[_Found]) -> list[list[_Found]]:
        """Split a stretch into runs, each from one text, from the bottom up."""
        parts: list[list[_Found]] = []
        texts: list[_Text] = []
        used: Counter[_Key] = Counter()
        for line in reversed(stretch):
            having = [text for text in texts if used[line.key] < text.count(line.key)]
            if not having:
                parts.append([])
                having = [text for text in self._texts if text.count(line.key)]
                used.clear()
            parts[-1].append(line)
            used[line.key] += 1
            texts = having
        return [part[::-1] for part in reversed(parts)]

    def _run(self, part: Sequence[_Found], lines: Sequence[str], *, follows: bool) -> Run:
        """Describe a run."""
        return Run(
            lines=tuple(line.number for line in part),
            whole=self._is_whole(part),
            begins=any(text.first == part[0].words for text in self._texts),
            follows=follows,
            rests=tuple(line.number for line in part if self._is_rest(line, lines)),
        )

    def _is_whole(self, part: Sequence[_Found]) -> bool:
        """Whether there are enough lines and words without marks, and not only lines that people copy."""
        unmarked = [line.words for line in part if not line.marked]
        if len(unmarked) < _END_LINES or sum(map(len, unmarked)) < _END_WORDS:
            return False
        return any(len(words) >= _SHINGLE and not self._copied.key(words) for words in unmarked)

    def _is_rest(self, line: _Found, lines: Sequence[str]) -> bool:
        """Whether the line is ours only together with the end of the marked line right above it."""
        below_mark = line.number and _marked(lines[line.number - 1]) and not line.marked
        return bool(below_mark) and line.words not in self._all.lines and not self._all.key(line.words)


class _Text:
    """One text of ours: its lines, and its words in fours."""

    def __init__(self, text: str = "") -> None:
        written = [words for line in text.split("\n") if (words := _words(line))]
        self.first = written[0] if written else ()
        self.lines = Counter(written)
        stream = [word for line in written for word in line]
        self.fours = Counter(tuple(stream[at : at + _SHINGLE]) for at in range(len(stream) - _SHINGLE + 1))

    def key(self, words: _Key, before: _Key = ()) -> _Key:
        """Return how a line is found in this text: by all its words or by its first four; () if it is not in it.

        `before` is our line above it, which a short rest of a sentence continues."""
        if words in self.lines and len(" ".join(words)) >= _LINE:
            return words
        words = before[1 - _SHINGLE :] + words
        runs = range(len(words) - _SHINGLE + 1)
        if len(words) < _SHINGLE or not all(words[at : at + _SHINGLE] in self.fours for at in runs):
            return ()
        return words[:_SHINGLE]

    def count(self, key: _Key) -> int:
        """Count how often the text has a line with this key."""
        return self.lines[key] or self.fours[key]


def _together(texts: Sequence[_Text]) -> _Text:
    """Return all texts as if they were one."""
    found = _Text()
    for text in texts:
        found.lines.update(text.lines)
        found.fours.update(text.fours)
    return found


def _marked(line: str) -> bool:
    """Whether a line begins with a quote mark."""
    return line[:_LOOK].lstrip(" \xa0").startswith(">")
