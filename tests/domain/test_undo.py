"""Taking back the last act: what comes back, what stays and is said, and that nobody's later word is overwritten."""

from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from maild.domain.effects import WithdrawAnswer, WithdrawHistory
from maild.domain.people.directory import Address, Person
from maild.domain.tickets import events
from maild.domain.tickets.events import Bounced, Escalated, Noted, TextHeld, Undone
from maild.domain.tickets.ticket import Participant, Status, Ticket
from tests.domain.command_desk import Desk
from tests.domain.command_scene import BY_JOHN, EVE, JANE, JOHN, KAREN, NOW
from tests.rig.misses import in_turn


@pytest.fixture
def desk() -> Desk:
    return Desk()


def as_people_see_it(ticket: Ticket) -> Ticket:
    """Without the books that every fact writes, and with lists in one order."""
    moments = {"updated_at": NOW, "status_since": NOW, "closed_at": None, "ended_at": None}
    people = tuple(sorted(ticket.participants, key=lambda each: each.person.address.key))
    tags, watchers = tuple(sorted(ticket.tags)), tuple(sorted(ticket.watchers))
    return replace(ticket, seq=0, **moments, participants=people, tags=tags, watchers=watchers)


SET_UPS = {
    "as it came": "",
    "in work": "!take\n!tag +kept\n!cc eve@client.example\n!wait 2d\n!watch\n!due 2026-12-01\n!priority high",
    "resolved": "!assign jane\n!resolve\n!title Another",
    "closed": "!link 17\n!due fri\n!close\n!snooze 2d\n!mute",
}
LINES = (
    "!take", "!drop", "!assign jane", "!team network", "!team network\n!take", "!dept online-banking",
    "!priority emergency", "!sla sev-a", "!wait 2h", "!wait", "!resolve", "!close quiet", "!reopen", "!snooze 1d",
    "!snooze none", "!due fri", "!due none", "!tag +vip -kept", "!tag -kept", "!title New", "!cc tom@client.example",
    "!uncc eve@client.example", "!requester tom@client.example", "!watch", "!mute", "!unmute", "!link 17", "!merge 17",
    "!split", "!split Part", "!take\n!priority high\n!tag +a\n!close", "!reopen\n!due fri\n!tag +a",
    "Use water.", "Use water.\n!close", "!take\nUse water.\n!wait 2d\n!cc tom@client.example",
    "!cc tom@client.example +history", "!link 17\n!merge 17",
)  # fmt: skip


@in_turn("set_up", SET_UPS)
@in_turn("line", LINES)
def test_what_was_done_and_undone_was_not_done(line, set_up):
    desk = Desk()
    for number in (42, 17):
        desk.say(SET_UPS[set_up].replace("!link 17\n", ""), on=number, agent=JANE)
    before = {number: as_people_see_it(desk.ticket(number)) for number in (42, 17)}
    changed = desk.say(line).events or desk.acts[42][-1][1][0].by == BY_JOHN or "water" in line
    if not changed:
        assert "nothing" in desk.refused("!undo")
        return
    desk.say("!undo")
    assert {number: as_people_see_it(desk.ticket(number)) for number in (42, 17)} == before


@settings(max_examples=60, deadline=None)
@given(st.lists(st.sampled_from([line for line in LINES if "merge" not in line]), min_size=1, max_size=6))
def test_undoing_as_often_as_something_was_done_leads_back_to_the_beginning(lines):
    desk = Desk()
    states = [as_people_see_it(desk.ticket())]
    for line in lines:
        count = len(desk.acts[42])
        desk.say(line)
        if len(desk.acts[42]) > count:
            states.append(as_people_see_it(desk.ticket()))
    while len(states) > 1:
        states.pop()
        desk.say("!undo")
        assert as_people_see_it(desk.ticket()) == states[-1]
    assert "nothing" in desk.refused("!undo")


def test_the_inverse_facts_come_in_reverse_order_and_name_what_they_take_back(desk):
    desk.say("!priority high\n!take\n!close")
    applied = desk.say("!undo")
    assert [fact.kind for fact in applied.events] == ["status-changed", "priority-changed", "assigned", "undone"]
    undone = applied.events[-1]
    assert isinstance(undone, Undone)
    assert (undone.first, undone.last) == (2, 4)
    assert all((fact.at, fact.by.name) == (desk.now, "john") for fact in applied.events)
    assert applied.outcomes == ("status: closed -> open", "priority: high -> normal", "assignee: John Roe -> nobody")
    assert applied.quiet


def test_everybody_undoes_their_own(desk):
    desk.say("!take", agent=JANE)
    desk.say("!priority high")
    desk.say("!tag +vip", agent=None)
    desk.say("!undo", agent=JANE)
    assert (desk.ticket().assignee, desk.ticket().priority, desk.ticket().tags) == ("", "high", ("vip",))
    desk.say("!undo", agent=None)
    assert (desk.ticket().priority, desk.ticket().tags) == ("high", ())
    desk.say("!undo")
    assert desk.ticket().priority == "normal"
    assert "done nothing" in desk.refused("!undo")


def test_an_undo_is_not_undone_but_the_act_before_it_is(desk):
    desk.say("!priority high")
    desk.say("!priority emergency")
    desk.say("!undo")
    assert desk.ticket().priority == "high"
    desk.say("!undo")
    assert desk.ticket().priority == "normal"


# -- answers ----------------------------------------------------------------------------------------------------


def test_an_answer_that_has_not_left_is_stopped(desk):
    desk.say("Use water.\n!close")
    applied = desk.say("!undo")
    assert applied.effects == (WithdrawAnswer(1),)
    assert [fact.kind for fact in applied.events] == ["status-changed", "reply-withdrawn", "undone"]
    assert applied.receipts == ("your answer was stopped before it left",)


def test_an_answer_that_has_left_is_not_called_back_and_the_rest_is_undone(desk):
    desk.say("Use water.\n!close")
    desk.answer_leaves()
    applied = desk.say("!undo")
    assert applied.effects == ()
    assert applied.receipts == ("your answer has left: it cannot be called back",)
    assert desk.ticket().status is Status.OPEN


def test_when_nothing_but_a_mail_that_has_left_was_done_the_undo_is_refused(desk):
    desk.say("Use water.")
    desk.answer_leaves()
    assert desk.refused("!undo") == "your answer has left: it cannot be called back"


def test_an_answer_by_the_agents_own_hand_has_left(desk):
    desk.happens(42, events.Replied(at=NOW, by=BY_JOHN, entry=7, outside=True))
    assert "has left" in desk.refused("!undo")


# -- what others did since --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("mine", "theirs", "said"),
    [
        ("!assign john", "!assign samo", "the assignment stays as jane set it since"),
        ("!close", "!reopen", ""),  # what it was before: nothing to take back
        ("!resolve", "!close", "the status stays as jane set it since"),
        ("!priority high", "!priority low", "the priority stays as jane set it since"),
        ("!sla sev-a", "!sla sev-b", "the SLA plan stays as jane set it since"),
        ("!dept online-banking", "!dept system-administrators", "the department stays as jane set it since"),
        ("!title Mine", "!title Hers", "the title stays as jane set it since"),
        ("!due fri", "!due mon", "the due time stays as jane set it since"),
        ("!snooze fri", "!snooze mon", "the snooze stays as jane set it since"),
        ("!requester tom@client.example", "!requester eve@client.example", "the requester stays as jane set it since"),
        ("!wait 2h", "!wait 3h", "the status stays as jane set it since"),
    ],
)
def test_what_somebody_changed_since_stays_as_they_made_it(desk, mine, theirs, said):
    desk.say(f"{mine}\n!tag +mine")
    desk.say(theirs, agent=JANE)
    before = desk.ticket()
    applied = desk.say("!undo")
    assert applied.receipts == ((said,) if said else ())
    assert desk.ticket() == replace(before, tags=(), seq=desk.ticket().seq, updated_at=desk.now)


def test_when_all_of_it_was_changed_since_the_undo_is_refused(desk):
    desk.say("!assign john")
    desk.say("!assign samo", agent=JANE)
    assert desk.refused("!undo") == "the assignment stays as jane set it since"
    assert desk.ticket().assignee == "samo"


def test_an_act_that_left_nothing_behind_is_ticked_off(desk):
    desk.say("!priority high")
    desk.say("!close")
    desk.say("!reopen", agent=JANE)
    applied = desk.say("!undo")
    assert [fact.kind for fact in applied.events] == ["undone"]
    assert applied.receipts == ("your last act had left nothing behind that could be taken back",)
    desk.say("!undo")
    assert desk.ticket().priority == "normal"


def test_what_is_so_again_is_left_alone(desk):
    desk.say("!tag +vip\n!cc eve@client.example\n!take")
    desk.say("!tag -vip\n!uncc eve@client.example", agent=JANE)
    applied = desk.say("!undo")
    assert [fact.kind for fact in applied.events] == ["assigned", "undone"]


# -- what cannot be taken back ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("fact", "said"),
    [
        (Noted(at=NOW, by=BY_JOHN, entry=1), "your note stays"),
        (events.StatusChanged(at=NOW, by=BY_JOHN, status="spam", previous="open"), "confirmed and stays so: !reopen"),
    ],
)
def test_what_stays_is_said(desk, fact, said):
    desk.happens(42, fact)
    assert said in desk.refused("!undo")


def test_reopened_spam_does_not_become_spam_without_a_question(desk):
    desk.say("!spam", agent=JANE)
    desk.say("!reopen")
    assert "!spam says it again" in desk.refused("!undo")
    assert desk.ticket().status is Status.OPEN


def test_a_history_that_has_not_left_is_stopped(desk):
    desk.say("!cc eve@client.example +history")
    undone = desk.say("!undo")
    assert undone.effects == (WithdrawHistory(42, Address.of("eve@client.example")),)
    assert undone.receipts == ("the history for eve@client.example was stopped before it left",)


def test_a_history_that_was_shown_stays_shown(desk):
    desk.say("!cc eve@client.example +history")
    desk.shown.add("eve@client.example")
    assert desk.say("!undo").receipts == ("eve@client.example was shown the history, which cannot be taken back",)
    assert desk.ticket().participants == ()


def test_the_opening_of_a_ticket_is_not_taken_back(desk):
    desk.acts[42] = [(1, (replace(desk.acts[42][0][1][0], by=BY_JOHN),))]
    assert "opened this ticket" in desk.refused("!undo")


@pytest.mark.parametrize(
    "fact",
    [
        TextHeld(at=NOW, by=BY_JOHN, draft=1, agent="john", reason="a command was wrong"),
        events.TextSettled(at=NOW, by=BY_JOHN, draft=1, settled_as="dropped"),
        Escalated(at=NOW, target="resolution", cycle=1, step="75%", instant=NOW),
        Bounced(at=NOW, recipient="karen@client.example", permanent=True),
    ],
)
def test_what_is_no_act_is_looked_behind(desk, fact):
    """A mail with a slip is held, and that is recorded: the next one may still take back what was done before."""
    desk.say("!priority high")
    desk.happens(42, fact)
    desk.customer_writes()
    desk.say("!undo")
    assert desk.ticket().priority == "normal"


# -- other tickets ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("asked_on", [42, 17])
def test_a_merge_is_undone_from_either_ticket(desk, asked_on):
    """Mail to the ticket that ended goes to its survivor: whoever answers the receipt asks there."""
    desk.say("!wait 2d\n!cc eve@client.example", agent=JANE)
    before = desk.ticket(42), desk.ticket(17)
    desk.say("!merge 17")
    desk.say("!undo", on=asked_on)
    assert tuple(map(as_people_see_it, (desk.ticket(42), desk.ticket(17)))) == tuple(map(as_people_see_it, before))
    assert desk.ticket(42).wake_at == before[0].wake_at
    for number in (42, 17):
        assert "done nothing" in desk.refused("!undo", on=number)


@pytest.mark.parametrize("asked_on", [42, 17])
@pytest.mark.parametrize("since", ["message", "reply", "merge"])
def test_a_merge_whose_survivor_has_gone_on_stays(desk, asked_on, since):
    desk.say("!merge 17")
    if since == "message":
        desk.customer_writes(17)
    elif since == "reply":
        desk.say("Use water.", on=17, agent=JANE)
    else:
        desk.acts[16] = [(1, (desk.acts[17][0][1][0],))]
        desk.say("!merge 16", on=17, agent=JANE)
    before = desk.ticket(42), desk.ticket(17)
    assert "has gone on since" in desk.refused("!undo", on=asked_on)
    assert (desk.ticket(42), desk.ticket(17)) == before


def test_what_came_with_the_merge_is_undone_even_when_it_stays(desk):
    desk.say("!priority high\n!merge 17")
    desk.customer_writes(17)
    applied = desk.say("!undo")
    assert "has gone on since" in applied.receipts[0]
    assert (desk.ticket().priority, desk.ticket().merged_into, desk.ticket().status) == ("normal", 17, Status.CLOSED)


@pytest.mark.parametrize("asked_on", [42, 17])
def test_a_link_is_undone_at_both_ends(desk, asked_on):
    desk.say("!link 17")
    desk.say("!undo", on=asked_on)
    assert (desk.ticket(42).links, desk.ticket(17).links) == ((), ())
    assert "done nothing" in desk.refused("!undo", on=42)
    assert "done nothing" in desk.refused("!undo", on=17)


def test_a_part_comes_home(desk):
    desk.say("!split Part")
    desk.say("!undo")
    assert desk.ticket(42).links == ()
    assert (desk.ticket(43).merged_into, desk.ticket(43).status) == (42, Status.CLOSED)


def test_a_part_that_somebody_works_on_stays(desk):
    desk.say("!split Part")
    desk.say("!take", on=43, agent=JANE)
    assert desk.refused("!undo") == "ticket 43 has gone on by itself and stays"
    assert desk.ticket(42).links == (43,)


# -- the books --------------------------------------------------------------------------------------------------


def test_the_facts_of_an_undo_fold_as_any_others(desk):
    tom = Person(Address.of("tom@client.example"))
    desk.say("!cc tom@client.example\n!requester eve@client.example")
    assert desk.ticket().participants == (Participant(tom, "cc"),)
    desk.say("!undo")
    assert (desk.ticket().requester, desk.ticket().participants) == (KAREN, ())


def test_a_snooze_that_ran_out_meanwhile_is_not_brought_back_as_news(desk):
    desk.say("!snooze 2h", agent=JANE)
    desk.say("!snooze 3d")
    desk.now += timedelta(hours=5)
    desk.say("!undo")
    assert desk.ticket().snoozed_until == NOW + timedelta(hours=2, minutes=1)  # in the past: the clock ends it


def test_the_speaker_is_known_by_name(desk):
    desk.say("!take", agent=replace(JOHN, display="John at home"))
    desk.say("!undo")
    assert desk.ticket().assignee == ""
    assert EVE.address not in {p.person.address for p in desk.ticket().participants}
