"""Finds agents whom a text names with an @: "@jane, could you look at this?"."""

from __future__ import annotations

import re

from maild.domain.people.directory import Directory, name_key

_READ_AT_MOST = 20_000  # characters of a text
_MOST = 20  # agents of one note; whoever names more copies a list
_LONGEST = 3  # words of a name

# An @ that begins a word: that of an address stands within one.
_AT = re.compile(r"(?<![\w@.+-])@(?=\w)")
_WORD = re.compile(r"[ \u00a0]?([\w@.+-]{1,80})")


def mentions(text: str, directory: Directory) -> tuple[str, ...]:
    """Return the names of the agents that `text` names, in its order.

    A name that could mean two agents names nobody, because a note opens the ticket to whom it names. Quoted
    lines do not count."""
    own = "\n".join(line for line in text[:_READ_AT_MOST].splitlines() if not line.lstrip().startswith(">"))
    found: dict[str, None] = {}
    for at in _AT.finditer(own):
        name = _named(own, at.end(), directory)
        if name:
            found.setdefault(name)
        if len(found) == _MOST:
            break
    return tuple(found)


def _named(text: str, start: int, directory: Directory) -> str | None:
    """Return the agent whose name begins here. The longest name that fits wins: "@Jane Doe" before "@Jane"."""
    words: list[str] = []
    while len(words) < _LONGEST and (word := _WORD.match(text, start)):
        words.append(word[1])
        start = word.end()
    for count in range(len(words), 0, -1):
        name = " ".join(words[:count]).rstrip(".-+@")
        agents = directory.agents_matching(name) if name_key(name) else ()
        if agents:
            return agents[0].name if len(agents) == 1 else None
    return None
