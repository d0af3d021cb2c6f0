"""What a transaction has read of a ticket is not read again, and is never older than what it has written."""

import threading

import pytest
import sqlalchemy as sa

from maild.domain.people.directory import Address, Person
from maild.domain.tickets import events
from maild.domain.tickets.ticket import apply
from maild.ports import SlaIndex, TemporaryFailure
from maild.store.unit_of_work import Store
from tests.store.conftest import MINUTE, NOW
from tests.store.test_tickets_and_people import add, opened

ASSIGNED = events.Assigned(at=NOW + MINUTE, assignee="jane", team="")
EVE = events.ParticipantAdded(at=NOW + MINUTE, person=Person(Address.of("eve@client.example"), "Eve"))


class Failed(Exception):
    pass


@pytest.fixture
def number(store):
    with store() as unit:
        made = add(unit, opened())
        unit.tickets.set_sla_index(made.number, SlaIndex(next_at=NOW, due_at=NOW, fingerprint="d"))
        unit.sla_steps.record(made.number, "resolution", 1, "75%", NOW, NOW)
        unit.commit()
    return made.number


def write(unit, number, fact):
    """Fold one more event upon a ticket."""
    after = apply(number, unit.tickets.get(number), fact)
    unit.tickets.append(after, [fact], "")
    return after


@pytest.mark.parametrize("by_tick", [False, True])
def test_what_was_written_is_seen(store, number, by_tick):
    with store() as unit:
        if by_tick:
            assert unit.tickets.due(NOW, 10) == [number]
        assert unit.tickets.history(number) == (opened(),)
        after = write(unit, number, ASSIGNED)
        assert unit.tickets.get(number) == after
        assert unit.tickets.history(number) == (opened(), ASSIGNED)
        assert write(unit, number, EVE) == unit.tickets.get(number)
        assert unit.sla_steps.fired(number) == {("resolution", 1, "75%")}
        assert unit.sla_steps.record(number, "resolution", 1, "100%", NOW, NOW)
        assert not unit.sla_steps.record(number, "resolution", 1, "100%", NOW, NOW)
        assert unit.sla_steps.fired(number) == {("resolution", 1, "75%"), ("resolution", 1, "100%")}
        unit.commit()
    with store(reading=True) as unit:
        assert unit.tickets.history(number) == (opened(), ASSIGNED, EVE)
        assert unit.sla_steps.fired(number) == {("resolution", 1, "75%"), ("resolution", 1, "100%")}


def write_in_vain(unit, number):
    with unit.savepoint():
        write(unit, number, EVE)
        unit.sla_steps.record(number, "resolution", 1, "100%", NOW, NOW)
        raise Failed


@pytest.mark.parametrize("by_tick", [False, True])
def test_what_was_undone_is_forgotten(store, number, by_tick):
    with store() as unit:
        if by_tick:
            assert unit.tickets.due(NOW, 10) == [number]
        with pytest.raises(Failed):
            write_in_vain(unit, number)
        assert unit.tickets.history(number) == (opened(),)
        assert unit.tickets.get(number).participants == ()
        assert unit.sla_steps.fired(number) == {("resolution", 1, "75%")}
        write(unit, number, EVE)  # who came in the undone act comes now
        unit.commit()
    with store(reading=True) as unit:
        assert [each.person.name for each in unit.tickets.get(number).participants] == ["Eve"]


def test_a_ticket_is_not_written_upon_what_another_one_has_changed(store, number):
    """The history that is read before the lock is held is not remembered."""
    with store(reading=True) as early:
        early.tickets.history(number)
    threads = [threading.Thread(target=note, args=(store, number)) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    with store(reading=True) as unit:
        assert len(unit.tickets.history(number)) == 5
        assert unit.tickets.get(number).seq == 5


def note(store, number):
    with store() as unit:
        unit.tickets.history(number)
        after = write(unit, number, ASSIGNED)
        assert len(unit.tickets.history(number)) == after.seq
        unit.commit()


def test_a_tick_asks_as_much_about_many_tickets_as_about_one(url):
    store = Store(url, "node")
    store.migrate()
    with store() as unit:
        for _ in range(20):
            unit.tickets.set_sla_index(
                add(unit, opened(), ASSIGNED).number, SlaIndex(next_at=NOW, due_at=NOW, fingerprint="d")
            )
        unit.commit()
    asked = []
    sa.event.listen(store._writing, "before_cursor_execute", lambda *call: asked.append(call[2]))
    for limit in (1, 20):
        asked.clear()
        with store() as unit:
            for number in unit.tickets.due(NOW, limit):
                unit.tickets.get(number)
                unit.tickets.history(number)
                unit.tickets.root_id(number)
                unit.sla_steps.fired(number)
        questions = [statement for statement in asked if "SELECT" in statement]
        assert len(questions) == 5
    store.close()


@pytest.mark.door
def test_a_connection_that_is_cut_in_the_middle_is_no_fault_of_the_ticket(postgres, postgres_url):
    store = Store(postgres_url, "node")
    store.migrate()
    with store() as unit, pytest.raises(TemporaryFailure):
        lose_the_connection(unit, postgres, postgres_url)
    store.close()


def lose_the_connection(unit, postgres, url):
    with unit.savepoint():
        postgres.cut_connections(url)
        unit.tickets.history(1)


def test_a_wrong_statement_is_no_outage(store):
    with pytest.raises(sa.exc.DBAPIError), store() as unit, unit.savepoint():
        unit._connection.exec_driver_sql("select nonsense from nowhere")
