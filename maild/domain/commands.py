"""What the commands in a mail, or on the command line, do to a ticket: read, resolve, check, apply.

Nothing is applied before everything is understood. `judge` reads and resolves, `apply_intents` makes the facts; the
verbs themselves are rows of command_table, and where commands stand in a text is told by command_parsing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from maild.domain.command_acts import Occasion
from maild.domain.command_arguments import Complaint, Surroundings
from maild.domain.command_parsing import (
    MAX_COMMANDS,
    Command,
    Parsed,
    Problem,
    corrected,
    escape,
    parse,
    parse_button,
    parse_line,
    written,
)
from maild.domain.command_table import BY_NAME, VERBS, WIDTH, Settles, TextGoes, Verb, help_text, lookup
from maild.domain.command_times import shown_when
from maild.domain.decision import Other
from maild.domain.events import Actor, Assigned, Event, PlanChanged, PriorityChanged, StatusChanged, Transferred
from maild.domain.people import Directory, Person, Team
from maild.domain.ticket import Ticket, apply

__all__ = [
    "MAX_COMMANDS",
    "VERBS",
    "Applied",
    "Command",
    "Intent",
    "Interpreted",
    "Parsed",
    "Problem",
    "Surroundings",
    "TextGoes",
    "Verb",
    "apply_intents",
    "corrected",
    "escape",
    "feedback_lines",
    "help_text",
    "interpret",
    "judge",
    "lookup",
    "parse",
    "parse_button",
    "parse_line",
]


@dataclass(frozen=True, slots=True)
class Intent:
    """A command whose words are resolved: `reading` is what the verb's own reader made of them."""

    verb: Verb[Any]
    reading: Any
    command: Command


@dataclass(frozen=True, slots=True)
class Interpreted:
    """All intents in the order in which they act, or all problems and no intent."""

    intents: tuple[Intent, ...] = ()
    problems: tuple[Problem, ...] = ()


@dataclass(frozen=True, slots=True)
class Applied:
    """What the intents did. `outcomes` tell it line by line: "priority: normal -> emergency"."""

    events: tuple[Event, ...]
    ticket_after: Ticket
    text_goes: TextGoes | None  # None: where the reply address says
    help: str  # text asked for, to be sent back; "" when none was
    outcomes: tuple[str, ...]
    others: tuple[Other, ...] = ()  # what follows for other tickets (merge, link, split)
    appended: str = ""  # a canned text that follows the writer's own
    leaves_at: datetime | None = None  # !send WHEN (UTC)
    at_once: bool = False  # !now
    quiet: bool = False  # !close quiet: no notice to the customer
    may_leave: bool = False  # !draft: this note is meant for the customer
    check: bool = False  # !check: say what would happen, do nothing
    held_word: str = ""  # about a held text: "anyway", "text", "note", "nothing", "yes", "no"
    confirm: tuple[str, ...] = ()  # why the whole mail waits for a "yes": what cannot be taken back
    receipts: tuple[str, ...] = ()  # lines that must be told although all went well: moments as absolute times
    withdraws: tuple[int, ...] = ()  # replies (entries) that must not leave
    on_behalf: Person | None = None  # !for ADDRESS: whose ticket a fresh mail opens
    addressed: Person | None = None  # !to ADDRESS: the same, and the text goes to them


# -- understanding ----------------------------------------------------------------------------------------------


def judge(parsed: Parsed, surroundings: Surroundings) -> Interpreted:
    """`interpret`, with the problems of the parsing before its own: people mend all their slips at once."""
    found = interpret(parsed.commands, surroundings)
    problems = sorted((*parsed.problems, *found.problems), key=lambda problem: problem.at)
    return Interpreted(problems=tuple(problems)) if problems else found


def interpret(commands: Sequence[Command], surroundings: Surroundings) -> Interpreted:
    """Resolve every name and moment, and look for commands that contradict each other. All or nothing."""
    intents: list[Intent] = []
    problems: list[Problem] = []
    for command in commands:
        found = _resolved(command, surroundings)
        if isinstance(found, Intent):
            intents.append(found)
        else:
            problems.append(found)
    intents, contradictions = _without_contradictions(intents)
    problems.extend(contradictions)
    if problems:
        return Interpreted(problems=tuple(sorted(problems, key=lambda problem: problem.at)))
    order = {verb.name: row for row, verb in enumerate(VERBS)}
    return Interpreted(tuple(sorted(intents, key=lambda intent: order[intent.verb.name])))


def _resolved(command: Command, surroundings: Surroundings) -> Intent | Problem:
    verb = BY_NAME[command.verb]
    if not verb.allowed_to(surroundings.speaker):
        return Problem(command.line, f"{verb.name} is for a {verb.needs} alone", at=command.at)
    reading = verb.read(command.args, surroundings)
    if not isinstance(reading, Complaint):
        return Intent(verb, reading, command)
    suggestion = "" if reading.instead is None else written(verb, reading.instead, command.mark)
    return Problem(command.line, reading.message, suggestion, command.at)


def _without_contradictions(intents: Sequence[Intent]) -> tuple[list[Intent], list[Problem]]:
    """One command for each thing to settle. The same command twice, at the top and at the end, is said once."""
    kept: list[Intent] = []
    problems: list[Problem] = []
    settled: dict[Settles, Intent] = {}
    for intent in intents:
        clash = next(((what, settled[what]) for what in _settled_by(intent) if what in settled), None)
        if clash is None:
            settled.update(dict.fromkeys(_settled_by(intent), intent))
            kept.append(intent)
            continue
        what, first = clash
        if (first.verb.name, first.reading) != (intent.verb.name, intent.reading):
            both = f'"{_brief(first.command.line)}" and "{_brief(intent.command.line)}"'
            problems.append(Problem(intent.command.line, f"{both} both say {what}: keep one", at=intent.command.at))
    return kept, problems


def _settled_by(intent: Intent) -> tuple[Settles, ...]:
    """What an intent has the last word on; a team that is given the ticket also says whether its assignee stays."""
    settles: Settles = intent.verb.settles
    if settles is Settles.ASSIGNEE and isinstance(intent.reading, Team):
        return (settles, Settles.TEAM)
    return () if settles is Settles.NOTHING else (settles,)


def _brief(line: str, width: int = 40) -> str:
    """A line in at most `width` columns, its blanks made single."""
    plain = " ".join(line[:1000].split())
    return plain if len(plain) <= width else f"{plain[: width - 1]}…"


# -- doing ------------------------------------------------------------------------------------------------------


def apply_intents(
    ticket: Ticket, intents: Sequence[Intent], by: Actor, at: datetime, surroundings: Surroundings
) -> Applied:
    """The facts that follow from the intents, in order, with the ticket after them. What is so already stays silent.

    A changed priority or department brings no other SLA plan here: that follows from the configuration."""
    occasion = Occasion(by, at, surroundings)
    events: list[Event] = []
    outcomes: list[str] = []
    answers: list[str] = []
    goes: TextGoes | None = None
    for intent in intents:
        verb = intent.verb
        happened = verb.act(ticket, intent.reading, occasion)
        for event in happened:
            outcomes.extend(_told(event, ticket, surroundings))
            ticket = apply(ticket.number, ticket, event)
        events.extend(happened)
        if verb.takes_text:
            goes = verb.text
            outcomes.append("text: stays inside" if goes is TextGoes.NOTE else "text: goes to the customer")
        elif verb.answer:
            answers.append(verb.answer(intent.reading))
        elif not happened:
            outcomes.append(f"{verb.name}: nothing to change")
    return Applied(tuple(events), ticket, goes, "\n".join(answers), tuple(outcomes))


def _told(event: Event, before: Ticket, surroundings: Surroundings) -> list[str]:
    """What an event changed, as "field: old -> new"."""
    match event:
        case StatusChanged():
            until = f" until {shown_when(event.until, ZoneInfo(surroundings.zone))}" if event.until else ""
            return [f"status: {event.previous} -> {event.status}{until}"]
        case Assigned():
            return _assignment_told(event, before, surroundings.directory)
        case Transferred():
            return [f"department: {event.previous or 'none'} -> {event.department}"]
        case PriorityChanged():
            return [f"priority: {event.previous} -> {event.priority}"]
        case PlanChanged() if event.sla_plan == event.previous:
            return [f"SLA plan: {event.sla_plan}, now fixed by command"]
        case PlanChanged():
            return [f"SLA plan: {event.previous or 'none'} -> {event.sla_plan}"]
        case _:
            return [event.kind]


def _assignment_told(event: Assigned, before: Ticket, directory: Directory) -> list[str]:
    told = []
    if event.team != before.team:
        told.append(f"team: {before.team or 'none'} -> {event.team or 'none'}")
    if event.assignee != before.assignee:
        old, new = (
            found.shown if (found := directory.agent(name)) else name or "nobody"
            for name in (before.assignee, event.assignee)
        )
        told.append(f"assignee: {old} -> {new}")
    return told


# -- telling ----------------------------------------------------------------------------------------------------


def feedback_lines(new_text: str, problems: Sequence[Problem]) -> tuple[str, ...]:
    """The mail as a transcript: commands behind ">", each with what is wrong with it; text by its first line alone."""
    wrong = {problem.at: problem for problem in reversed(problems)}
    commands = {command.at for command in parse(new_text).commands}
    transcript: list[str] = []
    text: list[str] = []
    for at, line in enumerate(new_text.split("\n")):
        if at not in wrong and at not in commands:
            text.extend([line] if line.strip() else [])
            continue
        transcript.extend(_text_told(text))
        text = []
        transcript.extend(_line_told(line, wrong.get(at)))
    return (*transcript, *_text_told(text))


def _text_told(lines: Sequence[str]) -> list[str]:
    if not lines:
        return []
    count = f"(text, {len(lines)} line{'s' if len(lines) > 1 else ''})"
    return [f"  {_brief(lines[0], WIDTH - len(count) - 4)}  {count}"]


def _line_told(line: str, problem: Problem | None) -> list[str]:
    shown = f"> {_brief(line, WIDTH - 2)}"
    if problem is None:
        return [shown]
    meant = f". Did you mean {problem.suggestion} ?" if problem.suggestion else ""
    told = f"<-- {problem.message}{meant}"
    return [f"{shown}   {told}"] if len(shown) + len(told) + 3 <= WIDTH else [shown, f"    {told}"]
