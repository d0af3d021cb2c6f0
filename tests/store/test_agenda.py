"""What time brings next, and that two nodes do not both take it in hand."""

from dataclasses import replace
from datetime import timedelta

import pytest

from maild.domain.tickets import events
from maild.domain.tickets.held_replies import HeldReply, HeldReplyKind
from maild.ports import NextInstants, SlaIndex, StatusDurations
from maild.store.unit_of_work import Store
from tests.store.conftest import MINUTE, NOW
from tests.store.test_inbound_ledger import MAIL
from tests.store.test_tickets_and_people import add, opened

DAY = timedelta(days=1)
LASTS = StatusDurations(14 * DAY, 7 * DAY)
WAITS = events.StatusChanged(at=NOW, status="waiting", previous="open")
RESOLVED = events.StatusChanged(at=NOW + MINUTE, status="resolved", previous="open")
NOTHING = NextInstants(
    sla=None,
    snooze_ends=None,
    wait_ends=None,
    customer_reminder=None,
    wait_times_out=None,
    auto_close=None,
    held_reply_reminder=None,
)


@pytest.fixture
def unit(store):
    with store() as opened_unit:
        yield opened_unit


def due(unit, instant):
    made = add(unit, opened())
    unit.tickets.set_sla_index(made.number, SlaIndex(next_at=instant, due_at=None, fingerprint="d"))
    return made.number


def held(unit, number):
    """A held reply that is to be reminded of so many minutes from now."""
    (receipt,) = unit.inbound.keep([replace(MAIL, raw=str(number).encode())], NOW)
    text = HeldReply(
        inbound=receipt.inbound,
        ticket=None,
        agent="jane",
        kind=HeldReplyKind.REFUSED,
        reason="news",
        text="No.",
        created_at=NOW,
        remind_at=NOW + number * MINUTE,
    )
    return unit.held_replies.add(text)


def test_nothing_comes_to_an_empty_database(unit):
    assert unit.agenda.next_instants(LASTS) == NOTHING
    assert NOTHING.first is None


def test_the_next_instant_of_each_kind(unit):
    for minutes in (7, 3, 5):
        due(unit, NOW + minutes * MINUTE)
        add(unit, opened(), events.Snoozed(at=NOW, until=NOW + (minutes + 10) * MINUTE))
        add(unit, opened(), replace(WAITS, until=NOW + (minutes + 20) * MINUTE))
    add(unit, opened(), WAITS)
    add(unit, opened(), RESOLVED)
    held(unit, 40)
    held(unit, 30)
    coming = unit.agenda.next_instants(LASTS)
    assert coming == NextInstants(
        sla=NOW + 3 * MINUTE,
        snooze_ends=NOW + 13 * MINUTE,
        wait_ends=NOW + 23 * MINUTE,
        customer_reminder=None,
        wait_times_out=NOW + 14 * DAY,
        auto_close=NOW + MINUTE + 7 * DAY,
        held_reply_reminder=NOW + 30 * MINUTE,
    )
    assert (coming.timer, coming.first) == (NOW + 13 * MINUTE, NOW + 3 * MINUTE)


def test_what_comes_after_an_instant(unit):
    for minutes in (7, 3):
        due(unit, NOW + minutes * MINUTE)
    add(unit, opened(), WAITS)
    assert unit.agenda.next_instants(LASTS, after=NOW + 2 * MINUTE).sla == NOW + 3 * MINUTE
    assert unit.agenda.next_instants(LASTS, after=NOW + 3 * MINUTE).sla == NOW + 7 * MINUTE
    assert unit.agenda.next_instants(LASTS, after=NOW + 7 * MINUTE).sla is None
    assert unit.agenda.next_instants(LASTS, after=NOW + 14 * DAY - MINUTE).wait_times_out == NOW + 14 * DAY
    assert unit.agenda.next_instants(LASTS, after=NOW + 14 * DAY).wait_times_out is None


def test_a_customer_is_reminded_where_that_is_wished_and_once(unit):
    reminding = replace(LASTS, until_reminder=7 * DAY)
    add(unit, opened(), WAITS, events.CustomerReminded(at=NOW + 7 * DAY, ends_at=NOW + 14 * DAY))
    assert unit.agenda.next_instants(reminding).customer_reminder is None
    add(unit, opened(), WAITS)
    assert unit.agenda.next_instants(reminding).customer_reminder == NOW + 7 * DAY
    assert unit.agenda.next_instants(reminding, after=NOW + 7 * DAY).customer_reminder is None


@pytest.mark.door
def test_what_one_node_has_in_hand_the_other_passes_over(postgres_url):
    here, there = Store(postgres_url, "here"), Store(postgres_url, "there")
    here.migrate()
    with here() as unit:
        late = [due(unit, NOW - minutes * MINUTE) for minutes in (4, 3, 2, 1)]
        silent = [add(unit, opened(), WAITS).number for _ in range(2)]
        asleep = [add(unit, opened(), events.Snoozed(at=NOW, until=NOW + MINUTE)).number for _ in range(2)]
        texts = [held(unit, -minutes) for minutes in (2, 1)]
        named = [add(unit, opened(), replace(WAITS, until=NOW + MINUTE)).number for _ in range(2)]
        unit.commit()
    with here() as mine:
        assert mine.tickets.due(NOW, 2) == late[:2]
        assert mine.tickets.in_status_since("waiting", NOW, 1) == silent[:1]
        assert mine.tickets.snooze_ended(NOW + MINUTE, 1) == asleep[:1]
        assert mine.tickets.to_wake(NOW + MINUTE, 1) == named[:1]
        assert [text.id for text in mine.held_replies.due(NOW, 1)] == texts[:1]
        with there() as theirs:
            assert theirs.tickets.due(NOW, 10) == late[2:]
            assert [text.id for text in theirs.held_replies.due(NOW, 10)] == texts[1:]
            assert theirs.tickets.in_status_since("waiting", NOW, 10) == silent[1:]
            assert theirs.tickets.snooze_ended(NOW + MINUTE, 10) == asleep[1:]
            assert theirs.tickets.to_wake(NOW + MINUTE, 10) == named[1:]
    with there() as theirs:
        assert theirs.tickets.due(NOW, 10) == late
    here.close()
    there.close()
