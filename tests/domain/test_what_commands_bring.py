"""What commands bring beside events: when a text leaves, words about held replies, questions before what is final."""

from dataclasses import replace
from datetime import timedelta

import pytest

from maild.domain.commands.apply import VERBS, TextGoes, apply_intents, judge, parse_line
from maild.domain.commands.instructions import (
    AppendText,
    MeantForCustomer,
    OnlyCheck,
    QuietToCustomer,
    Receipt,
    SendAt,
    SendNow,
    WordOnHeldReply,
)
from maild.domain.lookups import MadeText
from maild.domain.people.directory import Address, Person
from maild.domain.tickets.events import ParticipantAdded
from maild.domain.tickets.ticket import Status
from tests.domain.command_scene import BY_JOHN, FRESH, JOHN, NOW, SURROUNDINGS, done, home_of, judged, ticket
from tests.domain.known import Else
from tests.rig.misses import in_turn

TOMORROW = NOW + timedelta(hours=22, minutes=30)  # nine o'clock in Berlin


@in_turn(
    ("text", "wanted"),
    [
        ("!send tomorrow", (SendAt(TOMORROW),)),
        ("!later tomorrow", (SendAt(TOMORROW),)),
        ("!send anyway", (WordOnHeldReply("anyway"),)),
        ("!send TEXT", (WordOnHeldReply("text"),)),
        ("!send note", (WordOnHeldReply("note"),)),
        ("!send nothing", (WordOnHeldReply("nothing"),)),
        ("!yes", (WordOnHeldReply("yes"),)),
        ("!no", (WordOnHeldReply("no"),)),
        ("!now", (SendNow(),)),
        ("!check", (OnlyCheck(),)),
        ("!dryrun", (OnlyCheck(),)),
        ("!draft", (MeantForCustomer(),)),
        ("!draft We have ordered one.", (MeantForCustomer(),)),
        ("!close quiet", (QuietToCustomer(),)),
        ("!resolve quiet", (QuietToCustomer(),)),
        ("!close", ()),
        ("!tpl reboot host=web1", (AppendText("Please start web1 again."),)),
        ("!tpl Reboot host='web one'", (AppendText("Please start web one again."),)),
        ("!tpl reboot host=\u201cweb one\u201d", (AppendText("Please start web one again."),)),
        ("!tpl reboot\n!tpl thanks", (AppendText("Please start it again."), AppendText("Thank you for the hint."))),
        ("!wait fri 15:00", (Receipt("waiting until Fri 2026-11-27 15:00 CET"),)),
        ("!wait", ()),
        ("!snooze +1bd", (Receipt("snoozed until Wed 2026-11-25 10:30 CET"),)),
        ("!due +2bh", (Receipt("due Tue 2026-11-24 12:30 CET"),)),
        ("!due none", ()),
        ("!uncc tom@client.example", (Receipt("tom@client.example takes no part in the ticket"),)),
        ("!take", ()),
    ],
)
def test_what_stands_beside_the_events(text, wanted):
    assert done(text).brought == wanted


def test_what_says_something_is_not_told_to_change_nothing():
    for line in ("!for bob@client.example", "!to bob@client.example"):
        assert done(line, surroundings=FRESH).outcomes == ()
    for line in ("!send tomorrow", "!now", "!check", "!tpl reboot", "!yes"):
        assert done(line).outcomes == ()
    assert done("!close quiet", ticket(status=Status.CLOSED)).outcomes == ("close: nothing to change",)


def test_why_due_is_answered_with_the_derivation():
    assert done("!why due").help == "Plan default\ndue on Friday"
    assert done("!help take\n!why due?").help.startswith("Plan default\ndue on Friday\n!take")


def test_a_moment_is_told_in_the_speakers_zone():
    there = replace(SURROUNDINGS, zone="America/New_York")
    assert done("!due 2026-12-01", surroundings=there).receipts == ("due Tue 2026-12-01 09:00 EST",)


@pytest.mark.parametrize("words", ["wrong", "host"])
def test_a_canned_text_that_lacks_something_is_a_problem(words):
    wrong = Else(MadeText(wrong=f"reboot needs {words}=…"))
    known = replace(SURROUNDINGS.lookups, texts=wrong)
    (problem,) = judged("!tpl reboot", replace(SURROUNDINGS, lookups=known)).problems
    assert problem.message == f"reboot needs {words}=…"


# -- what cannot be taken back ----------------------------------------------------------------------------------

FINAL = [
    ("!spam", "karen@client.example"),
    ("!merge 17", 'ticket 17, "Nobody can pay"'),
    ("!requester bob@client.example", "bob@client.example"),
    ("!cc eve@client.example +history", "eve@client.example"),
]


@pytest.mark.parametrize(("line", "names"), FINAL)
def test_what_cannot_be_taken_back_is_asked_before(line, names):
    (sentence,) = done(line).confirm
    assert names in sentence


def test_nothing_else_is_asked_before():
    """The table says so, and so does every example of every verb."""
    final = {line.partition(" ")[0] for line, _ in FINAL if "+history" not in line}
    for verb in VERBS:
        for example in verb.examples:
            home = home_of(verb)
            line = f"!{verb.name} {example}".rstrip()
            is_final = f"!{verb.name}" in final or "+history" in example
            assert bool(done(line, surroundings=home).confirm) is is_final


def test_the_admin_on_the_command_line_is_asked_nothing():
    for line, _ in FINAL:
        admin = replace(SURROUNDINGS, speaker=None)
        intents = judge(parse_line([line]), admin).intents
        applied = apply_intents(ticket(), intents, BY_JOHN, NOW, admin)
        assert applied.events
        assert applied.confirm == ()


def test_an_agent_gives_a_ticket_of_their_own_away_without_a_question():
    """Whoever forwards a customer's mail has its ticket until they say whose it is."""
    own = ticket(requester=JOHN.person)
    assert done("!requester bob@client.example", own).confirm == ()
    assert done("!requester bob@client.example", ticket(requester=Person(Address.of("jane@acme.example")))).confirm


def test_each_final_command_of_a_mail_is_asked_about():
    assert len(done("!requester bob@client.example\n!cc eve@client.example +history\n!spam").confirm) == 3


def test_with_the_history_is_kept_in_the_fact():
    (shown,) = done("!cc eve@client.example +History").events
    (later,) = done("!cc eve@client.example").events
    assert isinstance(shown, ParticipantAdded)
    assert isinstance(later, ParticipantAdded)
    assert (shown.history, later.history) == (True, False)


def test_spam_and_merging_are_no_news_for_the_customer():
    assert [done(line).quiet for line in ("!spam", "!merge 17", "!close", "!resolve")] == [True, True, False, False]


def test_what_several_commands_bring_adds_up_in_their_order():
    applied = done("!tpl reboot\n!snooze +1bd\n!tpl thanks\n!close quiet")
    assert applied.appended == "Please start it again.\n\nThank you for the hint."
    assert (len(applied.receipts), applied.quiet, applied.effects) == (1, True, ())


def test_a_draft_stays_inside():
    assert done("!draft\nWe have ordered one.").text_goes is TextGoes.NOTE
