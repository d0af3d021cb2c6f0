"""The filters of the templates: they wrap our prose, quote and cut other people's text, and format times and sizes.

No filter returns markup: HTML parts escape what a filter returns, as any other text."""

from __future__ import annotations

import re
import textwrap
import unicodedata
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

from jinja2 import pass_context
from jinja2.runtime import Context

from maild.domain.reports import text_charts as charts
from maild.mail.text.cleaning import body_text, short_line

COLUMNS = 72  # RFC 3676 4.2 asks for at most 78; 72 leaves room for quote marks

_BREAKS = re.compile(r"[ \t\n]+")
_NAME = re.compile(r"[^\W\d_]+(?:[ .'’-]{1,2}[^\W\d_]+){0,4}\.?")
_RIGHT_TO_LEFT = {"ar", "dv", "fa", "he", "ku", "ps", "sd", "ug", "ur", "yi"}
_DAYS = "Mon Tue Wed Thu Fri Sat Sun".split()
_MONTHS = "Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec".split()


def wrap(text: str, indent: str = "", hang: str | None = None, width: int = COLUMNS) -> str:
    """Wrap our own prose in lines of at most `width` columns. Addresses and hyphenated words stay whole.

    Blank lines separate paragraphs. `indent` begins the first line of each paragraph, `hang` the other lines. No line
    ends at a no-break space. So a command in a sentence never begins a line, where it would act in a quoted answer."""
    later = indent if hang is None else hang
    return "\n\n".join(
        textwrap.fill(
            " ".join(_BREAKS.split(" ".join(paragraph).strip())),
            width=max(20, min(width, 200)),
            initial_indent=indent,
            subsequent_indent=later,
            break_long_words=False,
            break_on_hyphens=False,
        ).replace("\u00a0", " ")
        for paragraph in _paragraphs(text)
    )


def plain(text: object) -> str:
    """Return text without control characters; LF is its only line end."""
    return body_text(str(text))


def oneline(text: object, limit: int = 200) -> str:
    """Return a name or a subject as one line of at most `limit` characters, with single spaces."""
    return short_line(str(text), limit)


def prefixed(text: str, prefix: str = "    ") -> str:
    """Put `prefix` before each of other people's lines, without wrapping them. Blank lines get no trailing space."""
    return "\n".join((prefix + line).rstrip() for line in body_text(text).strip("\n").split("\n"))


def sections(parts: Sequence[str]) -> str:
    """Join the parts that are not empty, with a blank line between them."""
    stripped = (str(part).strip("\n") for part in parts)
    return "\n\n".join(part for part in stripped if part.strip())


def head(text: str, lines: int = 40, characters: int = 4000) -> str:
    """Return the beginning of a long text, with a last line that says how many lines are left out."""
    every = body_text(text).strip("\n").split("\n")
    kept = every[:lines]
    while len(kept) > 1 and sum(map(len, kept)) > characters:
        kept.pop()
    kept[-1] = kept[-1][:characters]
    left = len(every) - len(kept)
    return "\n".join([*kept, f"[+ {left} more lines]"] if left else kept)


def blocks(text: str) -> list[list[str]]:
    """Return the paragraphs for HTML, each a list of lines. Runs of spaces and tabs become no-break spaces."""
    return [[_kept_spaces(line) for line in paragraph] for paragraph in _paragraphs(text)]


def _paragraphs(text: str) -> list[list[str]]:
    """Return the runs of lines between blank lines."""
    found: list[list[str]] = [[]]
    for line in body_text(text).split("\n"):
        if line.strip():
            found[-1].append(line)
        elif found[-1]:
            found.append([])
    return [paragraph for paragraph in found if paragraph]


def _kept_spaces(line: str) -> str:
    """Turn the spaces that HTML would drop into no-break spaces."""
    line = line.rstrip().expandtabs(4)
    shown = line.lstrip(" ")
    return "\u00a0" * (len(line) - len(shown)) + shown.replace("  ", " \u00a0")


def size(octets: int) -> str:
    """Write a number of bytes for people: 1 byte, 12 KB, 3.4 MB. A KB has 1,000 bytes."""
    if octets < 1000:
        return f"{octets} byte" if octets == 1 else f"{octets} bytes"
    if octets < 999_500:
        return f"{max(1, round(octets / 1000))} KB"
    return f"{octets / 1_000_000:.1f} MB"


@pass_context
def localtime(context: Context, moment: str) -> str:
    """Write an RFC 3339 time on the clock of the context's `timezone`: "Fri 21 Nov 10:42 CET"; "" stays ""."""
    if not moment:
        return ""
    zone = context.get("timezone") or "UTC"
    there = datetime.fromisoformat(moment).astimezone(UTC if zone == "UTC" else ZoneInfo(zone))
    name = there.strftime("%Z")
    name = f"UTC{name}" if name[:1] in "+-" else name
    # Our own names of days and months, because the process may run in any locale.
    return f"{_DAYS[there.weekday()]} {there.day} {_MONTHS[there.month - 1]} {there:%H:%M} {name}"


def words(name: str) -> str:
    """Write a name from the program in words: "first-response" becomes "first response"."""
    return str(name).replace("-", " ").replace("_", " ")


def capital(text: str) -> str:
    """Make the first letter a capital; the others stay as they are."""
    return text[:1].upper() + text[1:]


def greeting(name: str) -> str:
    """Return the name to greet somebody by; "" for anything that is not plainly a name.

    Strangers choose this text, and we mail it to others."""
    shown = short_line(name, 60)
    return shown if len(shown) <= 40 and _NAME.fullmatch(shown) else ""


def listing(items: Sequence[str], last: str = "and") -> str:
    """Join words for a sentence: "a, b and c"."""
    shown = [str(item) for item in items]
    return f" {last} ".join(filter(None, [", ".join(shown[:-1]), shown[-1]])) if shown else ""


def direction(language: str) -> str:
    """Return the value of HTML's dir attribute for a language tag (RFC 5646 2.2.1): "ltr" or "rtl"."""
    return "rtl" if str(language).lower().partition("-")[0] in _RIGHT_TO_LEFT else "ltr"


def transcript(original_text: str, problems: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Return the lines of a mail as records {line, problem}; `problem` is None for most lines.

    Each problem is shown once, at the first line with its text that has none yet. Problems without such a line come
    last."""
    waiting = list(problems)
    shown: list[dict[str, Any]] = []
    for line in body_text(original_text).strip("\n").split("\n") if original_text.strip() else []:
        found = next((p for p in waiting if line.strip() and str(p["line"]).strip() == line.strip()), None)
        if found is not None:
            waiting.remove(found)
        shown.append({"line": line.rstrip(), "problem": found})
    return shown + [{"line": short_line(problem["line"]), "problem": problem} for problem in waiting]


def columns(text: str, width: int, right: bool = False, fill: bool = True) -> str:
    """Put a text on one line of `width` columns: cut if it is longer, and filled with spaces if `fill`.

    East Asian wide characters take two columns (Unicode UAX 11)."""
    kept, taken = "", 0
    shown = oneline(text, 500)
    for letter in shown:
        taken += _width(letter)
        if taken > width:
            break
        kept += letter
    if kept != shown:
        while kept and sum(map(_width, kept)) > width - 1:
            kept = kept[:-1]
        kept += "…"
    blanks = " " * (width - sum(map(_width, kept))) if fill else ""
    return blanks + kept if right else kept + blanks


def bar(row: Mapping[str, Any], width: int) -> str:
    """Draw the bar for a row of a chart in at most `width` columns. `rest`, what was missed, has another pattern."""
    share, rest = float(row["share"]), float(row.get("rest", 0))
    width = max(1, min(width, 200))
    return charts.split_bar(share, rest, width) if rest else charts.bar(share, width)


def sparkline(points: Sequence[Mapping[str, Any]]) -> str:
    """Draw one character for each point of a chart; a blank for a point without a value."""
    return charts.sparkline([float(point["share"]) if point["value"] else None for point in points])


def _width(letter: str) -> int:
    """Return the columns that a character takes: 0, 1 or 2 (Unicode UAX 11)."""
    if unicodedata.combining(letter):
        return 0
    return 2 if unicodedata.east_asian_width(letter) in "WF" else 1


FILTERS: Mapping[str, Callable[..., Any]] = {
    "bar": bar,
    "blocks": blocks,
    "capital": capital,
    "columns": columns,
    "direction": direction,
    "greeting": greeting,
    "head": head,
    "listing": listing,
    "localtime": localtime,
    "oneline": oneline,
    "plain": plain,
    "prefixed": prefixed,
    "sections": sections,
    "size": size,
    "sparkline": sparkline,
    "transcript": transcript,
    "words": words,
    "wrap": wrap,
}
