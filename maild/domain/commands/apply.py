"""What the commands in a mail or on the command line do to a ticket: read, resolve, check, apply.

Nothing is applied before everything is understood. `judge` reads and resolves, `apply_intents` makes the events.
The verbs are rows of commands.table; commands.parsing finds commands in a text."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Any, TypeVar

from maild.domain.commands.actions import CommandContext
from maild.domain.commands.arguments import Invalid, Surroundings
from maild.domain.commands.instructions import (
    AppendText,
    AskFirst,
    Brought,
    Instruction,
    MeantForCustomer,
    OnlyCheck,
    QuietToCustomer,
    Receipt,
    SendAt,
    SendNow,
    WordOnHeldReply,
)
from maild.domain.commands.parsing import (
    MAX_COMMANDS,
    Command,
    CommandProblem,
    Parsed,
    corrected,
    escape,
    parse,
    parse_button,
    parse_line,
    written,
)
from maild.domain.commands.table import BY_NAME, VERBS, Settles, TextGoes, Verb, help_text, lookup
from maild.domain.commands.verb import Where
from maild.domain.effects import Effect
from maild.domain.lookups import all_of
from maild.domain.tickets.event_words import receipt_lines
from maild.domain.tickets.events import Actor, Event
from maild.domain.tickets.ticket import Ticket, apply

K = TypeVar("K", bound=Instruction)

__all__ = [
    "MAX_COMMANDS",
    "VERBS",
    "Applied",
    "Command",
    "CommandProblem",
    "Intent",
    "Interpreted",
    "Parsed",
    "Surroundings",
    "TextGoes",
    "Verb",
    "apply_intents",
    "corrected",
    "escape",
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
    """A command whose words are resolved: `reading` is what the verb's own reader returned."""

    verb: Verb[Any]
    reading: Any
    command: Command


@dataclass(frozen=True, slots=True)
class Interpreted:
    """All intents in the order in which they act, or all problems and no intent."""

    intents: tuple[Intent, ...] = ()
    problems: tuple[CommandProblem, ...] = ()


@dataclass(frozen=True, slots=True)
class Applied:
    """What the intents did. `outcomes` says it line by line: "priority: normal -> emergency"."""

    events: tuple[Event, ...]
    ticket_after: Ticket
    text_goes: TextGoes | None  # None: where the reply address says
    help: str  # text asked for, to be sent back; "" when none was
    outcomes: tuple[str, ...]
    brought: Brought = ()  # in the order of the commands

    def said(self, kind: type[K]) -> tuple[K, ...]:
        """Return the instructions of one kind."""
        return tuple(each for each in self.brought if isinstance(each, kind))

    @property
    def effects(self) -> tuple[Effect, ...]:
        """Return what they change beyond the events of the ticket."""
        return tuple(each for each in self.brought if isinstance(each, Effect))

    @property
    def appended(self) -> str:
        """Return the canned texts, below each other."""
        return "\n\n".join(each.text for each in self.said(AppendText) if each.text)

    @property
    def leaves_at(self) -> datetime | None:
        """Return when the text leaves (UTC); None: as usual."""
        moments = self.said(SendAt)
        return moments[-1].moment if moments else None

    @property
    def at_once(self) -> bool:
        """Tell whether the text leaves without the time in which it could be stopped."""
        return bool(self.said(SendNow))

    @property
    def quiet(self) -> bool:
        """Tell whether the customer hears nothing."""
        return bool(self.said(QuietToCustomer))

    @property
    def may_leave(self) -> bool:
        """Tell whether the text is a note that is meant for the customer."""
        return bool(self.said(MeantForCustomer))

    @property
    def check(self) -> bool:
        """Tell whether nothing is done, and the writer only hears what would be."""
        return bool(self.said(OnlyCheck))

    @property
    def held_word(self) -> str:
        """Return the word about a held reply; "" when there is none."""
        words = self.said(WordOnHeldReply)
        return words[-1].word if words else ""

    @property
    def confirm(self) -> tuple[str, ...]:
        """Return why the whole mail waits for a "yes"."""
        return tuple(each.warning for each in self.said(AskFirst))

    @property
    def receipts(self) -> tuple[str, ...]:
        """Return lines that the writer is told although all went well."""
        return tuple(each.line for each in self.said(Receipt))


# -- understanding ----------------------------------------------------------------------------------------------


def judge(parsed: Parsed, surroundings: Surroundings) -> Interpreted:
    """Call `interpret`, and put the problems of parsing before its own. People can then fix all their slips at
    once."""
    found = interpret(parsed.commands, surroundings)
    problems = sorted((*parsed.problems, *found.problems), key=lambda problem: problem.at)
    return Interpreted(problems=tuple(problems)) if problems else found


def interpret(commands: Sequence[Command], surroundings: Surroundings) -> Interpreted:
    """Resolve every name and moment, and find commands that contradict each other. All or nothing."""
    resolved = all_of(partial(_resolved, command, surroundings) for command in commands)
    intents = [found for found in resolved if isinstance(found, Intent)]
    problems = [found for found in resolved if isinstance(found, CommandProblem)]
    intents, contradictions = _without_contradictions(intents)
    problems.extend(contradictions)
    if problems:
        return Interpreted(problems=tuple(sorted(problems, key=lambda problem: problem.at)))
    order = {verb.name: row for row, verb in enumerate(VERBS)}
    return Interpreted(tuple(sorted(intents, key=lambda intent: order[intent.verb.name])))


def _resolved(command: Command, surroundings: Surroundings) -> Intent | CommandProblem:
    verb = BY_NAME[command.verb]
    if not verb.allowed_to(surroundings.speaker):
        return CommandProblem(command.line, f"{verb.name} is for a {verb.needs} alone", at=command.at)
    if not verb.where.fits(surroundings.ticket):
        return CommandProblem(command.line, verb.where.value, at=command.at)
    reading = verb.read(command.args, surroundings)
    if not isinstance(reading, Invalid):
        return Intent(verb, reading, command)
    suggestion = "" if reading.instead is None else written(verb, reading.instead, command.mark)
    return CommandProblem(command.line, reading.message, suggestion, command.at)


def _without_contradictions(intents: Sequence[Intent]) -> tuple[list[Intent], list[CommandProblem]]:
    """Return one command for each thing to settle. The same command at the top and at the end counts once."""
    kept: list[Intent] = []
    problems: list[CommandProblem] = []
    settled: dict[str, tuple[object, Intent]] = {}
    for intent in intents:
        if any((first.verb.name, first.reading) == (intent.verb.name, intent.reading) for first in kept):
            continue
        said = _said(intent)
        clash = next((what for what, value in said.items() if what in settled and settled[what][0] != value), None)
        if clash is None:
            settled.update((what, (value, intent)) for what, value in said.items())
            kept.append(intent)
            continue
        both = f'"{_brief(settled[clash][1].command.line)}" and "{_brief(intent.command.line)}"'
        problems.append(CommandProblem(intent.command.line, f"{both} both say {clash}: keep one", at=intent.command.at))
    return kept, problems


def _said(intent: Intent) -> Mapping[str, object]:
    """Return what an intent says about which thing: the last word, or one of several that agree."""
    verb = intent.verb
    if verb.says:
        return verb.says(intent.reading)
    return {} if verb.settles is Settles.NOTHING else {verb.settles.value: (verb.name, intent.reading)}


def _brief(line: str, width: int = 40) -> str:
    """Return a line in at most `width` columns, with single blanks."""
    plain = " ".join(line[:1000].split())
    return plain if len(plain) <= width else f"{plain[: width - 1]}…"


# -- doing ------------------------------------------------------------------------------------------------------


def apply_intents(
    ticket: Ticket, intents: Sequence[Intent], by: Actor, at: datetime, surroundings: Surroundings
) -> Applied:
    """Return the events that follow from the intents, in order, with the ticket after them.

    What is already so stays silent. A changed priority or department does not change the SLA plan here: that
    follows from the configuration."""
    context = CommandContext(by, at, surroundings)
    events: list[Event] = []
    outcomes: list[str] = []
    answers: list[str] = []
    goes: TextGoes | None = None
    everything: list[Effect | Instruction] = []
    for intent in intents:
        verb = intent.verb
        happened = verb.act(ticket, intent.reading, context)
        brought = _brought(intent, ticket, context, happened)
        for event in happened:
            outcomes.extend(receipt_lines(event, ticket, surroundings.directory, surroundings.wall_clock))
            ticket = apply(ticket.number, ticket, event)
        events.extend(happened)
        everything.extend(brought)
        if verb.takes_text:
            goes = verb.text
            outcomes.append("text: stays inside" if goes is TextGoes.NOTE else "text: goes to the customer")
        elif verb.answer:
            answers.append(verb.answer(intent.reading))
        elif not happened and not _says_something(brought) and verb.where is not Where.IN_A_FRESH_MAIL:
            # Those of a fresh mail say whose ticket it opens, which the opening tells.
            outcomes.append(f"{verb.name}: nothing to change")
    return Applied(tuple(events), ticket, goes, "\n".join(answers), tuple(outcomes), tuple(everything))


def _brought(intent: Intent, ticket: Ticket, context: CommandContext, happened: tuple[Event, ...]) -> Brought:
    """Return what an intent brings besides its events, and what its agent must know before it is done."""
    verb = intent.verb
    brought = verb.brings(ticket, intent.reading, context)
    if not happened or not verb.warns or context.surroundings.speaker is None:
        return brought
    warning = verb.warns(ticket, intent.reading, context)
    return (*brought, AskFirst(warning)) if warning else brought


def _says_something(brought: Brought) -> bool:
    """Tell whether side effects change anything. `quiet` alone does not."""
    return any(not isinstance(each, QuietToCustomer) for each in brought)
