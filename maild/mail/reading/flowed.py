"""Joins paragraphs that the sender's program broke into lines with format=flowed (RFC 3676)."""

from __future__ import annotations

_SIGNATURE = "-- "


def decode(text: str, *, delsp: bool = False) -> str:
    """Join lines at soft line ends (RFC 3676 4.1) and undo space-stuffing (4.4).

    Quote marks stay, with one space behind them. With `delsp` the space before a soft line end is removed too
    (DelSp=yes, for scripts without spaces)."""
    out: list[str] = []
    paragraph: list[str] = []
    depth = 0
    for line in text.split("\n"):
        content = line.lstrip(">")
        quotes = len(line) - len(content)
        content = content.removeprefix(" ")
        if paragraph and (quotes != depth or content == _SIGNATURE):  # both end a paragraph (RFC 3676 4.5, 4.3)
            out.append(_quoted(depth, "".join(paragraph)))
            paragraph = []
        depth = quotes
        if content.endswith(" ") and content != _SIGNATURE:
            paragraph.append(content[:-1] if delsp else content)
        else:
            out.append(_quoted(depth, "".join((*paragraph, content))))
            paragraph = []
    if paragraph:
        out.append(_quoted(depth, "".join(paragraph)))
    return "\n".join(out)


def _quoted(depth: int, text: str) -> str:
    """Put the quote marks before a paragraph (RFC 3676 4.5)."""
    return f"{'>' * depth} {text}" if depth else text
