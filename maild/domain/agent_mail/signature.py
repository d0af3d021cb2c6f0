"""Finds signatures without a mark: what several mails of one writer end with, if it looks like a signature.

Equal ends are not enough: people end with the same command, or ask the same thing, three times. What is taken
for a signature never reaches a customer, so in doubt it is none."""

from __future__ import annotations

import re
from collections.abc import Sequence

from maild.domain.commands.parsing import is_command
from maild.domain.people.directory import Agent, ascii_lower

SIGNATURE_MAILS = 3  # so many mails must end alike, and so many without it make it forgotten
TAIL_LINES = 12  # and no more lines are looked at
_LINE = 80  # characters: a longer line is a sentence, or a disclaimer
_SHOUTED = 3  # words in capitals alone: more of them are a sentence

# Words of which the line above the name is made.
_CLOSINGS = """
    best kind kindest warm warmest many with regards wishes greetings cheers sincerely yours truly faithfully br kr
    mit freundlichen freundlichem freundliche gruß grüße grüßen gruss gruesse gruessen viele liebe lieben beste besten
    schöne herzliche mfg vg lg bien cordialement amicalement sincères salutations saludos cordiales atentamente
    cordiali saluti distinti met vriendelijke groet groeten med venlig vennlig vänliga hilsen hälsningar mvh
"""
_CLOSING = frozenset(_CLOSINGS.casefold().split())
# Words that stand before a number or an address.
_LABELS = frozenset(
    "tel telephone telefon phone mobile mobil cell fax mail email e-mail web www direct office t m f e w".split()
)
_WITHIN = frozenset("of and for the at in & de la du des der die das und für von van den di el y e et à a".split())
_CONTACT = re.compile(
    r"[^\s@<>]+@[^\s@<>]+\.[^\s@<>]+"  # an address
    r"|(?:https?://|www\.)\S+"
    r"|(?:\+|\(|\b0)[0-9 ()/.-]{5,}[0-9]"  # a phone number
)
_PIECES = re.compile(r"[,;|/·•]|\s[-–—]\s")
_RULE = re.compile(r"[-–—_=*~]{2,}")
_ENDS_SENTENCE = (".", "!", "?", "…", ":", "。", "！", "？", "：", "؟", "।")
_SHORTENED = re.compile(r"(?:^|\s)(?:ltd|inc|co|corp|llc|bros|ext|dept|jr|sr|(?:\w\.)+\w)\.$", re.IGNORECASE)


def tail_of(text: str) -> str:
    """Return the end of a mail above its last commands, as far as a signature may reach."""
    return "\n".join(_without_commands(text.rstrip().split("\n"))[-TAIL_LINES:])


def signature_in(tails: Sequence[str], agent: Agent) -> str:
    """Return what all these ends of an agent's mails share and what looks like their signature; "" for none.

    It begins below a blank line or a rule. What is shared above that is shared by chance."""
    shared = common_end(tails).split("\n")
    for start in range(1, len(shared)):
        above = shared[start - 1].strip()
        if (not above or _RULE.fullmatch(above)) and looks_like_signature(shared[start:], agent):
            return "\n".join(shared[start:])
    return ""


def remembered(known: str, tails: Sequence[str], agent: Agent) -> str:
    """Return the signature after these mails, the newest last: what they teach, else the `known` one while any
    shows it."""
    taught = signature_in(tails[-SIGNATURE_MAILS:], agent) if len(tails) >= SIGNATURE_MAILS else ""
    lines = known.split("\n")
    shown = any(_lines_of(tail)[-len(lines) :] == lines for tail in tails)
    return taught or (known if shown and looks_like_signature(lines, agent) else "")


def looks_like_signature(lines: Sequence[str], agent: Agent) -> bool:
    """Tell whether these lines say who wrote, and nothing else.

    The first line is the agent's name, an address, a phone number or a link, or closing words above such a line.
    Titles, places and more of the same follow. It has no sentence, and never a command."""
    written = [" ".join(line.split()) for line in lines if line.strip()]
    if not written or any(is_command(line, bare=True) for line in lines):
        return False
    first = written[1:] if _closes(written[0]) else written
    return bool(first) and _identifies(first[0], agent) and all(_belongs(line, agent) for line in first)


def common_end(tails: Sequence[str]) -> str:
    """Return the lines that all the ends share, from the bottom up, with a shared blank line above them.

    Returns "" when only a whole mail is shared. A mail that consists of the shared lines says them on purpose
    ("Thanks!"), so then there is no signature."""
    reversed_lines = [_lines_of(tail)[::-1] for tail in tails]
    shared: list[str] = []
    for lines in zip(*reversed_lines, strict=False):
        if len(set(lines)) != 1:
            break
        shared.append(lines[0])
    if any(len(lines) <= len(shared) < TAIL_LINES for lines in reversed_lines):
        return ""
    return "\n".join(reversed(shared))


def _lines_of(tail: str) -> list[str]:
    """Return the lines of an end without trailing blanks. Ends stored by an older version have commands in them."""
    return [line.rstrip() for line in _without_commands(tail.rstrip().split("\n"))]


def _without_commands(lines: list[str]) -> list[str]:
    end = len(lines)
    while end and (not lines[end - 1].strip() or is_command(lines[end - 1])):
        end -= 1
    return lines[:end]


# -- one line ---------------------------------------------------------------------------------------------------------


def _words(line: str) -> list[str]:
    return [word for word in (part.strip(".,;:!-–—/()*_~'\"") for part in line.casefold().split()) if word]


def _closes(line: str) -> bool:
    words = _words(line)
    return bool(words) and set(words) <= _CLOSING


def _identifies(line: str, agent: Agent) -> bool:
    """Tell whether the line is just the agent's name or a way to reach somebody."""
    words = set(_words(line))
    if words and words <= _names(agent):
        return True
    rest, count = _CONTACT.subn(" ", line)
    return count > 0 and set(_words(rest)) <= _LABELS | _names(agent)


def _names(agent: Agent) -> set[str]:
    locals_of = [part for address in agent.addresses for part in re.split(r"[._-]", ascii_lower(address.local))]
    return {*_words(agent.display), *_words(agent.name), *filter(None, locals_of)}


def _belongs(line: str, agent: Agent) -> bool:
    """Tell whether this line can stand in a signature below its first one: names, titles, places, but no sentence."""
    if _identifies(line, agent):
        return True
    if len(line) > _LINE or (line.endswith(_ENDS_SENTENCE) and not _SHORTENED.search(line)):
        return False
    if line.isupper() and len(line.split()) > _SHOUTED:
        return False
    rest = _CONTACT.sub(" ", line)
    return all(_titled(piece.split()) for piece in _PIECES.split(rest))


def _titled(words: Sequence[str]) -> bool:
    """Tell whether the words look like a title or name: each with a capital or digit, or two words with a digit
    (3rd floor)."""
    if len(words) <= 2 and any(letter.isdigit() for word in words for letter in word):
        return True
    small = [word for word in words if not _capital(word) and not set(_words(word)) <= _LABELS]
    return all(word.casefold() in _WITHIN for word in small) and len(small) * 2 < max(len(words), 1)


def _capital(word: str) -> bool:
    first = next((letter for letter in word if letter.isalnum()), "")
    return not first or first.isupper() or first.isdigit()
