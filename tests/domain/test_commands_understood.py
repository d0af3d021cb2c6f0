"""What the words behind a verb mean: names, plans, moments; and which commands contradict each other."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from maild.domain.commands.apply import VERBS, CommandProblem, interpret, judge, parse, parse_line
from maild.domain.commands.table import BY_NAME
from maild.domain.people.directory import Agent, AgentRole, Team
from maild.domain.tickets.ticket import Priority
from maild.domain.times.calendars import ALWAYS
from maild.domain.times.moments import read_when, shown_when
from tests.domain.command_scene import (
    BOOKER,
    FRESH,
    JANE,
    JOHN,
    LINES,
    NOW,
    OFFICE,
    SAM_ODUYA,
    SURROUNDINGS,
    home_of,
    judged,
)
from tests.rig.misses import in_turn

EXAMPLES = [(verb, example) for verb in VERBS for example in verb.examples]
TWO_FOR_A_PERSON = "!for bob@client.example\n!to bob@client.example"


def read(line, surroundings=SURROUNDINGS):
    """What the one command of a mail resolves to."""
    found = judged(line, surroundings)
    assert found.problems == ()
    (intent,) = found.intents
    return intent.reading


def invalid(text, surroundings=SURROUNDINGS):
    found = judged(text, surroundings)
    assert found.intents == ()
    (problem,) = found.problems
    return problem


@in_turn(("verb", "example"), EXAMPLES, ids=[f"{verb.name} {example}" for verb, example in EXAMPLES])
def test_every_example_of_the_table_is_understood(verb, example):
    """In a mail under every name, and on the command line without a mark."""
    for spelling in (verb.name, *verb.aliases):
        assert judged(f"!{spelling} {example}", home_of(verb)).problems == ()
    if example or not verb.takes_text:
        line = parse_line([verb.name, *example.split()])
        assert judge(line, home_of(verb)).problems == ()


@in_turn(
    ("words", "agent"),
    [
        ("jane", JANE),
        ("Jane", JANE),
        ("JANE DOE", JANE),
        ("jane@acme.example", JANE),
        ("Jane@ACME.example<mailto:Jane@ACME.example>", JANE),
        ("@jane", JANE),
        ('"Jane Doe"', JANE),
        ("Booker Dean-DeWitt", BOOKER),
        ("bookerdeandewitt", BOOKER),
        ("booker dean\u2013dewitt", BOOKER),
        ("sam oduya", SAM_ODUYA),
        ("me", JOHN),
    ],
)
def test_agents_are_found_by_any_of_their_names(words, agent):
    assert read(f"!assign {words}") == agent


@pytest.mark.parametrize("words", ["online-banking", "Online Banking", "onlinebanking", "ONLINE_BANKING"])
def test_teams_are_found_ignoring_case_blanks_and_hyphens(words):
    for verb in ("team", "assign"):
        team = read(f"!{verb} {words}")
        assert isinstance(team, Team)
        assert team.name == "online-banking"
    assert read(f"!dept {words}").name == "online-banking"


@in_turn(
    ("line", "parts", "suggestion"),
    [
        ("!assign sam", ["two agents match", "Sam Oduya (samo)", "Sam Weiss (samw)"], "!assign samo"),
        ("!assign bokoer", ["no agent or team", "booker"], "!assign booker"),
        ("!give netwrok", ["no agent or team", "network"], "!assign network"),
        ("!assign xyzzy", ["no agent or team", "jane", "network"], ""),
        ("!assign", ["names no agent or team"], ""),
        ("!team", ["names no team"], ""),
        ("!team jane", ["no team"], ""),
        ("!dept suport", ["no department", "support"], "!dept support"),
        ("!priority hihg", ["no priority", "high"], "!priority high"),
        ("!priority urgent", ["low, normal, high, emergency"], ""),
        ("!pri", ["names no priority"], ""),
        ("!sla sev-d", ["no SLA plan", "sev-"], None),
        ("!sla", ["names no SLA plan"], ""),
        ("!close the ticket please", ["nothing after it"], "!close"),
        ("!take now", ["nothing after it"], "!take"),
        ("!help clsoe", ["no command"], "!help close"),
        ("!wait soonish", ["no time", "fri 15:00"], ""),
        ("!resolve it please", ["nothing after it"], "!resolve"),
        ("!snooze", ["say when", "tomorrow"], ""),
        ("!snooze tonight", ["no time"], ""),
        ("!due", ["say when"], ""),
        ("!due yesterday", ["no time"], ""),
        ("!send", ["say when", "anyway, text, note, nothing"], ""),
        ("!send anyhow", ["no time"], ""),
        ("!tag", ["names no tag"], ""),
        ("!tag +", ["no tag"], ""),
        ("!tag -", ["no tag"], ""),
        ("!tag +a <b>", ["no tag"], ""),
        ("!tag +a -a", ["put on and taken off"], ""),
        ("!tag " + "a " * 21, ["at most 20"], ""),
        ("!title", ["says no title"], ""),
        ("!title " + "x" * 201, ["at most 200"], ""),
        ("!split " + "x" * 201, ["at most 200"], ""),
        ("!requester bob", ["takes an address"], ""),
        ("!requester support+x@acme.example", ["the helpdesk itself"], ""),
        ("!cc support@acme.example", ["the helpdesk itself"], ""),
        ("!cc jane@acme.example", ["Jane Doe", "@jane"], ""),
        ("!cc +history", ["takes an address"], ""),
        ("!cc eve@client.example history", ["takes an address"], ""),
        ("!uncc", ["takes an address"], ""),
        ("!uncc karen@client.example", ["is the requester", "!requester"], ""),
        ("!link", ["names no ticket"], ""),
        ("!link it", ["no number"], ""),
        ("!link 17 18", ["no number"], ""),
        ("!link 42", ["this ticket itself"], ""),
        ("!link 99", ["there is no ticket 99"], ""),
        ("!merge 42", ["this ticket itself"], ""),
        ("!merge 99", ["there is no ticket 99"], ""),
        ("!tpl", ["names no canned text"], ""),
        ("!tpl rebot", ["no canned text", "reboot"], "!tpl reboot"),
        ("!tpl reboot web1", ["no name=value"], ""),
        ("!undo 3", ["nothing after it"], "!undo"),
        ("!why", ["why due"], "!why due"),
        ("!why is it due", ["why due"], "!why due"),
        ("!yes please", ["nothing after it"], "!yes"),
        ("!no way", ["nothing after it"], "!no"),
        ("!now then", ["nothing after it"], "!now"),
        ("!check it", ["nothing after it"], "!check"),
        ("!watch me", ["nothing after it"], "!watch"),
        ("!spam it is", ["nothing after it"], "!spam"),
    ],
)
def test_what_cannot_be_resolved_is_a_problem_with_the_nearest(line, parts, suggestion):
    problem = invalid(line)
    for part in parts:
        assert part in problem.message
    if suggestion is not None:
        assert problem.suggestion == suggestion


def test_an_agent_and_a_team_of_one_name_are_never_guessed():
    network = Agent("network", JANE.addresses, "Network Person")
    directory = replace(SURROUNDINGS.directory, agents=(*SURROUNDINGS.directory.agents, network))
    problem = invalid("!assign network", replace(SURROUNDINGS, directory=directory))
    assert "Network Person (network)" in problem.message
    assert "the team network" in problem.message


def test_a_severity_may_lose_its_first_half():
    assert {read(f"!{words}") for words in ("sev a", "severity A", "sla sev-a", "sla SevA", "sev sev a")} == {"sev-a"}


def test_a_plan_of_just_that_name_wins_over_the_severity():
    assert read("!sla a", replace(SURROUNDINGS, plans=("sev-a", "a"))) == "a"


def test_priorities_are_typed():
    assert read("!priority EMERGENCY") is Priority.EMERGENCY


def test_the_command_line_belongs_to_no_agent():
    admin = replace(SURROUNDINGS, speaker=None)
    assert "no agent" in invalid("!take", admin).message
    assert "no agent or team" in invalid("!assign me", admin).message
    assert "no agent" in invalid("!watch", admin).message


@pytest.mark.parametrize("line", ["!for bob@client.example", "!to bob@client.example"])
def test_a_ticket_for_somebody_is_opened_by_a_fresh_mail_alone(line):
    assert judged(line, FRESH).problems == ()
    assert "fresh mail" in invalid(line).message
    assert "fresh mail" in invalid(line, replace(SURROUNDINGS, speaker=None)).message


@pytest.mark.parametrize("line", ["!merge 17", "!link 17", "!split", "!undo", "!why due"])
def test_what_is_about_a_ticket_needs_one(line):
    assert judged(line).problems == ()
    assert "answer to a mail of that ticket" in invalid(line, FRESH).message


@pytest.mark.parametrize("line", ["!requester bob@client.example", "!take\n!priority high", "!tag vip", "!note"])
def test_a_ticket_that_opens_takes_the_other_commands(line):
    assert judged(line, FRESH).problems == ()


def test_a_verb_may_be_kept_for_some_roles():
    managers_only = replace(VERBS[0], needs=AgentRole.MANAGER)
    speakers = [replace(JOHN, role=role) for role in AgentRole]
    assert [managers_only.allowed_to(speaker) for speaker in (*speakers, None)] == [False, True, True, True]


def test_an_agent_without_the_role_is_refused(monkeypatch):
    monkeypatch.setitem(BY_NAME, "take", replace(BY_NAME["take"], needs=AgentRole.MANAGER))
    assert "for a manager alone" in invalid("!take").message
    assert judged("!take", replace(SURROUNDINGS, speaker=replace(JOHN, role=AgentRole.ADMIN))).problems == ()


def test_only_a_short_list_of_names_is_listed():
    for count, listed in ((0, False), (8, True), (9, False)):
        plans = tuple(f"plan-{number}" for number in range(count))
        assert ("there are" in invalid("!sla xyzzy", replace(SURROUNDINGS, plans=plans)).message) is listed


# -- contradictions ---------------------------------------------------------------------------------------------


@in_turn(
    "text",
    [
        "!close\n!wait",
        "!resolve\n!close",
        "!reopen\n!close",
        "!note\n!reply",
        "!assign jane\n!assign john",
        "!take\n!assign jane",
        "!take\n!drop",
        "!team network\n!team online-banking",
        "!team network\n!assign online-banking",
        "!assign online-banking\n!team network",
        "!priority low\n!priority high",
        "!sla a\n!sla b",
        "!dept support\n!dept online-banking",
        "!wait 2h\n!wait 3h",
        "!close\nIt works.\n!wait",
        "!close\n!close quiet",
        "!spam\n!close",
        "!merge 17\n!close",
        "!tag +vip\n!tag -vip",
        "!title one\n!title two",
        "!due fri\n!due none",
        "!snooze 1d\n!snooze 2d",
        "!cc eve@client.example\n!uncc eve@client.example",
        "!cc eve@client.example\n!cc eve@client.example +history",
        "!watch\n!mute",
        "!note\n!draft",
        "!draft\n!reply",
        "!send fri\n!now",
        "!send anyway\n!no",
        "!yes\n!no",
    ],
)
def test_commands_that_contradict_each_other_are_a_problem(text):
    problem = invalid(text)
    assert "keep one" in problem.message
    assert problem.line == text.split("\n")[-1]


@in_turn(
    "text",
    [
        "!team network\n!take",
        "!assign jane\n!team network",
        "!note\n!close",
        "!dept support\n!assign jane\n!pri high\n!sev a\n!note\n!wait 2h",
        "!help\n!help take",
        "!tag +vip\n!tag +vip -old",
        "!cc eve@client.example\n!cc bob@client.example\n!uncc tom@client.example",
        "!link 17\n!merge 17",
        "!undo\n!close",
        "!wait 2d\n!snooze 2d\n!due 3d",
        "!send anyway\n!now",
        "!check\n!close\n!why due",
    ],
)
def test_commands_on_different_things_go_together(text):
    found = judged(text)
    assert found.problems == ()
    assert len(found.intents) == text.count("!")


@pytest.mark.parametrize(
    "text", ["!close\nIt works.\n!close", "!assign jane\n!give Jane Doe", "!note\nText\n!internal"]
)
def test_the_same_command_twice_is_said_once(text):
    assert len(judged(text).intents) == 1


def test_intents_act_in_the_order_of_the_table():
    rows = [verb.name for verb in VERBS]
    order = [intent.verb.name for intent in judged("!close\n!pri high\n!take\n!team network\n!dept support").intents]
    assert order == sorted(order, key=rows.index)


# -- all or nothing ---------------------------------------------------------------------------------------------


def test_all_problems_of_a_mail_are_told_in_one_go():
    found = judged("!clsoe\n!assign sam\nDone\n!take\n!note\n!reply")
    assert found.intents == ()
    assert [problem.at for problem in found.problems] == [0, 1, 5]


def test_a_ticket_is_opened_for_one_person():
    assert "keep one" in invalid(TWO_FOR_A_PERSON, FRESH).message


@given(st.lists(st.sampled_from(LINES), max_size=6), st.integers(0, 6))
def test_a_mail_with_any_problem_has_no_intents(lines, at):
    """Whatever stands around one command that fails."""
    spoilt = [*lines[:at], "!assign nobody-by-that-name", *lines[at:]]
    found = judged("\n".join(spoilt))
    assert found.intents == ()
    assert any("nobody-by-that-name" in problem.line for problem in found.problems)
    assert interpret(parse("\n".join(spoilt)).commands, SURROUNDINGS).intents == ()


# -- the command line -------------------------------------------------------------------------------------------


def test_the_command_line_needs_no_mark():
    for words in (["assign", "jane"], ["!assign", "jane"], ["Give", "Jane", "Doe"], ["assign jane"]):
        (intent,) = judge(parse_line(words), SURROUNDINGS).intents
        assert (intent.verb.name, intent.reading) == ("assign", JANE)


def test_note_and_reply_take_the_rest_of_the_line_as_text():
    found = parse_line(["note", "The disk", "was \u201cfull\u201d  !close"])
    assert [command.verb for command in found.commands] == ["note"]
    assert found.text == "The disk was \u201cfull\u201d  !close"
    assert parse_line(["reply", "It works"]).text == "It works"


@pytest.mark.parametrize(
    ("words", "message", "suggestion"),
    [
        ([], "a command is missing", ""),
        ([""], "a command is missing", ""),
        (["clsoe"], "unknown command", "close"),
        (["frobnicate", "it"], "help lists them all", ""),
        (["note"], "needs its text", ""),
        (["assign", "bokoer"], "no agent or team", "assign booker"),
        (["close", "it"], "nothing after it", "close"),
    ],
)
def test_a_wrong_line_is_refused_without_marks_in_the_suggestion(words, message, suggestion):
    (problem,) = judge(parse_line(words), SURROUNDINGS).problems
    assert isinstance(problem, CommandProblem)
    assert message in problem.message
    assert problem.suggestion == suggestion


@given(st.lists(st.text(max_size=8) | st.sampled_from([v.name for v in VERBS]), max_size=4))
def test_no_line_breaks_the_reading(words):
    judge(parse_line(words), SURROUNDINGS)


# -- moments ----------------------------------------------------------------------------------------------------


def berlin(words, now=NOW, calendar=OFFICE):
    """The moment that `words` mean in Berlin, as its wall clock shows it."""
    moment = read_when(words, now=now, zone=SURROUNDINGS.wall_clock, calendar=calendar)
    return moment.astimezone(SURROUNDINGS.wall_clock).strftime("%m-%d %H:%M")


@in_turn(
    ("words", "moment"),
    [  # now is Tuesday 2026-11-24, 10:30
        ("2h", "11-24 12:30"),
        ("+90m", "11-24 12:00"),
        ("15 min", "11-24 10:45"),
        ("3d", "11-27 10:30"),
        ("1w", "12-01 10:30"),
        ("tomorrow", "11-25 09:00"),
        ("Tomorrow 3pm", "11-25 15:00"),
        ("mon", "11-30 09:00"),
        ("Monday", "11-30 09:00"),
        ("tue", "12-01 09:00"),  # nine o'clock of this Tuesday has gone by
        ("tue 15:00", "11-24 15:00"),
        ("tue 10:30", "12-01 10:30"),  # now is not later
        ("fri 15:00", "11-27 15:00"),
        ("fri 3:30 pm", "11-27 15:30"),
        ("thurs 12am", "11-26 00:00"),
        ("today 23:59", "11-24 23:59"),
        ("2026-12-01", "12-01 09:00"),
        ("2026-12-01 14:15", "12-01 14:15"),
        ("2026-12-01T14:15", "12-01 14:15"),
        ("eod", "11-24 17:00"),
        ("EOD", "11-24 17:00"),
        ("18:00", "11-24 18:00"),
        ("8:00", "11-25 08:00"),
        ("next week", "11-30 09:00"),
        ("Next  Week", "11-30 09:00"),
        ("+2bh", "11-24 12:30"),
        ("8bh", "11-25 10:30"),
        ("+7bh", "11-25 09:30"),
        ("40 bh", "12-01 10:30"),
        ("+1bd", "11-25 10:30"),
        ("4bd", "11-30 10:30"),
    ],
)
def test_moments(words, moment):
    assert berlin(words) == moment


@in_turn(
    ("words", "message"),
    [
        ("soon", "no time"),
        ("mon 3", "no time"),
        ("fri 25:00", "no hour"),
        ("fri 13pm", "no hour"),
        ("fri 10:75", "no hour"),
        ("2026-02-30", "no day"),
        ("2026-11-24", "gone by"),
        ("today 9:00", "gone by"),
        ("today", "no time"),
        ("2020-01-01", "gone by"),
        ("0001-01-01", "gone by"),
        ("9999-12-31 23:59", "two years"),
        ("9999w", "two years"),
        ("0h", "gone by"),
        ("0d", "gone by"),
        ("-2h", "no time"),
        ("0bh", "gone by"),
        ("0bd", "gone by"),
        ("9999bh", "two years"),
        ("9999bd", "two years"),
        ("tonight", "no time"),
        ("next month", "no time"),
        ("2h 2h", "no time"),
        ("", "no time"),
    ],
)
def test_what_is_no_later_moment_is_refused(words, message):
    with pytest.raises(ValueError, match=message):
        berlin(words)


def test_the_end_of_a_day_that_has_ended_is_refused_with_another():
    with pytest.raises(ValueError, match="tomorrow 17:00"):
        berlin("eod", datetime(2026, 11, 24, 16, 30, tzinfo=UTC))


@pytest.mark.parametrize(
    ("now", "words", "moment"),
    [  # the office is open from nine to five, Monday to Friday
        (datetime(2026, 11, 27, 14, 0, tzinfo=UTC), "1bd", "11-30 15:00"),  # over a weekend
        (datetime(2026, 11, 27, 14, 0, tzinfo=UTC), "+3bh", "11-30 10:00"),
        (datetime(2026, 11, 27, 16, 0, tzinfo=UTC), "1bd", "11-30 17:00"),  # on Friday the office had closed
        (datetime(2026, 11, 27, 16, 0, tzinfo=UTC), "1bh", "11-30 10:00"),
        (datetime(2026, 11, 24, 6, 0, tzinfo=UTC), "1bd", "11-25 09:00"),  # before it opens
        (datetime(2026, 11, 28, 9, 0, tzinfo=UTC), "1bd", "11-30 10:00"),  # on a Saturday
    ],
)
def test_business_time_counts_open_hours_and_open_days(now, words, moment):
    assert berlin(words, now) == moment


def test_business_time_needs_opening_hours():
    with pytest.raises(ValueError, match="write 2h or 2d"):
        berlin("2bh", calendar=None)
    assert berlin("+1bd", calendar=ALWAYS) == "11-25 10:30"
    with pytest.raises(ValueError, match="two years"):
        berlin("1bd", calendar=replace(OFFICE, week=((),) * 7))


@given(st.integers(1, 400), st.datetimes(datetime(2026, 1, 1), datetime(2026, 12, 31), timezones=st.just(UTC)))  # noqa: DTZ001
def test_business_days_end_in_opening_hours_of_the_day_so_many_open_days_later(count, now):
    moment = read_when(f"{count}bd", now=now, zone=UTC, calendar=OFFICE)
    first, last = (instant.astimezone(SURROUNDINGS.wall_clock).date() for instant in (now, moment))
    days = [first + timedelta(days=ahead) for ahead in range(1, (last - first).days + 1)]
    assert sum(day.weekday() < 5 for day in days) == count
    assert last.weekday() < 5
    assert "09:00" <= moment.astimezone(SURROUNDINGS.wall_clock).strftime("%H:%M") <= "17:00"


def test_days_keep_the_time_of_day_when_the_clocks_change_and_hours_do_not():
    before = datetime(2026, 10, 24, 10, 0, tzinfo=UTC)  # noon in Berlin, the day before winter time
    assert berlin("1d", before) == "10-25 12:00"
    assert berlin("24h", before) == "10-25 11:00"


def test_a_moment_is_echoed_with_its_zone():
    moment = read_when("2026-12-01", now=NOW, zone=SURROUNDINGS.wall_clock)
    assert shown_when(moment, SURROUNDINGS.wall_clock) == "Tue 2026-12-01 09:00 CET"


@given(st.text(max_size=30) | st.from_regex(r"[a-z]{3,9} [0-9:]{1,5}|[0-9]{4}-[0-9]{2}-[0-9]{2}|[0-9]{1,5}[mhdw]"))
def test_a_moment_is_later_or_refused(words):
    try:
        moment = read_when(words, now=NOW, zone=SURROUNDINGS.wall_clock)
    except ValueError:
        return
    assert moment > NOW
