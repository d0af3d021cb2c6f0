"""Resolves what stands after a verb: names into agents, teams, departments and plans; words into moments.

A reader returns the typed argument, or Invalid with words for the writer. Nothing is guessed."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, time
from difflib import get_close_matches
from typing import Any
from zoneinfo import ZoneInfo

from maild.domain.invalid import Invalid as Invalid
from maild.domain.lookups import NOTHING_KNOWN, CannedText, Lookups
from maild.domain.people.directory import Address, Agent, Department, Directory, Person, Team, name_key
from maild.domain.tickets.ticket import Priority, Ticket
from maild.domain.times.calendars import Calendar
from maild.domain.times.moments import FORMS, read_when

_PERSON = re.compile(r"(?:([^<>\n]{0,100})<([^\s<>@]{1,64}@[^\s<>@]{1,255})>|([^\s<>@]{1,64}@[^\s<>@]{1,255}))")
_LIST_AT_MOST = 8  # more names than these help nobody
_QUOTE_AT_MOST = 60  # characters of a wrong argument that are shown again
_TAG = re.compile(r"[^\W_][\w.:/-]{0,39}")
_TAGS_AT_MOST = 20  # in one command
_TITLE_AT_MOST = 200  # characters
_VARIABLE = re.compile(r"""([a-z_]\w{0,39})=(?:"([^"]*)"|'([^']*)'|(\S*))(?=\s|$)\s*""")
_MAX_WORDS = 2000  # characters of an argument that are looked at
_JOINERS = "\u200c\u200d"  # invisible, but words and pictures of some scripts need them
_NEVER = frozenset({"none", "off", "never"})
_WORD_ABOUT_HELD_REPLY: Mapping[str, str] = {"anyway": "anyway", "text": "text", "note": "note", "nothing": "nothing"}


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What a command is resolved against: who exists, which plans there are, what time it is, who speaks.

    `zone` is the IANA name of the speaker's time zone. An unknown one raises ZoneInfoNotFoundError when a moment
    is read or shown. A day without a time begins at `day_begins`, and "eod" is `day_ends`. `speaker` is None for
    the admin on the command line, who may do everything."""

    directory: Directory
    plans: tuple[str, ...]
    zone: str
    now: datetime
    speaker: Agent | None = None
    day_begins: time = time(9)
    day_ends: time = time(17)
    ticket: Ticket | None = None  # the one that the command is about; None: one that a fresh mail opens
    lookups: Lookups = NOTHING_KNOWN
    words: Mapping[str, Any] = field(default_factory=dict)  # what canned texts may name beside their own variables
    calendar: Calendar | None = None  # of the ticket: what "+2bh" counts in

    @property
    def wall_clock(self) -> ZoneInfo:
        """The speaker's time zone."""
        return ZoneInfo(self.zone)


def nothing(args: str, _surroundings: Surroundings) -> Invalid | None:
    """Read no words, for verbs that stand alone. Words after them may be a sentence that only looks like a command."""
    return Invalid("takes nothing after it", "") if args else None


def any_text(_args: str, _surroundings: Surroundings) -> None:
    """Take the rest of the line as text."""
    return


def quietly(args: str, _surroundings: Surroundings) -> bool | Invalid:
    """Read "quiet": the customer hears nothing of it."""
    if args.casefold() in {"", "quiet"}:
        return bool(args)
    return Invalid("takes nothing after it but quiet", "")


def speaker(args: str, surroundings: Surroundings) -> Agent | Invalid:
    """Return the agent who writes. The admin on the command line is none."""
    if args:
        return Invalid("takes nothing after it", "")
    if surroundings.speaker is None:
        return Invalid("the command line belongs to no agent: name one with assign NAME")
    return surroundings.speaker


def agent_or_team(args: str, surroundings: Surroundings) -> Agent | Team | Invalid:
    """Return whom `args` names: an agent by name, display name, first name or address, "me", or a team."""
    words = _plain_name(args)
    if not words:
        return Invalid("names no agent or team")
    if words.casefold() == "me" and surroundings.speaker:
        return surroundings.speaker
    directory = surroundings.directory
    agents, team = directory.agents_matching(words), directory.team(words)
    if len(agents) + (team is not None) > 1:
        found = [_introduced(agent) for agent in agents] + ([f"the team {team.name}"] if team else [])
        who = "people or teams" if team else "agents"
        return Invalid(f"{_COUNT.get(len(found), 'several')} {who} match: {', '.join(found)}", agents[0].name)
    if agents:
        return agents[0]
    if team:
        return team
    known = {name: agent.name for agent in directory.agents for name in (*agent.display.split(), agent.display)}
    known |= {agent.name: agent.name for agent in directory.agents} | {team.name: team.name for team in directory.teams}
    return _unknown("agent or team", words, known)


def team(args: str, surroundings: Surroundings) -> Team | Invalid:
    """Read the name of a team."""
    words = _plain_name(args)
    found = surroundings.directory.team(words)
    return found or _unknown("team", words, _themselves(t.name for t in surroundings.directory.teams))


def department(args: str, surroundings: Surroundings) -> Department | Invalid:
    """Read the name of a department."""
    words = _plain_name(args)
    found = surroundings.directory.department(words)
    return found or _unknown("department", words, _themselves(d.name for d in surroundings.directory.departments))


def priority(args: str, _surroundings: Surroundings) -> Priority | Invalid:
    """Read a priority."""
    wanted = name_key(args)
    found = next((level for level in Priority if name_key(level) == wanted), None)
    return found or _unknown("priority", args, _themselves(Priority))


def plan(args: str, surroundings: Surroundings) -> str | Invalid:
    """Read the name of an SLA plan. Severities may be written without hyphen, so "sev a" is "sev-a"."""
    by_key = {name_key(name): name for name in surroundings.plans}
    wanted = name_key(args)
    found = by_key.get(wanted) or (by_key.get(f"sev{wanted}") if wanted else None)
    return found or _unknown("SLA plan", args, _themselves(surroundings.plans))


def person(args: str, _surroundings: Surroundings) -> Person | Invalid:
    """Read somebody outside: an address, or a name and an address in angle brackets."""
    found = _PERSON.fullmatch(args.strip())
    if found is None:
        return Invalid("it takes an address, such as bob@client.example")
    name, bracketed, bare = found.groups()
    return Person(Address.of(bracketed or bare), (name or "").strip(' "'))


def outsider(args: str, surroundings: Surroundings) -> Person | Invalid:
    """Read somebody who may get mail on a ticket's behalf: everybody but the helpdesk itself."""
    found = person(args, surroundings)
    if isinstance(found, Person) and surroundings.directory.is_own(found.address):
        return Invalid(f"{found.address} is an address of the helpdesk itself")
    return found


@dataclass(frozen=True, slots=True)
class Invitation:
    """Somebody who takes part from now on. `history`: they are shown what was written before."""

    person: Person
    history: bool


def invitation(args: str, surroundings: Surroundings) -> Invitation | Invalid:
    """Read an outsider, with or without "+history" after the address."""
    words = args.split()
    history = bool(words) and words[-1].casefold() == "+history"
    found = outsider(" ".join(words[:-1] if history else words), surroundings)
    if isinstance(found, Invalid):
        return found
    agent = surroundings.directory.agent_at(found.address)
    if agent:
        return Invalid(f"{found.address} is {_introduced(agent)}: name an agent in a note, as @{agent.name}")
    return Invitation(found, history)


def participant(args: str, surroundings: Surroundings) -> Person | Invalid:
    """Read a participant who is to hear nothing more. A requester cannot leave their own ticket."""
    found = person(args, surroundings)
    here = surroundings.ticket
    if isinstance(found, Person) and here and found.address == here.requester.address:
        return Invalid(f"{found.address} is the requester: !requester ADDRESS gives the ticket to somebody else")
    return found


@dataclass(frozen=True, slots=True)
class Tagging:
    """Tags to add and to remove, in the order in which they were named."""

    added: tuple[str, ...]
    removed: tuple[str, ...]


def tags(args: str, _surroundings: Surroundings) -> Tagging | Invalid:
    """Read +a or a (added) and -b (removed), separated by blanks or commas. Tags are stored in lower case."""
    words = args.casefold().replace(",", " ").split()
    if not words:
        return Invalid("names no tag: write it as +urgent or -printer")
    if len(words) > _TAGS_AT_MOST:
        return Invalid(f"{len(words)} tags in one command: at most {_TAGS_AT_MOST} are read")
    added: list[str] = []
    removed: list[str] = []
    for word in words:
        name = word.lstrip("+-#") if word[0] in "+-#" else word
        if not _TAG.fullmatch(name):
            return Invalid(f'"{word[:_QUOTE_AT_MOST]}" is no tag: letters and digits, with . : / _ - between them')
        (removed if word[0] == "-" else added).append(name)
    if both := [name for name in added if name in removed]:
        return Invalid(f"{both[0]} is put on and taken off at once")
    return Tagging(tuple(dict.fromkeys(added)), tuple(dict.fromkeys(removed)))


def title_or_none(args: str, _surroundings: Surroundings) -> str | Invalid:
    """Read one line as written, with single blanks; "" when there are no words."""
    plain = " ".join("".join(letter if _shows(letter) else " " for letter in args[:_MAX_WORDS]).split())
    if len(plain) > _TITLE_AT_MOST:
        return Invalid(f"a title has at most {_TITLE_AT_MOST} characters")
    return plain


def title(args: str, surroundings: Surroundings) -> str | Invalid:
    """Read a title, which must have words."""
    return title_or_none(args, surroundings) or Invalid("says no title")


def canned(args: str, surroundings: Surroundings) -> str | Invalid:
    """Return the canned text of this name with the values from name=value."""
    name, _, rest = args.partition(" ")
    variables: dict[str, str] = {}
    at = 0
    while at < len(rest):
        found = _VARIABLE.match(rest, at)
        if found is None:
            return Invalid(f'"{rest[at : at + _QUOTE_AT_MOST]}" is no name=value')
        variables[found[1]] = next((value for value in found.groups()[1:] if value is not None), "")
        at = found.end()
    made = surroundings.lookups.canned(CannedText.of(name, {**surroundings.words, **variables}))
    if made.wrong:
        return Invalid(made.wrong)
    return made.text if made.text is not None else _unknown("canned text", name, _themselves(made.names))


def moment_or_none(args: str, surroundings: Surroundings) -> datetime | Invalid | None:
    """Read a later instant; None when there are no words."""
    return moment(args, surroundings) if args else None


def moment_or_never(args: str, surroundings: Surroundings) -> datetime | Invalid | None:
    """Read a later instant; None for "none"."""
    return None if args.casefold() in _NEVER else moment(args, surroundings)


def moment(args: str, surroundings: Surroundings) -> datetime | Invalid:
    """Read a later instant."""
    here = surroundings
    if not args:
        return Invalid(f"say when: {FORMS}")
    try:
        return read_when(
            args,
            now=here.now,
            zone=here.wall_clock,
            day_begins=here.day_begins,
            day_ends=here.day_ends,
            calendar=here.calendar,
        )
    except ValueError as wrong:
        return Invalid(str(wrong))


def moment_or_word(args: str, surroundings: Surroundings) -> datetime | str | Invalid:
    """Read when a text leaves, or one word about a held reply."""
    if word := _WORD_ABOUT_HELD_REPLY.get(args.casefold()):
        return word
    if not args:
        return Invalid(f"say when, such as tomorrow 9:00, or about a held reply: {', '.join(_WORD_ABOUT_HELD_REPLY)}")
    return moment(args, surroundings)


def deadlines(args: str, surroundings: Surroundings) -> str | Invalid:
    """Return how the ticket's deadlines came about, line by line."""
    if args.casefold().rstrip("?") != "due":
        return Invalid("explains one thing: why due", "due")
    here = surroundings.ticket
    lines = surroundings.lookups.deadlines(here.number) if here else ()
    return "\n".join(lines) or "Nothing is due on this ticket."


_COUNT: Mapping[int, str] = {2: "two", 3: "three", 4: "four", 5: "five"}


def _plain_name(args: str) -> str:
    """Return a name without what mail programs put around it: <mailto:…>, brackets, quotes, a leading @."""
    return args.partition("<mailto:")[0].strip(" <>\"'").removeprefix("@").strip()


def _shows(letter: str) -> bool:
    return letter.isprintable() or letter in _JOINERS


def _introduced(agent: Agent) -> str:
    return f"{agent.display} ({agent.name})" if agent.display else agent.name


def _themselves(names: Iterable[str]) -> dict[str, str]:
    return {name: name for name in names}


def _unknown(kind: str, words: str, known: Mapping[str, str]) -> Invalid:
    """Say that there is no such name. `known` maps every spelling of a name to the name that commands use."""
    names = list(dict.fromkeys(known.values()))
    by_key = {name_key(spelling): name for spelling, name in known.items() if name_key(spelling)}
    near = list(
        dict.fromkeys(by_key[key] for key in get_close_matches(name_key(words[:_QUOTE_AT_MOST]), by_key, cutoff=0.6))
    )
    message = f'there is no {kind} "{words[:_QUOTE_AT_MOST]}"' if words else f"names no {kind}"
    if near:
        return Invalid(f"{message}; the nearest: {', '.join(near)}", near[0])
    if names and len(names) <= _LIST_AT_MOST:
        return Invalid(f"{message}; there are: {', '.join(names)}")
    return Invalid(message)
