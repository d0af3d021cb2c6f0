"""What judging looks up is asked by sets of keys: as many statements for twenty mails as for one."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta

import pytest
import sqlalchemy as sa

from maild.domain.intake.keys import ReturnedMail
from maild.domain.lookups import TicketRecord
from maild.domain.messages.message import Envelope
from maild.domain.people.directory import Address, Agent, Person
from maild.domain.tickets import events
from maild.domain.tickets.held_replies import HeldReply, HeldReplyKind
from maild.domain.tickets.ticket import apply
from maild.ports import IncomingMail, Snapshot, StoredEntry
from tests.store.conftest import MINUTE, NOW
from tests.store.test_outbox_and_steps import row
from tests.store.test_tickets_and_people import BOB, EVE, REQUESTER, add, opened

ASSIGNED = events.Assigned(at=NOW + MINUTE, assignee="jane", team="")
JOINED = events.ParticipantAdded(at=NOW + MINUTE, person=EVE)


@pytest.fixture
def unit(store):
    with store() as made:
        yield made


@contextmanager
def counted() -> Iterator[list[str]]:
    asked: list[str] = []

    def note(_connection, _cursor, statement, *_more):
        asked.append(statement)

    sa.event.listen(sa.engine.Engine, "before_cursor_execute", note)
    try:
        yield asked
    finally:
        sa.event.remove(sa.engine.Engine, "before_cursor_execute", note)


def write(unit, number, *facts):
    """One act on a ticket."""
    after = unit.tickets.get(number)
    for fact in facts:
        after = apply(number, after, fact)
    unit.tickets.append(after, facts, "")


# -- tickets ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("reading", [False, True])
def test_a_ticket_comes_with_its_acts(store, reading):
    with store() as unit:
        first, second = add(unit, opened(), ASSIGNED).number, add(unit, opened()).number
        write(unit, first, JOINED)
        write(unit, second, ASSIGNED, JOINED)
        unit.commit()
    with store(reading=reading) as unit:
        found = unit.tickets.get_many([second, first, 99])
        assert set(found) == {first, second}
        assert found[first] == TicketRecord(unit.tickets.get(first), ((1, (opened(), ASSIGNED)), (3, (JOINED,))))
        assert found[second].acts == ((1, (opened(),)), (2, (ASSIGNED, JOINED)))
        assert found[second].history == unit.tickets.history(second)
        assert unit.tickets.get_many([]) == {}


def test_what_was_written_since_is_in_the_next_look(unit):
    number = add(unit, opened()).number
    assert unit.tickets.get_many([number])[number].acts == ((1, (opened(),)),)
    write(unit, number, ASSIGNED, JOINED)
    found = unit.tickets.get_many([number])[number]
    assert found.acts == ((1, (opened(),)), (2, (ASSIGNED, JOINED)))
    assert [p.person for p in found.ticket.participants] == [EVE]
    assert unit.tickets.events_since(number, 2) == (JOINED,)


def test_a_ticket_that_cannot_be_read_is_no_missing_one(store):
    with store() as unit:
        good, broken = add(unit, opened()).number, add(unit, opened()).number
        unit.commit()
    with store() as unit:
        unit._connection.exec_driver_sql(f"update event set kind = 'from-the-future' where ticket = {broken}")
        unit.commit()
    with store() as unit:
        assert set(unit.tickets.get_many([good])) == {good}
        with pytest.raises(ValueError, match="from-the-future"):
            unit.tickets.get_many([good, broken])


def test_many_tickets_are_as_many_statements_as_one(store):
    with store() as unit:
        numbers = [add(unit, opened(participants=(EVE,)), ASSIGNED).number for _ in range(20)]
        unit.commit()
    for reading in (False, True):
        for asked in (numbers[:1], numbers):
            with store(reading=reading) as unit, counted() as statements:
                assert len(unit.tickets.get_many(asked)) == len(asked)
                assert unit.tickets.get_many(asked[:1])[asked[0]].ticket.assignee == "jane"
            assert len(statements) == (8 if reading else 4)  # a reading transaction keeps nothing of what it read


def test_the_oldest_ticket_that_is_worked_on_has_the_key(unit):
    first = add(unit, opened(join_key="disk-7")).number
    add(unit, opened(join_key="disk-7"))
    closed = events.StatusChanged(at=NOW, status="closed", previous="open")
    add(unit, opened(join_key="disk-8"), closed)
    third = add(unit, opened(join_key="disk-9")).number
    asked = ["disk-7", "disk-8", "disk-9", "disk-10", ""]
    assert unit.tickets.by_join_keys(asked) == {"disk-7": first, "disk-9": third}
    assert unit.tickets.by_join_keys([""]) == {}


def test_who_has_a_ticket_that_is_spam(unit):
    add(unit, opened(), events.StatusChanged(at=NOW, status="spam", previous="open"))
    add(unit, opened(), events.StatusChanged(at=NOW, status="spam", previous="open"))
    asked = [Address.of("BOB@client.example"), EVE.address]
    assert unit.tickets.spam_senders(asked) == {BOB.address.key}


def test_references_are_remembered_once_and_lead_to_the_first_ticket(unit):
    first, second = add(unit, opened()).number, add(unit, opened()).number
    unit.tickets.remember_references(first, ["<a@x>", "<b@x>", "<a@x>"])
    unit.tickets.remember_references(second, ["<b@x>", "<c@x>"])
    unit.tickets.remember_references(second, [])
    assert unit.tickets.by_reference(["<a@x>", "<b@x>", "<c@x>", "<d@x>"]) == {
        "<a@x>": first,
        "<b@x>": first,
        "<c@x>": second,
    }


# -- mails, people, held replies, lists -------------------------------------------------------------------------------


def test_mails_of_ours_are_found_by_their_ids(unit):
    entry = StoredEntry(
        id=0, ticket=1, kind="reply", author=REQUESTER, author_name="", at=NOW, text="", message_id="<e@x>"
    )
    number = unit.tickets.add_entry(entry)
    unit.outbox.add(row(1, ticket=None))
    unit.outbox.add(row(2, to=EVE, entry=number))
    assert unit.outbox.by_message_ids(["<1@acme.example>", "<2@acme.example>", "<3@acme.example>"]) == {
        "<1@acme.example>": ReturnedMail(1, None, BOB.address, None),
        "<2@acme.example>": ReturnedMail(2, 1, EVE.address, number),
    }
    assert unit.outbox.by_message_ids([]) == {}


def test_an_agent_has_written_to_some_of_the_domains(unit):
    for agent, domain in (("jane", "client.example"), ("john", "other.example")):
        unit.people.record_contact(agent, domain)
    asked = {"client.example", "other.example", "third.example"}
    assert unit.people.contacted("jane", asked) == {"client.example"}


def test_signatures_of_several_agents(unit):
    jane, john = (
        Agent(name, (Address.of(f"{name}@acme.example"),), f"{name.title()} Doe") for name in ("jane", "john")
    )
    for n in range(5):
        unit.people.learn_signature(jane, f"{n} is mended.\n\nJane Doe\nAcme Support")
    signed = unit.people.signature(jane)
    assert signed == "Jane Doe\nAcme Support"
    assert unit.people.signatures([jane, john]) == {"jane": signed, "john": ""}
    assert unit.people.signatures([]) == {}


def held(agent, inbound):
    return HeldReply(
        id=0,
        inbound=inbound,
        ticket=1,
        agent=agent,
        kind=HeldReplyKind.STALE,
        reason="news",
        text="",
        created_at=NOW,
        remind_at=NOW + timedelta(hours=1),
    )


def test_held_replies_of_agents_and_those_that_are_named(unit):
    mails = [IncomingMail(raw=b"%d" % n, source="smtp", arrived_at=NOW, envelope=Envelope()) for n in range(4)]
    kept = [receipt.inbound for receipt in unit.inbound.keep(mails, NOW)]
    agents = ("jane", "john", "jane", "mary")
    first, second, third, fourth = (
        unit.held_replies.add(held(agent, inbound)) for inbound, agent in zip(kept, agents, strict=True)
    )
    unit.held_replies.settle(third, "sent", NOW)
    unit.held_replies.settle(fourth, "sent", NOW)
    found = unit.held_replies.for_agents(["jane"], [fourth, 99])
    assert [(r.id, r.agent, r.settled_as) for r in found] == [(first, "jane", ""), (fourth, "mary", "sent")]
    assert [reply.id for reply in unit.held_replies.for_agents(["jane", "john"], [])] == [first, second]


def test_lists_by_their_numbers(unit):
    made = [unit.snapshots.add(Snapshot(agent="jane", kind="list", made_at=NOW, tickets=(n,))) for n in (7, 8)]
    found = unit.snapshots.get_many([*made, 99])
    assert {number: each.tickets for number, each in found.items()} == {made[0]: (7,), made[1]: (8,)}
    assert unit.snapshots.get(99) is None


# -- preferences ------------------------------------------------------------------------------------------------------


def test_preferences_are_read_once_and_never_older_than_what_was_written(store):
    with store() as unit:
        unit.preferences.change("jane", {"receipts": "all", "digest": "off"}, NOW)
        with counted() as statements:
            assert unit.preferences.all() == {"jane": {"receipts": "all", "digest": "off"}}
            assert unit.preferences.of("jane")["receipts"] == "all"
            assert unit.preferences.of("john") == {}
            assert unit.preferences.all()["jane"]["digest"] == "off"
        assert len(statements) == 1
        unit.preferences.change("jane", {"digest": None}, NOW)
        assert unit.preferences.of("jane") == {"receipts": "all"}
        assert unit.preferences.all() == {"jane": {"receipts": "all"}}
        unit.commit()


def test_preferences_of_an_undone_step_are_forgotten(store):
    with store() as unit:
        with pytest.raises(ZeroDivisionError):
            change_in_vain(unit)
        assert unit.preferences.all() == {}


def change_in_vain(unit):
    with unit.savepoint():
        unit.preferences.change("jane", {"receipts": "all"}, NOW)
        assert unit.preferences.all() == {"jane": {"receipts": "all"}}
        raise ZeroDivisionError


def test_a_contact_that_another_node_has_made_meanwhile_is_the_same(unit):
    made = unit.people.contact(Person(Address.of("New@client.example"), "New"))
    assert unit.people.contact(Person(Address.of("new@CLIENT.example"))) == made
    assert unit.people.by_numbers([made.number, 99]) == {made.number: made}
