"""The one table of verbs. From it come parsing, permission, help, documentation and the parameters of the tests.

A new verb is one row: what it is called, what it reads, what it does to a ticket, and what becomes of the text.
Rows act in the order of the table, whatever the order in the mail: hand over first, then set, then end."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from enum import StrEnum
from textwrap import fill
from typing import Any, Generic, TypeVar

from maild.domain import command_acts as acts
from maild.domain import command_arguments as arguments
from maild.domain.command_acts import Occasion
from maild.domain.command_arguments import Complaint, Surroundings
from maild.domain.events import Event
from maild.domain.people import Agent, AgentRole
from maild.domain.ticket import Priority, Status, Ticket

WIDTH = 72  # columns of help and feedback, readable on any mail program
_LONGEST_WORD = 24  # characters; nobody mistypes a verb into more

R = TypeVar("R")


class TextGoes(StrEnum):
    """Who reads the text that stands beside a command."""

    NOTE = "note"  # narrows: stays inside, whatever the reply address says
    REPLY = "reply"  # widens: goes to the customer
    AS_ADDRESSED = ""  # the reply address decides


class Settles(StrEnum):
    """What a verb has the last word on. Two commands on the same thing in one mail contradict each other."""

    ASSIGNEE = "who works on the ticket"
    TEAM = "which team has the ticket"
    DEPARTMENT = "which department has the ticket"
    PRIORITY = "the priority"
    REQUESTER = "whom the ticket is for"
    PLAN = "the SLA plan"
    STATUS = "the status of the ticket"
    AUDIENCE = "who reads the text"
    NOTHING = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Verb(Generic[R]):
    """One row. `read` resolves the words after the verb; `act` is pure and answers no events when nothing changes."""

    name: str
    usage: str  # the words after the verb, [optional], CHOICE|CHOICE
    summary: str  # one sentence
    settles: Settles
    read: Callable[[str, Surroundings], R | Complaint]
    act: Callable[[Ticket, R, Occasion], tuple[Event, ...]]
    aliases: tuple[str, ...] = ()
    examples: tuple[str, ...] = ()  # words after the verb, for help and tests
    text: TextGoes = TextGoes.AS_ADDRESSED
    answer: Callable[[R], str] | None = None  # a verb that asks: the text to send back
    needs: AgentRole = AgentRole.AGENT
    reversible: bool = True  # False: an unproven sender is asked to confirm first

    @property
    def takes_text(self) -> bool:
        """The rest of its line belongs to the text of the mail."""
        return self.text is not TextGoes.AS_ADDRESSED

    def allowed_to(self, speaker: Agent | None) -> bool:
        """May this agent use it? The admin on the command line (None) may use every verb."""
        ranks = list(AgentRole)
        return speaker is None or ranks.index(speaker.role) >= ranks.index(self.needs)


def _topic(args: str, _surroundings: Surroundings) -> str | Complaint:
    """The verb that help is asked about; "" for all of them."""
    wanted = args.removeprefix("!").strip()
    if not wanted:
        return ""
    if found := lookup(wanted):
        return found.name
    return Complaint(f'there is no command "{wanted[:_LONGEST_WORD]}"', nearest(wanted))


# -- the table --------------------------------------------------------------------------------------------------

VERBS: tuple[Verb[Any], ...] = (
    Verb(
        name="dept",
        aliases=("department", "transfer", "queue"),
        usage="NAME",
        summary="Move the ticket to another department; team and assignee stay.",
        examples=("system-administrators", "online banking"),
        settles=Settles.DEPARTMENT,
        read=arguments.department,
        act=acts.to_department,
    ),
    Verb(
        name="team",
        usage="NAME",
        summary="Hand the ticket to a team; an assignee outside the team gives it up.",
        examples=("online-banking",),
        settles=Settles.TEAM,
        read=arguments.team,
        act=acts.to_team,
    ),
    Verb(
        name="assign",
        aliases=("give",),
        usage="NAME|TEAM",
        summary="Hand the ticket to an agent (the team stays) or to a team (as !team does).",
        examples=("jane", "Jane Doe", "jane@acme.example", "online banking"),
        settles=Settles.ASSIGNEE,
        read=arguments.agent_or_team,
        act=acts.to_agent_or_team,
    ),
    Verb(
        name="take",
        aliases=("mine",),
        usage="",
        summary="Make the ticket yours.",
        examples=("",),
        settles=Settles.ASSIGNEE,
        read=arguments.speaker,
        act=acts.to_agent,
    ),
    Verb(
        name="drop",
        aliases=("unassign",),
        usage="",
        summary="Let the ticket go: nobody is its assignee, the team stays.",
        examples=("",),
        settles=Settles.ASSIGNEE,
        read=arguments.nothing,
        act=acts.to_nobody,
    ),
    Verb(
        name="requester",
        aliases=("from",),
        usage="ADDRESS",
        summary="Say whom the ticket is for; answers go to them.",
        examples=("bob@client.example",),
        settles=Settles.REQUESTER,
        read=arguments.person,
        act=acts.for_requester,
    ),
    Verb(
        name="priority",
        aliases=("pri",),
        usage="|".join(Priority),
        summary="Set the priority.",
        examples=tuple(Priority),
        settles=Settles.PRIORITY,
        read=arguments.priority,
        act=acts.at_priority,
    ),
    Verb(
        name="sla",
        aliases=("severity", "sev"),
        usage="PLAN",
        summary="Put the ticket under an SLA plan, which no later priority or department changes.",
        examples=("sev-a", "a", "Sev A"),
        settles=Settles.PLAN,
        read=arguments.plan,
        act=acts.under_plan,
    ),
    Verb(
        name="reopen",
        aliases=("open",),
        usage="",
        summary="Open the ticket again.",
        examples=("",),
        settles=Settles.STATUS,
        read=arguments.nothing,
        act=acts.becomes(Status.OPEN, unless=frozenset({Status.OPEN})),
    ),
    Verb(
        name="wait",
        aliases=("pending",),
        usage="[WHEN]",
        summary="Wait for the customer, at the longest until WHEN: 2h, 3d, tomorrow, mon, fri 15:00, 2026-12-01, eod.",
        examples=("", "2h", "fri 15:00"),
        settles=Settles.STATUS,
        read=arguments.moment_or_none,
        act=acts.wait,
    ),
    Verb(
        name="resolve",
        aliases=("solved", "done"),
        usage="",
        summary="The issue is solved: the ticket closes by itself some days later.",
        examples=("",),
        settles=Settles.STATUS,
        read=arguments.nothing,
        act=acts.becomes(Status.RESOLVED, unless=frozenset({Status.RESOLVED, Status.CLOSED})),
    ),
    Verb(
        name="close",
        usage="",
        summary="Close the ticket now.",
        examples=("",),
        settles=Settles.STATUS,
        read=arguments.nothing,
        act=acts.becomes(Status.CLOSED, unless=frozenset({Status.CLOSED})),
    ),
    Verb(
        name="note",
        aliases=("internal",),
        usage="[TEXT]",
        summary="Your text stays inside: the customer never sees it.",
        examples=("", "the disk was full"),
        settles=Settles.AUDIENCE,
        read=arguments.any_text,
        act=acts.nothing,
        text=TextGoes.NOTE,
    ),
    Verb(
        name="reply",
        aliases=("public",),
        usage="[TEXT]",
        summary="Your text goes to the customer, also when you answer a note.",
        examples=("", "it works again"),
        settles=Settles.AUDIENCE,
        read=arguments.any_text,
        act=acts.nothing,
        text=TextGoes.REPLY,
    ),
    Verb(
        name="help",
        usage="[COMMAND]",
        summary="Send back this list, or what one command does.",
        examples=("", "wait", "!pri"),
        settles=Settles.NOTHING,
        read=_topic,
        act=acts.nothing,
        answer=lambda topic: help_text(topic or None),
    ),
)
BY_NAME: Mapping[str, Verb[Any]] = {name: verb for verb in VERBS for name in (verb.name, *verb.aliases)}


def lookup(word: str) -> Verb[Any] | None:
    """The verb of this name or alias, in any case; no prefixes."""
    return BY_NAME.get(word.casefold())


# -- misspelt verbs ---------------------------------------------------------------------------------------------


def nearest(word: str) -> str | None:
    """The name or alias that `word` probably stands for, None when nothing is near."""
    near = near_miss(word, shortest=3)
    if near or len(word) > _LONGEST_WORD:
        return near
    return next(iter(get_close_matches(word.casefold(), BY_NAME, n=1, cutoff=0.7)), None)


def near_miss(word: str, *, shortest: int = 4) -> str | None:
    """The name or alias that is a slip of the finger away: one edit, or two in names of five letters and more.

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
    """Optimal string alignment: insertions, deletions, substitutions and swaps of neighbours, each counted once."""
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


def help_text(topic: str | None = None) -> str:
    """All verbs, or one by name or alias, in lines of at most 72 columns. ValueError for a word that is no verb."""
    if topic is None:
        rows = "\n".join(f"{_heading(verb)}\n{_indented(verb.summary)}" for verb in VERBS)
        return f"{fill(_PREAMBLE, WIDTH)}\n\n{rows}\n"
    verb = lookup(topic)
    if verb is None:
        raise ValueError(f"there is no command {topic!r}: see help")
    lines = [_heading(verb), _indented(verb.summary)]
    if verb.aliases:
        lines.append(_indented("Also: " + ", ".join(f"!{alias}" for alias in verb.aliases)))
    if given := [example for example in verb.examples if example]:
        lines.append(_indented("For example: " + ", ".join(f"!{verb.name} {example}" for example in given)))
    return "\n".join(lines) + "\n"


def _heading(verb: Verb[Any]) -> str:
    return f"!{verb.name} {verb.usage}".rstrip()


def _indented(text: str) -> str:
    return fill(text, WIDTH, initial_indent="    ", subsequent_indent="    ", break_on_hyphens=False)
