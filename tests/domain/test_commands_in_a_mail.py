"""Where commands stand in a mail, what is text, and what stops the mail."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from maild.domain.commands.apply import MAX_COMMANDS, VERBS, corrected, escape, judge, parse, parse_button
from maild.domain.commands.parsing import MAX_PROBLEMS
from maild.domain.commands.table import near_miss, nearest
from tests.domain.command_scene import SURROUNDINGS
from tests.rig.misses import in_turn

SPELLINGS = [(spelling, verb) for verb in VERBS for spelling in (verb.name, *verb.aliases)]
BANGS = ("!", "\uff01", "\ufe57")


def verbs_in(text):
    found = parse(text)
    assert found.problems == ()
    return [(command.verb, command.args) for command in found.commands]


@in_turn(("spelling", "verb"), SPELLINGS, ids=[spelling for spelling, _ in SPELLINGS])
def test_each_verb_is_read_by_its_name_and_aliases_in_any_case(spelling, verb):
    for written in (spelling, spelling.upper(), spelling.title()):
        assert verbs_in(f"!{written}") == [(verb.name, "")]


def test_no_name_belongs_to_two_verbs():
    names = [spelling for spelling, _ in SPELLINGS]
    assert len(names) == len(set(names))


@in_turn(
    ("text", "commands", "rest"),
    [
        ("Done, new cable shipped.\n!close", [("close", "")], "Done, new cable shipped."),
        ("!close\nDone, new cable shipped.", [("close", "")], "Done, new cable shipped."),
        (
            "!take\n!pri high\n\nI look into it.\n\n!wait 2h\n",
            [("take", ""), ("priority", "high"), ("wait", "2h")],
            "I look into it.",
        ),
        ("\n\n  !take  \n\n", [("take", "")], ""),
        ("!take\n\n!close", [("take", ""), ("close", "")], ""),
        ("! close", [("close", "")], ""),
        ("  one\n\n\n  two  \n\n!close", [("close", "")], "  one\n\n\n  two  "),
        ("\r\n!close\r\n", [("close", "")], ""),
    ],
)
def test_commands_stand_at_the_top_and_at_the_end(text, commands, rest):
    assert verbs_in(text) == commands
    assert parse(text).text == rest


@in_turn(
    ("line", "args"),
    [
        ("\uff01assign jane", "jane"),  # full-width mark
        ("\uff01\uff41\uff53\uff53\uff49\uff47\uff4e\u3000jane", "jane"),  # full-width letters and blank
        ("!assign\u00a0jane", "jane"),  # no-break space
        ("\u200b!as\u200bsign \ufeffjane\u200e", "jane"),  # zero-width and direction marks
        ("!\ufe0eassign jane", "jane"),  # a phone's variation selector
        ("!assign \u201cjane doe\u201d", '"jane doe"'),
        ("!assign Dean\u2013DeWitt", "Dean-DeWitt"),
        ("!assign   jane \t  doe ", "jane doe"),
    ],
)
def test_what_phones_and_editors_make_of_a_command_is_folded(line, args):
    assert verbs_in(line) == [("assign", args)]


@in_turn(
    ("line", "suggestion"),
    [
        ("!clsoe", "!close"),
        ("!Resolv", "!resolve"),
        ("!asign Jane", "!assign Jane"),
        ("!prioritty high", "!priority high"),
        ("!close.", "!close"),
        ('!"close"', "!close"),
        ("!closed", "!close"),
        ("!frobnicate", ""),
        ("!function() {", ""),
        ("!", ""),
        ("\uff01", ""),
        ("! ", ""),
    ],
)
@in_turn("mail", ["{}", "{}\nThe text.", "The text.\n{}", "!take\n{}\n\nThe text."])
def test_an_unknown_verb_in_a_block_is_a_problem_with_the_nearest_known_one(line, suggestion, mail):
    (problem,) = parse(mail.format(line)).problems
    assert (problem.line, problem.suggestion) == (line, suggestion)


@in_turn(
    "line", ["!close", "! close", "!CLOSE", "!assign jane", "!clsoe", "!resolv", "!close.", "\uff01close", "!Done:"]
)
def test_a_command_in_the_middle_stops_the_mail(line):
    (problem,) = parse(f"It works.\n{line}\nBest, John").problems
    assert problem.at == 1
    assert problem.suggestion.startswith("!")


@in_turn(
    "line",
    [
        "!important",
        "!function() {",
        "!= 5",
        "!",
        "!!",
        "![image](cid:1)",
        "!1",
        "!Important: read this",
        "!close()",
        "! clsoe",
        "!set",
        "! warning",
        "> !close",
        "| !close",
        "text !close",
        "-- !close",
        "#!/bin/sh",
    ],
)
def test_pasted_lines_in_the_middle_are_text(line):
    found = parse(f"It works.\n{line}\nBest, John")
    assert (found.commands, found.problems) == ((), ())
    assert found.text == f"It works.\n{line.replace('!!', '!')}\nBest, John"


@in_turn(("spelling", "verb"), SPELLINGS, ids=[spelling for spelling, _ in SPELLINGS])
def test_a_sentence_that_begins_with_a_verb_is_text_wherever_it_stands(spelling, verb):
    for sentence in (spelling, f"{spelling.title()} it, please.", f"{spelling}!", f"- {spelling} 17"):
        for mail in (sentence, f"{sentence}\nBest, John", f"It works.\n{sentence}\nBest, John", f"Hello\n{sentence}"):
            found = parse(mail)
            assert (found.commands, found.problems, found.text) == ((), (), mail)


@in_turn("word", ["no", "yes", "to", "for", "now", "send", "check", "due", "tag", "draft", "why", "cc"])
def test_a_short_word_behind_a_mark_in_the_middle_stops_the_mail_and_its_neighbours_do_not(word):
    (problem,) = parse(f"It works.\n!{word}\nBest, John").problems
    assert problem.suggestion == f"!{word}"
    for letters in (word[:-1] + "x", word + "ish"):
        if len(word) < 4:
            assert parse(f"It works.\n!{letters}\nBest, John").problems == ()


def test_quoted_commands_are_never_run():
    for quoted in ("> !close", ">!close", "> > !close", "> ! close"):
        assert parse(f"Thanks.\n\n{quoted}").commands == ()
        assert parse(f"{quoted}\n\nThanks.").commands == ()


def test_an_image_in_markdown_at_the_top_is_text():
    assert parse("![logo](cid:logo)\nHello").text == "![logo](cid:logo)\nHello"


def test_two_marks_make_a_line_text():
    found = parse("!take\n!!close is what I typed\n  !!take\n\uff01\uff01note\n\u203cdrop\n!close")
    assert [command.verb for command in found.commands] == ["take", "close"]
    assert found.text == "!close is what I typed\n  !take\n\uff01note\n!drop"


def test_text_behind_a_note_is_text_where_it_stands():
    found = parse("!note The disk  was \u201cfull\u201d\nI cleaned it.\n!internal call him\n!close")
    assert [command.verb for command in found.commands] == ["note", "note", "close"]
    assert found.text == "The disk  was \u201cfull\u201d\nI cleaned it.\ncall him"


def test_a_letter_that_becomes_a_blank_does_not_lose_the_text_behind_it():
    assert parse("!note\u00a8").problems == ()


@pytest.mark.parametrize("mark", ["!", "\uff01", "! "])
def test_a_title_is_taken_as_it_was_written(mark):
    (command,) = parse(f"{mark}title  \u201cFuser\u201d \u2013 broke ").commands
    assert command.args.strip() == "\u201cFuser\u201d \u2013 broke"


# -- without a mark ---------------------------------------------------------------------------------------------


@in_turn("verb", VERBS, ids=lambda verb: verb.name)
def test_where_marks_may_be_left_out_a_verb_stands_alone_on_its_line(verb):
    """Not what takes a sentence, and not what lets text out."""
    for example in verb.examples:
        bare, marked = (parse(f"{mark}{verb.name} {example}".rstrip(), bare=True) for mark in ("", "!"))
        takes_words = verb.verbatim or verb.takes_text
        expected = () if verb.name in {"reply", "title"} or (takes_words and example) else marked.commands
        if verb.name in {"tag", "help"} and bare.commands == ():
            continue  # "tag vip" and "help wait" may be the beginning of a sentence
        assert [(c.verb, c.args) for c in bare.commands] == [(c.verb, c.args) for c in expected]


@in_turn(
    ("text", "commands", "rest"),
    [
        ("close", [("close", "")], ""),
        ("Close", [("close", "")], ""),
        ("  snooze 1d  ", [("snooze", "1d")], ""),
        ("Snooze tomorrow 9am\n\nThe parts come on Friday.", [("snooze", "tomorrow 9am")], "The parts come on Friday."),
        ("The parts come on Friday.\nsnooze fri\ntake", [("snooze", "fri"), ("take", "")], "The parts come on Friday."),
        ("take\n!close", [("take", ""), ("close", "")], ""),
        ("assign Jane Doe", [("assign", "Jane Doe")], ""),
        ("cc eve@client.example +history", [("cc", "eve@client.example +history")], ""),
        ("tag +vip -old", [("tag", "+vip -old")], ""),
        ("link #17", [("link", "#17")], ""),
        ("yes", [("yes", "")], ""),
        ("send anyway", [("send", "anyway")], ""),
        ("why due?", [("why", "due?")], ""),
        ("note", [("note", "")], ""),
        ("One\nclose\ntwo", [], "One\nclose\ntwo"),
        ("close it please", [], "close it please"),
        ("take care", [], "take care"),
        ("no problem at all", [], "no problem at all"),
        ("wait a moment", [], "wait a moment"),
        ("wait that is wrong", [], "wait that is wrong"),
        ("note to self", [], "note to self"),
        ("tag team", [], "tag team"),
        ("split the difference", [], "split the difference"),
        ("title of the book", [], "title of the book"),
        ("reply", [], "reply"),
        ("due to the weather", [], "due to the weather"),
        ("for you and me", [], "for you and me"),
        ("assign", [], "assign"),
        ("help me", [], "help me"),
        ("close.", [], "close."),
        ("> close", [], "> close"),
    ],
)
def test_only_a_line_that_is_nothing_but_a_command_is_one_without_its_mark(text, commands, rest):
    found = parse(text, bare=True)
    assert [(command.verb, command.args) for command in found.commands] == commands
    assert (found.text, found.problems) == (rest, ())
    if "!" not in text:
        assert parse(text).commands == ()


def test_marks_are_read_as_ever_where_they_may_be_left_out():
    for text in ("!clsoe", "It works.\n!close\nBest, John", "!important note"):
        assert parse(text, bare=True) == parse(text)


def test_a_bare_command_that_fails_is_mended_in_its_place():
    problems = judge(parse("assign bokoer\nHe knows it.", bare=True), SURROUNDINGS).problems
    assert corrected("assign bokoer\nHe knows it.", problems, bare=True) == "!assign booker\nHe knows it."


# -- buttons ----------------------------------------------------------------------------------------------------


@in_turn(
    ("asked", "verb", "args"),
    [
        ("take", "take", ""),
        ("close", "close", ""),
        ("snooze-1d", "snooze", "1d"),
        ("wait", "wait", ""),
        ("wait-2d", "wait", "2d"),
        ("wait-fri-15:00", "wait", "fri 15:00"),
        ("assign-jane", "assign", "jane"),
        ("send-anyway", "send", "anyway"),
        ("close-quiet", "close", "quiet"),
    ],
)
def test_a_button_asks_by_its_address(asked, verb, args):
    found = parse_button(asked)
    assert [(command.verb, command.args) for command in found.commands] == [(verb, args)]
    assert judge(found, SURROUNDINGS).problems == ()


@in_turn(
    "asked", ["", "-", "frobnicate", "close-now", "snooze", "snooze-soon", "note-12", "reply", "title-x", "-close"]
)
def test_a_button_that_asks_for_no_command_is_a_problem(asked):
    found = parse_button(asked)
    assert (found.commands, len(found.problems)) == ((), 1)
    assert "no command" in found.problems[0].message


def test_at_most_fifty_commands_are_read():
    assert len(parse("!take\n" * MAX_COMMANDS).commands) == MAX_COMMANDS
    found = parse("!take\n" * (MAX_COMMANDS + 1))
    assert found.commands == ()
    assert [problem.at for problem in found.problems] == [MAX_COMMANDS]
    assert "51 commands" in found.problems[0].message


def test_a_long_paste_is_told_about_briefly():
    assert len(parse("text\n" + "!close\n" * 5000 + "text").problems) == MAX_PROBLEMS


def test_slips_are_looked_for_in_typed_texts_and_commands_in_all():
    pasted = "text\n" + "!important\n" * 1000
    assert parse(f"{pasted}!clsoe\ntext").problems == ()
    assert [problem.suggestion for problem in parse(f"{pasted}!close\ntext").problems] == ["!close"]


# -- slips of the finger ----------------------------------------------------------------------------------------

LETTERS = "abcdefghijklmnopqrstuvwxyz"
EDITS = st.tuples(
    st.sampled_from(["insert", "delete", "replace", "swap"]), st.integers(0, 30), st.sampled_from(LETTERS)
)


def edited(word, edit):
    kind, at, letter = edit
    at %= len(word)
    if kind == "insert":
        return word[:at] + letter + word[at:]
    if kind == "delete":
        return word[:at] + word[at + 1 :]
    if kind == "replace":
        return word[:at] + letter + word[at + 1 :]
    return word[:at] + word[at : at + 2][::-1] + word[at + 2 :]


@given(st.sampled_from([name for name, _ in SPELLINGS if len(name) >= 4]), EDITS)
def test_one_slip_in_any_name_of_four_letters_is_noticed(name, edit):
    assert near_miss(edited(name, edit)) is not None


@given(st.sampled_from([name for name, _ in SPELLINGS if len(name) >= 5]), EDITS, EDITS)
def test_two_slips_are_noticed_in_longer_names(name, first, second):
    twice = edited(edited(name, first), second)
    distant = {first[0], second[0]} == {"swap", "insert"} or {first[0], second[0]} == {"swap", "delete"}
    assert distant or near_miss(twice) is not None  # an edit between swapped letters is no swap any more


@in_turn(
    ("word", "near", "in_a_block"),
    [
        ("take", "take", "take"),
        ("tkae", "take", "take"),
        ("tkea", None, "team"),
        ("tak", "take", "take"),
        ("takes", "take", "take"),
        ("clsoe", "close", "close"),
        ("prirotiy", "priority", "priority"),
        ("prxxxity", None, None),
        ("slx", None, "sla"),
        ("departmental", "department", "department"),
        ("unassigned", "unassign", "unassign"),
        ("trasnfre", "transfer", "transfer"),
        ("important", None, None),
        ("", None, None),
        ("a" * 25, None, None),
    ],
)
def test_what_is_near_a_verb(word, near, in_a_block):
    assert near_miss(word) == near
    assert nearest(word) == in_a_block


# -- properties -------------------------------------------------------------------------------------------------

PIECES = st.sampled_from(
    [*BANGS, "!!", "\u203c", "\u2049", "\n", " ", "\u00a0", "\u200b", "\ufe0f", "\u00a8", "\r", "\u2028", "text", "> "]
    + [spelling for spelling, _ in SPELLINGS]
    + ["clsoe", "important", "jane", "2h", "-", "\u201c", "\ufdfa"]
)
MAILS = st.lists(PIECES | st.text(max_size=5), max_size=30).map("".join)


@given(MAILS)
def test_no_text_breaks_the_reading(text):
    found = parse(text)
    corrected(text, found.problems)


@given(MAILS)
def test_a_text_without_marks_comes_back_unchanged(text):
    plain = "".join(letter for letter in text if letter not in "!\uff01\ufe57\u203c\u2049\ufe15")
    found = parse(plain)
    assert (found.commands, found.text, found.problems) == ((), plain, ())


@given(MAILS)
def test_no_text_breaks_the_reading_without_marks(text):
    found = parse(text, bare=True)
    corrected(text, found.problems, bare=True)
    assert {problem.at for problem in found.problems}.isdisjoint(command.at for command in found.commands)


@given(st.lists(st.sampled_from(["close", "no", "yes", "wait", "to", "for", "send", "it", "please", "the", "a"])))
def test_words_without_marks_are_never_a_command_unless_marks_may_be_left_out(words):
    text = " ".join(words)
    assert parse(text).commands == ()
    assert len(parse(text, bare=True).commands) <= 1


@given(MAILS)
def test_an_escaped_text_comes_back_as_it_was(text):
    found = parse(escape(text))
    assert (found.commands, found.text, found.problems) == ((), text, ())


@given(MAILS)
def test_quoting_a_mail_takes_its_commands_away(text):
    assert parse("\n".join(f"> {line}" for line in text.split("\n"))).commands == ()


@given(st.sampled_from(SPELLINGS), st.lists(st.text("abcdefghij .", max_size=20), max_size=5))
def test_a_command_never_stays_in_the_text(spelled, lines):
    spelling, verb = spelled
    found = parse("\n".join([*lines, f"!{spelling}"]))
    assert [command.verb for command in found.commands] == [verb.name]
    assert "!" not in found.text


# -- the way back to the agent ----------------------------------------------------------------------------------


@in_turn(
    ("text", "mended"),
    [
        ("Done.\n!clsoe", "Done.\n!close"),
        ("!asign jane\n!clsoe\nDone.", "!assign jane\n!close\nDone."),
        ("Done.\n!close\nBest, John\n\n", "Done.\nBest, John\n!close"),
        ("Done.\n!clsoe\nBest, John\n!tkae", "Done.\nBest, John\n!take\n!close"),
        ("Done.\n!clsoe\n!take", "Done.\n!close\n!take"),
        ("!frobnicate\nDone.", "!frobnicate\nDone."),
        ("Use water.\n!", "Use water."),  # a mark that no command follows
        ("!\nUse water.\n!clsoe", "Use water.\n!close"),
    ],
)
def test_the_corrected_mail_has_the_suggestions_in_it(text, mended):
    assert corrected(text, parse(text).problems) == mended


def test_a_mended_typo_is_no_problem_any_more():
    text = "One\n!close\ntwo\n!!three\n!asign jane"
    mended = parse(corrected(text, parse(text).problems))
    assert mended.problems == ()
    assert [command.verb for command in mended.commands] == ["assign", "close"]
    assert mended.text == "One\ntwo\n!three"
