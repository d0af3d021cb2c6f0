"""The ticket is what its facts make it, and nothing else changes it."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from maild.domain.people.directory import Address, Person
from maild.domain.tickets import events
from maild.domain.tickets.ticket import Participant, Priority, Status, Ticket, apply, fold
from tests.domain.facts import BY_JANE, EVE, KAREN, LIFE, OPENED, at
from tests.rig.misses import in_turn


def after(*facts: events.Event) -> Ticket:
    return fold(42, (OPENED, *facts))


def status(to: str, minute: float, until: float | None = None) -> events.StatusChanged:
    moment = None if until is None else at(until)
    return events.StatusChanged(at=at(minute), by=BY_JANE, status=to, previous="open", until=moment)


def test_a_new_ticket_is_what_its_first_fact_says():
    ticket = after()
    assert (ticket.number, ticket.seq, ticket.status, ticket.priority) == (42, 1, Status.OPEN, Priority.HIGH)
    assert (ticket.requester, ticket.department, ticket.team, ticket.assignee) == (KAREN, "support", "banking", "jane")
    assert (ticket.sla_plan, ticket.plan_source, ticket.topic) == ("sev-b", "topic", "hardware")
    assert (ticket.tags, ticket.links, ticket.participants) == (("vip",), (7,), (Participant(EVE, "cc"),))
    assert (ticket.subject, ticket.thread_subject) == ("Printer on fire", "Printer on fire")
    assert ticket.created_at == ticket.updated_at == ticket.status_since == at(0)


@given(st.lists(st.sampled_from(LIFE[1:]), max_size=12))
def test_folding_all_facts_is_applying_them_one_by_one(facts):
    ticket = None
    for fact in (OPENED, *facts):
        ticket = apply(42, ticket, fact)
    assert ticket == after(*facts)


def test_every_fact_counts_in_the_sequence_and_moves_the_time_forward_only():
    ticket = after(*LIFE[1:])
    assert ticket.seq == len(LIFE)
    assert ticket.updated_at == max(fact.at for fact in LIFE)
    late = apply(42, ticket, events.Noted(at=at(-100)))
    assert (late.seq, late.updated_at) == (ticket.seq + 1, ticket.updated_at)


_REPORTS = {"escalated", "bounced", "mail-held", "text-held", "text-settled", "reply-withdrawn", "undone"}


@in_turn(
    "fact",
    [
        events.MessageReceived(at=at(5)),
        events.Replied(at=at(5)),
        events.Noted(at=at(5)),
        *(fact for fact in LIFE if fact.kind in _REPORTS),
    ],
    ids=lambda fact: fact.kind,
)
def test_words_and_reports_change_nothing_but_sequence_and_time(fact):
    before = after()
    now = apply(42, before, fact)
    assert replace(now, seq=before.seq, updated_at=before.updated_at) == before


@in_turn(
    ("kind", "field", "expected"),
    [
        ("noted", "mentioned", ("john",)),
        ("participant-removed", "participants", ()),
        ("retitled", "subject", "Fuser broken"),
        ("tagged", "tags", ("vip", "printer", "fuser")),
        ("absorbed", "links", (7, 12)),
        ("split", "links", (7, 19)),
        ("snoozed", "snoozed_until", at(90)),
        ("due-set", "due_by_hand", at(120)),
        ("followed", "watchers", ("jane",)),
        ("rated", "rating", "good"),
        ("merged", "merged_into", 12),
    ],
)
def test_each_later_change_changes_its_own_field_alone(kind, field, expected):
    (fact,) = (fact for fact in LIFE if fact.kind == kind)
    before, now = after(), after(fact)
    assert getattr(now, field) == expected
    assert replace(now, **{field: getattr(before, field)}, seq=before.seq, updated_at=before.updated_at) == before
    assert now.thread_subject == before.thread_subject


def test_who_mutes_a_ticket_watches_it_no_more_and_usual_is_neither():
    watch, mute, usual = (events.Followed(at=at(5), agent="jane", level=level) for level in ("watch", "mute", ""))
    assert (after(watch, mute).watchers, after(watch, mute).muted_by) == ((), ("jane",))
    assert (after(watch, mute, usual).watchers, after(watch, mute, usual).muted_by) == ((), ())


def test_each_change_changes_its_field():
    ticket = after(*LIFE[4:10])
    assert (ticket.status, ticket.wake_at) == (Status.WAITING, at(64))
    assert (ticket.assignee, ticket.team) == ("joe", "")
    assert ticket.department == "sysadmins"
    assert ticket.priority is Priority.EMERGENCY
    assert (ticket.sla_plan, ticket.plan_source) == ("sev-a", "priority")


def test_closing_and_reopening_keeps_the_books():
    resolved = after(status("resolved", 10))
    assert (resolved.ended_at, resolved.closed_at, resolved.status.ended) == (at(10), None, True)
    closed = apply(42, resolved, status("closed", 20))
    assert (closed.ended_at, closed.closed_at, closed.status_since) == (at(10), at(20), at(20))
    again = apply(42, closed, status("open", 30))
    assert (again.ended_at, again.closed_at, again.status.ended) == (None, None, False)
    spam = apply(42, again, status("spam", 40))
    assert (spam.ended_at, spam.closed_at) == (at(40), None)


def test_any_other_status_forgets_when_to_wake():
    waiting = after(status("waiting", 10, until=90))
    assert waiting.wake_at == at(90)
    assert apply(42, waiting, status("open", 20)).wake_at is None
    assert apply(42, waiting, status("waiting", 20)).wake_at is None


def test_a_participant_is_added_once_and_never_beside_the_requester():
    bob = Person(Address.of("bob@client.example"), "Bob")
    ticket = after(
        events.ParticipantAdded(at=at(1), person=bob, role="third-party"),
        events.ParticipantAdded(at=at(2), person=Person(Address.of("BOB@client.example"))),
        events.ParticipantAdded(at=at(3), person=KAREN),
    )
    assert ticket.participants == (Participant(EVE, "cc"), Participant(bob, "third-party"))
    assert ticket.includes(Address.of("Karen@client.example"))
    assert ticket.includes(Address.of("Bob@client.example"))
    assert not ticket.includes(Address.of("mallory@client.example"))


def test_links_are_each_kept_once_in_order():
    ticket = after(*[events.Linked(at=at(1), ticket=number) for number in (9, 3, 9)])
    assert ticket.links == (3, 7, 9)


def test_a_priority_is_raised_step_by_step_up_to_emergency():
    assert [level.raised() for level in Priority] == [
        Priority.NORMAL,
        Priority.HIGH,
        Priority.EMERGENCY,
        Priority.EMERGENCY,
    ]


def test_a_ticket_begins_with_being_opened():
    with pytest.raises(ValueError, match="the first event of ticket 42 is noted, not opened"):
        fold(42, (events.Noted(at=at(0)),))
    with pytest.raises(ValueError, match="ticket 42 has no events"):
        fold(42, ())
