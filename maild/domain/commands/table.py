"""The one table of verbs. Parsing, permission, help, documentation and the parameters of tests come from it.

A new verb is one row: its name, what it reads, what it does to a ticket, and what becomes of the text. Rows act
in the order of the table, whatever the order in the mail: take back first, hand over, set, then end."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from difflib import get_close_matches
from textwrap import fill
from typing import Any

from maild.domain.commands import actions as acts
from maild.domain.commands.arguments import Invalid, Surroundings
from maild.domain.commands.verb import Group, Settles, TextGoes, Verb, Where
from maild.domain.commands.verbs_text import ASKING, ATTENTION, TEXT, UNDOING
from maild.domain.commands.verbs_ticket import ENDING, OWNING, PEOPLE, SETTING
from maild.domain.times.moments import FORMS

__all__ = [
    "BY_NAME",
    "VERBS",
    "WIDTH",
    "Group",
    "Settles",
    "TextGoes",
    "Verb",
    "Where",
    "help_text",
    "lookup",
    "near_miss",
    "nearest",
    "reference_table",
]

WIDTH = 72  # columns of help and feedback, readable on any mail program
_LONGEST_WORD = 24  # characters; nobody mistypes a verb into more


def _topic(args: str, _surroundings: Surroundings) -> str | Invalid:
    """Return the verb that help is asked about; "" for all."""
    wanted = args.removeprefix("!").strip()
    if not wanted:
        return ""
    if found := lookup(wanted):
        return found.name
    return Invalid(f'there is no command "{wanted[:_LONGEST_WORD]}"', nearest(wanted))


_HELP: Verb[Any] = Verb(
    name="help",
    usage="[COMMAND]",
    summary="Send back this list, or what one command does.",
    examples=("", "wait", "!pri"),
    settles=Settles.NOTHING,
    read=_topic,
    act=acts.nothing,
    answer=lambda topic: help_text(topic or None),
)

VERBS: tuple[Verb[Any], ...] = (
    *UNDOING,
    *OWNING,
    *PEOPLE,
    *SETTING,
    *ENDING,
    *TEXT,
    *ATTENTION,
    *ASKING,
    _HELP,
)
BY_NAME: Mapping[str, Verb[Any]] = {name: verb for verb in VERBS for name in (verb.name, *verb.aliases)}


def lookup(word: str) -> Verb[Any] | None:
    """Return the verb of this name or alias, in any case. Prefixes do not count."""
    return BY_NAME.get(word.casefold())


# -- misspelt verbs ---------------------------------------------------------------------------------------------


def nearest(word: str) -> str | None:
    """Return the name or alias that `word` probably means; None when nothing is near."""
    near = near_miss(word) or near_miss(word, shortest=3)
    if near or len(word) > _LONGEST_WORD:
        return near
    return next(iter(get_close_matches(word.casefold(), BY_NAME, n=1, cutoff=0.7)), None)


def near_miss(word: str, *, shortest: int = 4) -> str | None:
    """Return the name or alias that is a typing slip away: one edit, or two in names of five letters or more.

    Names with fewer letters than `shortest` are left out: three letters are one edit from too many words."""
    if len(word) > _LONGEST_WORD:
        return None
    wanted = word.casefold()
    found = [
        (distance, name)
        for name in BY_NAME
        if len(name) >= shortest and abs(len(name) - len(wanted)) <= (reach := 2 if len(name) >= 5 else 1)
        if (distance := _edits(wanted, name)) <= reach
    ]
    return min(found)[1] if found else None


def _edits(left: str, right: str) -> int:
    """Count the edits by optimal string alignment: insertions, deletions, substitutions and swaps of neighbours."""
    before: list[int] = []
    above = list(range(len(right) + 1))
    for i, letter in enumerate(left, 1):
        row = [i]
        for j, other in enumerate(right, 1):
            cost = min(above[j] + 1, row[j - 1] + 1, above[j - 1] + (letter != other))
            if i > 1 and j > 1 and letter == right[j - 2] and left[i - 2] == other:
                cost = min(cost, before[j - 2] + 1)
            row.append(cost)
        before, above = above, row
    return above[-1]


# -- help -------------------------------------------------------------------------------------------------------

_PREAMBLE = (
    "Commands stand on lines of their own, above or below your text, each with an exclamation mark before it. "
    "When one of them is wrong, nothing is changed and nothing is sent. "
    "A line of text that begins with ! is written with !! there."
)
_WHEN = f"WHEN is {FORMS}; bh and bd count opening hours and days. A day without a time is its morning."


def help_text(topic: str | None = None) -> str:
    """Return all verbs, or one by name or alias, in lines of at most 72 columns. Raises ValueError for an unknown
    word."""
    if topic is None:
        parts = [fill(_PREAMBLE, WIDTH), fill(_WHEN, WIDTH)]
        for group, verbs in _grouped():
            parts.append("\n".join([group, *(f"{_heading(verb)}\n{_indented(verb.summary)}" for verb in verbs)]))
        return "\n\n".join(parts) + "\n"
    verb = lookup(topic)
    if verb is None:
        raise ValueError(f"there is no command {topic!r}: see help")
    lines = [_heading(verb), _indented(verb.summary)]
    if verb.aliases:
        lines.append(_indented("Also: " + ", ".join(f"!{alias}" for alias in verb.aliases)))
    if given := [example for example in verb.examples if example]:
        lines += [_indented("For example:"), *(f"      !{verb.name} {example}" for example in given)]
    if "WHEN" in verb.usage:
        lines.append(_indented(_WHEN))
    return "\n".join(lines) + "\n"


def reference_table() -> str:
    """Return the same as a Markdown table, for the page that agents read."""
    rows = ["| command | also | does |", "|---|---|---|"]
    for group, verbs in _grouped():
        rows.append(f"| **{group}** | | |")
        for verb in verbs:
            usage = _heading(verb).replace("|", "\\|")
            also = " ".join(f"`!{alias}`" for alias in verb.aliases)
            rows.append(f"| `{usage}` | {also} | {verb.summary} |")
    return "\n".join(rows) + f"\n\n{_WHEN}\n"


def _grouped() -> Iterator[tuple[Group, list[Verb[Any]]]]:
    for group in Group:
        yield group, [verb for verb in VERBS if verb.group is group]


def _heading(verb: Verb[Any]) -> str:
    return f"!{verb.name} {verb.usage}".rstrip()


def _indented(text: str) -> str:
    return fill(text, WIDTH, initial_indent="    ", subsequent_indent="    ", break_on_hyphens=False)
