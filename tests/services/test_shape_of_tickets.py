"""Merging, splitting, undoing: acts that span tickets, by mail, with everything that follows from them."""

from datetime import timedelta
from urllib.parse import unquote, urlsplit

KAREN, BOB = "karen@client.example", "bob@client.example"
JOHN, JANE = "john@acme.example", "jane@acme.example"
LEAVES = timedelta(seconds=121)


def answer(office, row, text, **more):
    done = office.receive(office.answer(row, text, **more))
    while office.processing.round():
        pass
    return done


def press(office, row, label):
    (link,) = (a["mailto"] for a in row.context["actions"] if a["label"] == label)
    done = office.receive(office.mail(str(row.to.address), "", to=unquote(urlsplit(link).path), subject=row.subject))
    while office.processing.round():
        pass
    return done


def test_a_merge_waits_for_a_yes_and_later_mail_lands_in_the_survivor(office):
    first = office.open_ticket(KAREN, "It burns.")
    second = office.open_ticket(f"Bob <{BOB}>", "It smokes.", subject="Smoke")
    done = answer(office, office.last("new-ticket", JOHN, second), f"!merge {first}")
    assert (done.outcome, office.ticket(second)["merged_into"]) == ("held", None)
    press(office, office.last("held", JOHN, second), "Yes, do it")
    assert (office.ticket(second)["merged_into"], office.ticket(second)["status"]) == (first, "closed")
    assert BOB in [p["address"] for p in office.ticket(first)["participants"]]
    assert "absorbed" in office.kinds(first)
    later = office.receive(office.answer(office.last("acknowledgement", BOB, second), "It still smokes."))
    assert (later.outcome, later.ticket) == ("replied", first)


def test_an_undone_merge_brings_the_ticket_back(office):
    first = office.open_ticket(KAREN, "It burns.")
    second = office.open_ticket(BOB, "It smokes.", subject="Smoke")
    answer(office, office.last("new-ticket", JOHN, second), f"!merge {first}")
    press(office, office.last("held", JOHN, second), "Yes, do it")
    answer(office, office.last("held", JOHN, second), "!undo", subject=f"Re: Smoke [#{office.ticket(second)['token']}]")
    assert office.ticket(second)["merged_into"] is None
    assert office.ticket(second)["status"] == "open"


def test_a_split_begins_with_the_customers_last_message(office):
    number = office.open_ticket(KAREN, "It burns. And the scanner is dead.")
    answer(office, office.last("new-ticket", JOHN, number), "!split Scanner is dead")
    other = office.ticket(number + 1)
    assert (other["subject"], other["requester"]["address"], other["links"]) == ("Scanner is dead", KAREN, [number])
    assert [e["text"] for e in other["entries"]] == ["It burns. And the scanner is dead."]
    assert office.ticket(number)["links"] == [number + 1]


def test_two_parts_that_are_split_off_by_one_mail_are_told_apart(office):
    number = office.open_ticket()
    answer(office, office.last("new-ticket", JOHN, number), "!split Scanner is dead\n!split Tray is stuck")
    splits = [event["detail"]["into"] for event in office.ticket(number)["events"] if event["kind"] == "split"]
    assert [office.ticket(into)["subject"] for into in splits] == ["Scanner is dead", "Tray is stuck"]


def test_an_answer_that_has_not_left_is_taken_back(office):
    number = office.open_ticket()
    answer(office, office.last("new-ticket", JOHN, number), "Use petrol.\n!close")
    done = answer(office, office.last("new-ticket", JOHN, number), "!undo")
    office.deliver(LEAVES)
    assert done.outcome == "commanded"
    assert not [mail for mail in office.sent_to(KAREN) if "petrol" in mail.text]
    assert office.ticket(number)["status"] == "open"
    (first,) = (target for target in office.ticket(number)["sla"] if target["target"] == "first-response")
    assert first["met_at"] is None


def test_an_answer_that_has_left_stays_and_the_writer_is_told(office):
    number = office.open_ticket()
    answer(office, office.last("new-ticket", JOHN, number), "Use petrol.\n!close")
    office.deliver(LEAVES)
    answer(office, office.last("new-ticket", JOHN, number), "!undo")
    assert [mail for mail in office.sent_to(KAREN) if "petrol" in mail.text]
    told = " ".join(office.words(office.last("feedback", JOHN, number)).split())
    assert "left" in told
    assert office.ticket(number)["status"] == "open"


def test_an_answer_may_leave_later(office):
    number = office.open_ticket()
    answer(office, office.last("new-ticket", JOHN, number), "!send tomorrow 10:00\nUse water.")
    office.deliver(timedelta(hours=10))
    assert not [mail for mail in office.sent_to(KAREN) if "water" in mail.text]
    told = " ".join(office.words(office.last("feedback", JOHN, number)).split())
    assert "Tue 2026-05-05 10:00" in told
    office.deliver(timedelta(hours=16))
    assert [mail for mail in office.sent_to(KAREN) if "water" in mail.text]


def test_business_time_counts_in_the_calendar_of_the_ticket(office):
    number = office.open_ticket()
    answer(office, office.last("new-ticket", JOHN, number), "!wait +1bd")
    told = " ".join(office.words(office.last("feedback", JOHN, number)).split())
    assert "Tue 2026-05-05" in told


def test_a_canned_text_knows_the_ticket_and_its_variables(office):
    number = office.open_ticket("Karen Hill <karen@client.example>")
    done = answer(office, office.last("new-ticket", JOHN, number), 'Hello,\n!tpl more-details what="the serial number"')
    office.deliver(LEAVES)
    assert done.outcome == "replied"
    (mail,) = (m for m in office.sent_to(KAREN) if "serial" in m.text)
    assert "we need to know a little more: the serial number." in " ".join(mail.text.split())


def test_a_snoozed_ticket_comes_back_once_and_its_assignee_hears_of_it(office):
    number = office.open_ticket()
    answer(office, office.last("new-ticket", JOHN, number), "!take\n!snooze 2d")
    assert office.ticket(number)["status"] == "open"
    mark = office.queued
    office.tick(timedelta(days=2, minutes=1))
    office.tick(timedelta(days=1))
    told = [row for row in office.outbox("note", JOHN, number) if row.id > mark]
    assert len(told) == 1
    assert "The snooze is over" in " ".join(office.words(told[0]).split())
    assert office.kinds(number).count("snoozed") == 2


def test_somebody_let_in_with_the_history_is_sent_what_was_said_outside_and_nothing_else(office):
    number = office.open_ticket()
    answer(office, office.last("new-ticket", JOHN, number), "!note\nShe never pays her bills on time, mind you.")
    answer(office, office.last("new-ticket", JOHN, number), "Use water.")
    office.deliver(LEAVES)
    held = answer(office, office.last("new-ticket", JOHN, number), "!cc Eve <eve@client.example> +history")
    assert held.outcome == "held"
    press(office, office.last("held", JOHN, number), "Yes, do it")
    office.deliver(LEAVES)
    (mail,) = office.sent_to("eve@client.example")
    assert "It burns." in mail.text
    assert "Use water." in mail.text
    assert "bills" not in mail.text


def test_a_colleague_who_is_named_in_a_note_hears_of_it_at_once_and_may_see_the_ticket(office):
    number = office.open_ticket()
    answer(office, office.last("new-ticket", JOHN, number), "!note\n@joe could you look at the disk?")
    notice = office.last("note", "joe@acme.example", number)
    done = answer(office, notice, "It is full.")
    assert done.outcome == "noted"
