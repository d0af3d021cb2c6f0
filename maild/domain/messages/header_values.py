"""Header values as people may read them and as programs must (RFC 5322 3.2.2)."""

from __future__ import annotations

_QUOTE_AT_MOST = 80  # characters of a header that a reason quotes


def without_comments(value: str) -> str:
    """Return a header value without its comments, which can be nested (RFC 5322 3.2.2)."""
    depth, kept = 0, []
    for letter in value:
        depth += (letter == "(") - (letter == ")" and depth > 0)
        kept.append(letter if depth == 0 and letter != ")" else " ")
    return "".join(kept)


def quoted(name: str, value: str) -> str:
    """Return a header for a reason: one short printable line."""
    shown = " ".join("".join(letter if letter.isprintable() else " " for letter in value[:500]).split())
    return f"{name}: {shown[:_QUOTE_AT_MOST]}"
