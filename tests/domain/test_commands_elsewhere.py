"""Verbs that reach other tickets: what follows there, and which numbers they refuse."""

from dataclasses import replace

import pytest

from maild.domain.commands.apply import judge, parse
from maild.domain.decision import Outcome
from maild.domain.lookups import Written
from maild.domain.people.directory import Address, Person
from maild.domain.tickets.events import (
    NEW_TICKET,
    THIS_ENTRY,
    Absorbed,
    Linked,
    Merged,
    Opened,
    ParticipantAdded,
    Split,
    StatusChanged,
)
from maild.domain.tickets.ticket import EntryKind, Participant, Priority, Status
from tests.domain.command_desk import Desk
from tests.domain.command_scene import BOB, BY_JOHN, EVE, KAREN, LAST_WORDS, NOW, SURROUNDINGS, done, ticket
from tests.domain.known import NOTHING_FOUND, Else


@pytest.fixture
def desk() -> Desk:
    return Desk()


# -- link -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("number", ["17", "#17", "[#17-7k2m]", "#17-7K2M"])
def test_a_link_is_seen_from_both_ends(desk, number):
    desk.say(f"!link {number}")
    assert (desk.ticket(42).links, desk.ticket(17).links) == ((17,), (42,))


def test_an_end_that_is_linked_already_gets_no_fact(desk):
    desk.happens(17, Linked(at=NOW, ticket=42))
    assert desk.say("!link 17").effects == ()
    again = desk.say("!link 17")
    assert (again.events, again.effects, again.outcomes) == ((), (), ("link: nothing to change",))


def test_a_link_to_a_merged_ticket_is_refused_with_its_survivor(desk):
    desk.say("!split")  # 43
    desk.say("!merge 17", on=43)
    (problem,) = desk.judged("!link 43").problems
    assert (problem.message, problem.suggestion) == ("ticket 43 was merged into ticket 17", "!link 17")


# -- merge ------------------------------------------------------------------------------------------------------


def test_a_merged_ticket_ends_here_and_its_people_go_there(desk):
    desk.say("!cc Eve <eve@client.example>")
    applied = desk.say("!merge 17")
    assert applied.events[0] == Merged(at=desk.now, by=applied.events[0].by, into=17)
    assert isinstance(applied.events[1], StatusChanged)
    assert (applied.events[1].status, applied.events[1].reason) == ("closed", "merged")
    (other,) = applied.effects
    assert (other.ticket, other.decision.outcome) == (17, Outcome.COMMANDED)
    assert [fact.kind for fact in other.decision.events] == ["absorbed", "participant-added", "participant-added"]
    assert (desk.ticket(42).status, desk.ticket(42).merged_into) == (Status.CLOSED, 17)
    assert desk.ticket(17).participants == (Participant(KAREN, "cc"), Participant(EVE, "cc"))
    assert desk.ticket(17).links == (42,)
    assert desk.ticket(17).requester == BOB
    assert applied.receipts == ('ticket 42 goes on in ticket 17, "Nobody can pay"',)


def test_who_is_there_already_is_not_added_again(desk):
    desk.say("!cc karen@client.example", on=17)
    desk.say("!cc bob@client.example")
    facts = desk.say("!merge 17").effects[0].decision.events
    assert [type(fact) for fact in facts] == [Absorbed]


def test_a_requester_without_an_address_takes_part_nowhere():
    nobody = Person(Address.of("unknown@invalid"))
    (other,) = done("!merge 17", ticket(requester=nobody)).effects
    assert not any(isinstance(fact, ParticipantAdded) for fact in other.decision.events)


def test_merging_again_is_silent_and_elsewhere_is_refused(desk):
    desk.say("!merge 17")
    again = desk.say("!merge 17")
    assert (again.events, again.effects, again.confirm, again.receipts) == ((), (), (), ())
    desk.say("!split", on=17)  # 43
    assert desk.refused("!merge 43") == "this ticket was merged into ticket 17 already"
    assert desk.refused("!merge 42", on=17) == "that ticket was merged into this one"


def test_a_ticket_goes_into_the_survivor_of_a_merged_one_by_its_name_alone(desk):
    desk.say("!split")  # 43
    desk.say("!merge 17", on=43)
    (problem,) = desk.judged("!merge 43").problems
    assert (problem.message, problem.suggestion) == ("ticket 43 was merged into ticket 17", "!merge 17")


def test_spam_is_not_merged(desk):
    desk.say("!spam", on=17)
    assert "ticket 17 is spam" in desk.refused("!merge 17")
    assert "this ticket is spam" in desk.refused("!merge 42", on=17)


def test_a_survivor_that_has_ended_stays_so_and_that_is_said(desk):
    desk.say("!close", on=17)
    applied = desk.say("!merge 17")
    assert "which is closed and stays so" in applied.confirm[0]
    assert "which is closed" in applied.receipts[0]
    assert desk.ticket(17).status is Status.CLOSED


def test_a_closed_ticket_is_merged_without_closing_it_again():
    applied = done("!merge 17", ticket(status=Status.CLOSED))
    assert [type(fact) for fact in applied.events] == [Merged]


def test_who_hears_of_what_is_asked_before():
    assert "karen@client.example hears what is written there" in done("!merge 17").confirm[0]
    assert "hears" not in done("!merge 17", ticket(requester=BOB)).confirm[0]


# -- split ------------------------------------------------------------------------------------------------------


def test_a_part_goes_on_by_itself_with_a_copy_of_the_last_message():
    before = ticket(
        priority=Priority.HIGH,
        sla_plan="sev-b",
        plan_source="command",
        team="network",
        assignee="samo",
        tags=("vip",),
        topic="access",
        participants=(Participant(EVE, "cc"),),
    )
    applied = done("!split The \u201csecond\u201d printer", before)
    assert applied.events == (Split(at=NOW, by=BY_JOHN, into=NEW_TICKET),)
    (other,) = applied.effects
    decision = other.decision
    assert (other.ticket, decision.outcome, decision.opens, decision.actor) == (None, Outcome.OPENED, True, BY_JOHN)
    (opened,) = decision.events
    assert opened == Opened(
        at=NOW,
        by=BY_JOHN,
        entry=THIS_ENTRY,
        requester=KAREN,
        subject="The \u201csecond\u201d printer",
        department="support",
        priority="high",
        sla_plan="sev-b",
        plan_source="command",
        team="network",
        assignee="samo",
        topic="access",
        tags=("vip",),
        links=(42,),
    )
    entry = decision.entry
    assert (entry.kind, entry.text, entry.inbound) == (EntryKind.MESSAGE, LAST_WORDS.text, LAST_WORDS.inbound)
    assert entry.message_id == ""  # what answers the original belongs to the old ticket
    assert applied.receipts == ('a new ticket was split off: "The \u201csecond\u201d printer"',)


def test_without_a_title_the_part_keeps_the_old_one(desk):
    desk.say("!split")
    assert desk.ticket(43).subject == desk.ticket(42).subject
    assert (desk.ticket(42).links, desk.ticket(43).links) == ((43,), (42,))


def test_a_ticket_in_which_no_customer_wrote_has_no_part(desk):
    assert desk.judged("!split").problems == ()
    silent = replace(SURROUNDINGS, lookups=replace(SURROUNDINGS.lookups, threads=Else(Written())))
    (problem,) = judge(parse("!split"), silent).problems
    assert "has not written" in problem.message


@pytest.mark.parametrize("verb", ["link", "merge"])
def test_where_nothing_is_known_of_other_tickets_no_number_is_right(verb):
    (problem,) = judge(parse(f"!{verb} 17"), replace(SURROUNDINGS, lookups=NOTHING_FOUND)).problems
    assert problem.message == "there is no ticket 17"
