"""Escalation steps: when their instants come, once each, and when to look again."""

from datetime import timedelta

import pytest

from maild.domain.sla.standing import DEFAULT_STEPS, EscalationStep, standing
from maild.domain.times.calendars import ALWAYS
from tests.domain.sla_scene import FIRST, OFFICE, RESOLUTION, hours, minutes, plan, story, when
from tests.rig.misses import in_turn

OPENED = "mon 10:00 opened"
AT_75, AT_100, AT_200 = EscalationStep(at_share=0.75), EscalationStep(at_share=1.0), EscalationStep(at_share=2.0)
REPEATED = EscalationStep(offset=minutes(30), every=minutes(30))


def due(history, tested, now, already=frozenset(), calendar=OFFICE):
    found = standing(story(*history), tested, calendar, when(now), frozenset(already))
    return [(step.step_key, step.instant, step.breach) for step in found.due_steps], found.next_at


def key(step: str, target=RESOLUTION, cycle=1):
    return (target.value, cycle, step)


SHARES = plan(resolution=4, steps=[AT_75, AT_100, AT_200])


@pytest.mark.parametrize(
    ("now", "come", "next_at"),
    [
        ("mon 12:59", [], "mon 13:00"),
        ("mon 13:00", ["75%"], "mon 13:00"),
        ("mon 14:00", ["75%", "100%"], "mon 13:00"),
        ("tue 08:59", ["75%", "100%"], "mon 13:00"),
        ("tue 09:00", ["75%", "100%", "200%"], "mon 13:00"),
    ],
)
def test_steps_come_at_their_share_of_the_goal(now, come, next_at):
    found, look = due([OPENED], SHARES, now)
    assert [name for name, _, _ in found] == come
    assert look == when(next_at)


def test_a_step_carries_its_instant_and_whether_it_is_a_breach():
    found, _ = due([OPENED], SHARES, "fri 10:00")
    assert found == [
        ("75%", when("mon 13:00"), False),
        ("100%", when("mon 14:00"), True),
        ("200%", when("tue 09:00"), True),
    ]


def test_what_is_in_the_ledger_is_neither_due_nor_waited_for():
    found, look = due([OPENED], SHARES, "mon 14:10", {key("75%")})
    assert [name for name, _, _ in found] == ["100%"]
    assert look == when("mon 14:00")
    assert due([OPENED], SHARES, "mon 14:10", {key("75%"), key("100%")}) == ([], when("tue 09:00"))
    assert due([OPENED], SHARES, "fri 10:00", {key("75%"), key("100%"), key("200%")}) == ([], None)


def test_the_ledger_of_another_cycle_does_not_count():
    history = [OPENED, "mon 15:00 resolved", "wed 10:00 open"]
    ledger = {key("75%"), key("100%"), key("75%", FIRST)}
    assert due(history, SHARES, "wed 13:00", ledger) == ([("75%", when("wed 13:00"), False)], when("wed 13:00"))


def test_steps_of_a_paused_target_wait():
    history = [OPENED, "mon 12:00 waiting"]
    assert due(history, SHARES, "fri 10:00") == ([], None)
    assert due([*history, "tue 09:00 open"], SHARES, "tue 09:30") == ([], when("tue 10:00"))


def test_a_breach_before_the_pause_is_not_silent():
    history = [OPENED, "mon 15:00 waiting"]
    found, look = due(history, SHARES, "tue 10:00")
    assert [name for name, _, _ in found] == ["75%", "100%"]
    assert due(history, SHARES, "tue 10:00", {key("75%"), key("100%")}) == ([], None)
    assert look == when("mon 13:00")


@pytest.mark.parametrize("ending", ["resolved", "closed", "spam"])
def test_nothing_escalates_after_the_end(ending):
    assert due([OPENED, f"mon 15:00 {ending}"], SHARES, "fri 10:00") == ([], None)


def test_a_bounced_answer_brings_the_steps_back():
    promised = plan(first=4, steps=[AT_75, AT_100])
    answered = [OPENED, "mon 12:00 reply 1"]
    assert due(answered, promised, "mon 14:30") == ([], None)
    found, _ = due([*answered, "mon 14:30 bounce 1"], promised, "mon 14:30")
    assert found == [("75%", when("mon 13:00"), False), ("100%", when("mon 14:00"), True)]


def test_offsets_count_open_time_before_and_after_due():
    promised = plan(resolution=7, steps=[EscalationStep(offset=-minutes(15)), EscalationStep(offset=minutes(30))])
    found, _ = due([OPENED], promised, "fri 10:00")
    assert found == [("-15m", when("mon 16:45"), False), ("+30m", when("tue 08:30"), True)]


def test_a_warning_longer_than_the_goal_comes_at_once():
    promised = plan(resolution=1, steps=[EscalationStep(offset=-hours(2))])
    assert due([OPENED], promised, "mon 10:00")[0] == [("-2h", when("mon 10:00"), False)]


def test_a_step_repeats_in_open_time():
    promised = plan(resolution=1, steps=[REPEATED])
    assert due([OPENED], promised, "mon 11:29") == ([], when("mon 11:30"))
    assert due([OPENED], promised, "mon 11:30")[0] == [("+30m", when("mon 11:30"), True)]
    once = {key("+30m")}
    assert due([OPENED], promised, "mon 11:45", once) == ([], when("mon 12:00"))
    assert due([OPENED], promised, "mon 12:00", once)[0] == [("+30m#2", when("mon 12:00"), True)]
    twelve = once | {key(f"+30m#{number}") for number in range(2, 13)}
    assert due([OPENED], promised, "mon 17:30", twelve) == ([], when("tue 08:30"))


def test_missed_repeats_are_not_made_up_for():
    promised = plan(resolution=1, steps=[REPEATED])
    found, _ = due([OPENED], promised, "mon 14:10")
    assert [name for name, _, _ in found] == ["+30m", "+30m#6"]
    ledger = {key("+30m"), key("+30m#6")}
    assert due([OPENED], promised, "mon 14:10", ledger) == ([], when("mon 14:30"))


def test_a_clock_put_back_repeats_nothing_and_loses_nothing():
    promised = plan(resolution=1, steps=[AT_100, REPEATED])
    ledger = {key("100%"), key("+30m"), key("+30m#6")}
    for now in ("mon 13:10", "mon 10:10"):
        assert due([OPENED], promised, now, ledger) == ([], when("mon 14:30"))


def test_a_step_of_one_target_leaves_the_others_alone():
    promised = plan(first=1, resolution=2, steps=[EscalationStep(at_share=1.0, target=FIRST), AT_75])
    found = standing(story(OPENED), promised, ALWAYS, when("mon 20:00"))
    assert [step.key for step in found.due_steps] == [
        key("75%", FIRST),
        key("100%", FIRST),
        key("75%"),
    ]


def test_steps_come_in_the_order_of_their_instants():
    promised = plan(first=2, resolution=1, steps=[AT_100, AT_75])
    found = standing(story(OPENED), promised, ALWAYS, when("mon 20:00"))
    assert [(step.target, step.step_key) for step in found.due_steps] == [
        (RESOLUTION, "75%"),
        (RESOLUTION, "100%"),
        (FIRST, "75%"),
        (FIRST, "100%"),
    ]


def test_two_steps_at_one_place_have_two_keys():
    promised = plan(
        first=1, resolution=1, steps=[AT_100, EscalationStep(at_share=1.0, target=RESOLUTION, raise_priority=True)]
    )
    assert [name for name, _ in promised.steps_of(RESOLUTION)] == ["100%", "100%/2"]
    assert [name for name, _ in promised.steps_of(FIRST)] == ["100%"]


@in_turn(
    ("step", "text"),
    [
        (EscalationStep(at_share=0.75), "75%"),
        (EscalationStep(at_share=0.333), "33.3%"),
        (EscalationStep(at_share=2.0), "200%"),
        (EscalationStep(offset=minutes(30)), "+30m"),
        (EscalationStep(offset=minutes(90)), "+1h30m"),
        (EscalationStep(offset=timedelta(0)), "+0m"),
        (EscalationStep(offset=-minutes(15)), "-15m"),
        (EscalationStep(offset=hours(48)), "+48h"),
    ],
)
def test_keys_are_stable_text(step, text):
    assert step.key == text


def test_thresholds_are_whole_seconds():
    assert EscalationStep(at_share=1 / 3).threshold(timedelta(seconds=100)) == timedelta(seconds=33)


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({}, "give one"),
        ({"at_share": 0.5, "offset": minutes(5)}, "give one"),
        ({"at_share": 0}, "above 0 %"),
        ({"at_share": 1.0, "every": timedelta(seconds=5)}, "every minute at most"),
    ],
)
def test_impossible_steps_are_refused(wrong, message):
    with pytest.raises(ValueError, match=message):
        EscalationStep(**wrong)


def test_a_plan_without_steps_of_its_own_can_warn_and_escalate():
    found, _ = due([OPENED], plan(resolution=4, steps=DEFAULT_STEPS), "mon 14:00")
    assert [(name, breach) for name, _, breach in found] == [("75%", False), ("100%", True)]
