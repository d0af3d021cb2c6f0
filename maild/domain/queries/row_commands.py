"""Answers to a list or a digest: `3 close`, `5 assign jane`, `2,4 take`, or a question. Line by line, all or
nothing.

A row means the ticket that the reader saw in it. Text that is neither a row with a command nor a question is
refused. Nothing that is written to a list is ever posted to a ticket as text."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from maild.domain.commands import apply as commands
from maild.domain.commands.arguments import Surroundings
from maild.domain.commands.parsing import CommandProblem, folded
from maild.domain.commands.table import TextGoes, Verb
from maild.domain.queries.parsing import MOST_QUESTIONS, begins_question, read_question
from maild.domain.query import Query

MOST_LINES = 50  # of one mail
MOST_ACTS = 100  # rows times commands of one mail

_ROWS = re.compile(r"!?\s*(#?[0-9]{1,3}(?:\s*(?:,|-|&|and)\s*#?[0-9]{1,3})*)\s*[.:)]?\s+!?\s*([A-Za-z].*)")
_PART = re.compile(r"#?([0-9]{1,3})(?:\s*-\s*#?([0-9]{1,3}))?")
# Verbs that a line of a list cannot carry, and why: they want a text, or are about the mail that they stand in.
_NOT_HERE: Mapping[str, str] = {
    **dict.fromkeys(("tpl", "send", "now", "draft"), "it is about an answer: write that to the ticket itself"),
    **dict.fromkeys(("check", "help", "for", "to", "yes", "no"), "it cannot be said of a row"),
}


@dataclass(frozen=True, slots=True)
class Rows:
    """A list as its reader has it: row 1 is tickets[0]."""

    tickets: tuple[int, ...]
    made_at: datetime


@dataclass(frozen=True, slots=True)
class RowCommand:
    """A command for rows of the list (counted from 1), without its exclamation mark."""

    rows: tuple[int, ...]
    words: str
    line: str
    at: int


@dataclass(frozen=True, slots=True)
class ListAnswer:
    """What an answer asks for. With any problem nothing of it is done."""

    commands: tuple[RowCommand, ...] = ()
    queries: tuple[Query, ...] = ()
    problems: tuple[CommandProblem, ...] = ()


@dataclass(slots=True)
class _Reading:
    commands: list[RowCommand] = field(default_factory=list)
    queries: list[Query] = field(default_factory=list)
    problems: list[CommandProblem] = field(default_factory=list)


def read_answer(text: str, surroundings: Surroundings, size: int) -> ListAnswer:
    """Read the lines of a mail to a list of this many rows. With 0 there is no list, and only questions make sense."""
    lines = [(at, line) for at, line in enumerate(text.split("\n")) if folded(line)]
    if len(lines) > MOST_LINES:
        message = f"{len(lines)} lines in one mail: at most {MOST_LINES} are read"
        return ListAnswer(problems=(CommandProblem(lines[MOST_LINES][1], message, at=lines[MOST_LINES][0]),))
    made = _Reading()
    for at, line in lines:
        found = _read_line(line, at, surroundings, size)
        if isinstance(found, RowCommand):
            made.commands.append(found)
        elif isinstance(found, Query):
            made.queries.append(found)
        else:
            made.problems.append(found)
    made.problems.extend(_too_much(made))
    return ListAnswer(tuple(made.commands), tuple(made.queries), tuple(made.problems))


def _read_line(line: str, at: int, surroundings: Surroundings, size: int) -> RowCommand | Query | CommandProblem:
    found = _ROWS.fullmatch(folded(line))
    if found is None:
        return _question(line, at, surroundings, size)
    if not size:
        message = "a number and a command answer a list; ask for one first"
        return CommandProblem(line, message, "list mine", at)
    named, words = found[1], found[2].strip()
    rows = _numbers(named)
    beyond = next((row for row in rows if not 1 <= row <= size), None)
    if beyond is not None or not rows:
        return CommandProblem(
            line, f"the list has rows 1 to {size}, and no {beyond if beyond is not None else named}", at=at
        )
    if problem := _unfit(words, line, at, surroundings):
        suggestion = f"{named} {problem.suggestion}" if problem.suggestion else ""
        return CommandProblem(line, problem.message, suggestion, at)
    return RowCommand(rows, words, line, at)


def _question(line: str, at: int, surroundings: Surroundings, size: int) -> Query | CommandProblem:
    found = read_question(line, surroundings, at)
    if isinstance(found, Query) or begins_question(line) or found.suggestion or not size:
        return found
    return CommandProblem(
        line, "neither a row with a command, such as 2 take, nor a question; text goes nowhere from here", at=at
    )


def _numbers(named: str) -> tuple[int, ...]:
    """Turn "2,4-6 and 9" into 2, 4, 5, 6, 9, each once. Empty for a range that runs backwards."""
    rows: list[int] = []
    for part in _PART.finditer(named):
        first, last = int(part[1]), int(part[2] or part[1])
        if last < first:
            return ()
        rows.extend(range(first, last + 1))
    return tuple(dict.fromkeys(rows))


def _unfit(words: str, line: str, at: int, surroundings: Surroundings) -> CommandProblem | None:
    """Return why these words are no command for a row; None when they are one, as far as can be told without its
    ticket."""
    parsed = commands.parse_line(words.split(" "))
    if parsed.problems:
        return parsed.problems[0]
    verbs = [verb for command in parsed.commands if (verb := commands.lookup(command.verb))]
    for verb in verbs:
        if reason := _refused(verb):
            return CommandProblem(line, f"{verb.name}: {reason}", at=at)
        if not verb.allowed_to(surroundings.speaker):
            return CommandProblem(line, f"{verb.name} is for a {verb.needs} alone", at=at)
    return None


def _refused(verb: Verb[Any]) -> str:
    if verb.text is TextGoes.REPLY:
        return "what goes to a customer is written to the ticket itself: nothing leaves from a list"
    return _NOT_HERE.get(verb.name, "")


def _too_much(made: _Reading) -> list[CommandProblem]:
    found = []
    acts = sum(len(command.rows) for command in made.commands)
    if acts > MOST_ACTS:
        last = made.commands[-1]
        found.append(
            CommandProblem(last.line, f"{acts} commands in one mail: at most {MOST_ACTS} are done", at=last.at)
        )
    if len(made.queries) > MOST_QUESTIONS:
        found.append(
            CommandProblem("", f"{len(made.queries)} questions in one mail: at most {MOST_QUESTIONS} are answered")
        )
    return found


def corrected(text: str, problems: tuple[CommandProblem, ...]) -> str:
    """Return the mail with the suggestions in their places. Lines without a suggestion are removed. "" when nothing
    is left."""
    lines: list[str | None] = list(text.split("\n"))
    for problem in problems:
        if problem.line and 0 <= problem.at < len(lines):
            lines[problem.at] = problem.suggestion or None
    return "\n".join(line for line in lines if line is not None).strip("\n")
