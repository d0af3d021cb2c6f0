"""Does a text that is about to leave hold what was said inside? And our own lines, which never leave.

Texts are compared as words, by runs of SHINGLE words; what was said outside as well is no secret (a customer's own
words, quoted in a note, may be answered). Linear in the length of the texts."""

from __future__ import annotations

import re
from collections.abc import Iterable
from itertools import islice

from maild.domain.lookups import FileContent, Said
from maild.domain.messages.reply_tokens import without_seals

SHINGLE = 5  # words that are compared at a time
RUN = 12  # so many words in a row of an internal text are a leak
_MOST_SAID = 20_000  # words of one text that was said
_MOST_WORDS = 200_000  # words of one text that is about to leave
_SHORTEST_LINE = 4  # words: shorter lines of ours are everybody's
_WORD = re.compile(r"\w+")

_Shingles = set[tuple[str, ...]]


def leaked(text: str, said: Said) -> str:
    """Return the first run of words of `text` that was said inside and not outside; "" when there is none."""
    return _leaked(text, _inside(said)) if len(_WORD.findall(text)) >= RUN else ""


def leaked_file(files: Iterable[FileContent], said: Said) -> tuple[str, str]:
    """Return the first file, by name, in which a run of words was said inside, and that run; ("", "") for none."""
    inside: _Shingles | None = None
    for file in files:
        for text in file.texts:
            inside = _inside(said) if inside is None else inside
            if run := _leaked(text, inside):
                return file.name, " ".join(run.split())
    return "", ""


def marked_files(files: Iterable[FileContent]) -> tuple[tuple[str, tuple[str, ...]], ...]:
    """Return the files that hold marks of agents: (name, the marks in words)."""
    return tuple((file.name, file.marks) for file in files if file.marks)


def _inside(said: Said) -> _Shingles:
    return _shingles((*said.notes, *said.notices)) - _shingles(said.outside)


def _leaked(text: str, inside: _Shingles) -> str:
    found = list(islice(_WORD.finditer(text), _MOST_WORDS))
    words = [match[0].casefold() for match in found]
    run = 0
    for at in range(len(words) - SHINGLE + 1):
        run = run + 1 if tuple(words[at : at + SHINGLE]) in inside else 0
        if run + SHINGLE - 1 >= RUN:
            first = found[at - run + 1].start()
            return text[first : found[at + SHINGLE - 1].end()]
    return ""


def leaving(text: str, said: Said) -> str:
    """Return a text for a customer as it leaves: without marks of ours, and without lines of our notices."""
    left_out = set(our_lines(text, said))
    kept = [line for line in without_seals(text).split("\n") if line not in left_out]
    return "\n".join(kept).strip()


def our_lines(text: str, said: Said) -> tuple[str, ...]:
    """Return the lines of a text that are whole lines of our notices: the banner, the buttons, the foot.

    A line that somebody wrote in a note, a message or an answer is none of these."""
    written = _lines((*said.notes, *said.outside))
    # A notice shows its readers their own words behind a mark. Those lines are theirs.
    frames = ("\n".join(line for line in back.split("\n") if not line.startswith(">")) for back in said.said_back)
    ours = {line for line in _lines((*said.notices, *frames)) - written if len(_WORD.findall(line)) >= _SHORTEST_LINE}
    return tuple(line for line in without_seals(text).split("\n") if _folded(line) in ours)


def _shingles(texts: Iterable[str]) -> _Shingles:
    made: _Shingles = set()
    for text in texts:
        words = [word.casefold() for word in _WORD.findall(text)][:_MOST_SAID]
        made.update(tuple(words[at : at + SHINGLE]) for at in range(len(words) - SHINGLE + 1))
    return made


def _lines(texts: Iterable[str]) -> set[str]:
    return {_folded(line) for text in texts for line in text.split("\n")}


def _folded(line: str) -> str:
    """Return a line as it is compared: without quote marks before it, with single blanks."""
    return " ".join(line.lstrip(" >\t").split())
