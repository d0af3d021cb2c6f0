"""What agents say of deadlines and take back: a due by hand, answers that were stopped, endings undone, merges."""

from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from maild.domain.sla.clocks import cycles
from maild.domain.sla.explain import explain
from maild.domain.sla.standing import EscalationStep, standing
from maild.domain.tickets import events
from maild.domain.times.calendars import ALWAYS
from tests.domain.sla_scene import BY_JANE, FIRST, NEXT, OFFICE, RESOLUTION, hours, minutes, plan, story, when

OPENED = "mon 10:00 opened"
STEPS = (
    EscalationStep(at_share=0.75),
    EscalationStep(at_share=1.0),
    EscalationStep(offset=minutes(30), every=hours(1)),
)
EIGHT_HOURS = plan(resolution=8, steps=STEPS)  # of open time: due on Tuesday at nine


def due_set(at: str, due: str | None, previous: datetime | None = None) -> events.Event:
    return events.DueSet(at=when(at), by=BY_JANE, due_at=when(due) if due else None, previous=previous)


def undo_of_status(at: str, status: str, previous: str) -> events.Event:
    return events.StatusChanged(at=when(at), by=BY_JANE, status=status, previous=previous, reason=events.UNDO)


def in_order(*parts):
    """Stories and single facts as one history, by time."""
    flat = [fact for part in parts for fact in ((part,) if isinstance(part, events.Event) else part)]
    return tuple(sorted(flat, key=lambda fact: fact.at))


def resolution(history, now, tested=EIGHT_HOURS, already=frozenset()):
    return standing(history, tested, OFFICE, when(now), already).of(RESOLUTION)


# -- due by hand ------------------------------------------------------------------------------------------------


def test_a_due_by_hand_counts_in_place_of_the_plans():
    history = in_order(story(OPENED), due_set("mon 11:00", "fri 15:00"))
    found = resolution(history, "mon 12:00")
    assert (found.due_at, found.running, found.breached_at) == (when("fri 15:00"), True, None)
    assert standing(history, EIGHT_HOURS, OFFICE, when("mon 12:00")).due_at == when("fri 15:00")
    late = resolution(history, "fri 15:00")
    assert late.breached_at == when("fri 15:00")


def test_the_last_word_counts_and_none_gives_it_back_to_the_plan():
    twice = in_order(story(OPENED), due_set("mon 11:00", "fri 15:00"), due_set("mon 12:00", "wed 10:00"))
    assert resolution(twice, "mon 13:00").due_at == when("wed 10:00")
    back = in_order(twice, due_set("mon 13:00", None))
    assert resolution(back, "mon 14:00") == resolution(story(OPENED), "mon 14:00")


def test_only_the_resolution_is_set_by_hand():
    tested = plan(first=2, following=2, resolution=8)
    history = in_order(story(OPENED), due_set("mon 11:00", "fri 15:00"))
    assert standing(history, tested, OFFICE, when("mon 11:30")).of(FIRST).due_at == when("mon 12:00")
    assert standing(history, tested, OFFICE, when("mon 11:30")).of(NEXT) is None


def test_a_plan_without_a_promise_is_due_by_hand_all_the_same():
    history = in_order(story(OPENED), due_set("mon 11:00", "tue 11:00"))
    none = plan(first=2, steps=STEPS)
    assert resolution(history, "mon 12:00", none).due_at == when("tue 11:00")
    assert standing(history, none, OFFICE, when("mon 12:00")).of(RESOLUTION).goal == hours(9)
    assert resolution(story(OPENED), "mon 12:00", none) is None


def test_waiting_for_the_customer_does_not_move_it():
    history = in_order(story(OPENED, "mon 12:00 waiting"), due_set("mon 11:00", "tue 15:00"))
    found = resolution(history, "tue 14:00")
    assert (found.due_at, found.paused, found.running) == (when("tue 15:00"), True, False)
    assert resolution(history, "tue 16:00").breached_at == when("tue 15:00")


@pytest.mark.parametrize(
    ("ended", "due_at", "met_at", "breached_at"),
    [
        ("tue 14:00", "tue 15:00", "tue 14:00", None),
        ("tue 15:00", "tue 15:00", "tue 15:00", None),
        ("tue 16:00", "tue 15:00", "tue 16:00", "tue 15:00"),
    ],
)
def test_it_is_met_or_breached_as_any_other(ended, due_at, met_at, breached_at):
    history = in_order(story(OPENED, f"{ended} resolved"), due_set("mon 11:00", "tue 15:00"))
    found = resolution(history, "wed 12:00")
    assert (found.due_at, found.met_at) == (when(due_at), when(met_at))
    assert found.breached_at == (when(breached_at) if breached_at else None)


def test_a_new_beginning_is_due_as_the_plan_says():
    history = in_order(
        story(OPENED, "mon 12:00 resolved", "tue 08:00 open"),
        due_set("mon 11:00", "fri 15:00"),
        due_set("mon 13:00", "thu 15:00"),  # of a ticket that had ended
    )
    assert resolution(history, "tue 09:00").due_at == when("tue 16:00")


def steps_of(history, now, already=frozenset(), tested=EIGHT_HOURS):
    found = standing(history, tested, OFFICE, when(now), already)
    return [(step.step_key, step.instant, step.breach) for step in found.due_steps]


def test_its_steps_come_by_the_time_from_the_setting_to_it():
    """Nobody is warned because most of the plan's time had gone when the due was set."""
    history = in_order(story(OPENED), due_set("tue 08:00", "tue 16:00"))
    assert steps_of(history, "tue 13:59") == []
    assert standing(history, EIGHT_HOURS, OFFICE, when("tue 09:00")).next_at == when("tue 14:00")
    key = "@2026-05-05T16:00:00Z"
    assert steps_of(history, "tue 16:30") == [
        (f"75%{key}", when("tue 14:00"), False),
        (f"100%{key}", when("tue 16:00"), True),
        (f"+30m{key}", when("tue 16:30"), True),
    ]


def test_steps_after_it_repeat_in_open_time():
    history = in_order(story(OPENED), due_set("tue 08:00", "tue 16:00"))
    key = "@2026-05-05T16:00:00Z"
    fired = frozenset(("resolution", 1, f"{name}{key}") for name in ("75%", "100%", "+30m"))
    assert steps_of(history, "wed 08:30", fired) == [(f"+30m{key}#2", when("wed 08:30"), True)]
    assert steps_of(history, "wed 08:29", fired) == []


def test_another_due_is_another_promise():
    """Its breach is told although the one of the plan was told before; setting the same due again tells nothing new."""
    breached = frozenset({("resolution", 1, "75%"), ("resolution", 1, "100%"), ("resolution", 1, "+30m")})
    history = in_order(story(OPENED), due_set("tue 11:00", "wed 11:00"))
    told = [key for key, _, _ in steps_of(history, "wed 11:00", breached)]
    assert told == ["75%@2026-05-06T11:00:00Z", "100%@2026-05-06T11:00:00Z"]
    again = in_order(history, due_set("wed 12:00", None), due_set("wed 12:30", "thu 11:00"))
    fired = breached | {("resolution", 1, key) for key in told}
    assert [key for key, _, _ in steps_of(again, "thu 11:00", fired)] == [
        "75%@2026-05-07T11:00:00Z",
        "100%@2026-05-07T11:00:00Z",
    ]


def test_a_due_outside_of_opening_hours_is_that_very_instant():
    history = in_order(story(OPENED), due_set("mon 11:00", "sat 12:00"))
    found = resolution(history, "mon 12:00")
    assert found.due_at == when("sat 12:00")
    assert [instant for key, instant, _ in steps_of(history, "sat 13:00") if key.startswith("100%")] == [
        when("sat 12:00")
    ]


def test_where_the_office_is_closed_all_the_while_elapsed_time_counts():
    history = in_order(story(OPENED), due_set("sat 08:00", "sat 16:00"))
    assert [instant for _, instant, _ in steps_of(history, "sat 16:00")] == [when("sat 14:00"), when("sat 16:00")]


@settings(max_examples=200, deadline=None)
@given(
    st.integers(0, 9 * 1440),
    st.integers(1, 9 * 144).map(lambda tens: 10 * tens),
    st.lists(st.sampled_from([0.1, 0.5, 0.75, 0.9, 1.0, 1.5, 3.0]), min_size=1, unique=True),
    st.sampled_from([OFFICE, ALWAYS]),
)
def test_steps_by_share_come_in_order_between_the_setting_and_ever_after(set_after, ahead, shares, calendar):
    opened = story(OPENED)
    since = opened[0].at + minutes(set_after)
    due = since + minutes(ahead)
    history = (*opened, events.DueSet(at=since, by=BY_JANE, due_at=due))
    tested = plan(resolution=8, steps=[EscalationStep(at_share=share) for share in sorted(shares)])
    found = standing(history, tested, calendar, due + timedelta(days=60))
    instants = [step.instant for step in found.due_steps]
    assert instants == sorted(instants)
    assert all(since <= instant for instant in instants)
    for step in found.due_steps:
        assert (step.step.at_share >= 1) is step.breach
        assert step.instant >= due if step.breach else step.instant <= due


def test_it_is_explained():
    history = in_order(story(OPENED, "mon 12:00 waiting"), due_set("mon 11:00", "fri 15:00"))
    lines = explain(history, EIGHT_HOURS, OFFICE, when("mon 13:00"))
    assert (
        "\n".join(lines[lines.index("") + 1 :])
        == """\
Resolution: due by hand, in place of 8h
  Mon 2026-05-04 10:00 +00:00  ticket opened
  Mon 2026-05-04 11:00 +00:00  due set by hand
  Mon 2026-05-04 12:00 +00:00  waiting: the clock stops
  Fri 2026-05-08 15:00 +00:00  due (2026-05-08 15:00:00 UTC)
  38h of open time left"""
    )
    none = explain(history, plan(), OFFICE, when("mon 13:00"))
    assert none[4] == "Resolution: due by hand; the plan promises none"
    back = explain(in_order(history, due_set("mon 12:30", None)), EIGHT_HOURS, OFFICE, when("mon 13:00"))
    assert "  Mon 2026-05-04 12:30 +00:00  due as the plan says again" in back
    assert back[4] == "Resolution: 8h"


# -- what did not happen ----------------------------------------------------------------------------------------


def withdrawn(at: str, reply: int) -> events.Event:
    return events.ReplyWithdrawn(at=when(at), by=BY_JANE, reply=reply)


def test_an_answer_that_was_stopped_did_not_happen():
    tested = plan(first=4, following=4)
    history = in_order(story(OPENED, "mon 11:00 reply 1"), withdrawn("mon 11:01", 1))
    found = standing(history, tested, OFFICE, when("mon 12:00")).of(FIRST)
    assert (found.met_at, found.running, found.due_at) == (None, True, when("mon 14:00"))
    second = in_order(history, story("mon 13:00 reply 2"))
    assert standing(second, tested, OFFICE, when("mon 15:00")).of(FIRST).met_at == when("mon 13:00")
    lines = explain(history, tested, OFFICE, when("mon 12:00"))
    assert "  Mon 2026-05-04 11:00 +00:00  reply stopped before it left: it did not happen" in lines


def test_an_ending_that_was_undone_did_not_happen():
    """Nobody wins time by resolving a ticket and taking that back."""
    history = in_order(story(OPENED, "mon 12:00 resolved"), undo_of_status("mon 14:00", "open", "resolved"))
    history = tuple(
        replace(fact, previous="open") if isinstance(fact, events.StatusChanged) and not fact.reason else fact
        for fact in history
    )
    assert cycles(history) == cycles(story(OPENED))
    reopened = in_order(story(OPENED, "mon 12:00 resolved", "mon 14:00 open"))
    assert resolution(history, "mon 15:00").due_at == when("tue 09:00")
    assert resolution(reopened, "mon 15:00").due_at == when("tue 13:00")


def test_waiting_that_was_undone_stopped_no_clock():
    history = in_order(story(OPENED, "mon 12:00 waiting"), undo_of_status("mon 14:00", "open", "waiting"))
    assert cycles(history) == cycles(story(OPENED))


def test_an_undo_takes_back_the_last_change_alone():
    told = story(OPENED, "mon 11:00 waiting")
    closed = events.StatusChanged(at=when("mon 12:00"), by=BY_JANE, status="closed", previous="waiting")
    history = in_order(told, closed, undo_of_status("mon 13:00", "waiting", "closed"))
    assert cycles(history) == cycles(told)


def test_an_undo_that_fits_no_change_counts_as_a_change():
    history = in_order(story(OPENED), undo_of_status("mon 12:00", "waiting", "open"))
    assert resolution(history, "mon 13:00").paused


# -- merged -----------------------------------------------------------------------------------------------------


def merged(at: str, into: int | None) -> tuple[events.Event, ...]:
    if into is None:
        return events.Merged(at=when(at), by=BY_JANE, into=None), undo_of_status(at, "open", "closed")
    closed = events.StatusChanged(at=when(at), by=BY_JANE, status="closed", previous="open", reason="merged")
    return events.Merged(at=when(at), by=BY_JANE, into=into), closed


def test_a_merged_ticket_has_no_running_targets_and_met_none():
    tested = plan(first=4, resolution=8, steps=STEPS)
    found = standing(in_order(story(OPENED), merged("mon 12:00", 17)), tested, OFFICE, when("fri 12:00"))
    assert [(t.met_at, t.ended_at, t.breached_at) for t in found.targets] == [(None, when("mon 12:00"), None)] * 2
    assert (found.due_at, found.next_at, found.due_steps) == (None, None, ())
    lines = explain(in_order(story(OPENED), merged("mon 12:00", 17)), tested, OFFICE, when("fri 12:00"))
    assert "  Mon 2026-05-04 12:00 +00:00  merged into ticket 17: not needed any more" in lines


def test_what_was_breached_before_a_merge_stays_breached():
    found = resolution(in_order(story(OPENED), merged("wed 12:00", 17)), "fri 12:00")
    assert (found.breached_at, found.ended_at) == (when("tue 09:00"), when("wed 12:00"))


def test_a_merge_that_was_undone_did_not_happen():
    history = in_order(story(OPENED), merged("mon 12:00", 17), merged("mon 13:00", None))
    assert cycles(history) == cycles(story(OPENED))
