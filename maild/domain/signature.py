"""A signature that nobody marked: what several mails of one writer all end with."""

from __future__ import annotations

from collections.abc import Sequence

SIGNATURE_MAILS = 3  # so many mails must end alike
TAIL_LINES = 12  # and no more lines are looked at


def tail_of(text: str) -> str:
    """The end of a mail, as far as a signature may reach."""
    return "\n".join(text.rstrip().split("\n")[-TAIL_LINES:])


def common_end(tails: Sequence[str]) -> str:
    """The lines that all the ends share, from the bottom up; "" when nothing but a whole mail is shared.

    A mail that consists of the shared lines alone says them on purpose ("Thanks!"): then there is no signature."""
    reversed_lines = [tail.rstrip().split("\n")[::-1] for tail in tails]
    shared: list[str] = []
    for lines in zip(*reversed_lines, strict=False):
        if len({line.rstrip() for line in lines}) != 1:
            break
        shared.append(lines[0].rstrip())
    if any(len(lines) <= len(shared) < TAIL_LINES for lines in reversed_lines):
        return ""
    while shared and not shared[-1]:
        shared.pop()
    return "\n".join(reversed(shared))
