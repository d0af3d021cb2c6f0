"""Answers to a list: which rows are meant, what may be said of them, and what stops the whole mail."""

from datetime import UTC, datetime

from hypothesis import given
from hypothesis import strategies as st

from maild.domain.commands.arguments import Surroundings
from maild.domain.commands.parsing import folded
from maild.domain.queries.row_commands import MOST_LINES, RowCommand, corrected, read_answer
from tests.domain.mail_scene import DIRECTORY, JANE
from tests.rig.misses import in_turn

HERE = Surroundings(
    directory=DIRECTORY,
    plans=("default", "sev-a"),
    zone="Europe/Berlin",
    now=datetime(2026, 5, 4, 9, 30, tzinfo=UTC),
    speaker=JANE,
)


def commands(text: str, size: int = 9) -> list[tuple[tuple[int, ...], str]]:
    found = read_answer(text, HERE, size)
    assert found.problems == ()
    return [(command.rows, command.words) for command in found.commands]


@in_turn(
    ("line", "rows", "words"),
    [
        ("3 close", (3,), "close"),
        ("!3 close", (3,), "close"),
        ("3 !close", (3,), "close"),
        ("  3.  Close", (3,), "Close"),
        ("3: assign jane", (3,), "assign jane"),
        ("#3 take", (3,), "take"),
        ("2,4 take", (2, 4), "take"),
        ("2, 4 and 6 take", (2, 4, 6), "take"),
        ("2-4 priority high", (2, 3, 4), "priority high"),
        ("1,3-5,4 snooze 1d", (1, 3, 4, 5), "snooze 1d"),
        ("2 & 3 drop", (2, 3), "drop"),
        ("３　ｃｌｏｓｅ", (3,), "close"),
        ("3–5 take", (3, 4, 5), "take"),
        ("3 note Call her: 555 12 34!", (3,), "note Call her: 555 12 34!"),
    ],
)
def test_rows_and_their_command(line: str, rows: tuple[int, ...], words: str) -> None:
    assert commands(line) == [(rows, words)]


def test_commands_and_questions_in_one_mail() -> None:
    found = read_answer("1 close\n\n2 take\nlist open mine\n!who\n", HERE, 2)
    assert [command.at for command in found.commands] == [0, 2]
    assert [query.line for query in found.queries] == ["list open mine", "who"]


@in_turn(
    ("text", "size", "message", "suggestion"),
    [
        ("10 close", 9, "the list has rows 1 to 9, and no 10", ""),
        ("0 close", 9, "and no 0", ""),
        ("8-12 close", 9, "and no 10", ""),
        ("5-3 close", 9, "and no 5-3", ""),
        ("3 clsoe", 9, 'unknown command "clsoe"', "3 close"),
        ("2,4 tkae", 9, 'unknown command "tkae"', "2,4 take"),
        ("3 note", 9, "needs its text", ""),
        ("3 reply Soon.", 9, "nothing leaves from a list", ""),
        ("3 tpl more-details", 9, "it is about an answer", ""),
        ("3 help", 9, "cannot be said of a row", ""),
        ("3 close", 0, "ask for one first", "list mine"),
        ("Thank you all!", 9, "neither a row with a command", ""),
        ("3", 9, "a number alone asks nothing", "show 3"),
        ("lst open", 9, 'there is no question "lst"', "list open"),
        ("Thank you all!", 0, "this is no question", ""),
        ("1 close\n" * 51, 9, f"at most {MOST_LINES} are read", ""),
        ("1-9 take\n" * 12, 9, "108 commands in one mail", ""),
        ("who\n" * 11, 9, "11 questions in one mail", ""),
    ],
)
def test_what_stops_the_mail(text: str, size: int, message: str, suggestion: str) -> None:
    (problem,) = read_answer(text, HERE, size).problems
    assert message in problem.message
    assert problem.suggestion == suggestion


def test_the_mended_mail_keeps_what_was_right_and_drops_what_nobody_can_mend() -> None:
    text = "1 close\n2 clsoe\nHello there\n\nlist opne"
    assert corrected(text, read_answer(text, HERE, 3).problems) == "1 close\n2 close\n\nlist open"
    assert corrected("Hello there", read_answer("Hello there", HERE, 3).problems) == ""


LINE = st.one_of(
    st.text(max_size=30),
    st.builds(
        "{} {}".format, st.integers(0, 99), st.sampled_from(["close", "take", "clsoe", "note x", "reply y", "show"])
    ),
    st.sampled_from(["list open", "who", "2-1 take", "1,,2 close", "!", "- 3 close", "3 - close"]),
)


@given(st.lists(LINE, max_size=8).map("\n".join), st.integers(0, 20))
def test_every_line_is_a_command_a_question_or_a_problem(text: str, size: int) -> None:
    found = read_answer(text, HERE, size)
    told = {each.at for each in (*found.commands, *found.problems)}
    assert len(found.commands) + len(found.queries) + len(found.problems) >= len(told)
    for command in found.commands:
        assert isinstance(command, RowCommand)
        assert all(1 <= row <= size for row in command.rows)
        assert len(set(command.rows)) == len(command.rows) > 0
        assert command.words.split()[0].casefold() not in {"reply", "public", "tpl", "send"}
    asks = bool(found.commands or found.queries or found.problems)
    assert asks == any(folded(line) for line in text.split("\n"))


@given(st.lists(LINE, max_size=8).map("\n".join), st.integers(1, 20))
def test_a_mend_is_understood_or_still_told(text: str, size: int) -> None:
    problems = read_answer(text, HERE, size).problems
    mended = corrected(text, problems)
    again = read_answer(mended, HERE, size).problems
    assert len(again) <= len(problems)
