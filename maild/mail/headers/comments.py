"""Separates the comments of a structured field from its text (RFC 5322 3.2.2), and makes quoted strings harmless."""

from __future__ import annotations

from collections.abc import Iterator


def segments(value: str) -> Iterator[tuple[bool, str]]:
    """Yield (whether it is a comment, its text) in order. Comments nest, and an open one hides the rest of the field.

    A sender chooses the words in comments and quoted strings: `smtp.mailfrom="; dmarc=pass"@…` is one value. So in
    quotes everything except letters, digits and the characters of an address becomes an underscore."""
    kept: list[str] = []
    depth, quoted, escaped = 0, False, False
    for letter in value:
        if escaped:
            escaped = False
            kept.append("_")
        elif letter == "\\" and (depth or quoted):
            escaped = True
        elif letter == '"' and not depth:
            quoted = not quoted
            kept.append(letter)
        elif quoted:
            kept.append(letter if letter.isalnum() or letter in "@.-_" else "_")
        elif letter == "(" or (letter == ")" and depth):
            before, depth = depth, depth + (1 if letter == "(" else -1)
            if not before or not depth:  # a comment begins or ends
                yield bool(before), "".join(kept)
                kept = []
            else:
                kept.append(letter)
        else:
            kept.append(letter)
    yield depth > 0, "".join(kept)


def without_comments(value: str) -> str:
    """Return the field with a space in place of each comment."""
    return "".join(" " if comment else text for comment, text in segments(value))
