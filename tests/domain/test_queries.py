"""Questions by mail and on the command line: what is understood, and what is answered to what is not."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from maild.domain.commands.arguments import Surroundings
from maild.domain.commands.parsing import CommandProblem
from maild.domain.people.directory import Address, Agent, Department, Directory, Team
from maild.domain.queries.filters import KEYS, WORDS, read_span
from maild.domain.queries.parsing import BY_WORD, EXAMPLES, QUERIES, begins_question, help_text, read_question
from maild.domain.query import (
    AwayQuery,
    Filter,
    FindQuery,
    HelpQuery,
    ListQuery,
    Query,
    ShowQuery,
    StatsQuery,
    WhoQuery,
    WishQuery,
)
from maild.domain.tickets.search_words import Phrase
from maild.domain.tickets.ticket import Status
from tests.rig.misses import in_turn

NOW = datetime(2026, 5, 4, 9, 30, tzinfo=UTC)  # a Monday


def agent(name: str, display: str = "") -> Agent:
    return Agent(name, (Address.of(f"{name}@acme.example"),), display, ("support",))


JANE, ANA, SAM, SAMMY = agent("jane", "Jane Doe"), agent("ana"), agent("samo", "Sam Oduya"), agent("samw", "Sam Weiss")
HERE = Surroundings(
    directory=Directory(
        (JANE, ANA, SAM, SAMMY), (Team("banking", ("jane",)),), (Department("support"), Department("Online Banking"))
    ),
    plans=("default",),
    zone="Europe/Berlin",
    now=NOW,
    speaker=JANE,
)
DAY = timedelta(days=1)


def asked(line: str, here: Surroundings = HERE) -> Any:
    found = read_question(line, here)
    assert isinstance(found, Query), found
    return found.asked


def refused(line: str, here: Surroundings = HERE) -> tuple[str, str]:
    found = read_question(line, here)
    assert isinstance(found, CommandProblem), found
    assert found.line == line
    return found.message, found.suggestion


@in_turn(
    ("words", "wanted"),
    [
        ("", Filter()),
        ("open", Filter(statuses=(Status.OPEN,))),
        ("open mine", Filter(statuses=(Status.OPEN,), assignee="jane")),
        ("overdue dept=support", Filter(overdue=True, department="support")),
        ("late queue:support", Filter(overdue=True, department="support")),
        ('dept="online banking"', Filter(department="Online Banking")),
        ("dept=“Online Banking”", Filter(department="Online Banking")),
        ("closed 30d", Filter(statuses=(Status.CLOSED,), age=30 * DAY)),
        ("from:acme.com 30d", Filter(sender="acme.com", age=30 * DAY)),
        ("from=<Bob@Acme.com>", Filter(sender="bob@acme.com")),
        ("from:@acme.com", Filter(sender="acme.com")),
        ("waiting tag=VIP", Filter(statuses=(Status.WAITING,), tag="vip")),
        ("unassigned", Filter(unassigned=True)),
        ("owner=none", Filter(unassigned=True)),
        ("owner=me", Filter(assignee="jane")),
        ("owner=ana", Filter(assignee="ana")),
        ("assignee=ana owner=ana", Filter(assignee="ana")),
        ("owner=banking", Filter(team="banking")),
        ("team=Banking", Filter(team="banking")),
        ("priority=HIGH", Filter(priority="high")),
        ("pri:low", Filter(priority="low")),
        ("status=open,waiting", Filter(statuses=(Status.OPEN, Status.WAITING))),
        ("snoozed", Filter(snoozed=True)),
        ("age=2w", Filter(age=14 * DAY)),
        ("12h", Filter(age=timedelta(hours=12))),
        ("month", Filter(age=30 * DAY)),
    ],
)
def test_lists(words: str, wanted: Filter) -> None:
    assert asked(f"list {words}") == ListQuery(wanted)
    assert asked(f"! LS  {words}  ") == ListQuery(wanted)


def test_mine_alone_is_a_list() -> None:
    assert asked("mine") == asked("list mine") == ListQuery(Filter(assignee="jane"))
    assert asked("mine closed") == asked("list mine closed")
    assert refused("opn mine") == ("this is no question; help lists them all", "")


@pytest.mark.parametrize(
    ("words", "statuses", "window"),
    [
        ("", (Status.OPEN, Status.WAITING), None),
        ("5d", (Status.OPEN, Status.WAITING), 5 * DAY),
        ("closed", (Status.CLOSED,), 30 * DAY),
        ("closed 90d", (Status.CLOSED,), 90 * DAY),
        ("from:acme.com", (Status.OPEN, Status.WAITING, Status.RESOLVED, Status.CLOSED), 30 * DAY),
        ("from:acme.com overdue", (Status.OPEN, Status.WAITING), None),
        ("from:acme.com open", (Status.OPEN,), None),
    ],
)
def test_what_is_meant_without_a_word(words: str, statuses: tuple[Status, ...], window: timedelta | None) -> None:
    found = asked(f"list {words}").filter
    assert (found.wanted, found.window) == (statuses, window)
    assert found.about_ended == (statuses == (Status.CLOSED,))


@in_turn(
    ("line", "message", "suggestion"),
    [
        ("list opne mine", 'list: a list knows no "opne"', "list open mine"),
        ("lst open", 'there is no question "lst"', "list open"),
        ("list dept=suport overdue", 'list: there is no department "suport"; the nearest: support', None),
        ("list dept=onlinebankin", 'list: there is no department "onlinebankin"', 'list dept="Online Banking"'),
        ("list owner=sam", "list: two agents match", "list owner=samo"),
        ("list ownr=ana", 'list: there is no filter "ownr"', "list owner=ana"),
        ("list ana", 'list: a list knows no "ana"', "list owner=ana"),
        ("list support overdue", 'list: a list knows no "support"', "list dept=support overdue"),
        ("list bob@acme.com", "list: a list knows no", "list from=bob@acme.com"),
        ("list status=opn", 'list: there is no status "opn"', "list status=open"),
        ("list priority=hihg", 'list: there is no priority "hihg"', "list priority=high"),
        ("list mine owner=ana", "list: a ticket has one owner", "list mine"),
        ("list owner=none mine", "list: a ticket has one owner", "list owner=none"),
        ("list dept=", "list: dept= needs a value", ""),
        ("list age=soon", 'list: "soon" is no age', ""),
        ("list 0d", "list: a list knows no", ""),
        ("list qqqqqq", 'list: a list knows no "qqqqqq"', ""),
        ("mine opne", 'mine: a list knows no "opne"', "mine open"),
        ("show", "show: show takes the number", ""),
        ("show seventeen", "show: show takes the number", ""),
        ("show 17 ful", "show: after the number", "show 17 full"),
        ("17", "a number alone asks nothing", "show 17"),
        ("find", "find: find takes the words", ""),
        ("find !!!", "find: find takes the words", ""),
        ("find toner dept=x", "find: there is no department", ""),
        ("stats year", "stats: stats takes week, month", "stats week"),
        ("stats 999d", "stats: stats takes week, month", "stats week"),
        ("stats 12h", "stats: stats takes week, month", "stats week"),
        ("stats week open", "stats: stats takes week, month", "stats week"),
        ("stats week dept=suport", "stats: there is no department", "stats week dept=support"),
        ("stats week opne", "stats: stats takes week, month", "stats week"),
        ("stats mien", "stats: stats takes week, month", "stats mine"),
        ("who is there", "who: takes nothing behind it", "who"),
        ("ooo", "ooo: say until when", ""),
        ("ooo until yesterday", "ooo: 'yesterday' is no time", ""),
        ("ooo until mon to jane", "ooo: somebody else has to stand in", "ooo until mon"),
        ("ooo until mon to banking", "ooo: a substitute is one agent", ""),
        ("ooo until mon to anna", "ooo: there is no agent or team", "ooo until mon to ana"),
        ("digest dayly 08:30", 'digest: "digest dayly 08:30" is no wish', None),
        ("digest daily 25:00", "digest: there is no hour 25:00", None),
        ("Hello there", "this is no question", ""),
        ("", "this is no question", ""),
    ],
)
def test_what_is_not_understood_is_told_with_what_was_meant(line: str, message: str, suggestion: str | None) -> None:
    told, instead = refused(line)
    assert told.startswith(message), told
    if suggestion is not None:
        assert instead == suggestion


def test_suggestions_are_questions_themselves() -> None:
    for line in ("list opne mine", "list owner=sam", "list dept=onlinebankin overdue", "ooo until fri to anna"):
        asked(refused(line)[1])


def test_one_ticket() -> None:
    assert asked("show 17") == ShowQuery(17)
    assert asked("Show #17 FULL") == ShowQuery(17, full=True)
    assert asked("show [#1042-7k2m]") == ShowQuery(1042)


def test_search() -> None:
    assert asked('find "paper jam" Toner') == FindQuery(
        ((Phrase(("paper", "jam")), Phrase(("toner",))),), Filter(statuses=(Status.OPEN, Status.WAITING, *ENDED))
    )
    assert asked("search open").terms == ((Phrase(("open",)),),)
    found = asked("find ton* owner=ana status=open age=1w")
    assert found.terms == ((Phrase(("ton",), prefix=True),),)
    assert found.filter == Filter(statuses=(Status.OPEN,), assignee="ana", age=7 * DAY)
    assert asked("find https://acme.example/x").terms[0][0].words == ("https", "acme", "example", "x")


ENDED = (Status.RESOLVED, Status.CLOSED)


def test_the_rest_of_the_table() -> None:
    assert asked("who") == WhoQuery()
    assert asked("help") == asked("?") == HelpQuery()
    assert asked("stats") == asked("stats week") == StatsQuery(7)
    assert asked("stats month") == asked("stats 30d") == StatsQuery(30)
    assert asked("stats 36h") == StatsQuery(2)  # figures are of whole days
    assert asked("stats week dept=support") == StatsQuery(7, department="support")
    assert asked("stats mine 14d") == StatsQuery(14, agent="jane")
    assert asked("stats owner=ana") == StatsQuery(7, agent="ana")


def test_being_away() -> None:
    # Friday is the 8th; a day without an hour begins at nine, Berlin is two hours ahead.
    friday = datetime(2026, 5, 8, 7, 0, tzinfo=UTC)
    assert asked("ooo until fri to ana") == AwayQuery(friday, ANA)
    assert asked("OOO fri TO Ana") == AwayQuery(friday, ANA)
    assert asked("away until fri") == AwayQuery(friday)
    assert asked("ooo off") == AwayQuery(None)


@pytest.mark.parametrize(
    ("line", "kept"),
    [
        ("digest daily 8:05", {"digest": "daily 08:05"}),
        ("notify mine", {"notify": "mine"}),
        ("digest hourly", {"digest": "hourly"}),
        ("digest off", {"digest": "off"}),
    ],
)
def test_wishes(line: str, kept: dict[str, str]) -> None:
    found = asked(line)
    assert isinstance(found, WishQuery)
    assert found.wished.preferences == kept
    assert found.wished.told.endswith((".", ")"))


def test_the_command_line_is_nobody() -> None:
    nobody = replace(HERE, speaker=None)
    for line in ("list mine", "mine", "ooo off", "digest off", "list owner=me"):
        assert "belongs to no agent" in refused(line, nobody)[0]
    assert asked("list open", nobody) == asked("list open")


def test_the_line_is_told_as_it_was_understood() -> None:
    found = read_question("!List  OPEN dept=“online  banking”", HERE)
    assert isinstance(found, Query)
    assert found.line == 'list OPEN dept="online banking"'
    assert read_question(found.line, HERE) == found


def test_help_names_everything_in_72_columns() -> None:
    text = help_text()
    assert all(len(line) <= 72 for line in text.splitlines())
    for name in QUERIES:
        assert f"\n{name}" in text
    for line in EXAMPLES:
        asked(line)


PIECES = [*BY_WORD, *WORDS, *(f"{key}=" for key in KEYS), "30d", "to", "until", '"', "ana", "support"]
LINES = st.one_of(
    st.text(max_size=80),
    st.lists(
        st.one_of(
            st.sampled_from(
                [*BY_WORD, *WORDS, *(f"{key}=" for key in KEYS), "30d", "to", "until", '"', "ana", "support"]
            ),
            st.text(max_size=8),
        ),
        max_size=8,
    ).map(" ".join),
)


@given(LINES)
def test_any_line_is_understood_or_refused_in_words(line: str) -> None:
    found = read_question(line, HERE)
    if isinstance(found, CommandProblem):
        assert found.message
        assert found.line == line
        return
    assert begins_question(line)
    again = read_question(found.line, HERE)
    assert isinstance(again, Query)
    assert again.asked == found.asked


@given(st.text(max_size=20))
def test_any_age_is_positive_and_bounded(words: str) -> None:
    span = read_span(words)
    assert span is None or timedelta(0) < span <= timedelta(days=3650)
