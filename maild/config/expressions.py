"""Regular expressions of the configuration, searched with RE2 in a time that grows only with the length of the text.

No mail can make such an expression run for hours. RE2 has no look-around and no back-references, so an expression that
uses them is refused when the configuration is read."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Any

import re2  # type: ignore[import-untyped]

LONGEST = 1000  # characters of an expression
_MEMORY = 1 << 20  # bytes of one compiled expression; more is refused, such as (a{1,20}){1,20}

# RE2 reads \w, \d, \s and \b as ASCII only. Mails come in every script, so these are replaced by Unicode classes.
_OUTSIDE_SET = {"w": r"[\p{L}\p{N}_]", "W": r"[^\p{L}\p{N}_]", "d": r"\p{Nd}", "D": r"\P{Nd}"}
_OUTSIDE_SET |= {"s": r"[\s\v\p{Z}]", "S": r"[^\s\v\p{Z}]", "Z": r"\z"}
_INSIDE_SET = {"w": r"\p{L}\p{N}_", "d": r"\p{Nd}", "D": r"\P{Nd}", "s": r"\s\v\p{Z}"}
_BEFORE, _AFTER = r"(?:^|[^\p{L}\p{N}_])", r"(?:$|[^\p{L}\p{N}_])"

_TOKEN = re.compile(r"\\.|\(\?|.", re.DOTALL)
_REFUSED = (
    (
        re.compile(r"\(\?<?[=!]"),
        "look-around such as (?=…) or (?<!…) is not supported",
        "write the allowed text instead",
    ),
    (
        re.compile(r"\\[1-9]|\(\?P=|\(\?\("),
        "a reference such as \\1 is not supported",
        "write the text again",
    ),
    (re.compile(r"\(\?>|[*+?}]\+"), "possessive repeats are not supported", "remove the second +"),
)


class Pattern(str):
    """A regular expression that was checked. It ignores case; "" matches nothing."""

    __slots__ = ()

    def search(self, text: str) -> str | None:
        """Return the text of the group, or the whole match when the group is empty or missing; None for no match."""
        compiled, edges = _compiled(str(self))
        hit = compiled.search(text.encode(errors="replace").decode())  # RE2 reads UTF-8, which has no lone surrogates
        if hit is None:
            return None
        if compiled.groups and hit.group(1):
            return str(hit.group(1))
        return _without_edges(str(hit.group()), edges)

    @property
    def groups(self) -> int:
        """The number of capturing groups."""
        return int(_compiled(str(self))[0].groups)


def problem_of(expression: str) -> str:
    """Say what is wrong with an expression and how to fix it; "" when it can be used."""
    if len(expression) > LONGEST:
        return f"it has more than {LONGEST} characters; split it into two rules"
    for refused, reason, remedy in _REFUSED:
        for found in refused.finditer(expression):
            if not _is_escaped(expression, found.start()):
                return f"at character {found.start() + 1}: {reason}; {remedy}"
    if place := _border_beside_letter(expression):
        remedy = "move it to the beginning or the end"
        return rf"at character {place}: inside an expression \b works with ASCII letters only; {remedy}"
    try:
        _compiled(expression)
    except re2.error as error:
        said = error.args[0].decode(errors="replace") if isinstance(error.args[0], bytes) else str(error)
        return f'{said}; write "word" to find the word, "one|two" for either'
    return ""


@lru_cache(maxsize=1024)
def _compiled(expression: str) -> tuple[Any, tuple[bool, bool]]:
    """Return the compiled expression, and whether it matches one character before and after the wanted text."""
    options = re2.Options()
    options.case_sensitive = False
    options.log_errors = False
    options.max_mem = _MEMORY
    text, edges = _in_unicode(expression)
    return re2.compile(text, options), edges


def _in_unicode(expression: str) -> tuple[str, tuple[bool, bool]]:
    """Translate character classes that RE2 reads as ASCII, and each \\b at the edge of an alternative."""
    tokens = _TOKEN.findall(expression)
    edges, made, in_set = _edges(tokens), [], False
    for at, token in enumerate(tokens):
        classes = _INSIDE_SET if in_set else _OUTSIDE_SET
        in_set = _goes_on(tokens, at) if in_set else token == "["
        made.append(edges.get(at) or (classes.get(token[1:], token) if token[0] == "\\" else token))
    found = set(edges.values())
    return "".join(made), (_BEFORE in found, _AFTER in found)


def _without_edges(found: str, edges: tuple[bool, bool]) -> str:
    """Remove the characters that the translation of \\b matched before and after the wanted text."""
    if edges[0] and found and not _is_of_a_word(found[0]):
        found = found[1:]
    if edges[1] and found and not _is_of_a_word(found[-1]):
        found = found[:-1]
    return found


def _is_of_a_word(character: str) -> bool:
    return character.isalnum() or character == "_"


def _is_escaped(expression: str, at: int) -> bool:
    """Say whether the character at this offset is escaped by a backslash or inside [ ]."""
    position, in_set = 0, False
    for token in _TOKEN.findall(expression):
        if position == at:
            return in_set
        if position > at:
            return True
        in_set = token == "[" or (in_set and token != "]")
        position += len(token)
    return False


def _border_beside_letter(expression: str) -> int:
    """Return the place (from 1) of a \\b next to a letter outside ASCII, which RE2 would misread; 0 for none."""
    tokens, place = _TOKEN.findall(expression), 1
    edges = _edges(tokens)
    for at, token in enumerate(tokens):
        beside = "".join((*tokens[at - 1 : at], *tokens[at + 1 : at + 2]))
        if token == r"\b" and at not in edges and not beside.isascii():
            return place
        place += len(token)
    return 0


def _edges(tokens: list[str]) -> dict[int, str]:
    """Return offset -> translation for each \\b at the beginning or the end of an alternative."""
    edges, in_set, depth = {}, False, 0
    for at, token in enumerate(tokens):
        if in_set:
            in_set = _goes_on(tokens, at)
            continue
        in_set = token == "["
        depth += token.startswith("(") - (token == ")")
        if token == r"\b" and depth == 0:
            if at == 0 or tokens[at - 1] == "|":
                edges[at] = _BEFORE
            elif at == len(tokens) - 1 or tokens[at + 1] == "|":
                edges[at] = _AFTER
    return edges


def _goes_on(tokens: list[str], at: int) -> bool:
    """Say whether a set [ ] is still open after this token. A ] right after the [ belongs to the set."""
    return tokens[at] != "]" or tokens[at - 1] == "[" or tokens[at - 2 : at] == ["[", "^"]
