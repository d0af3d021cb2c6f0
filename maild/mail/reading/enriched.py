"""Turns text/enriched (RFC 1896) and the older text/richtext (RFC 1341 7.1.3) into plain text, in one pass."""

from __future__ import annotations

import re

_TOKEN = re.compile(r"<<|</?[A-Za-z][A-Za-z0-9-]{0,59}>|\n+|[^<\n]+|<")
# Commands whose content is not shown: parameters of other commands, and comments.
_UNSEEN = frozenset(("param", "comment"))
# Commands of text/richtext that mean a character.
_CHARACTERS = {"<nl>": "\n", "<np>": "\n", "<lt>": "<"}


def to_text(text: str, *, rich: bool = False) -> str:
    """Return the text without commands.

    A single line end is a space, and n line ends in a row are n - 1 (RFC 1896 3). In text/richtext (`rich`) all line
    ends are spaces, and <nl> ends a line."""
    out: list[str] = []
    unseen = verbatim = 0
    for match in _TOKEN.finditer(text):
        token = match[0]
        command = token.lower() if len(token) > 2 and token[0] == "<" else ""
        name = command.strip("</>")
        if name in _UNSEEN:
            unseen = max(0, unseen + (-1 if command[1] == "/" else 1))
        elif name == "nofill":
            verbatim = max(0, verbatim + (-1 if command[1] == "/" else 1))
        elif unseen:
            continue
        elif command:
            out.append(_CHARACTERS.get(command, "") if rich else "")
        elif token == "<<":
            out.append("<")
        elif token[0] == "\n" and not verbatim:
            out.append(" " if rich or len(token) == 1 else token[1:])
        else:
            out.append(token)
    return "\n".join(line.rstrip(" ") for line in "".join(out).split("\n")).strip("\n")
