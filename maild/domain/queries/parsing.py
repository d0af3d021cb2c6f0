"""Questions to the helpdesk: `list open mine`, `show 17`, `find "toner"`, `who`. One table, one question a line.

Mail and the command line use the same parser. Nothing is guessed: a line that is no question is a problem, with
what was probably meant."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from difflib import get_close_matches
from textwrap import fill

from maild.domain.commands import arguments
from maild.domain.commands.arguments import Invalid, Surroundings
from maild.domain.commands.parsing import CommandProblem, folded
from maild.domain.people.directory import Agent
from maild.domain.people.preferences import FORMS, in_words, read_wish
from maild.domain.queries.filters import filters_in, parted, read_filter, written_token
from maild.domain.query import (
    Asked,
    AwayQuery,
    Filter,
    FindQuery,
    HelpQuery,
    ListQuery,
    Query,
    ShowQuery,
    StatsQuery,
    WhoQuery,
    Wished,
    WishQuery,
)
from maild.domain.tickets.search_words import terms_of

MOST_QUESTIONS = 10  # of one mail
MOST_ROWS = 50  # of one list by mail
WIDTH = 72
_FAREST_BACK = timedelta(days=366)
_ONE_DAY = timedelta(days=1)
_STATS_TAKES = "stats takes week, month, or a number of days such as 14d; mine, owner=NAME, dept=NAME"


@dataclass(frozen=True, slots=True)
class QueryWord:
    """One row: how a question is written, what it is for, and the reader of the words after its first."""

    usage: str
    summary: str
    read: Callable[[str, Surroundings], Asked | Invalid]
    aliases: tuple[str, ...] = ()
    alone: bool = False  # nothing stands behind it


# -- readers ----------------------------------------------------------------------------------------------------


def _list(words: str, surroundings: Surroundings) -> ListQuery | Invalid:
    found = read_filter(words, surroundings)
    return found if isinstance(found, Invalid) else ListQuery(found)


def _mine(words: str, surroundings: Surroundings) -> ListQuery | Invalid:
    found = read_filter(f"mine {words}", surroundings)
    if isinstance(found, Invalid):
        return Invalid(found.message, found.instead and found.instead.removeprefix("mine ").removeprefix("mine"))
    return ListQuery(found)


_NUMBER = re.compile(r"#?([0-9]{1,12})(?:-[0-9a-z]{4})?", re.IGNORECASE)


def _show(words: str, surroundings: Surroundings) -> ShowQuery | Invalid:
    number, _, more = words.partition(" ")
    found = _NUMBER.fullmatch(number.strip("[]"))
    if found is None:
        return Invalid("show takes the number of a ticket: show 17")
    if more.casefold() not in ("", "full"):
        return Invalid(f'after the number stands nothing, or full: not "{more[:40]}"', f"{found[1]} full")
    return ShowQuery(int(found[1]), full=bool(more))


def _find(words: str, surroundings: Surroundings) -> FindQuery | Invalid:
    found = filters_in(parted(words), surroundings)
    if isinstance(found, Invalid):
        return found
    conditions, sought = found
    terms = terms_of(sought)
    if not terms:
        return Invalid('find takes the words that are looked for: find toner, find "paper jam"')
    return FindQuery(terms, conditions)


def _stats(words: str, surroundings: Surroundings) -> StatsQuery | Invalid:
    found = read_filter(words, surroundings)
    if isinstance(found, Invalid):
        mended = found.instead and isinstance(_stats(found.instead, surroundings), StatsQuery)
        strange = found.message.startswith("a list knows")
        return Invalid(_STATS_TAKES if strange else found.message, found.instead if mended else "week")
    span = found.age or timedelta(weeks=1)
    only_these = Filter(age=found.age, department=found.department, assignee=found.assignee)
    if found != only_these or not _ONE_DAY <= span <= _FAREST_BACK:
        return Invalid(_STATS_TAKES, "week")
    return StatsQuery(-(-span // _ONE_DAY), found.department, found.assignee)


def _who(words: str, surroundings: Surroundings) -> WhoQuery:
    return WhoQuery()


_TO = re.compile(r"(.+?)\s+to\s+(.+)", re.IGNORECASE)


def _away(words: str, surroundings: Surroundings) -> AwayQuery | Invalid:
    if surroundings.speaker is None:
        return Invalid("the command line belongs to no agent")
    if words.casefold() in ("off", "back", "none", "no"):
        return AwayQuery(None)
    told = re.sub(r"^until\s+", "", words, flags=re.IGNORECASE)
    found = _TO.fullmatch(told)
    when, name = (found[1], found[2]) if found else (told, "")
    until = arguments.moment_or_none(when, surroundings)
    if until is None:
        return Invalid("say until when: ooo until mon to ana, or ooo off")
    if isinstance(until, Invalid):
        return until
    if not name:
        return AwayQuery(until)
    substitute = arguments.agent_or_team(name, surroundings)
    if isinstance(substitute, Invalid):
        return Invalid(substitute.message, f"until {when} to {substitute.instead}" if substitute.instead else None)
    if not isinstance(substitute, Agent):
        return Invalid(f"a substitute is one agent, and {substitute.name} is a team")
    if substitute.name == surroundings.speaker.name:
        return Invalid("somebody else has to stand in for you", f"until {when}")
    return AwayQuery(until, substitute)


def _help(words: str, surroundings: Surroundings) -> HelpQuery:
    return HelpQuery()


def _wish(name: str) -> Callable[[str, Surroundings], Asked | Invalid]:
    def read(words: str, surroundings: Surroundings) -> Asked | Invalid:
        if surroundings.speaker is None:
            return Invalid("the command line belongs to no agent: maild agent prefs NAME")
        found = read_wish(f"{name} {words}", surroundings.directory)
        if isinstance(found, Invalid):
            return Invalid(found.message, found.instead.removeprefix(f"{name} ") if found.instead else None)
        kept = {key: value for key, value in found.items() if value is not None}
        told = "; ".join(in_words(kept))
        return WishQuery(Wished(found, f"Kept: {told}." if told else f"{name.capitalize()}: as the admin has set it."))

    return read


# What agents wish of their mail is said in the words of `wishes`: the usage names its forms.
_WISHES: Mapping[str, str] = {
    "notify": "What you hear of, and when.",
    "receipts": "When you get a receipt for your mails.",
    "digest": "When the summary of your tickets comes.",
    "substitute": "Who is told while you are away.",
}


def _forms(name: str) -> str:
    return "|".join(form.words.removeprefix(f"{name} ") for form in FORMS if form.words.startswith(f"{name} "))


# -- the table --------------------------------------------------------------------------------------------------

QUERIES: Mapping[str, QueryWord] = {
    "list": QueryWord(
        "[open|waiting|resolved|closed|all] [mine|unassigned] [overdue|snoozed] [30d] [KEY=VALUE]",
        "Tickets, numbered: answer with lines such as 3 close. Keys: status, owner, dept, team, tag, priority, from, "
        "age. Without a status: what is open or waits for the customer.",
        _list,
        ("ls",),
    ),
    "mine": QueryWord("[…]", "The same as list mine.", _mine, ("my",)),
    "find": QueryWord(
        'WORDS|"A PHRASE" [KEY=VALUE]',
        "Tickets that say so: in the subject, the thread, or by name.",
        _find,
        ("search",),
    ),
    "show": QueryWord("N [full]", "One ticket; full brings the whole thread as a file.", _show, ("get",)),
    "who": QueryWord("", "Who is here, and who is away until when.", _who, alone=True),
    "stats": QueryWord(
        "[week|month|14d] [mine|owner=NAME] [dept=NAME]",
        "How much came in and went out, how long it took, what was in time, and what is left.",
        _stats,
    ),
    "ooo": QueryWord(
        "until WHEN [to AGENT]|off",
        "You are away until then, and who stands in for you; or you are back.",
        _away,
        ("away", "absent"),
    ),
    **{name: QueryWord(_forms(name), summary, _wish(name)) for name, summary in _WISHES.items()},
    "help": QueryWord("", "This list.", _help, ("?",)),
}
BY_WORD: Mapping[str, tuple[str, QueryWord]] = {
    word: (name, row) for name, row in QUERIES.items() for word in (name, *row.aliases)
}


# -- reading ----------------------------------------------------------------------------------------------------


def read_question(line: str, surroundings: Surroundings, at: int = 0) -> Query | CommandProblem:
    """Read the question on one line, with or without an exclamation mark before it."""
    plain = folded(line).removeprefix("!").strip()
    word, _, words = plain.partition(" ")
    name, row = BY_WORD.get(word.casefold().rstrip(":"), ("", None))
    if row is None:
        return CommandProblem(line, *_unknown(word, words), at=at)
    found: Asked | Invalid = row.read(words.strip(), surroundings)
    if row.alone and words.strip():
        found = Invalid("takes nothing behind it", "")
    if isinstance(found, Invalid):
        instead = "" if found.instead is None else f"{name} {found.instead}".strip()
        return CommandProblem(line, f"{name}: {found.message}", instead, at)
    return Query(f"{name} {' '.join(map(written_token, parted(words)))}".strip(), found)


def begins_question(line: str) -> bool:
    """Tell whether the line begins with a word of the table."""
    return folded(line).removeprefix("!").strip().partition(" ")[0].casefold().rstrip(":") in BY_WORD


def _unknown(word: str, words: str) -> tuple[str, str]:
    near = get_close_matches(word.casefold()[:24], BY_WORD, n=1, cutoff=0.7)
    if near:
        return f'there is no question "{word[:40]}"', f"{BY_WORD[near[0]][0]} {words}".strip()
    if _NUMBER.fullmatch(word) and not words:
        return "a number alone asks nothing", f"show {word.removeprefix('#')}"
    return "this is no question; help lists them all", ""


EXAMPLES = ("list open mine", "list overdue dept=support", "list from:acme.example 30d", 'find "paper jam"')


def help_text() -> str:
    """Return all questions, in lines of at most 72 columns."""
    head = "Write one question on a line, to your address for questions or as an answer to any list. For example:"
    examples = "\n".join(f"    {line}" for line in EXAMPLES)
    rows = "\n".join(
        fill(f"{name} {row.usage}".rstrip(), WIDTH, subsequent_indent="  ", break_on_hyphens=False)
        + "\n"
        + fill(row.summary, WIDTH, initial_indent="    ", subsequent_indent="    ", break_on_hyphens=False)
        for name, row in QUERIES.items()
    )
    return f"{fill(head, WIDTH)}\n\n{examples}\n\n{rows}\n"
