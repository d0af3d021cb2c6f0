"""A customer with nothing but a mail program: what they get, what they can say, and how they can go."""

from datetime import timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from maild.domain.messages.reply_tokens import Scope
from maild.services.admin_command import command_ticket
from tests.rig.office import CONFIG

KAREN, EVE, BOB = "karen@client.example", "eve@client.example", "bob@client.example"
JOHN, JANE, MARY = "john@acme.example", "jane@acme.example", "mary@acme.example"
HOLD = timedelta(seconds=121)  # with what is risky about a first answer
DAY = timedelta(days=1)
ASKING = CONFIG + "\n[satisfaction]\nask = true\n"


def resolved(office, text: str = "Done.", **more) -> int:
    """A ticket of Karen's that John has taken, answered and resolved."""
    number = office.open_ticket(**more)
    notice = office.last("new-ticket", JOHN, number)
    assert office.receive(office.answer(notice, f"{text}\n!resolve" if text else "!resolve")).outcome != "held"
    office.deliver(HOLD)
    return number


def unmet(office, number: int) -> list[str]:
    return [target["target"] for target in office.ticket(number)["sla"] if not target["met_at"]]


def flat(text: str) -> str:
    return " ".join(text.split())


# -- STATUS and CLOSE ------------------------------------------------------------------------------------------------


def test_status_is_answered_in_words_and_read_by_a_person(office):
    number = office.open_ticket()
    mark = office.queued
    office.receive(office.answer(office.last("acknowledgement", KAREN), "Status?"))
    assert office.told(mark) == [("status", KAREN), ("message", JOHN), ("message", JANE)]
    row = office.last("status")
    words = flat(office.words(row))
    assert f"your ticket {number}, “Printer on fire”, is open. It waits for the next one of us who is free." in words
    assert "You will hear from us by" in words
    assert row.envelope_from == ""
    office.deliver()
    sent = office.sent_to(KAREN)[-1]
    assert (sent.header("auto-submitted"), sent.header("precedence")) == ("auto-replied", "bulk")
    assert sent.from_header == "Acme Support <support@acme.example>"
    assert not sent.header("list-unsubscribe")
    assert [entry["text"] for entry in office.ticket(number)["entries"]] == ["It burns.", "Status?"]


def test_status_names_only_whom_the_customer_has_met(office):
    number = office.open_ticket()
    acknowledged = office.last("acknowledgement", KAREN)
    command_ticket(office.store, office.helpdesk, number, ["assign", "john"], office.clock.now())
    office.receive(office.answer(acknowledged, "STATUS"))
    assert "Somebody here works on it." in flat(office.words(office.last("status")))
    assert "John" not in office.words(office.last("status"))
    office.receive(office.answer(office.last("message", JOHN), "Use water."))
    office.clock.advance(2 * HOLD + timedelta(hours=1))
    office.receive(office.answer(acknowledged, "STATUS"))
    assert "John Smith works on it." in flat(office.words(office.last("status")))


def test_status_is_told_once_an_hour_and_ticket(office):
    office.open_ticket()
    acknowledged = office.last("acknowledgement", KAREN)
    for _ in range(3):
        assert office.receive(office.answer(acknowledged, "STATUS")).outcome == "replied"
    assert len(office.outbox("status")) == 1
    office.clock.advance(timedelta(minutes=61))
    office.receive(office.answer(acknowledged, "STATUS"))
    assert len(office.outbox("status")) == 2


def test_status_of_a_resolved_ticket_leaves_it_so(office):
    number = resolved(office)
    office.receive(office.answer(office.last("reply", KAREN), "STATUS"))
    assert office.ticket(number)["status"] == "resolved"
    assert "is resolved. If anything is still open" in flat(office.words(office.last("status")))


def test_close_resolves_and_tells_the_assignee_and_nobody_outside(office):
    number = office.open_ticket()
    command_ticket(office.store, office.helpdesk, number, ["assign", "john"], office.clock.now())
    mark = office.queued
    office.receive(office.answer(office.last("acknowledgement", KAREN), "CLOSE"))
    shown = office.ticket(number)
    assert (shown["status"], shown["entries"][-1]["text"]) == ("resolved", "CLOSE")
    assert office.told(mark) == [("message", JOHN)]
    assert "status open -> resolved" in office.words(office.last("message", JOHN))
    assert office.last("message", JOHN).context["actions"][0]["label"] == "Reopen"
    assert shown["due_at"] is None


# -- thanks ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("text", ["Thanks a lot, John!", "Vielen Dank!\n\nKaren Hill"])
def test_thanks_reopen_nothing_start_no_clock_and_show_the_button(office, text):
    number = resolved(office)
    mark = office.queued
    office.clock.advance(timedelta(hours=1))
    done = office.receive(office.answer(office.last("reply", KAREN), text))
    shown = office.ticket(number)
    assert (done.outcome, shown["status"]) == ("replied", "resolved")
    assert shown["entries"][-1]["text"] == text
    assert unmet(office, number) == []
    assert office.told(mark) == [("message", JOHN)]
    notice = office.last("message", JOHN)
    assert notice.context["actions"][0]["label"] == "Reopen"


def test_thanks_to_a_ticket_of_long_ago_open_no_new_one(office):
    number = resolved(office)
    office.clock.advance(timedelta(days=99))
    done = office.receive(office.answer(office.last("reply", KAREN), "Thank you!"))
    assert (done.outcome, done.ticket) == ("replied", number)
    more = office.receive(office.answer(office.last("reply", KAREN), "Thank you! Now the scanner is on fire, too."))
    assert (more.outcome, more.ticket != number) == ("opened", True)


def test_what_says_more_than_thanks_opens_the_ticket_again(office):
    number = resolved(office)
    office.receive(office.answer(office.last("reply", KAREN), "Thanks, but it still burns."))
    assert office.ticket(number)["status"] == "open"
    assert unmet(office, number) == ["next-response", "resolution"]


# -- the end of a ticket ---------------------------------------------------------------------------------------------


def test_an_end_without_words_is_told_and_spam_is_not(office):
    number = office.open_ticket()
    mark = office.queued
    office.receive(office.answer(office.last("new-ticket", JOHN, number), "!close"))
    assert ("closed", KAREN) in office.told(mark)
    other = office.open_ticket(subject="Casino")
    mark = office.queued
    command_ticket(office.store, office.helpdesk, other, ["spam"], office.clock.now())
    assert [template for template, address in office.told(mark) if address == KAREN] == []


def test_timers_end_tickets_silently(office):
    number = resolved(office)
    mark = office.queued
    office.tick(timedelta(days=8))
    assert office.ticket(number)["status"] == "closed"
    assert office.told(mark) == []


# -- how the help was ------------------------------------------------------------------------------------------------


def rating(row, word: str) -> str:
    return next(each["address"] for each in row.context["ratings"] if each["rating"] == word)


def press(office, row, address: str, text: str = "", **more):
    """Send a mail to an address that stands in one of our mails."""
    return office.receive(office.answer(row, text, to=address, quote=False, **more))


def test_nobody_is_asked_unless_the_admin_wishes_it(office):
    resolved(office)
    assert "ratings" not in office.last("reply", KAREN).context


@pytest.mark.parametrize("text", ["Done.", ""])
def test_the_requester_is_asked_in_the_last_mail_and_one_tap_answers(open_office, text):
    office = open_office(ASKING)
    number = resolved(office, text, cc=EVE)
    row = office.last("reply" if text else "closed", KAREN)
    assert "How was our help?" in office.words(row)
    assert all("ratings" not in each.context for each in office.outbox(to=EVE))
    mark = office.queued
    assert press(office, row, rating(row, "good")).outcome == "commanded"
    shown = office.ticket(number)
    assert (shown["rating"], shown["status"], office.told(mark)) == ("good", "resolved", [])
    assert [(r["rating"], r["agent"], r["department"]) for r in shown["ratings"]] == [("good", "john", "support")]


def test_the_assignee_hears_of_a_bad_one_and_the_last_word_counts(open_office):
    office = open_office(ASKING)
    number = resolved(office)
    row = office.last("reply", KAREN)
    press(office, row, rating(row, "good"))
    mark = office.queued
    press(office, row, rating(row, "bad"))
    assert office.told(mark) == [("note", JOHN)]
    assert "the customer rates the help: bad" in office.words(office.last("note", JOHN)).lower().replace("\n", " ")
    shown = office.ticket(number)
    assert (shown["rating"], len(shown["ratings"])) == ("bad", 1)


def test_words_with_a_rating_are_read_inside_and_reopen_nothing(open_office):
    office = open_office(ASKING)
    number = resolved(office)
    row = office.last("reply", KAREN)
    mark = office.queued
    assert press(office, row, rating(row, "fair"), "It took three weeks. Why?").outcome == "replied"
    assert office.told(mark) == [("message", JOHN)]
    assert "the customer rates the help: fair" in flat(office.words(office.last("message", JOHN)))
    assert office.ticket(number)["status"] == "resolved"
    assert unmet(office, number) == []


def test_nobody_rates_for_somebody_else(open_office):
    office = open_office(ASKING)
    number = resolved(office, cc=EVE)
    row = office.last("reply", KAREN)
    done = press(office, row, rating(row, "bad"), sender=EVE)
    assert (done.outcome, done.reason) == ("held", "token-from-another-address")
    assert office.ticket(number)["rating"] is None


# -- people in Cc ----------------------------------------------------------------------------------------------------


def people(office, number: int) -> list[str]:
    return [participant["address"] for participant in office.ticket(number)["participants"]]


def test_who_is_copied_later_sees_what_comes_after_and_nothing_before(office):
    number = office.open_ticket(text="The password is fuse123.")
    office.receive(office.answer(office.last("new-ticket", JOHN), "Use water, not fuse123."))
    office.deliver(HOLD)
    office.receive(office.answer(office.last("reply", KAREN), "Bob looks after it now.", cc=BOB))
    office.deliver(HOLD)
    assert people(office, number) == [BOB]
    assert office.sent_to(BOB) == []
    office.receive(office.answer(office.last("message", JOHN), "Hello Bob, is it out?"))
    office.deliver(HOLD)
    (mail,) = office.sent_to(BOB)
    assert "Hello Bob, is it out?" in mail.text
    assert "fuse123" not in mail.text + mail.html


@pytest.mark.parametrize("proof", ["fail", ""])
def test_a_forged_or_unproven_mail_brings_nobody_in(office, proof):
    """Take the requester's name, put yourself in Cc, read along: the take-over of a ticket."""
    number = office.open_ticket()
    evil = "evil@attacker.example"
    office.receive(office.answer(office.last("acknowledgement", KAREN), "Any news?", cc=evil, proof=proof))
    office.receive(office.answer(office.last("new-ticket", JOHN), "Use water."))
    office.deliver(HOLD)
    assert people(office, number) == []
    assert office.sent_to(evil) == []


def test_a_copy_leaves_by_mail_and_stays_out(office):
    number = office.open_ticket(cc=EVE)
    office.receive(office.answer(office.last("new-ticket", JOHN), "Use water."))
    office.deliver(HOLD)
    (mail,) = office.sent_to(EVE)
    address = office.last("reply", EVE).context["leave"]["address"]
    assert mail.header("list-unsubscribe") == f"<mailto:{address}>"
    assert address in mail.text
    mark = office.queued
    assert press(office, office.last("reply", EVE), address, subject="unsubscribe").outcome == "commanded"
    assert (people(office, number), office.told(mark)) == ([], [])
    assert office.kinds(number)[-1] == "participant-removed"
    office.receive(office.answer(office.last("reply", KAREN), "To all of you.", cc=EVE))
    assert people(office, number) == []
    office.receive(office.answer(office.last("message", JOHN), "Good."))
    office.deliver(HOLD)
    assert len(office.sent_to(EVE)) == 1


def test_the_requesters_mails_have_no_way_out_and_no_button_of_advertisements(office):
    office.open_ticket(cc=EVE)
    office.receive(office.answer(office.last("new-ticket", JOHN), "Use water."))
    office.deliver(HOLD)
    assert not office.sent_to(KAREN)[-1].header("list-unsubscribe")
    assert "leave" not in office.last("reply", KAREN).context


def test_nobody_leaves_for_somebody_else(office):
    number = office.open_ticket(cc=EVE)
    office.receive(office.answer(office.last("new-ticket", JOHN), "Use water."))
    row = office.last("reply", EVE)
    done = press(office, row, row.context["leave"]["address"], sender=KAREN)
    assert (done.outcome, people(office, number)) == ("held", [EVE])


def test_without_plus_addressing_nobody_is_shown_a_way_that_leads_nowhere(open_office):
    office = open_office(CONFIG.replace("[listener]", "plus_addressing = false\n[listener]", 1))
    office.open_ticket(cc=EVE)
    office.receive(office.answer(office.last("new-ticket", JOHN), "Use water."))
    office.deliver(HOLD)
    assert "leave" not in office.last("reply", EVE).context
    assert not office.sent_to(EVE)[-1].header("list-unsubscribe")


# -- how often a program answers -------------------------------------------------------------------------------------


def opened(office, number: int, sender: str = "robot@client.example", **more):
    more = {"subject": f"Job {number} failed"} | more
    return office.receive(office.mail(sender, f"Line {number}", **more))


def test_a_robot_without_marks_is_acknowledged_once_a_day(office):
    """It strips every header and changes its subject each time; nothing proves it."""
    for number in range(20):
        assert opened(office, number, proof="").outcome == "opened"
        office.clock.advance(timedelta(minutes=20))
    assert len(office.outbox("acknowledgement")) == 1
    office.clock.advance(DAY)
    opened(office, 99, proof="")
    assert len(office.outbox("acknowledgement")) == 2


def test_a_proven_sender_is_acknowledged_ten_times_a_day(office):
    for number in range(15):
        opened(office, number)
        office.clock.advance(timedelta(minutes=20))
    assert len(office.outbox("acknowledgement")) == 10


def test_the_same_subject_again_and_again_is_answered_twice(office):
    for number in range(5):
        opened(office, number, subject=f"{'Re: ' * number}Printer on fire")
        office.clock.advance(timedelta(minutes=1))
    assert len(office.outbox("acknowledgement")) == 2
    office.clock.advance(timedelta(minutes=11))
    opened(office, 9, subject="Printer on fire")
    assert len(office.outbox("acknowledgement")) == 3


def test_forged_senders_get_nothing(office):
    for number in range(40):
        opened(office, number, f"victim{number}@client.example", proof="fail")
    assert office.outbox("acknowledgement") == []
    assert office.outbox("answers-stopped") == []


def test_a_flood_stops_the_answers_for_an_hour_and_the_admin_hears_of_it_once(office):
    for number in range(45):
        assert opened(office, number, f"c{number}@d{number}.example").outcome == "opened"
    assert len(office.outbox("acknowledgement")) == 30
    (alarm,) = office.outbox("answers-stopped")
    assert str(alarm.to.address) == MARY
    assert "answers nobody by itself for an hour" in flat(office.words(alarm))
    assert (alarm.ticket, "maild explain --inbound 31" in flat(office.words(alarm))) == (None, True)
    office.clock.advance(timedelta(minutes=59))
    opened(office, 50, "late@late.example")
    assert len(office.outbox("acknowledgement")) == 30
    office.clock.advance(timedelta(minutes=2))
    opened(office, 51, "later@later.example")
    assert len(office.outbox("acknowledgement")) == 31


def test_an_admin_who_hears_that_answers_stopped_hears_of_the_new_ticket_as_well(open_office):
    few = CONFIG.replace('to = "everyone"', 'to = "everyone"\nmost_per_minute = 1')
    office = open_office(few.replace('departments = []\nrole = "admin"', 'departments = ["support"]\nrole = "admin"'))
    opened(office, 1, "a@a.example")
    mark = office.queued
    opened(office, 2, "b@b.example")
    agents = ["john@acme.example", "jane@acme.example", MARY]
    assert office.told(mark) == [*(("new-ticket", agent) for agent in agents), ("answers-stopped", MARY)]


def test_the_alarm_tells_an_admin_nothing_of_a_private_ticket(open_office):
    few = CONFIG.replace('to = "everyone"', 'to = "everyone"\nmost_per_minute = 1')
    office = open_office(few.replace('name = "sysadmins"\n', 'name = "sysadmins"\nprivate = true\n'))
    opened(office, 1, "a@a.example")
    office.receive(office.mail("b@b.example", "It is too low.", subject="My salary", to="sysadmins@acme.example"))
    words = office.words(office.last("answers-stopped", MARY))
    assert not any(said in words for said in ("salary", "too low", "b@b.example"))


def test_one_domain_gets_a_hundred_answers_an_hour(office):
    for number in range(110):
        opened(office, number, f"c{number}@client.example")
        office.clock.advance(timedelta(seconds=20))
    assert len(office.outbox("acknowledgement")) == 100


def test_an_acknowledgement_that_a_person_forestalled_does_not_count(open_office):
    office = open_office(CONFIG.replace('to = "everyone"', 'to = "everyone"\ndelay = "3m"'))
    office.open_ticket(proof="")
    office.receive(office.answer(office.last("new-ticket", JOHN), "Use water."))
    office.receive(office.mail(KAREN, "Another one.", subject="Scanner", proof=""))
    assert [row.state.value for row in office.outbox("acknowledgement")] == ["dropped", "queued"]


# -- one mail in, at most one automatic mail out ---------------------------------------------------------------------

WORDS = st.sampled_from(["STATUS", "CLOSE", "Thanks!", "It burns.", "!close", "", "status?", "STOP", "👍"])
MAILS = st.tuples(
    st.sampled_from([KAREN, EVE, BOB, JOHN, "robot@client.example"]),
    WORDS,
    st.sampled_from(["pass", "fail", ""]),
    st.sampled_from(["new", "acknowledgement", "reply", "leave", "rate-bad", "closed"]),
    st.sampled_from([{}, {"Auto-Submitted": "auto-replied"}, {"Precedence": "bulk"}]),
    st.booleans(),
)


@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(MAILS, min_size=1, max_size=6))
def test_no_mail_yields_more_than_one_automatic_mail_to_anybody_outside(open_office, mails):
    office = open_office(ASKING)
    resolved(office, cc=EVE)
    for sender, text, proof, way, headers, copies in mails:
        office.clock.advance(timedelta(minutes=7))
        mark = office.queued
        office.receive(_by_some_way(office, sender, text, way, proof=proof, headers=headers, cc=BOB if copies else ""))
        made = [row for row in office.outbox() if row.id > mark and row.context["answer"]["scope"] == Scope.USER]
        automatic = [row for row in made if row.context["mail"]["automatic"]]
        assert len(automatic) <= 1
        assert {str(row.to.address) for row in automatic} <= {sender}


def _by_some_way(office, sender, text, way, **more):
    if way == "new":
        return office.mail(sender, text, subject=f"Fresh {office.queued}", **more)
    rows = office.outbox("reply") if way in {"leave", "rate-bad"} else office.outbox(way)
    row = (rows or office.outbox("reply"))[-1]
    if way == "leave" and "leave" in row.context:
        more["to"] = row.context["leave"]["address"]
    if way == "rate-bad" and "ratings" in row.context:
        more["to"] = rating(row, "bad")
    return office.answer(row, text, sender=sender, **more)


def test_who_is_known_for_spam_is_answered_by_no_program_any_more(office):
    number = office.open_ticket("Spammer <win@prizes.example>", "You have won.")
    assert len(office.outbox("acknowledgement", "win@prizes.example")) == 1
    command_ticket(office.store, office.helpdesk, number, ["spam"], office.clock.now())
    office.clock.advance(timedelta(days=2))
    done = office.receive(office.mail("Win@prizes.example", "You have won again.", subject="Prize"))
    assert done.outcome == "opened"
    assert len(office.outbox("acknowledgement")) == 1
