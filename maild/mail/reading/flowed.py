"""format=flowed (RFC 3676): paragraphs that the sender's program broke into lines, put together again."""

from __future__ import annotations

_SIGNATURE = "-- "


def decode(text: str, *, delsp: bool = False) -> str:
    """`text` with soft line ends joined (4.1) and space-stuffing undone (4.4); quote marks stay, one space behind them.

    `delsp`: the space before a soft line end goes as well (DelSp=yes, for scripts without spaces)."""
    out: list[str] = []
    paragraph: list[str] = []
    depth = 0
    for line in text.split("\n"):
        content = line.lstrip(">")
        quotes = len(line) - len(content)
        content = content.removeprefix(" ")
        if paragraph and (quotes != depth or content == _SIGNATURE):  # both end a paragraph (4.3, 4.5)
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
    return f"{'>' * depth} {text}" if depth else text
