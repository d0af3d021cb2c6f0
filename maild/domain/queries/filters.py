"""Which tickets a question is about: bare words such as `open mine 30d`, and filters such as `dept=support`.

There is one table of words and one of keys. Anything else is refused with the nearest of them. A list that
silently left a condition out would be believed."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import timedelta
from difflib import get_close_matches

from maild.domain.commands import arguments
from maild.domain.commands.arguments import Invalid, Surroundings
from maild.domain.people.directory import Agent
from maild.domain.query import Filter
from maild.domain.tickets.ticket import Status

MOST_WORDS = 30  # of one question
_LONGEST = 100  # characters of a value
_FAREST = timedelta(days=3650)

_SPAN = re.compile(r"([0-9]{1,4})\s?(h|d|w|m)")
_UNITS = {"h": timedelta(hours=1), "d": timedelta(days=1), "w": timedelta(weeks=1), "m": timedelta(days=30)}
_NAMED_SPANS = {"today": timedelta(days=1), "week": timedelta(weeks=1), "month": timedelta(days=30)}
_PAIR = re.compile(r"([a-z]+)\s?[=:](.*)", re.DOTALL | re.IGNORECASE)
_TOKEN = re.compile(r'(?:[^\s"]|"[^"]*"?)+')


class _Wrong(Exception):
    """A word that cannot be used. Its problem has an `instead` that takes its place in the line."""

    def __init__(self, invalid: Invalid) -> None:
        super().__init__(invalid.message)
        self.invalid = invalid


_Step = Callable[[Filter, Surroundings], Filter]
_Reader = Callable[[Filter, str, Surroundings], Filter]


def _status(*statuses: Status) -> _Step:
    def step(made: Filter, _: Surroundings) -> Filter:
        return replace(made, statuses=tuple(dict.fromkeys((*made.statuses, *statuses))))

    return step


def _mine(made: Filter, surroundings: Surroundings) -> Filter:
    if surroundings.speaker is None:
        raise _Wrong(Invalid("the command line belongs to no agent: name one with owner=NAME"))
    return _owned(made, surroundings.speaker.name)


def _owned(made: Filter, name: str) -> Filter:
    if made.unassigned or made.assignee not in ("", name):
        raise _Wrong(Invalid("a ticket has one owner: name one", ""))
    return replace(made, assignee=name)


def _unassigned(made: Filter, _: Surroundings) -> Filter:
    if made.assignee:
        raise _Wrong(Invalid("a ticket has one owner or none: say which", ""))
    return replace(made, unassigned=True)


WORDS: Mapping[str, _Step] = {
    "open": _status(Status.OPEN),
    "waiting": _status(Status.WAITING),
    "pending": _status(Status.WAITING),
    "resolved": _status(Status.RESOLVED),
    "solved": _status(Status.RESOLVED),
    "closed": _status(Status.CLOSED),
    "spam": _status(Status.SPAM),
    "ended": _status(Status.RESOLVED, Status.CLOSED),
    "all": _status(*(status for status in Status if status is not Status.SPAM)),
    "overdue": lambda made, _: replace(made, overdue=True),
    "late": lambda made, _: replace(made, overdue=True),
    "snoozed": lambda made, _: replace(made, snoozed=True),
    "mine": _mine,
    "my": _mine,
    "unassigned": _unassigned,
    "unowned": _unassigned,
}


def _read_status(made: Filter, value: str, surroundings: Surroundings) -> Filter:
    for word in value.casefold().split(","):
        step = WORDS.get(word) if word in set(Status) | {"ended", "all", "pending", "solved", "overdue"} else None
        if step is None:
            near = get_close_matches(word, [*Status, "ended", "all"], n=1)
            raise _Wrong(Invalid(f'there is no status "{word[:40]}"', f"status={near[0]}" if near else None))
        made = step(made, surroundings)
    return made


def _read_owner(made: Filter, value: str, surroundings: Surroundings) -> Filter:
    if value.casefold() in ("none", "nobody", "-"):
        return _unassigned(made, surroundings)
    if value.casefold() == "me":
        return _mine(made, surroundings)
    found = arguments.agent_or_team(value, surroundings)
    if isinstance(found, Invalid):
        raise _Wrong(_with_key("owner", found))
    if not isinstance(found, Agent):
        return replace(made, team=found.name)
    return _owned(made, found.name)


def _read_department(made: Filter, value: str, surroundings: Surroundings) -> Filter:
    found = arguments.department(value, surroundings)
    if isinstance(found, Invalid):
        raise _Wrong(_with_key("dept", found))
    return replace(made, department=found.name)


def _read_team(made: Filter, value: str, surroundings: Surroundings) -> Filter:
    found = arguments.team(value, surroundings)
    if isinstance(found, Invalid):
        raise _Wrong(_with_key("team", found))
    return replace(made, team=found.name)


def _read_priority(made: Filter, value: str, surroundings: Surroundings) -> Filter:
    found = arguments.priority(value, surroundings)
    if isinstance(found, Invalid):
        raise _Wrong(_with_key("priority", found))
    return replace(made, priority=found.value)


def _read_tag(made: Filter, value: str, _: Surroundings) -> Filter:
    return replace(made, tag=value.removeprefix("#").casefold())


def _read_sender(made: Filter, value: str, _: Surroundings) -> Filter:
    # Mail programs turn addresses into links: bob@acme.example <mailto:bob@acme.example>
    plain = value.partition("<mailto:")[0].strip(" <>").removeprefix("@").casefold()
    if not plain or any(letter.isspace() for letter in plain):
        raise _Wrong(Invalid("from takes an address, or the domain behind its @: from=acme.example"))
    return replace(made, sender=plain)


def _read_age(made: Filter, value: str, _: Surroundings) -> Filter:
    span = read_span(value)
    if span is None:
        raise _Wrong(Invalid(f'"{value[:40]}" is no age: write 12h, 30d or 2w'))
    return replace(made, age=span)


KEYS: Mapping[str, _Reader] = {
    "status": _read_status,
    "owner": _read_owner,
    "assignee": _read_owner,
    "dept": _read_department,
    "department": _read_department,
    "queue": _read_department,
    "team": _read_team,
    "tag": _read_tag,
    "priority": _read_priority,
    "pri": _read_priority,
    "from": _read_sender,
    "sender": _read_sender,
    "age": _read_age,
}


def read_span(words: str) -> timedelta | None:
    """Read 12h, 30d, 2w, 3m (of 30 days), today, week or month. None for anything else and for more than ten years."""
    told = words.casefold().strip()
    if told in _NAMED_SPANS:
        return _NAMED_SPANS[told]
    found = _SPAN.fullmatch(told)
    span = int(found[1]) * _UNITS[found[2]] if found else timedelta(0)
    return span if timedelta(0) < span <= _FAREST else None


def parted(words: str) -> list[str]:
    """Return the words of a question. Text in double quotes is one word, also after a key: dept="online banking"."""
    return [bare for token in _TOKEN.findall(words) if (bare := token.replace('"', "").strip())]


def read_filter(words: str, surroundings: Surroundings) -> Filter | Invalid:
    """Read the conditions of a list. The `instead` of Invalid is the corrected line."""
    tokens = parted(words)
    if len(tokens) > MOST_WORDS:
        return Invalid(f"a list takes at most {MOST_WORDS} words")
    made = Filter()
    for at, token in enumerate(tokens):
        try:
            made = _with_token(made, token, surroundings)
        except _Wrong as wrong:
            return _put_right(wrong.invalid, tokens, at)
    return made


def filters_in(tokens: Sequence[str], surroundings: Surroundings) -> tuple[Filter, list[str]] | Invalid:
    """Return (the conditions among the words of a search, the words to look for).

    Only words with a key of the table are conditions: `open` may be a word that somebody looks for."""
    made, sought = Filter(statuses=tuple(status for status in Status if status is not Status.SPAM)), []
    for at, token in enumerate(tokens):
        pair = _PAIR.fullmatch(token)
        key = pair[1].casefold() if pair else ""
        if pair is None or key not in KEYS or not pair[2].strip():
            sought.append(token)
            continue
        if key == "status":
            made = replace(made, statuses=())
        try:
            made = KEYS[key](made, pair[2][:_LONGEST], surroundings)
        except _Wrong as wrong:
            return _put_right(wrong.invalid, tokens, at)
    return made, sought


def _with_token(made: Filter, token: str, surroundings: Surroundings) -> Filter:
    word = token.casefold()
    if word in WORDS:
        return WORDS[word](made, surroundings)
    if (span := read_span(word)) is not None:
        return replace(made, age=span)
    pair = _PAIR.fullmatch(token)
    if pair is not None and pair[1].casefold() in KEYS and pair[2].strip():
        return KEYS[pair[1].casefold()](made, pair[2].strip()[:_LONGEST], surroundings)
    raise _Wrong(_strange(word, pair, surroundings))


def _strange(word: str, pair: re.Match[str] | None, surroundings: Surroundings) -> Invalid:
    if pair is not None:
        key = pair[1].casefold()
        near = get_close_matches(key, KEYS, n=1)
        if key in KEYS:
            return Invalid(f"{key}= needs a value behind it")
        return Invalid(f'there is no filter "{key[:40]}"', f"{near[0]}={pair[2]}" if near else None)
    if near := get_close_matches(word, WORDS, n=1, cutoff=0.7):
        return Invalid(f'a list knows no "{word[:40]}"', near[0])
    return Invalid(f'a list knows no "{word[:40]}"', _named(word, surroundings))


def _named(word: str, surroundings: Surroundings) -> str | None:
    """Return the filter that was meant by a bare name."""
    directory = surroundings.directory
    if found := directory.department(word):
        return f"dept={quoted(found.name)}"
    agents = directory.agents_matching(word)
    if len(agents) == 1:
        return f"owner={quoted(agents[0].name)}"
    if team := directory.team(word):
        return f"team={quoted(team.name)}"
    return f"from={word}" if "@" in word else None


def _with_key(key: str, invalid: Invalid) -> Invalid:
    instead = invalid.instead
    return Invalid(invalid.message, f"{key}={quoted(instead)}" if instead else None)


def quoted(value: str) -> str:
    """Return a value as it stands after a key: in double quotes when it has several words."""
    return f'"{value}"' if " " in value else value


def _put_right(invalid: Invalid, tokens: Sequence[str], at: int) -> Invalid:
    """Return the problem with the whole corrected line as its suggestion."""
    if invalid.instead is None:
        return invalid
    written = [invalid.instead if place == at else written_token(token) for place, token in enumerate(tokens)]
    return Invalid(invalid.message, " ".join(filter(None, written)))


def written_token(token: str) -> str:
    """Return a token as it must be written to be read as one."""
    pair = _PAIR.fullmatch(token)
    if pair is not None and " " in pair[2]:
        return f"{pair[1]}={quoted(pair[2])}"
    return quoted(token)
