"""Charts as text: bars and sparklines of block elements, or of plain ASCII for terminals without them."""

from __future__ import annotations

from collections.abc import Sequence

_EIGHTHS = " ▏▎▍▌▋▊▉"
_FULL = "█"
_LEVELS = "▁▂▃▄▅▆▇█"
_PLAIN_LEVELS = "_.-:=+*#"


def bar(share: float, width: int, plain: bool = False) -> str:
    """Return a bar of `share` percent (0 to 100) of `width` columns. A share above zero is always visible."""
    eighths = round(max(0.0, min(100.0, share)) * width * 8 / 100)
    if share > 0:
        eighths = max(1, eighths)
    if plain:
        return "#" * -(-eighths // 8)
    return (_FULL * (eighths // 8) + _EIGHTHS[eighths % 8]).rstrip()


def split_bar(share: float, rest: float, width: int, plain: bool = False) -> str:
    """Return `share` percent of `width` columns in one pattern and `rest` percent in another: kept and missed."""
    whole = round((share + rest) * width / 100)
    first = round(share * width / 100)
    if share > 0 and rest > 0 and whole > 1:  # neither swallows the other
        first = max(1, min(whole - 1, first))
    full, other = ("#", ".") if plain else (_FULL, "░")
    return full * first + other * (whole - first)


def sparkline(values: Sequence[float | None], plain: bool = False) -> str:
    """Return one character for each value, scaled from zero to the greatest; a blank for None."""
    levels = _PLAIN_LEVELS if plain else _LEVELS
    most = max((value for value in values if value is not None), default=0)
    return "".join(" " if value is None else levels[_level(value, most)] for value in values)


def _level(value: float, most: float) -> int:
    """Return 0 for nothing, else 1 to 7."""
    return 0 if most <= 0 or value <= 0 else max(1, round(7 * value / most))
