"""The ledger of SLA steps: whom they told, by which mail, and what came of it. Nobody is told twice of one step."""

from dataclasses import replace

import pytest

from maild.domain.messages.outbox import Attempted, OutboxState
from maild.domain.people.directory import Address, Person
from maild.domain.tickets import events
from maild.domain.tickets.ticket import fold
from maild.ports import LedgerLine, SlaIndex
from tests.store.conftest import MINUTE, NOW
from tests.store.test_outbox_and_steps import row

JOHN, MARY = Address.of("john@acme.example"), Address.of("Mary@acme.example")


@pytest.fixture
def unit(store):
    with store() as opened:
        yield opened


def telling(ticket=1, outbox=1, **more) -> LedgerLine:
    made = LedgerLine(
        ticket=ticket,
        target="resolution",
        cycle=1,
        step="100%",
        recipient=JOHN,
        agent="john",
        outbox=outbox,
        notified_at=NOW,
    )
    return replace(made, **more)


def opened(unit, number: int) -> None:
    fact = events.Opened(
        at=NOW, requester=Person(Address.of("karen@client.example")), subject="Fire", department="support"
    )
    unit.tickets.append(fold(number, (fact,)), (fact,), f"<root-{number}@acme.example>")


def test_what_is_told_comes_back_with_the_state_of_its_mail(unit):
    unit.outbox.add(row(1, template="sla-breach"))
    unit.sla_steps.add_lines(
        [telling(), telling(recipient=MARY, agent="mary", outbox=2, paged=True), telling(ticket=2)]
    )
    first, second = unit.sla_steps.lines_of_ticket(1)
    assert first == telling(state=OutboxState.QUEUED)
    assert second == telling(recipient=MARY, agent="mary", outbox=2, paged=True)  # that mail is gone
    unit.outbox.claim(NOW, NOW + MINUTE, 1, "main")
    unit.outbox.record_attempt(1, Attempted(OutboxState.SENT, 1, None, "250 taken"))
    assert [(each.ticket, each.state, each.answer) for each in unit.sla_steps.lines_of_mail(1)] == [
        (1, OutboxState.SENT, "250 taken"),
        (2, OutboxState.SENT, "250 taken"),
    ]


def test_nobody_is_noted_twice_for_a_step(unit):
    unit.sla_steps.add_lines([telling()])
    unit.sla_steps.add_lines([telling(outbox=9), telling(outbox=9, step="200%")])
    assert [(each.step, each.outbox) for each in unit.sla_steps.lines_of_ticket(1)] == [("100%", 1), ("200%", 9)]
    unit.sla_steps.add_lines([])


def test_what_is_lost_is_lost_once_and_for_its_ticket_alone(unit):
    unit.sla_steps.add_lines([telling(), telling(ticket=2)])
    unit.sla_steps.mark_lost(1, 1, NOW + MINUTE, ["mary"])
    unit.sla_steps.mark_lost(1, 1, NOW + 2 * MINUTE, [])
    (lost,), (other,) = unit.sla_steps.lines_of_ticket(1), unit.sla_steps.lines_of_ticket(2)
    assert (lost.lost_at, lost.passed_to) == (NOW + MINUTE, ("mary",))
    assert (other.lost_at, other.passed_to) == (None, ())


def test_steps_that_reached_nobody_are_known_while_their_tickets_are_open(unit):
    for number in (1, 2, 3):
        opened(unit, number)
    unit.sla_steps.add_lines([telling(), telling(recipient=MARY, outbox=2), telling(ticket=2, outbox=3)])
    unit.sla_steps.add_lines([telling(ticket=3, outbox=4)])
    unit.sla_steps.mark_lost(1, 1, NOW, ["mary"])
    unit.sla_steps.mark_lost(3, 2, NOW, [])
    assert unit.sla_steps.unheard_steps(10) == [(2, "resolution", "100%")]
    unit.sla_steps.mark_lost(2, 1, NOW, [])
    assert unit.sla_steps.unheard_steps(10) == [(1, "resolution", "100%"), (2, "resolution", "100%")]
    assert unit.sla_steps.unheard_steps(1) == [(1, "resolution", "100%")]


@pytest.mark.parametrize("state", [OutboxState.HELD, OutboxState.DROPPED, OutboxState.FAILED])
def test_a_mail_that_does_not_leave_reaches_nobody(unit, state):
    opened(unit, 1)
    for number in (1, 2):
        unit.outbox.add(row(number, template="sla-breach"))
    unit.sla_steps.add_lines([telling(), telling(recipient=MARY, outbox=2)])
    unit.outbox.set_state(1, state, None)
    assert unit.sla_steps.unheard_steps(10) == []
    unit.outbox.set_state(2, state, None)
    assert unit.sla_steps.unheard_steps(10) == [(1, "resolution", "100%")]


def test_mails_are_found_by_the_mark_in_their_ids(unit):
    unit.outbox.add(row(1, message_id="<a1n2s3.1.mac@acme.example>"))
    unit.outbox.add(row(2, message_id="<a1n2s3.2.mac@acme.example>"))
    unit.outbox.add(row(3, message_id="<a1n2s33.3.mac@acme.example>"))
    unit.outbox.add(row(4, message_id="<a7d2s0.4.mac@acme.example>", ticket=None, agent="john"))
    assert unit.outbox.by_mark("a1n2s3", 1, "john") == [2, 1]
    assert unit.outbox.by_mark("a1n2s3", 2, "john") == []
    assert unit.outbox.by_mark("a7d2s0", None, "john") == [4]
    assert unit.outbox.by_mark("a_n2s3", 1, "john") == []  # no pattern


def test_what_another_node_is_at_is_left_to_it(store):
    with store() as unit:
        for number in (1, 2):
            opened(unit, number)
            unit.tickets.set_sla_index(number, SlaIndex(next_at=NOW, due_at=NOW, fingerprint="x"))
        unit.commit()
    with store() as one:
        assert one.tickets.due(NOW, 1) == [1]
        if "postgresql" not in str(one._connection.engine.url):
            return  # SQLite has one writer: the other waits at its beginning
        with store() as other:
            assert other.tickets.due(NOW, 10) == [2]
