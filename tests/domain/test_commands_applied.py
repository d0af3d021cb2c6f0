"""What commands do to a ticket, what they say about it, and that doing it twice does it once."""

from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from maild.domain.commands import apply as commands
from maild.domain.commands.apply import VERBS, TextGoes, Verb, apply_intents, help_text, lookup
from maild.domain.commands.arguments import Invalid
from maild.domain.commands.table import BY_NAME, Settles
from maild.domain.people.directory import Address, Person
from maild.domain.tickets.event_records import from_detail, to_detail
from maild.domain.tickets.events import Assigned, Linked, PlanChanged, StatusChanged
from maild.domain.tickets.ticket import Participant, Priority, Status, fold
from tests.domain.command_scene import BY_JOHN, EVE, LINES, NOW, OPENED, SURROUNDINGS, done, judged, ticket
from tests.rig.misses import in_turn

FRIDAY = NOW + timedelta(days=3, hours=4, minutes=30)  # 15:00 in Berlin
TAKES_PART = {"participants": (Participant(EVE, "cc"),)}
# Each of these is another act every time; that a mail which comes twice acts once is the ledger's business.
ANEW = ("!undo", "!split")


@in_turn(
    ("text", "before", "after", "outcomes"),
    [
        ("!take", {}, {"assignee": "john"}, ["assignee: nobody -> John Roe"]),
        ("!take", {"assignee": "jane"}, {"assignee": "john"}, ["assignee: Jane Doe -> John Roe"]),
        ("!drop", {"assignee": "jane", "team": "network"}, {"assignee": "", "team": "network"},
         ["assignee: Jane Doe -> nobody"]),
        ("!assign jane", {"team": "network"}, {"assignee": "jane", "team": "network"},
         ["assignee: nobody -> Jane Doe"]),
        ("!assign online-banking", {"assignee": "john"}, {"assignee": "", "team": "online-banking"},
         ["team: none -> online-banking", "assignee: John Roe -> nobody"]),
        ("!team online-banking", {"assignee": "jane"}, {"assignee": "jane", "team": "online-banking"},
         ["team: none -> online-banking"]),
        ("!assign jane\n!team network", {}, {"assignee": "jane", "team": "network"},
         ["team: none -> network", "assignee: nobody -> Jane Doe"]),
        ("!dept system administrators", {"assignee": "jane", "team": "network"},
         {"department": "system-administrators", "assignee": "jane", "team": "network"},
         ["department: support -> system-administrators"]),
        ("!priority emergency", {}, {"priority": Priority.EMERGENCY}, ["priority: normal -> emergency"]),
        ("!sev a", {}, {"sla_plan": "sev-a", "plan_source": "command"}, ["SLA plan: default -> sev-a"]),
        ("!sla default", {}, {"sla_plan": "default", "plan_source": "command"},
         ["SLA plan: default, now fixed by command"]),
        ("!wait", {}, {"status": Status.WAITING}, ["status: open -> waiting"]),
        ("!wait 2026-12-01", {}, {"status": Status.WAITING},
         ["status: open -> waiting until Tue 2026-12-01 09:00 CET"]),
        ("!resolve", {"status": Status.WAITING}, {"status": Status.RESOLVED, "ended_at": NOW},
         ["status: waiting -> resolved"]),
        ("!close", {}, {"status": Status.CLOSED, "closed_at": NOW}, ["status: open -> closed"]),
        ("!close", {"status": Status.RESOLVED}, {"status": Status.CLOSED}, ["status: resolved -> closed"]),
        ("!reopen", {"status": Status.CLOSED}, {"status": Status.OPEN}, ["status: closed -> open"]),
        ("!reopen", {"status": Status.WAITING}, {"status": Status.OPEN}, ["status: waiting -> open"]),
        ("!close quiet", {}, {"status": Status.CLOSED}, ["status: open -> closed"]),
        ("!resolve Quiet", {}, {"status": Status.RESOLVED}, ["status: open -> resolved"]),
        ("!spam", {}, {"status": Status.SPAM}, ["status: open -> spam"]),
        ("!snooze fri 15:00", {}, {"snoozed_until": FRIDAY}, ["snooze: until Fri 2026-11-27 15:00 CET"]),
        ("!snooze none", {"snoozed_until": FRIDAY}, {"snoozed_until": None}, ["snooze: ended"]),
        ("!due fri 15:00", {}, {"due_by_hand": FRIDAY}, ["due: Fri 2026-11-27 15:00 CET"]),
        ("!due none", {"due_by_hand": FRIDAY}, {"due_by_hand": None}, ["due: as its SLA plan says"]),
        ("!reopen\n!due fri 15:00", {"status": Status.CLOSED}, {"status": Status.OPEN, "due_by_hand": FRIDAY},
         ["status: closed -> open", "due: Fri 2026-11-27 15:00 CET"]),
        ("!tag +vip -old, new", {"tags": ("old", "kept")}, {"tags": ("kept", "vip", "new")},
         ["tags: +vip +new -old"]),
        ("!tag #VIP", {}, {"tags": ("vip",)}, ["tags: +vip"]),
        ("!title  The \u201cfuser\u201d\u00a0 broke", {}, {"subject": "The \u201cfuser\u201d broke"},
         ["title: The banking system is down -> The \u201cfuser\u201d broke"]),
        ("!cc Eve <eve@client.example>", {}, TAKES_PART, ["takes part: eve@client.example"]),
        ("!uncc EVE@client.example", TAKES_PART, {"participants": ()}, ["takes part no more: eve@client.example"]),
        ("!requester eve@client.example", {}, {"requester": Person(Address.of("eve@client.example"))},
         ["requester: karen@client.example -> eve@client.example"]),
        ("!watch", {}, {"watchers": ("john",)}, ["john: hears of everything"]),
        ("!mute", {"watchers": ("john",)}, {"watchers": (), "muted_by": ("john",)}, ["john: hears of nothing else"]),
        ("!unmute", {"muted_by": ("john",)}, {"muted_by": ()}, ["john: hears as usual"]),
        ("!link 17", {}, {"links": (17,)}, ["links: +17"]),
        ("!merge 17", {}, {"merged_into": 17, "status": Status.CLOSED}, ["merged: into 17", "status: open -> closed"]),
        ("!split", {}, {"status": Status.OPEN}, ["split: into a new ticket"]),
        ("!undo", {}, {}, ["answer: withdrawn"]),
    ],
)  # fmt: skip
def test_what_commands_change(text, before, after, outcomes):
    applied = done(text, ticket(**before))
    assert {name: getattr(applied.ticket_after, name) for name in after} == after
    assert list(applied.outcomes) == outcomes
    assert all((event.at, event.by) == (NOW, BY_JOHN) for event in applied.events)


@in_turn(
    ("text", "before"),
    [
        ("!close", {"status": Status.CLOSED}),
        ("!resolve", {"status": Status.RESOLVED}),
        ("!resolve", {"status": Status.CLOSED}),
        ("!reopen", {}),
        ("!wait", {"status": Status.WAITING}),
        ("!take", {"assignee": "john"}),
        ("!drop", {}),
        ("!assign jane", {"assignee": "jane"}),
        ("!assign network", {"assignee": "samo", "team": "network"}),
        ("!team network", {"team": "network"}),
        ("!dept support", {}),
        ("!priority normal", {}),
        ("!sla sev-a", {"sla_plan": "sev-a", "plan_source": "command"}),
        ("!close quiet", {"status": Status.CLOSED}),
        ("!spam", {"status": Status.SPAM}),
        ("!snooze none", {}),
        ("!due none", {}),
        ("!tag +vip -old", {"tags": ("vip",)}),
        ("!title Title", {"subject": "Title"}),
        ("!cc eve@client.example", TAKES_PART),
        ("!cc eve@client.example +history", TAKES_PART),
        ("!cc karen@client.example", {}),
        ("!requester karen@client.example", {}),
        ("!watch", {"watchers": ("john",)}),
        ("!mute", {"muted_by": ("john",)}),
        ("!unmute", {}),
    ],
)
def test_what_is_so_already_is_a_quiet_success(text, before):
    applied = done(text, ticket(**before))
    assert applied.events == ()
    assert applied.ticket_after == ticket(**before)
    assert [outcome.partition(": ")[2] for outcome in applied.outcomes] == ["nothing to change"]


@in_turn("status", Status)
@in_turn("line", [line for line in LINES if not line.startswith(ANEW)])
def test_doing_it_twice_does_it_once(line, status):
    before = ticket(status=status, assignee="jane", team="online-banking")
    if line.startswith("!merge") and status is Status.SPAM:
        assert "spam" in judged(line, replace(SURROUNDINGS, ticket=before)).problems[0].message
        return
    once = done(line, before)
    twice = done(line, once.ticket_after)
    assert (twice.events, twice.confirm) == ((), ())


@pytest.mark.parametrize("status", [Status.RESOLVED, Status.CLOSED, Status.SPAM])
def test_nothing_is_due_on_a_ticket_that_has_ended(status):
    applied = done("!due fri 15:00", ticket(status=status))
    assert applied.events == ()
    assert applied.receipts == (f"the ticket is {status}: nothing is due on it",)


def test_waiting_for_another_time_moves_the_time():
    waiting = done("!wait 2h").ticket_after
    (event,) = done("!wait 3h", waiting).events
    assert isinstance(event, StatusChanged)
    assert event.until == NOW + timedelta(hours=3)


@given(st.lists(st.sampled_from(LINES), max_size=6))
def test_the_ticket_after_is_the_fold_of_the_events(lines):
    found = judged("\n".join(lines))
    applied = apply_intents(ticket(), found.intents, BY_JOHN, NOW, SURROUNDINGS)
    assert applied.ticket_after == fold(42, (OPENED, *applied.events))
    if found.problems:
        assert (applied.events, applied.outcomes) == ((), ())


def test_the_order_in_the_mail_does_not_matter():
    lines = ["!close", "!assign jane", "!team network", "!pri high", "!sev b", "!dept online-banking"]
    assert done("\n".join(lines)) == done("\n".join(reversed(lines)))


@pytest.mark.parametrize(
    ("text", "goes"),
    [("!note", TextGoes.NOTE), ("!reply", TextGoes.REPLY), ("!close", None), ("Text\n!resolve", None), ("", None)],
)
def test_only_note_and_reply_say_who_reads_the_text(text, goes):
    assert done(text).text_goes == goes


def test_note_and_reply_change_nothing_by_themselves():
    assert done("!note the disk was full").events == ()
    assert done("!note").outcomes == ("text: stays inside",)
    assert done("!reply").outcomes == ("text: goes to the customer",)


def test_waiting_until_is_kept_in_the_fact():
    (event,) = done("!wait 2h").events
    assert isinstance(event, StatusChanged)
    assert event.until == NOW + timedelta(hours=2)
    assert from_detail(event.kind, to_detail(event), at=event.at, by=event.by, entry=None) == event


def test_facts_carry_what_was_before():
    plan, assigned = sorted(done("!sev a\n!take").events, key=lambda event: event.kind, reverse=True)
    assert plan == PlanChanged(at=NOW, by=BY_JOHN, sla_plan="sev-a", previous="default", source="command")
    assert assigned == Assigned(at=NOW, by=BY_JOHN, assignee="john", team="")


def test_an_outcome_tells_the_time_in_the_speakers_zone():
    there = replace(SURROUNDINGS, zone="America/New_York")
    assert done("!wait 2026-12-01", surroundings=there).outcomes == (
        "status: open -> waiting until Tue 2026-12-01 09:00 EST",
    )


# -- help -------------------------------------------------------------------------------------------------------


def test_help_is_made_from_the_table():
    text = done("!help").help
    assert text == help_text()
    for verb in VERBS:
        assert f"!{verb.name} {verb.usage}".rstrip() in text.split("\n")
        assert " ".join(verb.summary.split()) in " ".join(text.split())


@in_turn("verb", VERBS, ids=lambda verb: verb.name)
def test_help_on_one_verb_names_its_aliases_and_examples(verb):
    for spelling in (verb.name, *verb.aliases):
        text = done(f"!help {spelling}").help
        assert text == help_text(verb.name)
        assert all(f"!{alias}" in text for alias in verb.aliases)
        assert all(example in text for example in verb.examples)


def test_help_fits_into_72_columns():
    texts = [help_text(), *(help_text(verb.name) for verb in VERBS)]
    assert max(len(line) for text in texts for line in text.split("\n")) <= 72


def test_help_on_no_verb_is_an_error():
    with pytest.raises(ValueError, match="frobnicate"):
        help_text("frobnicate")


def test_each_row_is_whole():
    for verb in VERBS:
        assert lookup(verb.name) is verb
        assert verb.summary.endswith(".")
        assert verb.examples


def test_a_new_verb_is_one_row(monkeypatch):
    def relate(on, number, occasion):
        return () if number in on.links else (Linked(at=occasion.at, by=occasion.by, ticket=number),)

    row = Verb(
        name="relate",
        usage="NUMBER",
        summary="Relate the ticket to another.",
        settles=Settles.NOTHING,
        read=lambda args, _surroundings: int(args) if args.isdecimal() else Invalid("names no ticket"),
        act=relate,
    )
    monkeypatch.setitem(BY_NAME, "relate", row)
    monkeypatch.setattr(commands, "VERBS", (*VERBS, row))
    applied = done("!relate 7\n!relate 8\n!take\n!relate 9", ticket(links=(9,)))
    assert applied.ticket_after.links == (7, 8, 9)
    assert applied.outcomes == (
        "assignee: nobody -> John Roe",
        "links: +7",
        "links: +8",
        "relate: nothing to change",
    )
    assert judged("!relate it").problems[0].message == "names no ticket"
