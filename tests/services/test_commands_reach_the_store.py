"""Commands whose facts lie in several tickets, in the outbox, or in the past: through the store, by mail."""

from datetime import timedelta

import pytest

from maild.domain.lookups import Leaving
from maild.domain.messages.outbox import DeliveryResult, OutboxState, RelayAnswer
from maild.services.admin_command import command_ticket
from maild.store.outbox import SqlOutbox
from tests.services.test_held_texts import JANE, JOHN, KAREN, LEAVES, answer, press, replies, settle

KEN = "ken@client.example"


def two_tickets(office):
    """Karen's and Ken's; both have a notice to John."""
    return office.open_ticket(), office.open_ticket(f"Ken <{KEN}>", "Excel does not start.", subject="Excel")


def say(office, number, text, agent=JOHN):
    return answer(office, office.last("new-ticket", agent, number), text)


def told(office, number, agent=JOHN):
    return " ".join(office.words(office.last("feedback", agent, number)).split())


def admin(office, number, *words):
    done = command_ticket(office.store, office.helpdesk, number, words, office.clock.now())
    assert done.problems == ()
    return done


def merged(office):
    first, second = two_tickets(office)
    assert say(office, first, f"!merge {second}").outcome == "held"
    press(office, office.last("held", JOHN, first), "Yes, do it")
    settle(office)
    return first, second


def test_a_merge_is_asked_about_and_later_mail_lands_in_the_survivor(office):
    first, second = two_tickets(office)
    say(office, first, f"!merge {second}")
    assert office.ticket(first)["status"] == "open"
    held = office.last("held", JOHN, first)
    assert f"this ticket ends in ticket {second}" in " ".join(office.words(held).split())
    mark = office.queued
    press(office, held, "Yes, do it")
    settle(office)
    shown = office.ticket(first)
    assert (shown["status"], shown["merged_into"], [s["met_at"] for s in shown["sla"]]) == (
        "closed",
        second,
        [None] * 2,
    )
    assert [p["address"] for p in office.ticket(second)["participants"]] == [KAREN]
    assert ("closed", KAREN) not in office.told(mark)
    done = answer(office, office.last("acknowledgement", KAREN, first), "It burns again.")
    assert (done.outcome, done.ticket) == ("replied", second)


def test_a_merge_is_undone_by_whoever_answers_the_old_notice(office):
    first, second = merged(office)
    office.clock.advance(timedelta(minutes=1))
    done = say(office, first, "!undo")
    assert done.outcome == "commanded"
    shown, survivor = office.ticket(first), office.ticket(second)
    assert (shown["status"], shown["merged_into"]) == ("open", None)
    assert (survivor["participants"], survivor["links"]) == ([], [])
    assert all(target["due_at"] for target in shown["sla"])
    assert shown["entries"][0]["text"] == "It burns."


def test_a_part_is_split_off_with_the_customers_last_words_and_comes_home_again(office):
    number = office.open_ticket(text="The printer burns. And Excel does not start.")
    say(office, number, "!split Excel")
    (part,) = office.ticket(number)["links"]
    shown = office.ticket(part)
    assert (shown["subject"], shown["requester"]["address"], shown["links"]) == ("Excel", KAREN, [number])
    assert [entry["text"] for entry in shown["entries"]] == ["The printer burns. And Excel does not start."]
    assert office.kinds(number)[-1] == "split"
    mark = office.queued
    office.clock.advance(timedelta(minutes=1))
    assert say(office, number, "!undo").outcome == "commanded"
    assert office.ticket(number)["links"] == []
    assert office.ticket(part)["merged_into"] == number
    assert KAREN not in [address for _, address in office.told(mark)]


def test_an_answer_is_stopped_before_it_leaves_and_did_not_happen(office):
    number = office.open_ticket()
    say(office, number, "Use water.\n!close")
    office.clock.advance(timedelta(seconds=30))
    done = say(office, number, "!undo")
    office.deliver(LEAVES)
    assert done.outcome == "commanded"
    assert replies(office) == []
    shown = office.ticket(number)
    assert (shown["status"], shown["assignee"]) == ("open", None)
    assert [target["met_at"] for target in shown["sla"]] == [None, None]
    assert all(target["due_at"] for target in shown["sla"])
    assert "your answer was stopped before it left" in told(office, number)


def test_an_answer_that_leaves_while_it_is_undone_is_not_called_stopped(office, monkeypatch):
    """The relay's thread claims it between the look and the act: the mail is judged anew, by what is so then."""
    number = office.open_ticket()
    say(office, number, "Use water.\n!close")
    office.deliver(LEAVES)
    looks = iter([True])
    looked = SqlOutbox.leaving

    def leaving(self, tickets):
        stoppable = frozenset(range(100)) if next(looks, None) else frozenset()
        return {number: Leaving(stoppable=stoppable) for number in tickets} if stoppable else looked(self, tickets)

    monkeypatch.setattr(SqlOutbox, "leaving", leaving)
    done = say(office, number, "!undo")
    assert next(looks, None) is None
    assert (done.outcome, office.ticket(number)["status"]) == ("commanded", "open")
    assert "reply-withdrawn" not in office.kinds(number)
    assert "your answer has left: it cannot be called back" in told(office, number)


def test_a_delayed_answer_is_tried_for_five_days_from_its_time_on(office):
    number = office.open_ticket()
    say(office, number, "How is it now?\n!send 10d")
    office.relay.answers[KAREN] = RelayAnswer(DeliveryResult.TEMPORARY, "451 greylisted", 451)
    office.deliver(timedelta(days=10))
    (answer,) = [row for row in office.outbox("reply") if row.ticket == number]
    assert (answer.state, answer.attempts) == (OutboxState.DEFERRED, 1)
    office.relay.answers.clear()
    office.deliver(timedelta(minutes=2))
    assert office.last("reply").state is OutboxState.SENT


def test_an_answer_that_has_left_stays_and_the_rest_is_undone(office):
    number = office.open_ticket()
    say(office, number, "Use water.\n!close")
    office.deliver(LEAVES)
    say(office, number, "!undo")
    assert office.ticket(number)["status"] == "open"
    assert len(replies(office)) == 1
    assert "your answer has left: it cannot be called back" in told(office, number)
    assert say(office, number, "!undo").outcome == "rejected"


def test_a_link_is_undone_at_both_ends(office):
    first, second = two_tickets(office)
    say(office, first, f"!link {second}")
    assert (office.ticket(first)["links"], office.ticket(second)["links"]) == ([second], [first])
    office.clock.advance(timedelta(minutes=1))
    say(office, second, "!undo")
    assert (office.ticket(first)["links"], office.ticket(second)["links"]) == ([], [])


def test_a_due_by_hand_is_what_lists_and_escalations_go_by(office):
    number = office.open_ticket()
    say(office, number, "!due 2026-05-06 15:00")
    assert "due Wed 2026-05-06 15:00" in told(office, number)
    due = next(t for t in office.ticket(number)["sla"] if t["target"] == "resolution")["due_at"]
    assert due.startswith("2026-05-06T15:00")
    say(office, number, "Use water.")  # no response is owed any more
    fired = {(step.target, step.step) for _ in range(80) for step in office.tick(timedelta(hours=1))}
    assert {("resolution", f"{share}%@2026-05-06T15:00:00Z") for share in (75, 100)} <= fired


def test_business_time_is_that_of_the_tickets_calendar(office):
    number = office.open_ticket()
    assert say(office, number, "!wait +1bd").outcome == "commanded"
    assert "waiting until Tue 2026-05-05 09:00 UTC" in told(office, number)


def test_everything_an_agent_says_the_admin_says_without_a_question(office):
    first, second = two_tickets(office)
    admin(office, first, "tag", "+vip")
    admin(office, first, "title", "Fire!")
    admin(office, first, "merge", str(second))
    shown = office.ticket(first)
    assert (shown["tags"], shown["subject"], shown["merged_into"]) == (["vip"], "Fire!", second)
    admin(office, first, "undo")
    assert office.ticket(first)["merged_into"] is None
    admin(office, first, "undo")
    assert office.ticket(first)["subject"] != "Fire!"
    assert "Resolution" in admin(office, first, "why", "due").help


@pytest.mark.parametrize("line", ["!spam", "!requester ken@client.example", "!cc ken@client.example +history"])
def test_what_cannot_be_taken_back_waits_for_a_yes_or_ends_with_a_no(office, line):
    number = office.open_ticket()
    before = office.ticket(number)
    assert say(office, number, line).outcome == "held"
    held = office.last("held", JOHN, number)
    press(office, held, "No")
    settle(office)
    after = office.ticket(number)
    assert [after[key] for key in ("status", "requester", "participants")] == [
        before[key] for key in ("status", "requester", "participants")
    ]


def test_whoever_watches_or_mutes_is_in_the_ticket(office):
    number = office.open_ticket()
    say(office, number, "!watch")
    say(office, number, "!mute", JANE)
    with office.store(reading=True) as unit:
        ticket = unit.tickets.get(number)
    assert (ticket.watchers, ticket.muted_by) == (("john",), ("jane",))
