"""Text as the search knows it: words without case and accents, and the phrases that somebody looks for.

The index and the question use the same function here, so both databases find the same. When `words_of` changes,
a migration has to index every ticket again."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import combinations

LONGEST = 64  # characters of a word that count
MOST_PHRASES = 16  # of one question

# Scripts without blanks between words: each sign is a word of its own, and a phrase finds them side by side.
_SIGN = "\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff"
_ASCII = re.compile(r"[a-z0-9]+")
_WORD = re.compile(f"[{_SIGN}]|[^\\W_{_SIGN}]+")

# Words that say nothing about a trouble, in the languages that most subjects come in.
_COMMON = frozenset(
    "the and for with not from you your our are was has have does can cannot please help problem issue question "
    "request new re fw fwd aw wg error about when what why how this that there here hello dear urgent important "
    "der die das und mit nicht von bitte hilfe frage anfrage fehler ein eine ist "
    "les des une pour avec pas est aide question bonjour".split()
)
_TELLING = 3  # characters: shorter words are everywhere


@dataclass(frozen=True, slots=True)
class Phrase:
    """Words that stand side by side. With `prefix` the last word may continue."""

    words: tuple[str, ...]
    prefix: bool = False


# What is looked for: any of these, each of which is a number of phrases that all have to be there.
Terms = tuple[tuple[Phrase, ...], ...]


def words_of(text: str) -> list[str]:
    """Return the words of a text in their order: "Crème brûlée, 2x" gives creme, brulee, 2x."""
    if text.isascii():
        return [word[:LONGEST] for word in _ASCII.findall(text.lower())]
    parted = unicodedata.normalize("NFKD", unicodedata.normalize("NFKD", text).casefold())
    bare = "".join(letter for letter in parted if not unicodedata.combining(letter))
    # Hangul comes apart under NFKD: it is put together again, or each syllable would be three signs.
    return [word[:LONGEST] for word in _WORD.findall(unicodedata.normalize("NFKC", bare))]


def phrase_of(text: str) -> Phrase | None:
    """Return a phrase of one word or several; a star at the end leaves the last word open. None without a word."""
    found = words_of(text)
    return Phrase(tuple(found), text.rstrip().endswith("*")) if found else None


def terms_of(texts: Iterable[str]) -> Terms:
    """Return the terms that require all of these words and phrases; () when none of them can be searched."""
    found = dict.fromkeys(phrase for text in texts if (phrase := phrase_of(text)))
    return (tuple(found)[:MOST_PHRASES],) if found else ()


def alike(subject: str) -> Terms:
    """Return the terms of a ticket about the same problem: two in three of the subject's telling words, at least
    two.

    Returns () when the subject says too little."""
    telling = [word for word in dict.fromkeys(words_of(subject)) if _tells(word)][:6]
    if len(telling) < 2:
        return ()
    needed = max(2, -(-2 * len(telling) // 3))
    return tuple(tuple(Phrase((word,)) for word in chosen) for chosen in combinations(telling, needed))


def _tells(word: str) -> bool:
    return len(word) >= _TELLING and word not in _COMMON and not word.isdigit()


def snippet(texts: Sequence[str], terms: Terms, width: int = 90) -> str:
    """Return the line of these texts with most of the wanted words, cut to `width` characters around the first of
    them.

    Returns "" when no line has any."""
    wanted = {(word, phrase.prefix) for phrases in terms for phrase in phrases for word in phrase.words}
    best, line = 0, ""
    for text in texts:
        for candidate in text.split("\n")[:2000]:
            found = sum(any(_is(word, sought, open_) for word in words_of(candidate)) for sought, open_ in wanted)
            if found > best:
                best, line = found, candidate
    return _around(" ".join(line.split()), wanted, width)


def _is(word: str, sought: str, open_: bool) -> bool:
    return word == sought or (open_ and word.startswith(sought))


def _around(line: str, wanted: Iterable[tuple[str, bool]], width: int) -> str:
    if len(line) <= width:
        return line
    pieces = line.split(" ")
    first = next(
        (i for i, piece in enumerate(pieces) if any(_is(w, s, o) for w in words_of(piece) for s, o in wanted)), 0
    )
    start = max(0, first - 4)
    shown = " ".join(pieces[start:])
    return f"{'… ' if start else ''}{shown[: width - 4].rstrip()}{' …' if len(shown) > width - 4 else ''}"
