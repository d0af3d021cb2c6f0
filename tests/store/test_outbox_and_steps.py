"""The outgoing queue: claimed by one worker at a time, bytes frozen once; SLA steps fire once."""

from dataclasses import replace

import pytest

from maild.domain.intake.keys import ReturnedMail
from maild.domain.messages.outbox import Attempted, OutboxState
from maild.domain.people.directory import Address, Person
from maild.ports import OutboxRow
from maild.store.unit_of_work import Store
from tests.store.conftest import MINUTE, NOW

BOB = Person(Address.of("Bob@client.example"), "Bob")


def row(number: int, **more) -> OutboxRow:
    made = OutboxRow(
        id=number,
        ticket=1,
        template="reply",
        to=BOB,
        envelope_from="",
        subject="Re: fire",
        message_id=f"<{number}@acme.example>",
        context={"v": 1, "text": "nul \0"},
        next_at=NOW,
        relay="main",
        queued_at=NOW,
    )
    return replace(made, **more)


@pytest.fixture
def unit(store):
    with store() as opened:
        yield opened


def test_a_row_comes_back_as_it_was_put(unit):
    number = unit.outbox.next_id()
    unit.outbox.add(row(number))
    assert unit.outbox.get(number) == row(number, context={"v": 1, "text": "nul \ufffd"})
    ours = f"<{number}@acme.example>"
    assert unit.outbox.by_message_ids([ours, "<other@x>"]) == {ours: ReturnedMail(number, 1, BOB.address, None)}
    assert unit.outbox.next_id() == number + 1


def test_only_due_rows_of_the_relay_are_claimed_and_only_once(unit):
    for number, more in (
        (1, {}),
        (2, {"next_at": NOW + MINUTE}),
        (3, {"relay": "other"}),
        (4, {"state": OutboxState.HELD}),
    ):
        unit.outbox.add(row(number, **more))
    assert [r.id for r in unit.outbox.claim(NOW, NOW + MINUTE, 10, "main")] == [1]
    unit.outbox.freeze(1, b"bytes", "")
    assert unit.outbox.claim(NOW, NOW + MINUTE, 10, "main") == []
    assert unit.outbox.sending() == 1


def test_what_a_node_claimed_and_never_began_is_its_own_again_at_once(store, url):
    with store() as unit:
        unit.outbox.add(row(1))
        unit.outbox.claim(NOW, NOW + MINUTE, 10, "main")
        unit.commit()
    other = Store(url, "node-b")
    with other() as unit:
        assert unit.outbox.claim(NOW, NOW + MINUTE, 10, "main") == []
    other.close()
    with store() as unit:
        assert [r.id for r in unit.outbox.claim(NOW, NOW + MINUTE, 10, "main")] == [1]


def test_a_claim_that_was_abandoned_runs_out(unit):
    unit.outbox.add(row(1, raw=b"bytes"))
    unit.outbox.claim(NOW, NOW + MINUTE, 10, "main")
    assert [r.id for r in unit.outbox.claim(NOW + MINUTE, NOW + 2 * MINUTE, 10, "main")] == [1]


def test_the_first_bytes_stay(unit):
    unit.outbox.add(row(1))
    assert unit.outbox.freeze(1, b"first", "first words")
    assert not unit.outbox.freeze(1, b"second", "second words")
    assert unit.outbox.texts(1, 5) == ("first words",)
    assert unit.outbox.texts(2, 5) == ()
    assert unit.outbox.get(1).raw == b"first"
    assert unit.outbox.listed(list(OutboxState))[0].raw is None  # lists carry no bytes


def test_an_attempt_is_recorded(unit):
    unit.outbox.add(row(1))
    unit.outbox.claim(NOW, NOW + MINUTE, 10, "main")
    unit.outbox.record_attempt(1, Attempted(OutboxState.DEFERRED, 1, NOW + 5 * MINUTE, "451 later"))
    found = unit.outbox.get(1)
    assert (found.state, found.attempts, found.next_at) == (OutboxState.DEFERRED, 1, NOW + 5 * MINUTE)
    assert found.last_answer == "451 later"
    assert unit.outbox.next_instant() == NOW + 5 * MINUTE


def test_a_mail_that_an_admin_lets_go_has_all_its_tries_before_it(unit):
    unit.outbox.add(row(1))
    unit.outbox.claim(NOW, NOW + MINUTE, 10, "main")
    unit.outbox.record_attempt(1, Attempted(OutboxState.FAILED, 9, None, "451 later", NOW))
    assert unit.outbox.get(1).tried_since == NOW
    unit.outbox.set_state(1, OutboxState.QUEUED, NOW + MINUTE)
    assert unit.outbox.get(1).tried_since is None


def test_a_mail_dropped_while_it_was_tried_stays_dropped_unless_it_left(unit):
    for number in (1, 2):
        unit.outbox.add(row(number))
    unit.outbox.claim(NOW, NOW + MINUTE, 10, "main")
    for number in (1, 2):
        unit.outbox.set_state(number, OutboxState.DROPPED, None)
    unit.outbox.record_attempt(1, Attempted(OutboxState.DEFERRED, 1, NOW, "451"))
    unit.outbox.record_attempt(2, Attempted(OutboxState.SENT, 1, None, "250"))
    assert [unit.outbox.get(n).state for n in (1, 2)] == [OutboxState.DROPPED, OutboxState.SENT]


def test_who_was_written_to_is_known_by_address(unit):
    unit.outbox.add(row(1))
    assert unit.outbox.has_written_to(1, Address.of("bob@client.example"))
    assert not unit.outbox.has_written_to(2, Address.of("bob@client.example"))
    assert not unit.outbox.has_written_to(1, Address.of("eve@client.example"))


def test_deliveries_are_told_per_entry(unit):
    unit.outbox.add(row(1, entry=5))
    unit.outbox.add(row(2, entry=5, state=OutboxState.SENT))
    unit.outbox.add(row(3))
    assert unit.outbox.delivery_states(1) == {5: (OutboxState.QUEUED, OutboxState.SENT)}


def test_a_step_fires_once(unit):
    assert unit.sla_steps.record(1, "resolution", 1, "75%", NOW, NOW)
    assert not unit.sla_steps.record(1, "resolution", 1, "75%", NOW, NOW)
    assert unit.sla_steps.record(1, "resolution", 2, "75%", NOW, NOW)
    assert unit.sla_steps.fired(1) == {("resolution", 1, "75%"), ("resolution", 2, "75%")}
    assert unit.sla_steps.fired(2) == frozenset()


# -- notices that wait ------------------------------------------------------------------------------------------------


def told(unit, **changes):
    """A notice to an agent in the outbox -> its id."""
    values = {"agent": "john", "ticket": 7, "since": 3, "first_at": NOW, "leaves_at": NOW + MINUTE, "template": "note"}
    number = unit.outbox.next_id()
    unit.outbox.add(row(number, **({"next_at": NOW + MINUTE} | values | changes)))
    return number


def test_a_notice_that_waits_is_taken_back_once_by_the_one_that_tells_it(unit):
    waits, later = told(unit), told(unit, since=5)
    others = [told(unit, agent="jane"), told(unit, ticket=8), told(unit, since=None), told(unit, agent="")]
    found = unit.outbox.take_pending(7, "john", "joined")
    assert [(row.id, row.since, row.first_at, row.agent) for row in found] == [
        (waits, 3, NOW, "john"),
        (later, 5, NOW, "john"),
    ]
    assert unit.outbox.take_pending(7, "john", "joined") == ()
    assert {unit.outbox.get(number).state for number in others} == {OutboxState.QUEUED}
    assert unit.outbox.get(waits).last_answer == "joined"


def test_a_notice_that_was_begun_is_not_taken_back(unit):
    made, claimed = told(unit), told(unit, next_at=NOW - MINUTE)
    unit.outbox.freeze(made, b"raw", "text")
    assert [row.id for row in unit.outbox.claim(NOW, NOW + MINUTE, 9, "main")] == [claimed]
    assert unit.outbox.take_pending(7, "john", "joined") == ()


def test_notices_are_counted_by_agent_and_by_when_they_leave(unit):
    for more in ({}, {}, {"leaves_at": NOW + 60 * MINUTE}, {"agent": "jane"}):
        told(unit, **more)
    hour = (NOW, NOW + 60 * MINUTE)
    assert unit.outbox.count_notices("john", *hour, 10) == 2
    assert unit.outbox.count_notices("john", *hour, 1) == 1
    unit.outbox.take_pending(7, "john", "joined")
    assert unit.outbox.count_notices("john", *hour, 10) == 0


def test_the_count_of_an_agents_notices_is_answered_by_an_index(tmp_path):
    store = Store(f"sqlite:///{tmp_path}/maild.db", "node-a")
    store.migrate()
    with store() as unit:
        query = "select id from outbox where agent = ? and leaves_at >= ? and leaves_at < ? and state != ?"
        plan = unit._connection.exec_driver_sql(f"explain query plan {query}", ("a", "b", "c", "d")).all()
    assert "ix_outbox_agent" in str(plan)
    store.close()


def test_a_summary_is_found_and_rewritten_until_it_is_begun(unit):
    number = told(unit, template="gathered", ticket=None, since=None)
    waits = unit.outbox.pending_mail("john", "gathered", NOW)
    assert waits.id == number
    assert unit.outbox.pending_mail("jane", "gathered", NOW) is None
    assert unit.outbox.pending_mail("john", "gathered", NOW + MINUTE) is None  # it leaves now
    unit.outbox.rewrite(replace(waits, subject="2 more", context={"rows": 2}))
    assert (unit.outbox.get(number).subject, dict(unit.outbox.get(number).context)) == ("2 more", {"rows": 2})
    unit.outbox.freeze(number, b"raw", "text")
    unit.outbox.rewrite(replace(waits, subject="3 more"))
    assert unit.outbox.get(number).subject == "2 more"
    assert unit.outbox.pending_mail("john", "gathered", NOW) is None


def test_a_notice_that_is_sent_before_its_time_is_dated_so(unit):
    number = told(unit, leaves_at=NOW + 60 * MINUTE)
    unit.outbox.set_state(number, OutboxState.QUEUED, NOW + MINUTE)
    assert unit.outbox.get(number).mail_date == NOW + MINUTE
    unit.outbox.set_state(number, OutboxState.QUEUED, NOW + 90 * MINUTE)
    assert unit.outbox.get(number).mail_date == NOW + MINUTE


def test_a_mail_that_was_taken_back_counts_as_never_written(unit):
    told(unit)
    assert unit.outbox.has_written_to(7, BOB.address)
    unit.outbox.take_pending(7, "john", "joined")
    assert not unit.outbox.has_written_to(7, BOB.address)


EVE = Address.of("eve@client.example")


def test_a_history_can_be_stopped_until_it_is_tried(unit):
    shown = {"template": "history", "to": Person(Address.of("EVE@client.example"))}
    unit.outbox.add(row(1, **shown, state=OutboxState.DROPPED))  # stopped once before
    unit.outbox.add(row(2, **shown))
    unit.outbox.add(row(3, **shown, state=OutboxState.HELD))  # by the admin
    unit.outbox.add(row(4, to=Person(EVE), state=OutboxState.SENT, next_at=None))  # an answer is no history
    unit.outbox.add(row(5, **shown, ticket=2, state=OutboxState.SENT, next_at=None))
    unit.outbox.add(row(6, template="history", state=OutboxState.SENT, next_at=None))
    assert unit.outbox.leaving([1, 2])[1].shown_history == {BOB.address.key}
    assert unit.outbox.withdraw_history(1, EVE, "undone")
    assert [unit.outbox.get(number).state for number in (2, 3)] == [OutboxState.DROPPED] * 2
    assert unit.outbox.get(2).last_answer == "undone"
    assert unit.outbox.get(4).state is OutboxState.SENT


@pytest.mark.parametrize("how", [{"attempts": 1, "state": OutboxState.DEFERRED}, {"state": OutboxState.SENT}])
def test_a_history_that_was_tried_may_have_been_read(unit, how):
    unit.outbox.add(row(1, template="history", to=Person(EVE), **how))
    unit.outbox.add(row(2, template="history", to=Person(EVE)))
    assert EVE.key in unit.outbox.leaving([1])[1].shown_history
    assert not unit.outbox.withdraw_history(1, EVE, "undone")
    assert unit.outbox.get(2).state is OutboxState.DROPPED


def test_an_answer_can_be_stopped_while_none_of_its_mails_was_tried(unit):
    unit.outbox.add(row(1, entry=5))
    unit.outbox.add(row(2, entry=5, to=Person(EVE)))
    unit.outbox.add(row(3, entry=6))
    unit.outbox.add(row(4, entry=6, to=Person(EVE), state=OutboxState.DEFERRED, attempts=1))
    unit.outbox.add(row(5, entry=7, state=OutboxState.HELD))
    unit.outbox.add(row(6, entry=8, ticket=2))
    unit.outbox.add(row(7, entry=None))
    leaving = unit.outbox.leaving([1, 2, 3])
    assert [leaving[number].stoppable for number in (1, 2, 3)] == [{5}, {8}, frozenset()]


def test_a_history_on_its_way_counts_as_left(unit):
    unit.outbox.add(row(1, template="history", to=Person(EVE)))
    assert unit.outbox.claim(NOW, NOW + MINUTE, 10, "main")
    assert EVE.key in unit.outbox.leaving([1])[1].shown_history
