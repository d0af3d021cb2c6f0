"""Tickets, their events and entries, contacts with their epochs."""

import itertools
from dataclasses import replace

import pytest

from maild.domain.messages.attachment import Attachment
from maild.domain.people.directory import Address, Agent, Person, Role
from maild.domain.tickets import events
from maild.domain.tickets.events import Actor
from maild.domain.tickets.ticket import Status, fold
from maild.domain.tickets.visibility import Sight
from maild.ports import Listing, Order, SlaIndex, StoredEntry
from tests.store.conftest import MINUTE, NOW

BOB = Person(Address.of("bob@client.example"), "Bob Miller")
EVE = Person(Address.of("Eve@client.example"), "Eve")
REQUESTER = Actor(Role.REQUESTER, address="bob@client.example")


def opened(subject="Printer on fire", **more):
    return events.Opened(
        at=NOW, by=REQUESTER, requester=BOB, subject=subject, department="support", sla_plan="default", **more
    )


def add(unit, *facts, number=None):
    number = number or unit.tickets.new_number()
    ticket = fold(number, facts)
    unit.tickets.append(ticket, facts, f"<root.{number}@acme.example>")
    return ticket


@pytest.fixture
def unit(store):
    with store() as opened_unit:
        yield opened_unit


def test_numbers_rise_and_do_not_come_twice(store):
    numbers = []
    for _ in range(3):
        with store() as unit:
            numbers.append(unit.tickets.new_number())
            unit.commit()
    assert numbers == [1, 2, 3]


def test_a_ticket_comes_back_as_its_events_make_it(unit):
    facts = (
        opened(tags=("vip",), links=(3,), participants=(EVE,), topic="access"),
        events.Assigned(at=NOW + MINUTE, assignee="jane", team="online-banking"),
        events.StatusChanged(at=NOW + 2 * MINUTE, status="waiting", previous="open", until=NOW + 9 * MINUTE),
        events.ParticipantAdded(at=NOW + 2 * MINUTE, person=Person(Address.of("x@y.example"))),
    )
    ticket = add(unit, *facts)
    assert unit.tickets.get(ticket.number) == replace(
        ticket, participants=tuple(sorted(ticket.participants, key=lambda p: p.person.address.key))
    )
    assert unit.tickets.history(ticket.number) == facts
    assert unit.tickets.root_id(ticket.number) == f"<root.{ticket.number}@acme.example>"
    assert unit.tickets.get(99) is None


def test_later_events_move_the_row(unit):
    first = add(unit, opened())
    closed = events.StatusChanged(at=NOW + MINUTE, status="closed", previous="open")
    unit.tickets.append(fold(first.number, (opened(), closed)), (closed,), "")
    found = unit.tickets.get(first.number)
    assert (found.status, found.seq, found.closed_at) == (Status.CLOSED, 2, NOW + MINUTE)
    assert len(unit.tickets.history(first.number)) == 2


def test_entries_come_back_with_their_files_and_are_found_by_message_id(unit):
    ticket = add(unit, opened())
    file = Attachment("2.1", "report.pdf", "application/pdf", 12, "0" * 64, inline=False, content_id="")
    draft = StoredEntry(
        id=0,
        ticket=ticket.number,
        kind="message",
        author=REQUESTER,
        author_name="Bob",
        at=NOW,
        text="It burns \0 \ud800",
        message_id="<a@client.example>",
        attachments=(file,),
    )
    number = unit.tickets.add_entry(draft)
    (found,) = unit.tickets.entries(ticket.number)
    assert found == replace(draft, id=number, text="It burns \ufffd \ufffd")
    assert unit.tickets.by_message_ids(["<a@client.example>", "<b@x>"]) == {"<a@client.example>": ticket.number}
    assert unit.tickets.by_message_ids([]) == {}


def test_a_message_id_that_two_tickets_claim_leads_to_the_first(unit):
    numbers = []
    for _ in range(2):
        ticket = add(unit, opened())
        entry = StoredEntry(
            id=0,
            ticket=ticket.number,
            kind="message",
            author=REQUESTER,
            author_name="",
            at=NOW,
            text="",
            message_id="<a@b>",
        )
        unit.tickets.add_entry(entry)
        numbers.append(ticket.number)
    assert unit.tickets.by_message_ids(["<a@b>"]) == {"<a@b>": numbers[0]}


def test_lists_find_by_status_assignee_department_and_due(unit):
    one = add(unit, opened("one"))
    two = add(unit, opened("two", assignee="jane"))
    three = add(unit, opened("three"), events.StatusChanged(at=NOW, status="closed", previous="open"))
    unit.tickets.set_sla_index(one.number, SlaIndex(next_at=NOW, due_at=NOW - MINUTE, fingerprint="x"))
    unit.tickets.set_sla_index(two.number, SlaIndex(next_at=NOW + MINUTE, due_at=NOW + MINUTE, fingerprint="x"))

    def found(**wanted):
        return [listed.ticket.number for listed in unit.tickets.listing(Listing(**wanted))]

    assert found() == [one.number, two.number, three.number]
    assert found(statuses=("open",)) == [one.number, two.number]
    assert found(assignee="jane") == [two.number]
    assert found(department="elsewhere") == []
    assert found(overdue_at=NOW) == [one.number]
    assert found(limit=1) == [one.number]


def test_lists_by_every_condition(unit):
    def listed(**wanted):
        return [found.ticket.number for found in unit.tickets.listing(Listing(**wanted))]

    hour = 60 * MINUTE
    vip = add(unit, opened(tags=("VIP", "50%")), events.Noted(at=NOW, mentions=("ann-ä",)))
    urgent = add(unit, replace(opened(priority="high", team="banking"), at=NOW + hour))
    eve = add(unit, replace(opened(assignee="jane"), requester=EVE, department="personnel"))
    asleep = add(unit, opened(), events.Snoozed(at=NOW, until=NOW + hour))
    closed = add(unit, opened(), events.StatusChanged(at=NOW + MINUTE, status="closed", previous="open"))
    later = add(unit, opened(), events.StatusChanged(at=NOW + hour, status="resolved", previous="open"))
    everything = [t.number for t in (vip, urgent, eve, asleep, closed, later)]
    assert listed() == everything
    assert listed(tag="vip") == listed(tag="50%") == [vip.number]
    assert listed(tag="5") == listed(tag="%") == []
    assert listed(priority="high") == listed(team="banking") == [urgent.number]
    assert eve.number not in listed(unassigned=True)
    assert listed(sender="eve@client.example") == [eve.number]
    assert listed(sender="client.example") == everything
    assert listed(sender="ient.example") == listed(sender="%") == []
    assert listed(snoozed_at=NOW) == [asleep.number]
    assert asleep.number not in listed(not_snoozed_at=NOW)
    assert listed(snoozed_at=NOW + hour) == []
    assert listed(created_since=NOW + MINUTE) == [urgent.number]
    assert listed(statuses=("resolved", "closed"), order=Order.ENDED) == [later.number, closed.number]
    assert listed(statuses=("closed",), ended_since=NOW + 2 * MINUTE) == []
    assert listed(order=Order.CREATED, limit=1) == [urgent.number]
    assert set(listed(sight=Sight("ann-ä"))) == {vip.number}
    assert set(listed(sight=Sight("jane", (), ("banking",)))) == {urgent.number, eve.number}
    assert set(listed(sight=Sight("boss", (), (), ("support",)))) == {eve.number}
    assert listed(sight=Sight("boss", (), (), ())) == everything


def test_the_nearest_deadline_comes_first_then_the_priority(unit):
    plain, late, high, soon = (add(unit, opened(priority=level)) for level in ("normal", "low", "high", "low"))
    for ticket, minutes in ((late, -5), (soon, 5)):
        unit.tickets.set_sla_index(ticket.number, SlaIndex(next_at=None, due_at=NOW + minutes * MINUTE, fingerprint=""))
    found = unit.tickets.listing(Listing(order=Order.DUE))
    assert [each.ticket.number for each in found] == [late.number, soon.number, high.number, plain.number]


@pytest.mark.parametrize("seen_by", ["own", "team", "given", "mentioned", "all", "private"])
def test_a_list_shows_what_a_view_sees(unit, seen_by):
    """The condition of the store and the question of the ground floor answer alike."""
    sight = {
        "own": Sight("jane", ("support",)),
        "team": Sight("jane", (), ("banking",)),
        "given": Sight("jane"),
        "mentioned": Sight("ann"),
        "all": Sight("jane", (), (), ()),
        "private": Sight("jane", ("sales",), (), ("personnel",)),
    }[seen_by]
    for department, team, assignee, mentions in itertools.product(
        ("support", "personnel", "sales"), ("", "banking"), ("", "jane", "ann"), ((), ("ann",), ("annabel", "jane"))
    ):
        fact = replace(opened(team=team, assignee=assignee), department=department)
        add(unit, fact, events.Noted(at=NOW, mentions=mentions))
    everything = [found.ticket for found in unit.tickets.listing(Listing())]
    shown = {found.ticket.number for found in unit.tickets.listing(Listing(sight=sight))}
    assert shown == {ticket.number for ticket in everything if sight.sees(ticket)}
    assert 0 < len(shown) <= len(everything)


def test_due_tickets_come_the_most_overdue_first(unit):
    tickets = [add(unit, opened(str(n))) for n in range(4)]
    for ticket, minutes in zip(tickets, (3, 1, 2, -1), strict=True):
        unit.tickets.set_sla_index(
            ticket.number, SlaIndex(next_at=NOW - minutes * MINUTE, due_at=None, fingerprint="d")
        )
    assert unit.tickets.due(NOW, 10) == [tickets[0].number, tickets[2].number, tickets[1].number]
    assert unit.tickets.due(NOW, 2) == [tickets[0].number, tickets[2].number]
    assert unit.tickets.with_outdated_sla(frozenset({"d"}), 10) == []
    assert len(unit.tickets.with_outdated_sla(frozenset({"other"}), 10)) == 4


def test_statuses_that_lasted_and_tickets_to_wake_are_found(unit):
    waits = events.StatusChanged(at=NOW, status="waiting", previous="open")
    silent = add(unit, opened(), waits)
    sleeping = add(unit, opened(), replace(waits, until=NOW + MINUTE))
    assert unit.tickets.in_status_since("waiting", NOW, 10) == [silent.number]  # the other wakes by itself
    assert unit.tickets.in_status_since("waiting", NOW - MINUTE, 10) == []
    assert unit.tickets.to_wake(NOW, 10) == []
    assert unit.tickets.to_wake(NOW + MINUTE, 10) == [sleeping.number]


def test_a_contact_keeps_its_number_and_learns_a_name(unit):
    first = unit.people.contact(Person(Address.of("New@Client.example")))
    again = unit.people.contact(Person(Address.of("new@client.example"), "Newton"))
    assert again.number == first.number
    assert unit.people.by_numbers([first.number])[first.number].person.name == "Newton"
    assert unit.people.by_numbers([]) == {}


def test_an_agent_has_one_number_whatever_the_address(unit):
    jane = Agent("jane", (Address.of("jane@acme.example"),), "Jane Doe")
    first = unit.people.agent(jane)
    assert unit.people.agent(replace(jane, addresses=(Address.of("jd@acme.example"),))).number == first.number
    assert unit.people.contact(Person(Address.of("jane@acme.example"))).number != first.number
    assert unit.people.by_numbers([first.number])[first.number].agent == "jane"
    assert first.epoch == 1


def test_addresses_that_only_unicode_folding_would_merge_stay_two_people(unit):
    kelvin = unit.people.contact(Person(Address("\u212aelvin", "x.example")))
    assert unit.people.contact(Person(Address("kelvin", "x.example"))).number != kelvin.number


def test_each_deadline_is_kept_as_it_was_reckoned_last(unit):
    ticket = add(unit, opened())
    assert unit.tickets.deadlines(ticket.number) is None  # not reckoned yet
    dues = {"first-response": NOW + MINUTE, "resolution": NOW + 9 * MINUTE}
    unit.tickets.set_sla_index(
        ticket.number, SlaIndex(next_at=None, due_at=NOW + MINUTE, fingerprint="d", deadlines=dues)
    )
    assert unit.tickets.deadlines(ticket.number) == dues
    unit.tickets.set_sla_index(ticket.number, SlaIndex(next_at=None, due_at=None, fingerprint="d"))
    assert unit.tickets.deadlines(ticket.number) == {}


def test_stale_tickets_are_gone_through_by_their_numbers(unit):
    numbers = [add(unit, opened(str(n))).number for n in range(5)]
    none = frozenset({"d"})
    assert unit.tickets.with_outdated_sla(none, 2) == numbers[:2]
    assert unit.tickets.with_outdated_sla(none, 2, above=numbers[1]) == numbers[2:4]
    assert unit.tickets.with_outdated_sla(none, 2, above=numbers[4]) == []


def test_who_waits_unreminded_is_found_until_reminded_and_again_in_the_next_time_of_waiting(unit):
    waits = events.StatusChanged(at=NOW, status="waiting", previous="open")
    reminded = events.CustomerReminded(at=NOW + MINUTE, ends_at=NOW + 9 * MINUTE)
    opens = events.StatusChanged(at=NOW + 2 * MINUTE, status="open", previous="waiting")
    again = replace(waits, at=NOW + 3 * MINUTE)
    silent = add(unit, opened(), waits)
    add(unit, opened(), replace(waits, until=NOW + MINUTE))  # wakes by itself
    add(unit, opened(), waits, reminded)
    anew = add(unit, opened(), waits, reminded, opens, again)
    assert unit.tickets.unreminded(NOW, 10) == [silent.number]
    assert unit.tickets.unreminded(NOW + 3 * MINUTE, 10) == [silent.number, anew.number]


# -- figures ------------------------------------------------------------------------------------------------------


def test_stirred_are_those_that_are_worked_on_and_those_with_a_fact_since(unit):
    closed = events.StatusChanged(at=NOW + MINUTE, status="closed", previous="open")
    old = add(unit, opened(), closed)
    rated = add(unit, opened(), closed, events.Rated(at=NOW + 9 * MINUTE, rating="good"))
    open_ = add(unit, opened())
    young = add(unit, replace(opened(), at=NOW + 20 * MINUTE))
    found = unit.tickets.active_between(NOW + 5 * MINUTE, NOW + 10 * MINUTE, Listing())
    assert found == [rated.number, open_.number]
    assert unit.tickets.active_between(NOW, NOW + 30 * MINUTE, Listing()) == [
        old.number,
        rated.number,
        open_.number,
        young.number,
    ]


def test_stirred_keeps_to_the_conditions_of_a_list(unit):
    support = add(unit, opened())
    sales = add(unit, replace(opened(), department="sales", requester=EVE, assignee="jane"))
    elsewhere = Person(Address.of("x@sub.client.example"), "")
    other = add(unit, replace(opened(), requester=elsewhere))

    def found(**wanted):
        return unit.tickets.active_between(NOW, NOW + MINUTE, Listing(**wanted))

    assert found(department="sales") == [sales.number]
    assert found(sight=Sight("john", ("support",))) == [support.number, other.number]
    assert found(assignee="jane") == [sales.number]
    assert found(domains=("client.example",)) == [support.number, sales.number]
    assert found(domains=("client.example", "sub.client.example")) == [support.number, sales.number, other.number]
    assert found(domains=("*.client.example",)) == [other.number]
    assert found(domains=()) == []


def test_courses_bring_tickets_with_their_facts_of_some_kinds(unit):
    one = add(unit, opened(), events.Noted(at=NOW + MINUTE), events.Replied(at=NOW + 2 * MINUTE, entry=3))
    two = add(unit, opened("Excel"))
    add(unit, opened("Not asked for"))
    unit.tickets.set_sla_index(one.number, SlaIndex(next_at=None, due_at=NOW + 5 * MINUTE, fingerprint=""))
    first, second = unit.tickets.histories([two.number, one.number], ("opened", "replied"))
    assert (first.listed.ticket.number, first.listed.due_at) == (one.number, NOW + 5 * MINUTE)
    assert [fact.kind for fact in first.events] == ["opened", "replied"]
    assert second.listed.ticket.subject == "Excel"
    assert unit.tickets.histories([], ("opened",)) == []


def test_a_digest_is_made_once_and_when_is_known(unit):
    def made(kind):
        return unit.digests.made_among(["jane"], [kind], ["2026-05-04"]).get(("jane", kind, "2026-05-04"))

    assert made("digest") is None
    assert unit.digests.begin("jane", "digest", "2026-05-04", NOW)
    assert not unit.digests.begin("jane", "digest", "2026-05-04", NOW + MINUTE)
    assert made("digest") == NOW
    assert made("team") is None
    assert unit.digests.begin("jane", "digest", "2026-05-05", NOW + MINUTE)
    assert unit.digests.last("digest", ["jane", "joe"]) == {"jane": NOW + MINUTE}
