"""Regular expressions of the configuration, judged before any mail meets them: could one of them run for hours?

`re` tries every way in which repeats can share a text among themselves, and a sender who guesses the expression writes
the text with the most ways. So what multiplies without bound is refused; the rest is bounded by the cap on lines."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from importlib import import_module
from itertools import pairwise
from math import prod
from typing import Any

LONGEST = 1000  # characters of an expression
_FEW = 9  # a repeat that varies by more than this counts as endless
_MANY = 10**9  # stands for ways without number
_WAYS_OF_PART = 1000  # ways to match the same text that one repeated part may have
_WAYS_IN_ALL = 10_000
_SHARING = 2  # so many endless repeats may share a text: each one more makes it some hundred times slower
_SAMPLE = "".join(map(chr, range(128))) + "éßя中\xa0٣"  # one letter of every sort that expressions tell apart

_Token = tuple[Any, Any]  # what the parser of `re` makes: an operation and its arguments

# The parser that `re` compiles with. It has no public name, and no other can be trusted to read alike.
_parser = import_module("re._parser")


@dataclass(frozen=True, slots=True)
class _Piece:
    """A part of a sequence: the letters that it may match, and how many endless repeats in it may share them."""

    letters: frozenset[str]
    endless: int = 0
    optional: bool = False


def danger(expression: str) -> str:
    """What could make a compiling expression run away, with the remedy; "" when nothing does."""
    if len(expression) > LONGEST:
        return f"it has over {LONGEST} characters; make two rules of it"
    alphabet = {*_SAMPLE, *expression.lower(), *expression.upper()}
    judge = _Judge(frozenset(letter for letter in alphabet if len(letter) == 1))
    tokens = list(_parser.parse(expression, re.IGNORECASE))
    if judge.multiplies(tokens):
        return "a repeat inside of a repeat, or of words that begin alike; write [a-z.]+ instead of ([a-z]+[.]?)+"
    if judge.ways(tokens, endless=1) > _WAYS_IN_ALL:
        return "too many parts may be there or not; make two rules of it"
    if judge.doubles(tokens):
        return r"two like repeats side by side; write one: \s* instead of \s*\s*"
    if judge.sharing(tokens) > _SHARING:
        return rf"over {_SHARING} repeats can share one text; write \S+ or [^,]* instead of .*"
    return ""


class _Judge:
    """Walks over a parsed expression."""

    def __init__(self, alphabet: frozenset[str]) -> None:
        self._alphabet = alphabet

    # -- ways to match the same text ----------------------------------------------------------------------------

    def multiplies(self, tokens: Iterable[_Token]) -> bool:
        """Is something repeated that can itself match one text in several ways? They multiply with each round."""
        for token in tokens:
            if repeat := _repeat(token):
                _, most, inner = repeat
                ways = self.ways(inner, endless=_MANY)
                if most > 1 and ways > 1 and _power(ways, most) > _WAYS_OF_PART:
                    return True
            if any(self.multiplies(part) for part in _parts(token)):
                return True
        return False

    def ways(self, tokens: Iterable[_Token], endless: int) -> int:
        """In how many ways a text may be shared out, at most; `endless` stands for those of an endless repeat."""
        return min(_MANY, prod(self._ways(token, endless) for token in tokens))

    def _ways(self, token: _Token, endless: int) -> int:
        if repeat := _repeat(token):
            least, most, inner = repeat
            ways = self.ways(inner, endless)
            if most - least > _FEW:
                return max(endless, ways)
            return min(_MANY, (most - least + 1) * _power(ways, max(most, 1)))
        parts = [self.ways(part, endless) for part in _parts(token)]
        if len(parts) < 2:
            return parts[0] if parts else 1
        return max(parts) if self._tells_apart(_parts(token)) else min(_MANY, sum(parts))

    def _tells_apart(self, branches: Sequence[list[_Token]]) -> bool:
        """Can a text begin with one of the branches only? Words differ anywhere, others by their first letter."""
        if all(str(operation) == "LITERAL" for branch in branches for operation, _ in branch):
            words = sorted("".join(chr(code) for _, code in branch).lower() for branch in branches)
            return not any(after.startswith(word) for word, after in pairwise(words))
        seen: set[str] = set()
        for branch in branches:
            first = self._pieces(branch)[:1]
            if not first or first[0].optional or seen & first[0].letters:
                return False
            seen |= first[0].letters
        return True

    # -- endless repeats that can share a text --------------------------------------------------------------------

    def sharing(self, tokens: Iterable[_Token]) -> int:
        """The longest chain of endless repeats of which each can reach into the next."""
        tokens = list(tokens)
        if len(tokens) == 1 and (branches := _parts(tokens[0])):
            return max(map(self.sharing, branches))  # at the top, what follows a branch is the end
        pieces = self._pieces(tokens)
        while pieces and (pieces[-1].endless == 1 or pieces[-1].optional):
            pieces.pop()  # nothing can fail behind the last repeat, so it is tried once
        return _chain(pieces)

    def doubles(self, tokens: Iterable[_Token]) -> bool:
        """Do two endless repeats of the same letters stand side by side? One says the same, and shares with nobody."""
        tokens = list(tokens)
        pieces = self._pieces(tokens)
        beside = any(one.endless and two.endless and one.letters == two.letters for one, two in pairwise(pieces))
        return beside or any(self.doubles(part) for token in tokens for part in _parts(token))

    def _pieces(self, tokens: Iterable[_Token]) -> list[_Piece]:
        pieces: list[_Piece] = []
        for token in tokens:
            parts = _parts(token)
            if repeat := _repeat(token):
                pieces += self._repeated(*repeat)
            elif len(parts) == 1 and not _looks_aside(token):
                pieces += self._pieces(parts[0])
            elif parts:
                pieces.append(self._either(parts, aside=_looks_aside(token)))
            elif str(token[0]) == "GROUPREF":
                pieces.append(_Piece(self._alphabet, optional=True))
            elif str(token[0]) == "AT":
                pieces += self._place(str(token[1]), pieces)
            else:
                letters = frozenset(letter for letter in self._alphabet if _is_member(token, letter))
                pieces.append(_Piece(letters))
        return pieces

    def _place(self, place: str, before: Sequence[_Piece]) -> list[_Piece]:
        """An end or a border may fail behind a repeat; the end never does behind .*, a beginning has nothing before."""
        everything = bool(before) and before[-1].endless > 0 and before[-1].letters == self._alphabet
        harmless = "BEGINNING" in place or (everything and "END" in place)
        return [] if harmless else [_Piece(self._alphabet)]

    def _repeated(self, least: int, most: int, inner: list[_Token]) -> list[_Piece]:
        pieces = self._pieces(inner)
        letters = frozenset[str]().union(*(piece.letters for piece in pieces))
        optional = least == 0 or all(piece.optional for piece in pieces)
        if most - least > _FEW:
            return [_Piece(letters, 1 + _chain(pieces), optional)]
        if most == least == 1:
            return pieces
        return [_Piece(letters, most * _chain(pieces), optional)]

    def _either(self, parts: Sequence[list[_Token]], aside: bool) -> _Piece:
        each = [self._pieces(part) for part in parts]
        letters = frozenset[str]().union(*(piece.letters for pieces in each for piece in pieces))
        optional = aside or any(all(piece.optional for piece in pieces) for pieces in each)
        return _Piece(letters, max(map(_chain, each)), optional)


def _chain(pieces: Sequence[_Piece]) -> int:
    """The most endless repeats in a row of which each can swallow all that lies between it and the next."""
    longest: list[int] = []
    for index, piece in enumerate(pieces):
        before = [longest[other] for other in range(index) if _reaches(pieces[other], pieces[other + 1 : index + 1])]
        longest.append(piece.endless + max(before, default=0) if piece.endless else 0)
    return max(longest, default=0)


def _reaches(repeat: _Piece, rest: Sequence[_Piece]) -> bool:
    return repeat.endless > 0 and all(piece.optional or repeat.letters & piece.letters for piece in rest)


def _repeat(token: _Token) -> tuple[int, int, list[_Token]] | None:
    """Least and most rounds, and what is repeated."""
    operation, arguments = token
    if str(operation) not in ("MAX_REPEAT", "MIN_REPEAT", "POSSESSIVE_REPEAT"):
        return None
    return int(arguments[0]), int(arguments[1]), list(arguments[2])


def _parts(token: _Token) -> list[list[_Token]]:
    """The sequences inside of a token: one of a group, several of which one holds."""
    operation, arguments = str(token[0]), token[1]
    if operation == "BRANCH":
        return [list(branch) for branch in arguments[1]]
    if operation == "GROUPREF_EXISTS":
        return [list(arguments[1]), list(arguments[2] or ())]
    if operation == "ATOMIC_GROUP":
        return [list(arguments)]
    if operation in ("SUBPATTERN", "ASSERT", "ASSERT_NOT") or _repeat(token):
        return [list(arguments[-1])]
    return []


def _looks_aside(token: _Token) -> bool:
    """A look-around takes no text of its own."""
    return str(token[0]) in ("ASSERT", "ASSERT_NOT")


def _is_member(token: _Token, letter: str) -> bool:
    """May the letter stand where the token is? In any case, as the expressions are searched."""
    operation, argument = str(token[0]), token[1]
    if operation == "ANY":
        return True
    if operation == "LITERAL":
        return chr(argument).lower() == letter.lower()
    if operation == "NOT_LITERAL":
        return chr(argument).lower() != letter.lower()
    if operation == "RANGE":
        return any(argument[0] <= ord(form) <= argument[1] for form in (letter.lower()[0], letter.upper()[0]))
    if operation == "CATEGORY":
        return _is_of_category(str(argument), letter)
    if operation == "IN":
        negated = str(argument[0][0]) == "NEGATE"
        return any(_is_member(each, letter) for each in argument[negated:]) != negated
    return True  # unknown: whatever it is, it may share


def _is_of_category(name: str, letter: str) -> bool:
    kinds = {"DIGIT": letter.isdigit(), "SPACE": letter.isspace(), "WORD": letter.isalnum() or letter == "_"}
    held = kinds.get(name.rpartition("_")[2], True)
    return held != ("_NOT_" in name)


def _power(ways: int, rounds: int) -> int:
    """ways ** rounds, without counting further than anybody asks."""
    return 1 if ways == 1 else min(_MANY, ways ** min(rounds, 32))
