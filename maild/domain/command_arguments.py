"""What stands behind a verb, resolved: names into agents, teams, departments and plans; words into moments.

A reader answers the typed argument, or a Complaint in words for whoever wrote the command. Nobody is guessed."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, time
from difflib import get_close_matches
from zoneinfo import ZoneInfo

from maild.domain.command_times import read_when
from maild.domain.lookups import NOTHING_KNOWN, Lookups
from maild.domain.people import Address, Agent, Department, Directory, Person, Team, name_key
from maild.domain.ticket import Priority, Ticket

_PERSON = re.compile(r"(?:([^<>\n]{0,100})<([^\s<>@]{1,64}@[^\s<>@]{1,255})>|([^\s<>@]{1,64}@[^\s<>@]{1,255}))")
_LIST_AT_MOST = 8  # more names than these help nobody
_QUOTE_AT_MOST = 60  # characters of a wrong argument that are shown again


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What a command is read against: who exists, which plans there are, what time it is, who speaks.

    `zone` is the IANA name of the speaker's time zone; an unknown one raises ZoneInfoNotFoundError when a moment is
    read or shown. A day named without a time begins at `day_begins` there, and "eod" is `day_ends`.
    `speaker` is None for the admin on the command line, who is nobody's colleague and may do everything."""

    directory: Directory
    plans: tuple[str, ...]
    zone: str
    now: datetime
    speaker: Agent | None = None
    day_begins: time = time(9)
    day_ends: time = time(17)
    ticket: Ticket | None = None  # the one that the command is about
    lookups: Lookups = NOTHING_KNOWN

    @property
    def wall_clock(self) -> ZoneInfo:
        """The rules of the speaker's time zone."""
        return ZoneInfo(self.zone)


@dataclass(frozen=True, slots=True)
class Complaint:
    """Why an argument cannot be used. `instead` is the argument that was probably meant; None when nobody can tell."""

    message: str
    instead: str | None = None


def nothing(args: str, _surroundings: Surroundings) -> Complaint | None:
    """For verbs that stand alone: words after them may be a sentence that only looks like a command."""
    return Complaint("takes nothing after it", "") if args else None


def any_text(_args: str, _surroundings: Surroundings) -> None:
    """For verbs whose rest of the line belongs to the text."""
    return


def speaker(args: str, surroundings: Surroundings) -> Agent | Complaint:
    """The agent who writes; the admin on the command line is none."""
    if args:
        return Complaint("takes nothing after it", "")
    if surroundings.speaker is None:
        return Complaint("the command line belongs to no agent: name one with assign NAME")
    return surroundings.speaker


def agent_or_team(args: str, surroundings: Surroundings) -> Agent | Team | Complaint:
    """Whoever `args` names: an agent by name, display name, first name or address, "me", or a team."""
    words = _plain_name(args)
    if not words:
        return Complaint("names no agent or team")
    if words.casefold() == "me" and surroundings.speaker:
        return surroundings.speaker
    directory = surroundings.directory
    agents, team = directory.agents_matching(words), directory.team(words)
    if len(agents) + (team is not None) > 1:
        found = [_introduced(agent) for agent in agents] + ([f"the team {team.name}"] if team else [])
        who = "people or teams" if team else "agents"
        return Complaint(f"{_COUNT.get(len(found), 'several')} {who} match: {', '.join(found)}", agents[0].name)
    if agents:
        return agents[0]
    if team:
        return team
    known = {name: agent.name for agent in directory.agents for name in (*agent.display.split(), agent.display)}
    known |= {agent.name: agent.name for agent in directory.agents} | {team.name: team.name for team in directory.teams}
    return _unknown("agent or team", words, known)


def team(args: str, surroundings: Surroundings) -> Team | Complaint:
    words = _plain_name(args)
    found = surroundings.directory.team(words)
    return found or _unknown("team", words, _themselves(t.name for t in surroundings.directory.teams))


def department(args: str, surroundings: Surroundings) -> Department | Complaint:
    words = _plain_name(args)
    found = surroundings.directory.department(words)
    return found or _unknown("department", words, _themselves(d.name for d in surroundings.directory.departments))


def priority(args: str, _surroundings: Surroundings) -> Priority | Complaint:
    wanted = name_key(args)
    found = next((level for level in Priority if name_key(level) == wanted), None)
    return found or _unknown("priority", args, _themselves(Priority))


def plan(args: str, surroundings: Surroundings) -> str | Complaint:
    """The name of an SLA plan; severities may drop their first half, so that "sev a" reads as "sev-a"."""
    by_key = {name_key(name): name for name in surroundings.plans}
    wanted = name_key(args)
    found = by_key.get(wanted) or (by_key.get(f"sev{wanted}") if wanted else None)
    return found or _unknown("SLA plan", args, _themselves(surroundings.plans))


def person(args: str, _surroundings: Surroundings) -> Person | Complaint:
    """Somebody outside: an address, or a name and the address in angle brackets."""
    found = _PERSON.fullmatch(args.strip())
    if found is None:
        return Complaint("it takes an address, such as bob@client.example")
    name, bracketed, bare = found.groups()
    return Person(Address.of(bracketed or bare), (name or "").strip(' "'))


def moment_or_none(args: str, surroundings: Surroundings) -> datetime | Complaint | None:
    """A later instant, or None when no words are given."""
    if not args:
        return None
    here = surroundings
    try:
        return read_when(args, now=here.now, zone=here.wall_clock, day_begins=here.day_begins, day_ends=here.day_ends)
    except ValueError as wrong:
        return Complaint(str(wrong))


_COUNT: Mapping[int, str] = {2: "two", 3: "three", 4: "four", 5: "five"}


def _plain_name(args: str) -> str:
    """A name without what mail programs wrap around it: <mailto:…> after an address, brackets, quotes, a leading @."""
    return args.partition("<mailto:")[0].strip(" <>\"'").removeprefix("@").strip()


def _introduced(agent: Agent) -> str:
    return f"{agent.display} ({agent.name})" if agent.display else agent.name


def _themselves(names: Iterable[str]) -> dict[str, str]:
    return {name: name for name in names}


def _unknown(kind: str, words: str, known: Mapping[str, str]) -> Complaint:
    """No such name. `known` maps every spelling of a name to the name that commands use."""
    names = list(dict.fromkeys(known.values()))
    by_key = {name_key(spelling): name for spelling, name in known.items() if name_key(spelling)}
    near = list(
        dict.fromkeys(by_key[key] for key in get_close_matches(name_key(words[:_QUOTE_AT_MOST]), by_key, cutoff=0.6))
    )
    message = f'there is no {kind} "{words[:_QUOTE_AT_MOST]}"' if words else f"names no {kind}"
    if near:
        return Complaint(f"{message}; the nearest: {', '.join(near)}", near[0])
    if names and len(names) <= _LIST_AT_MOST:
        return Complaint(f"{message}; there are: {', '.join(names)}")
    return Complaint(message)
