"""What an agent wants to hear: the words for it, how they are stored, and what follows from them.

Preferences are stored as JSON, each under its name as it was written: {"notify": "mine", "digest": "daily
08:30"}."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, time
from difflib import get_close_matches
from enum import StrEnum
from functools import lru_cache
from typing import Any

from maild.domain.invalid import Invalid
from maild.domain.people.directory import Agent, Directory
from maild.domain.times.calendars import WEEKDAYS, Span

OFF = "off"
_WHOLE_DAY = 1440
_LONGEST_LINE = 100  # characters; the longest wish has 40
_STAND_INS = 5  # how often a substitute may be away and have one of their own

_CLOCK = r"[0-9]{1,2}:[0-9]{2}"
_HOURS = re.compile(rf"({_CLOCK})-({_CLOCK})")
_TIMES = re.compile(rf"{_CLOCK}(?:-{_CLOCK})?")


class Interest(StrEnum):
    """Why a ticket concerns an agent."""

    NAMED = "named"  # it was given to them just now, or a note names them
    OWNER = "owner"  # it is assigned to them
    ALARMED = "alarmed"  # they were told that its time runs out
    CIRCLE = "circle"  # nobody has it, and they are of the team, of the department, or above it
    WATCHER = "watcher"  # they follow it


class Level(StrEnum):
    """How much an agent hears. Alarms and answers to their own mail reach them at every level."""

    ALL = "all"
    MINE = "mine"
    MENTIONS = "mentions"
    NONE = "none"


HEARD: Mapping[Level, frozenset[Interest]] = {
    Level.ALL: frozenset(Interest),  # the default: whatever the table of notices has for them
    # colleagues see to what nobody has
    Level.MINE: frozenset({Interest.NAMED, Interest.OWNER, Interest.ALARMED, Interest.WATCHER}),
    Level.MENTIONS: frozenset({Interest.NAMED, Interest.ALARMED}),  # somebody asked them, or gave them the ticket
    Level.NONE: frozenset(),  # they read lists and digests
}


@dataclass(frozen=True, slots=True)
class DigestWish:
    """How often an agent wants their digest, and when on their clock. `every` is hourly, daily, weekly or off."""

    every: str
    at: time = time(8)
    day: str = ""  # of a weekly one: mon, tue, …

    @property
    def words(self) -> str:
        """The wish as it is written and stored: "weekly mon 08:30"."""
        return " ".join(filter(None, (self.every, self.day, f"{self.at:%H:%M}" if self.every in _AT_A_TIME else "")))

    @classmethod
    @lru_cache(maxsize=1024)  # a tick asks it for every reader
    def of(cls, words: str) -> DigestWish | None:
        """Return the wish that was stored as `words`; None for anything else."""
        every, *rest = words.split() or [""]
        if every in ("hourly", OFF) and not rest:
            return cls(every)
        if every not in _AT_A_TIME or len(rest) != _AT_A_TIME[every]:
            return None
        day = rest[0] if every == "weekly" else ""
        at = _clock(rest[-1])
        return cls(every, at, day) if at is not None and (not day or day in WEEKDAYS) else None


_AT_A_TIME: Mapping[str, int] = {"daily": 1, "weekly": 2}  # the number of words behind these


@dataclass(frozen=True, slots=True, kw_only=True)
class Preferences:
    """The preferences of one agent. Where one is missing, the configuration decides."""

    level: Level = Level.ALL
    at_once: bool = False  # nothing is batched
    quiet: str = ""  # "20:00-07:00", "off", or "" for what the configuration says
    new: bool = True  # tickets that nobody has
    receipts: str = "needed"  # or "all": also for what simply worked
    substitute: str = ""  # the agent who is told while this one is away
    digest: DigestWish | None = None
    team_digest: bool = True  # for who leads a team; "digest off" ends it as well
    manager_digest: bool = True  # for who manages a department

    @classmethod
    def of(cls, kept: Mapping[str, Any]) -> Preferences:
        """Read stored preferences. Entries that this version does not know are skipped."""
        notify, quiet = kept.get("notify"), str(kept.get("quiet", ""))
        return cls(
            level=Level(notify) if notify in set(Level) else Level.ALL,
            at_once=kept.get("pace") == "at once",
            quiet=quiet if quiet == OFF or hours(quiet) else "",
            new=kept.get("new") != OFF,
            receipts="all" if kept.get("receipts") == "all" else "needed",
            substitute=str(kept.get("substitute", "")),
            digest=DigestWish.of(str(kept.get("digest", ""))),
            team_digest=kept.get("digest_team") != OFF,
            manager_digest=kept.get("digest_manager") != OFF,
        )


NO_WISHES = Preferences()


@dataclass(frozen=True, slots=True)
class Readers:
    """What agents want to hear and until when they are away (UTC), by name, and who is on duty now by each rota."""

    preferences: Mapping[str, Preferences] = field(default_factory=dict)
    away: Mapping[str, datetime] = field(default_factory=dict)
    duty: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    def wishes_of(self, agent: Agent) -> Preferences:
        """Return the preferences of an agent."""
        return self.preferences.get(agent.name, NO_WISHES)

    def stand_in(
        self, agent: Agent, directory: Directory, fits: Callable[[Agent], bool] = lambda agent: True
    ) -> Agent | None:
        """Return who is told in place of an absent agent: their substitute, or the substitute's own; None when all
        are away.

        Somebody who does not fit is skipped like somebody who is away."""
        seen = {agent.name}
        standing: Agent | None = agent
        for _ in range(_STAND_INS):
            standing = directory.agent(self.wishes_of(standing).substitute) if standing else None
            if standing is None or standing.name in seen:
                return None
            if standing.name not in self.away and fits(standing):
                return standing
            seen.add(standing.name)
        return None


ALL_IN = Readers()


def hours(text: str) -> Span | None:
    """Read quiet hours such as "20:00-07:00". Returns None for "off" and for anything else."""
    found = _HOURS.fullmatch(text)
    begins, ends = (_clock(found[1]), _clock(found[2])) if found else (None, None)
    if begins is None or ends is None or begins == ends:
        return None
    start, end = begins.hour * 60 + begins.minute, ends.hour * 60 + ends.minute
    return Span(start, end if end > start else end + _WHOLE_DAY)


def read_digest(text: str) -> str:
    """Return how often a digest comes, in the one form that is stored, or "off". Raises ValueError with a reason."""
    told = _plain(text)
    wish = DigestWish.of(told)
    if wish is None:
        raise ValueError(f'{text!r} is no time of a digest: write "daily 08:00", "weekly mon 08:00", "hourly" or "off"')
    return wish.words


def read_quiet(text: str) -> str:
    """Return quiet hours in the one form that is stored, or "off". Raises ValueError with a reason."""
    told = _plain(text)
    if told == OFF:
        return OFF
    span = hours(told)
    if span is None:
        raise ValueError(f'{text!r} are no quiet hours: write "20:00-07:00" or "off"')
    return span.shown.replace("24:00", "00:00")


# -- the words ------------------------------------------------------------------------------------------------------

Wish = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Form:
    """One way to write a preference. TIME, HOURS, DAY and NAME in `words` stand for what the writer fills in."""

    words: str
    says: str  # what follows, for help and documentation
    wish: Callable[[tuple[str, ...], Directory], Wish | Invalid]


def _fixed(**wish: Any) -> Callable[[tuple[str, ...], Directory], Wish | Invalid]:
    return lambda _filled, _directory: wish


def _quiet(filled: tuple[str, ...], _directory: Directory) -> Wish | Invalid:
    try:
        return {"quiet": read_quiet(filled[0])}
    except ValueError as error:
        return Invalid(str(error))


def _digest(every: str) -> Callable[[tuple[str, ...], Directory], Wish | Invalid]:
    def read(filled: tuple[str, ...], _directory: Directory) -> Wish | Invalid:
        *day, clock = filled
        wanted = DigestWish.of(" ".join((every, *(word[:3] for word in day), clock)))
        return {"digest": wanted.words} if wanted else Invalid(f"there is no hour {clock}")

    return read


def _substitute(filled: tuple[str, ...], directory: Directory) -> Wish | Invalid:
    if filled[0] in ("nobody", OFF):
        return {"substitute": None}
    found = directory.agents_matching(filled[0])
    if len(found) == 1:
        return {"substitute": found[0].name}
    names = ", ".join(agent.name for agent in (found or directory.agents)[:8])
    return Invalid(f'{"several agents are" if found else "no agent is"} called "{filled[0]}"; choose from: {names}')


_NOTIFY = ("notify", "pace", "quiet", "new")  # the wishes that begin with notify
FORMS: tuple[Form, ...] = (
    Form("notify all", "everything that concerns you (the default)", _fixed(notify="all")),
    Form("notify mine", "only your own tickets, those that you watch, and what names you", _fixed(notify="mine")),
    Form("notify mentions", "only what names you: notes, and tickets that are given to you", _fixed(notify="mentions")),
    Form("notify none", "nothing but deadlines and answers to your own mails", _fixed(notify="none")),
    Form("notify batched", "what can wait some minutes comes in one mail (the default)", _fixed(pace="batched")),
    Form("notify at once", "every notice by itself, without waiting for more", _fixed(pace="at once")),
    Form("notify quiet off", "notices at every hour", _fixed(quiet=OFF)),
    Form("notify quiet HOURS", "what is not urgent waits: notify quiet 20:00-07:00", _quiet),
    Form("notify new off", "nothing of tickets that nobody has", _fixed(new=OFF)),
    Form("notify new on", "also of tickets that nobody has (the default)", _fixed(new="on")),
    Form("notify usual", "all of these as the admin has set them", _fixed(**dict.fromkeys(_NOTIFY))),
    Form("receipts all", "a receipt for each of your mails", _fixed(receipts="all")),
    Form("receipts needed", "receipts only where something else happened (the default)", _fixed(receipts="needed")),
    Form("digest daily TIME", "your digest each day at this time: digest daily 08:30", _digest("daily")),
    Form("digest daily", "each day at 08:00", _fixed(digest=DigestWish("daily").words)),
    Form("digest weekly DAY TIME", "once a week: digest weekly mon 08:30", _digest("weekly")),
    Form("digest hourly", "each hour in which there is something to tell", _fixed(digest="hourly")),
    Form("digest off", "no digest at all", _fixed(digest=OFF)),
    Form("digest team off", "none of the team that you lead", _fixed(digest_team=OFF)),
    Form("digest team usual", "that one as the admin has set it", _fixed(digest_team=None)),
    Form("digest manager off", "none of the departments that you manage", _fixed(digest_manager=OFF)),
    Form("digest manager usual", "that one as the admin has set it", _fixed(digest_manager=None)),
    Form("digest usual", "as the admin has set it", _fixed(digest=None)),
    Form("substitute NAME", "who is told while you are away; substitute nobody ends that", _substitute),
)
VERBS = frozenset(form.words.partition(" ")[0] for form in FORMS)  # by which a line is known as a wish

_DAY = "(mon(?:day)?|tue(?:sday)?|wed(?:nesday)?|thu(?:rsday)?|fri(?:day)?|sat(?:urday)?|sun(?:day)?)"
_FILLED = {"TIME": f"({_CLOCK})", "HOURS": rf"({_CLOCK}-{_CLOCK})", "DAY": _DAY, "NAME": "(.+)"}
_PATTERNS = tuple(
    (re.compile(" ".join(_FILLED.get(word, re.escape(word)) for word in form.words.split())), form) for form in FORMS
)


def read_wish(words: str, directory: Directory | None = None) -> Wish | Invalid:
    """Return what a line such as "notify quiet 20:00-07:00" changes; a value of None takes a preference back.

    `directory` holds the possible substitutes. Invalid says what was probably meant."""
    told = _plain(words)[:_LONGEST_LINE]
    made = _read(told, directory or Directory())
    if made is not None:
        return made
    first = told.partition(" ")[0]
    ways = [form.words for form in FORMS if form.words.startswith(f"{first} ")]
    ways = ways or list(dict.fromkeys(f"{form.words.partition(' ')[0]} …" for form in FORMS))
    return Invalid(f'"{told}" is no wish; write one of: {", ".join(ways)}', _meant(told))


def _read(told: str, directory: Directory) -> Wish | Invalid | None:
    for pattern, form in _PATTERNS:
        if found := pattern.fullmatch(told):
            return form.wish(found.groups(), directory)
    return None


def _meant(told: str) -> str | None:
    """Return the form that is closest to these words, with the day and the times that they contain."""
    bare = _TIMES.sub(lambda found: "HOURS" if "-" in found[0] else "TIME", told)
    bare = re.sub(rf"\b{_DAY}\b", "DAY", bare)
    silent = bool(get_close_matches(OFF, told.split(), n=1))  # silence is proposed to nobody who did not ask for it
    fitting = [form.words for form in FORMS if "NAME" not in form.words and (silent or OFF not in form.words.split())]
    near = get_close_matches(bare, fitting, n=1, cutoff=0.7)
    if not near:
        return None
    days, times = re.findall(rf"\b{_DAY}\b", told), _TIMES.findall(told)
    filled = {"DAY": days, "HOURS": times, "TIME": times}
    meant = " ".join(next(iter(filled[word]), word) if word in filled else word for word in near[0].split())
    made = _read(meant, Directory())
    return meant if made is not None and not isinstance(made, Invalid) else None


def in_words(kept: Mapping[str, Any]) -> tuple[str, ...]:
    """Return stored preferences as lines that would set them again; () when there are none."""
    before = {"notify": "notify ", "pace": "notify ", "quiet": "notify quiet ", "new": "notify new "}
    before |= {"digest_team": "digest team ", "digest_manager": "digest manager "}
    return tuple(f"{before.get(name, f'{name} ')}{value}" for name, value in sorted(kept.items()))


def _plain(text: str) -> str:
    """Return words in lower case with single blanks, dashes as hyphens, and hours with two digits."""
    told = " ".join(text.casefold().replace("\N{EN DASH}", "-").replace("\N{EM DASH}", "-").split())
    told = re.sub(r"\b(at)-(once)\b", r"\1 \2", re.sub(r" ?- ?", "-", told))
    return re.sub(r"\b([0-9]):([0-9]{2})\b", r"0\1:\2", told)


def _clock(text: str) -> time | None:
    """Read "08:30" as a time. Returns None for anything else."""
    hour, _, minute = text.partition(":")
    if not (hour.isdecimal() and minute.isdecimal() and int(hour) < 24 and int(minute) < 60):
        return None
    return time(int(hour), int(minute))
