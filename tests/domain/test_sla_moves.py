"""Deadlines that moved, in facts and in words."""

from datetime import timedelta
from zoneinfo import ZoneInfo

import pytest

from maild.domain.sla.moved_deadlines import dues_of, moves, reason_of
from maild.domain.sla.standing import standing
from maild.domain.tickets import events
from maild.domain.tickets.event_words import deadline_words
from maild.domain.times.calendars import ALWAYS
from tests.domain.sla_scene import OFFICE, plan, story, when

BERLIN = ZoneInfo("Europe/Berlin")
NOON, ONE, TWO = when("mon 12:00"), when("mon 13:00"), when("mon 14:00")


def test_deadlines_are_compared_target_by_target_in_the_order_of_reports():
    before = {"resolution": TWO, "first-response": NOON, "next-response": ONE}
    after = {"resolution": ONE, "next-response": ONE}
    found = moves(before, after, NOON, "why")
    assert [(m.target, m.previous, m.due_at, m.reason) for m in found] == [
        ("first-response", NOON, None, "why"),
        ("resolution", TWO, ONE, "why"),
    ]
    assert moves(before, before, NOON, "why") == ()


@pytest.mark.parametrize(
    ("due_at", "previous", "words"),
    [
        (NOON, ONE, "resolution now due Mon 2026-05-04 14:00 CEST (was Mon 2026-05-04 15:00 CEST): why"),
        (NOON, None, "resolution now due Mon 2026-05-04 14:00 CEST: why"),
        (None, NOON, "resolution not due any more (was Mon 2026-05-04 14:00 CEST): why"),
    ],
)
def test_a_move_is_told_on_the_readers_clock(due_at, previous, words):
    move = events.DeadlineMoved(at=NOON, target="resolution", due_at=due_at, previous=previous, reason="why")
    assert deadline_words(move, BERLIN) == words
    assert deadline_words(move, BERLIN, with_reason=False) == words.removesuffix(": why")


def test_the_reason_names_what_was_changed_and_the_plan_that_came_of_it():
    facts = (
        events.PriorityChanged(at=NOON, priority="high", previous="normal"),
        events.Transferred(at=NOON, department="banking", previous="support"),
        events.PlanChanged(at=NOON, sla_plan="gold", previous="default", source="priority"),
    )
    assert reason_of(facts) == "priority normal -> high, department support -> banking, plan default -> gold"
    same = events.PlanChanged(at=NOON, sla_plan="gold", previous="gold", source="command")
    assert reason_of((same,)) == ""


def test_only_what_somebody_waits_for_has_a_deadline_that_can_move():
    history = story("mon 10:00 opened", "mon 11:00 reply 1", "mon 12:00 message")
    stood = standing(history, plan(first=4, following=1, resolution=8), ALWAYS, when("mon 12:30"))
    assert dues_of(stood) == {"next-response": ONE, "resolution": when("mon 18:00")}
    waits = story("mon 10:00 opened", "mon 12:10 waiting")
    waiting = standing(waits, plan(resolution=8), OFFICE, when("mon 12:30"))
    assert dues_of(waiting) == {}
    late = standing(history, plan(resolution=1), ALWAYS, when("mon 10:00") + timedelta(days=2))
    assert dues_of(late) == {"resolution": when("mon 11:00")}
