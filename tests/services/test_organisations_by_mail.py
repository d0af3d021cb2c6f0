"""Contacts of an organisation over the life of its tickets: what they get, what they may do, where they stay behind."""

from datetime import timedelta

import pytest

from maild.services.admin_command import command_ticket
from tests.rig.office import CONFIG

KAREN, BOSS, PAUL = "karen@client.example", "boss@client.example", "paul@other.example"
JOHN, JOE, JANE = "john@acme.example", "joe@acme.example", "jane@acme.example"
HOLD = timedelta(seconds=121)
CLIENT = f"""
[[organisation]]
name = "Acme Client"
domains = "client.example"
contacts = ["{BOSS}", "jane", "joe"]
"""


@pytest.fixture
def served(open_office):
    return open_office(CONFIG + CLIENT)


def admin(office, number, *words):
    return command_ticket(office.store, office.helpdesk, number, words, office.clock.now())


def roles(office, number):
    return {p["address"]: p["role"] for p in office.ticket(number)["participants"]}


def test_a_contact_writes_into_the_ticket_and_the_customer_is_not_mailed(served):
    number = served.open_ticket()
    served.receive(served.answer(served.last("new-ticket", JOHN), "Use water."))
    served.deliver(HOLD)
    mark = served.queued
    done = served.receive(served.answer(served.last("reply", BOSS), "We have none."))
    assert (done.outcome, done.ticket) == ("replied", number)
    assert served.ticket(number)["entries"][-1]["author"]["role"] == "participant"
    assert {to for _, to in served.told(mark)} <= {JOHN, JANE}


def test_a_contact_reads_no_note_whatever_is_done(served):
    number = served.open_ticket()
    mark = served.queued
    for words in ("note secret", "priority high", "sla sev-a", "dept sysadmins", "wait", "tag x"):
        admin(served, number, *words.split())
    served.tick(timedelta(hours=1))
    assert [told for told in served.told(mark) if told[1] in {KAREN, BOSS}] == []


def test_agents_who_follow_watch_the_tickets_that_they_may_see(served):
    number = served.open_ticket()
    admin(served, number, "assign", "john")
    mark = served.queued
    served.receive(served.answer(served.last("acknowledgement", KAREN), "News?"))
    assert (JANE in {to for _, to in served.told(mark)}, JOE in {to for _, to in served.told(mark)}) == (True, False)
    admin(served, number, "dept", "sysadmins")
    mark = served.queued
    served.receive(served.answer(served.last("acknowledgement", KAREN), "And now?"))
    assert (JANE in {to for _, to in served.told(mark)}, JOE in {to for _, to in served.told(mark)}) == (False, True)


def test_an_agent_who_mutes_a_ticket_hears_no_more_of_it(served):
    number = served.open_ticket()
    admin(served, number, "assign", "john")
    served.receive(served.answer(served.last("new-ticket", JANE), "!mute"))
    mark = served.queued
    served.receive(served.answer(served.last("acknowledgement", KAREN), "News?"))
    assert JANE not in {to for _, to in served.told(mark)}


def test_a_merge_takes_no_contact_along_and_a_split_part_keeps_them(served):
    karens, pauls = served.open_ticket(), served.open_ticket(f"Paul <{PAUL}>")
    assert roles(served, pauls) == {}
    admin(served, karens, "split")
    assert roles(served, karens + 2) == {BOSS: "contact"}
    served.receive(served.answer(served.last("new-ticket", JOHN, karens), f"!merge {pauls}"))
    served.receive(served.answer(served.last("held", JOHN), "!yes"))
    assert served.ticket(karens)["merged_into"] == pauls
    assert roles(served, pauls) == {KAREN: "cc"}


def test_a_ticket_given_to_another_customer_and_back_by_undo_is_followed_as_before(served):
    number = served.open_ticket()
    notice = served.last("new-ticket", JOHN)
    served.receive(served.answer(notice, f"!requester {PAUL}"))
    served.receive(served.answer(served.last("held", JOHN), "!yes"))
    assert roles(served, number) == {}
    served.receive(served.answer(notice, "!undo"))
    assert served.ticket(number)["requester"]["address"] == KAREN
    assert roles(served, number) == {BOSS: "contact"}


def test_a_contact_is_taken_out_by_an_agent_and_stays_out(served):
    number = served.open_ticket()
    admin(served, number, "uncc", BOSS)
    served.receive(served.answer(served.last("acknowledgement", KAREN), "More.", cc=BOSS))
    assert roles(served, number) == {}


def test_a_forged_sender_brings_nobody_in(served):
    number = served.receive(served.mail(KAREN, "It burns.", proof="fail")).ticket
    assert roles(served, number) == {}
    assert "opened" in served.kinds(number)


def test_the_silence_of_a_customer_is_told_to_who_follows_in_words_of_their_own(served):
    served.open_ticket()
    served.receive(served.answer(served.last("new-ticket", JOHN), "Which water?\n!wait"))
    mark = served.queued
    served.tick(timedelta(days=15))
    assert [told for told in served.told(mark) if told[0] == "closed"] == [("closed", KAREN), ("closed", BOSS)]
    assert "we did not hear from Karen Hill" in " ".join(served.words(served.last("closed", BOSS)).split())
