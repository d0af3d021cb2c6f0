"""Our own words in other people's mail: the surest sign of a quote, marked or not, however it was broken anew.

A line that equals one of ours is no quote for that alone: people type the same greeting, or copy a line on purpose.
What makes it a quote is where it stands; `cut` knows that."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

_LINE = 8  # characters: a shorter line of ours says nothing by itself
_SHINGLE = 4  # words
_LOOK = 4_000  # characters of a line that are looked at
_END_LINES = 3  # so many lines of ours without marks, at the end of a mail,
_END_WORDS = 12  # with so many words, are a quote

_LINK = re.compile(r"<[^<>\s]{1,300}>")  # mail programs write link targets beside the words, or leave them out
_MARKS = "*_|>•·#= \t\xa0\u200b"  # what they put around words of HTML
_RULE = frozenset("-–—=_*")

_Key = tuple[str, ...]


def _words(line: str) -> _Key:
    """The words of a line without what programs add to them or take away."""
    line = line[:_LOOK]
    if "<" in line:
        line = _LINK.sub(" ", line)
    words = [word.strip(_MARKS) for word in line.split()]
    return tuple(word for word in words if word and not _RULE.issuperset(word))


def may_end_in_quote(text: str) -> bool:
    """Is the text long enough for a quote at its end that nothing marks?"""
    written = [line for line in text.split("\n") if line.strip()]
    return len(written) >= _END_LINES and len(text.split()) >= _END_WORDS


@dataclass(frozen=True, slots=True)
class Run:
    """Lines of one text of ours that follow each other, by number; blank ones may stand between them."""

    lines: tuple[int, ...]
    whole: bool  # long enough for a quote, if it ends a mail
    begins: bool  # with the first line of that text
    follows: bool  # nothing stands between it and the run before
    rests: tuple[int, ...]  # ends of marked lines that a program broke


@dataclass(frozen=True, slots=True)
class _Found:
    """A line of ours: its number, its words, and by what it was found."""

    number: int
    words: _Key
    key: _Key
    marked: bool


class KnownTexts:
    """Lines that we sent, and their words in fours, which survive another width of line.

    `copied` are texts within those that people like to copy, such as a colleague's note: a run of their lines alone is
    a copy, and no quote."""

    def __init__(self, texts: Iterable[str], copied: Iterable[str] = ()) -> None:
        self._texts = [_Text(text) for text in texts]
        self._all = _together(self._texts)
        self._copied = _together([_Text(text) for text in copied])

    def runs_in(self, lines: Sequence[str]) -> list[Run]:
        """The runs of lines that we sent, in their order. A line that one text has once is in each of its runs once:
        what was typed above a quote is a run of its own."""
        found: list[Run] = []
        for stretch in self._stretches(lines):
            parts = self._parted(stretch)
            found += [self._run(part, lines, follows=at > 0) for at, part in enumerate(parts)]
        return found

    def _stretches(self, lines: Sequence[str]) -> list[list[_Found]]:
        """Lines of ours with nothing between them."""
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
        """A stretch as runs, each out of one text, made from the bottom up."""
        parts: list[list[_Found]] = []
        texts: list[_Text] = []
        used: Counter[_Key] = Counter()
        for line in reversed(stretch):
            fit = [text for text in texts if used[line.key] < text.count(line.key)]
            if not fit:
                parts.append([])
                fit = [text for text in self._texts if text.count(line.key)]
                used.clear()
            parts[-1].append(line)
            used[line.key] += 1
            texts = fit
        return [part[::-1] for part in reversed(parts)]

    def _run(self, part: Sequence[_Found], lines: Sequence[str], *, follows: bool) -> Run:
        return Run(
            lines=tuple(line.number for line in part),
            whole=self._is_whole(part),
            begins=any(text.first == part[0].words for text in self._texts),
            follows=follows,
            rests=tuple(line.number for line in part if self._is_rest(line, lines)),
        )

    def _is_whole(self, part: Sequence[_Found]) -> bool:
        """Are there lines and words enough without marks, and not only such as people copy?"""
        unmarked = [line.words for line in part if not line.marked]
        if len(unmarked) < _END_LINES or sum(map(len, unmarked)) < _END_WORDS:
            return False
        return any(len(words) >= _SHINGLE and not self._copied.key(words) for words in unmarked)

    def _is_rest(self, line: _Found, lines: Sequence[str]) -> bool:
        """Is the line nothing of ours by itself, but only together with the end of the marked line right above it?"""
        below_mark = line.number and _marked(lines[line.number - 1]) and not line.marked
        return bool(below_mark) and line.words not in self._all.lines and not self._all.key(line.words)


class _Text:
    """One text by its lines, and by its words in fours."""

    def __init__(self, text: str = "") -> None:
        written = [words for line in text.split("\n") if (words := _words(line))]
        self.first = written[0] if written else ()
        self.lines = Counter(written)
        stream = [word for line in written for word in line]
        self.fours = Counter(tuple(stream[at : at + _SHINGLE]) for at in range(len(stream) - _SHINGLE + 1))

    def key(self, words: _Key, before: _Key = ()) -> _Key:
        """By what a line is found here: itself, or its first words; () when it is none of this text.

        `before` is the line of ours above it: a short rest of a sentence continues that."""
        if words in self.lines and len(" ".join(words)) >= _LINE:
            return words
        words = before[1 - _SHINGLE :] + words
        runs = range(len(words) - _SHINGLE + 1)
        if len(words) < _SHINGLE or not all(words[at : at + _SHINGLE] in self.fours for at in runs):
            return ()
        return words[:_SHINGLE]

    def count(self, key: _Key) -> int:
        """How often a line that was found by this stands in the text."""
        return self.lines[key] or self.fours[key]


def _together(texts: Sequence[_Text]) -> _Text:
    """All of them as if they were one."""
    found = _Text()
    for text in texts:
        found.lines.update(text.lines)
        found.fours.update(text.fours)
    return found


def _marked(line: str) -> bool:
    return line[:_LOOK].lstrip(" \xa0").startswith(">")
