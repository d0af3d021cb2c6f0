"""A deadline that moves to later has its steps once more, and one that moves to earlier tells nothing twice."""

from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from maild.domain.sla.standing import EscalationStep, Plan, standing
from maild.domain.sla.step_keys import shown_step
from maild.domain.tickets import events
from tests.domain.sla_scene import OFFICE, RESOLUTION, hours, minutes, plan, story, when

STEPS = [EscalationStep(at_share=0.75), EscalationStep(at_share=1.0)]
FAST, SLOW = plan(resolution=2, steps=STEPS), plan(resolution=20, steps=STEPS)
LATER = "@2026-05-06T12:00:00Z"  # the due of SLOW
REPEATED = [EscalationStep(offset=minutes(30), every=minutes(60))]


class Desk:
    """A ticket that somebody looks at; what comes is put down in its history and in the ledger."""

    def __init__(self) -> None:
        self.history: list[events.Event] = list(story("mon 10:00 opened"))
        self.ledger: set[tuple[str, int, str]] = set()

    def look(self, now: str, promised: Plan) -> list[str]:
        found = standing(self.history, promised, OFFICE, when(now), frozenset(self.ledger)).due_steps
        for step in found:
            assert step.key not in self.ledger
            self.ledger.add(step.key)
            self.history.append(
                events.Escalated(
                    at=when(now),
                    target=step.target.value,
                    cycle=step.cycle,
                    step=step.step_key,
                    instant=step.instant,
                    breach=step.breach,
                )
            )
        return [step.step_key for step in found]

    def next_at(self, now: str, promised: Plan) -> datetime | None:
        return standing(self.history, promised, OFFICE, when(now), frozenset(self.ledger)).next_at


def breached() -> Desk:
    desk = Desk()
    assert desk.look("mon 11:30", FAST) == ["75%"]
    assert desk.look("mon 12:00", FAST) == ["100%"]
    return desk


def test_a_deadline_that_moved_later_is_warned_of_and_breached_again():
    desk = breached()
    assert desk.next_at("mon 12:10", SLOW) == when("tue 16:00")
    assert desk.look("tue 15:59", SLOW) == []
    assert desk.look("tue 16:00", SLOW) == [f"75%{LATER}"]
    assert desk.look("wed 12:00", SLOW) == [f"100%{LATER}"]
    assert desk.look("fri 10:00", SLOW) == []
    assert desk.next_at("fri 10:00", SLOW) is None


def test_a_deadline_that_moved_earlier_tells_nothing_again():
    desk = Desk()
    assert desk.look("wed 12:00", SLOW) == ["75%", "100%"]
    assert desk.look("wed 12:01", FAST) == []
    assert desk.look("wed 12:02", SLOW) == []
    desk = breached()
    desk.look("wed 12:00", SLOW)
    assert desk.look("wed 13:00", FAST) == []
    assert desk.next_at("wed 13:00", FAST) is None


def test_only_what_has_come_is_armed_again():
    desk = Desk()
    assert desk.look("mon 11:30", FAST) == ["75%"]
    assert desk.look("wed 12:00", SLOW) == [f"75%{LATER}", "100%"]


@pytest.mark.parametrize("drift", [timedelta(seconds=1), timedelta(seconds=59)])
def test_a_deadline_reckoned_a_little_differently_is_the_same(drift):
    desk = breached()
    longer = replace(FAST, goals=((RESOLUTION, hours(2) + drift),))
    assert desk.look("fri 10:00", longer) == []


def test_what_was_told_late_is_not_told_again_for_an_instant_before_that():
    """Nobody looked until 15:00: a due that moves from 12:00 to 13:00 then is no news."""
    desk = Desk()
    assert desk.look("mon 15:00", FAST) == ["75%", "100%"]
    assert desk.look("mon 15:10", plan(resolution=3, steps=STEPS)) == []


def test_repeats_go_on_under_the_promise_of_now():
    fast, slow = plan(resolution=2, steps=REPEATED), plan(resolution=20, steps=REPEATED)
    desk = Desk()
    assert desk.look("mon 12:30", fast) == ["+30m"]
    assert desk.look("mon 13:30", fast) == ["+30m#2"]
    assert desk.look("tue 10:00", slow) == []
    assert desk.look("wed 12:30", slow) == [f"+30m{LATER}"]
    assert desk.look("wed 13:30", slow) == [f"+30m{LATER}#2"]
    assert desk.look("wed 14:29", slow) == []
    assert desk.look("wed 14:30", slow) == [f"+30m{LATER}#3"]


def test_a_plan_that_counts_again_after_a_due_by_hand_tells_what_is_later():
    desk = breached()
    by_hand = events.DueSet(at=when("mon 13:00"), due_at=when("mon 15:00"))
    desk.history.append(by_hand)
    assert desk.look("mon 15:00", FAST)[-1] == "100%@2026-05-04T15:00:00Z"
    desk.history.append(events.DueSet(at=when("mon 15:30"), due_at=None, previous=when("mon 15:00")))
    assert desk.look("mon 16:00", FAST) == []
    assert desk.look("wed 12:00", SLOW)[-1] == f"100%{LATER}"


def test_the_key_is_shown_to_people_in_words():
    assert shown_step("100%") == "100%"
    assert shown_step("+30m#3") == "+30m#3"
    assert shown_step(f"100%{LATER}") == "100%, due 2026-05-06 12:00 UTC"
    assert shown_step(f"+30m{LATER}#3") == "+30m#3, due 2026-05-06 12:00 UTC"
