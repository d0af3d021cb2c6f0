"""Commands in the new text of a mail and on the command line: where they stand, and what is text.

Commands stand in the block of lines at the top and in the one at the end. A line elsewhere that looks like a
command stops the whole mail. Pass only new text: quotes and signatures are not known here. Where an answer can
only be commands and a note, a verb may stand without its mark (`bare`)."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum, auto
from itertools import chain
from typing import Any

from maild.domain.commands.table import Verb, lookup, near_miss, nearest

MAX_COMMANDS = 50  # in one mail
MAX_PROBLEMS = 50  # told about one mail
_MAX_COMMAND_LINE = 1000  # characters; what follows them can be no argument
_MAX_SUSPECTS = 1000  # lines in the middle looked at for slips; a text with more was pasted, not typed

# Zero-width and bidirectional marks, soft hyphens, variation selectors: editors and phones put them in unseen.
_INVISIBLE = frozenset(
    chr(point)
    for point in chain(range(0x3000), range(0xFE00, 0xFE10), (0xFEFF,), range(0xE0000, 0xE0080))
    if unicodedata.category(chr(point)) == "Cf" or 0xFE00 <= point < 0xFE10
)
_BLANKS = "".join(chr(point) for point in range(0x3001) if chr(point).isspace()) + "".join(sorted(_INVISIBLE))
# What phones and word processors make of ASCII; NFKC leaves these alone.
_ASCII = str.maketrans(
    {**dict.fromkeys("‘’‚‛′‹›", "'"), **dict.fromkeys("“”„‟″«»", '"'), **dict.fromkeys("‐‑‒–—―−", "-")}
)


@dataclass(frozen=True, slots=True)
class Command:
    """A verb of the table with the words after it, not yet resolved. `at` is the number of its line, from 0."""

    verb: str  # the name in the table, also where an alias was written
    args: str  # folded: NFKC, ASCII punctuation, single blanks; as written for verbs that take their words so
    line: str  # as written
    at: int = 0
    mark: str = "!"  # what stands before the verb: "" on the command line


@dataclass(frozen=True, slots=True)
class CommandProblem:
    """Why a mail with commands is not carried out. `suggestion` is the line that was probably meant, or ""."""

    line: str  # as written
    message: str
    suggestion: str = ""
    at: int = 0  # number of the line, from 0


@dataclass(frozen=True, slots=True)
class Parsed:
    """What a text asks for and what it says. With any problem nothing of it is carried out."""

    commands: tuple[Command, ...] = ()
    text: str = ""  # without commands; a line of `!!` has lost one
    problems: tuple[CommandProblem, ...] = ()


class _Kind(Enum):
    BLANK = auto()
    TEXT = auto()
    ESCAPED = auto()
    COMMAND = auto()  # looks like one, known or not


@dataclass(frozen=True, slots=True)
class _Line:
    raw: str
    at: int
    kind: _Kind
    word: str = ""  # what stands in the verb's place
    args: str = ""
    apart: bool = False  # a blank between the mark and the word
    bare: bool = False  # a command without a mark


# -- mails ------------------------------------------------------------------------------------------------------


def parse(new_text: str, bare: bool = False) -> Parsed:
    """Find the commands in the top and end block of a mail's new text, and the text between them.

    What follows `!note` or `!reply` on its line is text and stays in its place. A text without commands and
    without `!!` comes back unchanged. With `bare`, a line that is a verb with fitting words is a command without
    its mark too; in the middle of the text it is text."""
    lines = _read_lines(new_text, bare)
    top, end = _blocks(lines)
    blocks = [line for line in (*lines[:top], *lines[end:]) if line.kind is _Kind.COMMAND]
    if len(blocks) > MAX_COMMANDS:
        first = blocks[MAX_COMMANDS]
        message = f"{len(blocks)} commands in one mail: at most {MAX_COMMANDS} are read"
        return Parsed(problems=(CommandProblem(first.raw, message, at=first.at),))
    found = [_command(line) for line in blocks]
    problems = [item for item in found if isinstance(item, CommandProblem)] + _in_the_middle(lines[top:end])
    commands = [item for item in found if isinstance(item, Command)]
    problems.sort(key=lambda problem: problem.at)
    text = _text(lines, top, end) if blocks else "\n".join(_unescaped(line) for line in lines)
    return Parsed(tuple(commands), text, tuple(problems[:MAX_PROBLEMS]))


def is_command(line: str, bare: bool = False) -> bool:
    """Tell whether this line is read as a command at the top or the end of a mail, known or mistyped."""
    return _read_line(line, 0, bare).kind is _Kind.COMMAND


def escape(text: str) -> str:
    """Return `text` with every line that begins with an exclamation mark protected. `parse` gives it back as it
    was."""
    return "\n".join(_with_mark(line.raw) if line.kind is not _Kind.BLANK else line.raw for line in _read_lines(text))


def corrected(new_text: str, problems: Sequence[CommandProblem], bare: bool = False) -> str:
    """Return the mail with the suggestions in their places.

    A command from the middle moves to the end. A mark without a command after it is removed."""
    lines = _read_lines(new_text, bare)
    top, end = _blocks(lines)
    written: list[str | None] = [line.raw for line in lines]
    moved: list[str] = []
    for problem in problems:
        if not 0 <= problem.at < len(lines):
            continue
        if lines[problem.at].kind is _Kind.COMMAND and not lines[problem.at].word:
            written[problem.at] = None
        if not problem.suggestion:
            continue
        if top <= problem.at < end:
            written[problem.at] = None
            moved.append(problem.suggestion)
        else:
            written[problem.at] = problem.suggestion
    kept = [line for line in written if line is not None]
    while moved and kept and not kept[-1].strip():
        kept.pop()
    return "\n".join((*kept, *moved))


def _read_lines(text: str, bare: bool = False) -> list[_Line]:
    return [_read_line(raw, at, bare) for at, raw in enumerate(text.split("\n"))]


def _read_line(raw: str, at: int, bare: bool) -> _Line:
    seen = raw.strip(_BLANKS)
    if not seen:
        return _Line(raw, at, _Kind.BLANK)
    if not unicodedata.normalize("NFKC", seen[0]).startswith("!"):
        return (_bare_line(raw, seen, at) if bare else None) or _Line(raw, at, _Kind.TEXT)
    folded = _folded(seen)
    if folded.startswith("!!"):
        return _Line(raw, at, _Kind.ESCAPED)
    word, _, args = folded[1:].strip().partition(" ")
    if word and not word[0].isalpha() and not lookup(_letters(word)):
        return _Line(raw, at, _Kind.TEXT)  # "![image]", "!= 5"; but '!"close"' means a command
    return _Line(raw, at, _Kind.COMMAND, word, args, folded[1:2] == " ")


def _bare_line(raw: str, seen: str, at: int) -> _Line | None:
    """Return a line that is a command without a mark; None when it may be a sentence."""
    word, _, args = _folded(seen).partition(" ")
    verb = lookup(word)
    return _Line(raw, at, _Kind.COMMAND, word, args, bare=True) if verb and verb.looks_meant(args) else None


def _folded(seen: str) -> str:
    """Return one capped line in the letters of a keyboard: NFKC, ASCII punctuation, nothing invisible."""
    plain = unicodedata.normalize("NFKC", seen[:_MAX_COMMAND_LINE]).translate(_ASCII)
    return " ".join("".join(letter for letter in plain if letter not in _INVISIBLE).split())


def _letters(word: str) -> str:
    return "".join(filter(str.isalpha, word[:50]))


def _blocks(lines: Sequence[_Line]) -> tuple[int, int]:
    """Return (first line after the top block, first line of the end block)."""
    top, end = 0, len(lines)
    while top < end and lines[top].kind in (_Kind.BLANK, _Kind.COMMAND):
        top += 1
    while end > top and lines[end - 1].kind in (_Kind.BLANK, _Kind.COMMAND):
        end -= 1
    return top, end


def _command(line: _Line) -> Command | CommandProblem:
    verb = lookup(line.word)
    if verb:
        return Command(verb.name, _behind(line) if verb.verbatim else line.args, line.raw, line.at)
    if not line.word:
        return CommandProblem(line.raw, "an exclamation mark without a command", at=line.at)
    near = nearest(line.word) or nearest(_letters(line.word))
    suggestion = f"!{near} {line.args}".rstrip() if near else ""
    unknown = f'unknown command "{line.word[:40]}"'
    return CommandProblem(line.raw, unknown if near else f"{unknown}; !help lists them all", suggestion, line.at)


def _in_the_middle(lines: Sequence[_Line]) -> list[CommandProblem]:
    """Return commands that somebody wrote between lines of text. Pasted lines such as `!important` are text."""
    problems = []
    suspects = [line for line in lines if line.kind is _Kind.COMMAND and line.word and not line.bare]
    for count, line in enumerate(suspects):
        word = line.word.rstrip(".,:;")
        verb = lookup(word)
        slip = None if verb or line.apart or count >= _MAX_SUSPECTS or not word.isalpha() else near_miss(word)
        if verb or slip:
            message = "a command in the middle of the text: it belongs to the top or the end; !! makes it text"
            suggestion = f"!{verb.name if verb else slip} {line.args}".rstrip()
            problems.append(CommandProblem(line.raw, message, suggestion, line.at))
    return problems


def _text(lines: Sequence[_Line], top: int, end: int) -> str:
    """Return the text between the blocks without blank lines around it. What follows `!note` stays where it was."""
    between = "\n".join(_unescaped(line) for line in lines[top:end])
    parts = [*map(_text_of, lines[:top]), between, *map(_text_of, lines[end:])]
    return "\n".join(part for part in parts if part)


def _text_of(line: _Line) -> str:
    """Return the words after a verb that takes text, as they were written."""
    verb = lookup(line.word)
    return _behind(line) if verb and verb.takes_text else ""


def _behind(line: _Line) -> str:
    """The words after a verb as they were written."""
    if not line.args:
        return ""
    seen = line.raw.strip(_BLANKS)
    words = (seen if line.bare else seen[1:].lstrip(_BLANKS)).split(maxsplit=1)[1:]
    return words[0] if words else line.args  # some letters become a blank only by NFKC


def _unescaped(line: _Line) -> str:
    """Return a line of text. Of two exclamation marks at its beginning the first is removed."""
    if line.kind is not _Kind.ESCAPED:
        return line.raw
    seen = line.raw.lstrip(_BLANKS)
    margin = line.raw[: len(line.raw) - len(seen)]
    single = unicodedata.normalize("NFKC", seen[0]) == "!"  # or one sign for two of them, U+203C
    return margin + seen[1:] if single else f"{margin}!{seen[1:]}"


def _with_mark(raw: str) -> str:
    seen = raw.lstrip(_BLANKS)
    if not unicodedata.normalize("NFKC", seen[0]).startswith("!"):
        return raw
    return f"{raw[: len(raw) - len(seen)]}!{seen}"


# -- the command line -------------------------------------------------------------------------------------------


def parse_line(words: Sequence[str]) -> Parsed:
    """Read one command as `maild ticket do` gives it: a verb, with or without its mark, and its words.

    A verb that takes text takes all that follows and needs it, because there is no mail around it."""
    line = " ".join(words)
    word, _, rest = line.strip(_BLANKS).removeprefix("!").strip().partition(" ")
    rest = rest.strip()
    verb = lookup(_folded(word))
    if verb is None:
        return Parsed(problems=(_unknown_word(line, word, rest),))
    if verb.takes_text and not rest:
        return Parsed(problems=(CommandProblem(line, f"{verb.name} needs its text: {verb.name} TEXT"),))
    if verb.takes_text:
        return Parsed((Command(verb.name, "", line, mark=""),), rest)
    return Parsed((Command(verb.name, rest if verb.verbatim else _folded(rest), line, mark=""),))


def parse_button(asked: str) -> Parsed:
    """Read the verb of a sealed address: "close", "snooze-1d". Nobody typed it: it is right, or a problem."""
    name, _, words = asked.partition("-")
    verb, args = lookup(name), words.replace("-", " ")
    line = f"!{name} {args}".rstrip()
    if verb is None or verb.verbatim or not verb.looks_meant(args):
        return Parsed(problems=(CommandProblem(line, f'a button that asks for "{asked[:40]}", which is no command'),))
    return Parsed((Command(verb.name, args, line),))


def _unknown_word(line: str, word: str, rest: str) -> CommandProblem:
    if not word:
        return CommandProblem(line, "a command is missing; help lists them all")
    near = nearest(word)
    unknown = f'unknown command "{word[:40]}"'
    return CommandProblem(
        line, unknown if near else f"{unknown}; help lists them all", f"{near} {rest}".rstrip() if near else ""
    )


def written(verb: Verb[Any], args: str, mark: str = "!") -> str:
    """Return a command as somebody would write it."""
    return f"{mark}{verb.name} {args}".rstrip()


def folded(line: str) -> str:
    """Return any typed line in the letters of a keyboard: NFKC, ASCII punctuation, single blanks."""
    return _folded(line.strip(_BLANKS))
