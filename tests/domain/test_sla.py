"""Where a ticket stands: targets start, stop, are met, breached, paused, re-armed, and start anew."""

import re
from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from maild.domain.sla.standing import EscalationStep, Plan, Target, choose_plan, plan_fingerprint, standing
from maild.domain.tickets import events
from maild.domain.times.calendars import ALWAYS, Calendar, Span
from tests.domain.sla_scene import FIRST, NEXT, OFFICE, RESOLUTION, hours, minutes, plan, story, when
from tests.rig.misses import in_turn

FIRST_4 = plan(first=4)
NEXT_2 = plan(following=2)
RESOLVE_8 = plan(resolution=8)


def shown(instant: datetime | None) -> str:
    """The instant as the tables below write it."""
    if instant is None:
        return "-"
    days = (instant.date() - when("mon 00:00").date()).days
    name = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")[days % 7] + (f"+{days // 7}" if days >= 7 else "")
    return f"{name} {instant:%H:%M}"


def told(history, tested, calendar, now) -> str:
    """cycle, due, met, breached, and running, paused or done of a plan's only target."""
    (target, _), *_ = tested.goals
    found = standing(story(*history), tested, calendar, when(now)).of(target)
    if found is None:
        return "none"
    state = "running" if found.running else "paused" if found.paused else "ended" if found.ended_at else "met"
    text = f"{found.cycle}: due {shown(found.due_at)}, met {shown(found.met_at)}, breached {shown(found.breached_at)}"
    return f"{text}, {state}"


OPENED = "mon 10:00 opened"

FIRST_RESPONSE = """
just arrived
    mon 10:00 opened
    at mon 10:00 -> 1: due mon 14:00, met -, breached -, running
answered in time
    mon 10:00 opened; mon 13:00 reply 1
    at tue 10:00 -> 1: due mon 14:00, met mon 13:00, breached -, met
answered at the last moment
    mon 10:00 opened; mon 14:00 reply 1
    at tue 10:00 -> 1: due mon 14:00, met mon 14:00, breached -, met
answered late
    mon 10:00 opened; mon 15:00 reply 1
    at tue 10:00 -> 1: due mon 14:00, met mon 15:00, breached mon 14:00, met
a minute before due
    mon 10:00 opened
    at mon 13:59 -> 1: due mon 14:00, met -, breached -, running
when due comes
    mon 10:00 opened
    at mon 14:00 -> 1: due mon 14:00, met -, breached mon 14:00, running
breach is due, not when somebody looks
    mon 10:00 opened
    at fri 16:00 -> 1: due mon 14:00, met -, breached mon 14:00, running
exactly closing time is due, not the next opening
    mon 13:00 opened
    at mon 16:59 -> 1: due mon 17:00, met -, breached -, running
answered in the evening after a deadline at closing time
    mon 13:00 opened; mon 17:30 reply 1
    at tue 09:00 -> 1: due mon 17:00, met mon 17:30, breached mon 17:00, met
written on a Saturday
    sat 22:00 opened
    at sun 10:00 -> 1: due mon+1 12:00, met -, breached -, running
answered on a Sunday before the office opened
    sat 22:00 opened; sun 09:00 reply 1
    at mon+1 09:00 -> 1: due mon+1 12:00, met sun 09:00, breached -, met
nagging, notes and automatic mail move nothing
    mon 10:00 opened; mon 11:00 message; mon 12:00 note; mon 12:30 automatic; mon 12:45 plan
    at mon 13:00 -> 1: due mon 14:00, met -, breached -, running
the customer's turn before any answer
    mon 10:00 opened; mon 11:00 waiting
    at mon 20:00 -> 1: due -, met -, breached -, paused
time is up at the very moment of the pause
    mon 10:00 opened; mon 14:00 waiting
    at mon 15:00 -> 1: due mon 14:00, met -, breached mon 14:00, paused
open again after the customer's turn
    mon 10:00 opened; mon 11:00 waiting; mon 15:00 message; mon 15:00 open
    at mon 15:30 -> 1: due tue 09:00, met -, breached -, running
closed without a word
    mon 10:00 opened; mon 11:00 closed
    at tue 10:00 -> 1: due -, met -, breached -, ended
closed without a word after the breach
    mon 10:00 opened; mon 15:00 closed
    at tue 10:00 -> 1: due mon 14:00, met -, breached mon 14:00, ended
answered and resolved in one mail
    mon 10:00 opened; mon 11:00 resolved; mon 11:00 reply 1
    at tue 10:00 -> 1: due mon 14:00, met mon 11:00, breached -, met
closed unanswered and reopened: still owed an answer
    mon 10:00 opened; mon 11:00 closed; tue 09:00 message; tue 09:00 open
    at tue 10:00 -> 2: due tue 13:00, met -, breached -, running
answered, closed and reopened: no first response any more
    mon 10:00 opened; mon 11:00 reply 1; mon 11:00 closed; tue 09:00 open
    at tue 10:00 -> 1: due mon 14:00, met mon 11:00, breached -, met
nobody waits for an answer
    mon 10:00 opened-automatically
    at mon 11:00 -> none
spam
    mon 10:00 opened; mon 10:05 spam
    at tue 10:00 -> 1: due -, met -, breached -, ended
the answer bounced
    mon 10:00 opened; mon 11:00 reply 1; mon 11:05 bounce 1
    at mon 12:00 -> 1: due mon 14:00, met -, breached -, running
the answer bounced after due
    mon 10:00 opened; mon 11:00 reply 1; mon 16:00 bounce 1
    at mon 16:00 -> 1: due mon 14:00, met -, breached mon 14:00, running
the first answer bounced, the second arrived
    mon 10:00 opened; mon 11:00 reply 1; mon 12:00 reply 2; mon 12:30 bounce 1
    at mon 13:00 -> 1: due mon 14:00, met mon 12:00, breached -, met
an acknowledgement that bounces undoes no reply that left no entry
    mon 10:00 opened; mon 11:00 reply; mon 11:05 bounce
    at mon 12:00 -> 1: due mon 14:00, met mon 11:00, breached -, met
a delay report is no bounce
    mon 10:00 opened; mon 11:00 reply 1; mon 11:05 soft-bounce 1
    at mon 12:00 -> 1: due mon 14:00, met mon 11:00, breached -, met
an acknowledgement that bounces is no reply
    mon 10:00 opened; mon 11:00 reply 1; mon 11:05 bounce
    at mon 12:00 -> 1: due mon 14:00, met mon 11:00, breached -, met
"""

NEXT_RESPONSE = """
before the first answer
    mon 10:00 opened; mon 11:00 message
    at mon 12:00 -> none
nothing asked
    mon 10:00 opened; mon 11:00 reply 1
    at mon 12:00 -> none
asked again
    mon 10:00 opened; mon 11:00 reply 1; mon 12:00 message
    at mon 13:00 -> 1: due mon 14:00, met -, breached -, running
nagging does not move it
    mon 10:00 opened; mon 11:00 reply 1; mon 12:00 message; mon 13:00 message; mon 13:30 message
    at mon 13:45 -> 1: due mon 14:00, met -, breached -, running
an automatic answer asks nothing
    mon 10:00 opened; mon 11:00 reply 1; mon 12:00 automatic
    at mon 13:00 -> none
each run is a new cycle
    mon 10:00 opened; mon 11:00 reply 1; mon 12:00 message; mon 12:30 reply 2; mon 12:40 reply 3; mon 16:00 message
    at mon 16:30 -> 2: due tue 09:00, met -, breached -, running
the customer's turn
    mon 10:00 opened; mon 11:00 reply 1; mon 12:00 message; mon 13:00 waiting
    at tue 13:00 -> 1: due -, met -, breached -, paused
a message while waiting
    mon 10:00 opened; mon 11:00 reply 1; mon 11:00 waiting; mon 14:00 message; mon 14:00 open
    at mon 14:00 -> 1: due mon 16:00, met -, breached -, running
reopened by a message
    mon 10:00 opened; mon 11:00 reply 1; mon 11:30 resolved; mon 14:00 message; mon 14:00 open
    at mon 14:00 -> 1: due mon 16:00, met -, breached -, running
thanks for a resolved ticket that stays so
    mon 10:00 opened; mon 11:00 reply 1; mon 11:30 resolved; mon 14:00 message
    at mon 20:00 -> none
closed over an open question and reopened
    mon 10:00 opened; mon 11:00 reply 1; mon 12:00 message; mon 12:30 closed; tue 08:00 open
    at tue 09:00 -> 3: due tue 10:00, met -, breached -, running
the answer bounced while the customer asked again: one run from the first question
    mon 10:00 opened; mon 10:05 reply 1; mon 12:00 message; mon 12:10 reply 2; mon 12:20 message; mon 12:30 bounce 2
    at mon 13:00 -> 1: due mon 14:00, met -, breached -, running
the number of a cycle that a bounce undid is not used again
    mon 10:00 opened; mon 10:05 reply 1; mon 12:00 message; mon 12:10 reply 2; mon 12:20 message; mon 12:30 bounce
    2; mon 13:00 reply 3; mon 14:00 message
    at mon 14:30 -> 3: due mon 16:00, met -, breached -, running
a person asks in a machine's ticket
    mon 10:00 opened-automatically; mon 11:00 message
    at mon 12:00 -> 1: due mon 13:00, met -, breached -, running
"""

RESOLVED = """
work has begun
    mon 10:00 opened
    at mon 11:00 -> 1: due tue 09:00, met -, breached -, running
a machine's ticket is work too
    mon 10:00 opened-automatically
    at mon 11:00 -> 1: due tue 09:00, met -, breached -, running
replies do not resolve
    mon 10:00 opened; mon 11:00 reply 1
    at mon 12:00 -> 1: due tue 09:00, met -, breached -, running
resolved
    mon 10:00 opened; mon 15:00 resolved; fri 15:00 closed
    at fri 16:00 -> 1: due tue 09:00, met mon 15:00, breached -, met
closed outright, late
    mon 10:00 opened; wed 15:00 closed
    at fri 16:00 -> 1: due tue 09:00, met wed 15:00, breached tue 09:00, met
waiting stops the clock
    mon 10:00 opened; mon 12:00 waiting
    at fri 16:00 -> 1: due -, met -, breached -, paused
waiting does not heal a breach
    mon 10:00 opened; tue 10:00 waiting
    at fri 16:00 -> 1: due tue 09:00, met -, breached tue 09:00, paused
waiting over a night takes the open hours alone
    mon 10:00 opened; mon 16:00 waiting; tue 09:00 open
    at tue 10:00 -> 1: due tue 11:00, met -, breached -, running
two pauses
    mon 10:00 opened; mon 12:00 waiting; mon 13:00 open; mon 14:00 waiting; mon 16:00 open
    at tue 08:00 -> 1: due tue 12:00, met -, breached -, running
resolved out of waiting
    mon 10:00 opened; mon 12:00 waiting; fri 12:00 resolved
    at fri 16:00 -> 1: due -, met fri 12:00, breached -, met
the same status again changes nothing
    mon 10:00 opened; mon 11:00 open; mon 12:00 waiting; mon 13:00 waiting; mon 14:00 open
    at mon 15:00 -> 1: due tue 11:00, met -, breached -, running
reopened: the whole goal again
    mon 10:00 opened; mon 12:00 resolved; wed 10:00 message; wed 10:00 open
    at wed 11:00 -> 2: due thu 09:00, met -, breached -, running
reopened into waiting
    mon 10:00 opened; mon 12:00 resolved; wed 10:00 waiting
    at wed 11:00 -> 2: due -, met -, breached -, paused
spam is not resolved
    mon 10:00 opened; mon 10:05 spam
    at fri 16:00 -> 1: due -, met -, breached -, ended
no spam after all
    mon 10:00 opened; mon 10:05 spam; tue 10:00 open
    at tue 11:00 -> 2: due wed 09:00, met -, breached -, running
the office's clock stands still for a pause on the weekend
    fri 16:00 opened; sat 10:00 waiting; sun 10:00 open
    at sun 11:00 -> 1: due mon+1 15:00, met -, breached -, running
"""


def cases(text: str, tested: Plan):
    """The stories of a table: a name, indented events, and what is told at a time."""
    for block in re.split(r"\n(?=\S)", text.strip()):
        name, *history, last = block.splitlines()
        now, _, expected = last.strip().removeprefix("at ").partition(" -> ")
        lines = [line.strip() for line in " ".join(history).split(";")]
        yield pytest.param([" ".join(line.split()) for line in lines], tested, now, expected, id=name)


@in_turn(
    ("history", "tested", "now", "expected"),
    [*cases(FIRST_RESPONSE, FIRST_4), *cases(NEXT_RESPONSE, NEXT_2), *cases(RESOLVED, RESOLVE_8)],
)
def test_where_a_ticket_stands_in_office_hours(history, tested, now, expected):
    assert told(history, tested, OFFICE, now) == expected


def test_around_the_clock_nights_and_weekends_count():
    assert told(["fri 20:00 opened"], RESOLVE_8, ALWAYS, "fri 21:00") == "1: due sat 04:00, met -, breached -, running"


@pytest.mark.parametrize(
    ("history", "now", "consumed"),
    [
        ([OPENED], "mon 12:30", 2.5),
        ([OPENED], "tue 07:00", 7),
        ([OPENED, "mon 12:00 waiting"], "fri 12:00", 2),
        ([OPENED, "mon 12:00 waiting", "tue 12:00 open"], "tue 13:00", 3),
        ([OPENED, "mon 12:00 resolved"], "fri 12:00", 2),
    ],
)
def test_consumed_is_open_time_while_the_clock_ran(history, now, consumed):
    found = standing(story(*history), RESOLVE_8, OFFICE, when(now)).of(RESOLUTION)
    assert found
    assert found.consumed == hours(consumed)
    assert found.goal == hours(8)


def test_all_targets_of_a_ticket_and_the_earliest_due():
    history = story(OPENED, "mon 11:00 reply 1", "mon 12:00 message")
    found = standing(history, plan(first=4, following=2, resolution=8), OFFICE, when("mon 13:00"))
    assert [target.target for target in found.targets] == list(Target)
    assert found.due_at == when("mon 14:00")  # the next response; the first is met
    assert not found.overdue
    later = standing(history, plan(first=4, following=2, resolution=8), OFFICE, when("mon 14:00"))
    assert later.overdue


def test_a_target_that_is_met_late_leaves_no_overdue_ticket():
    found = standing(story(OPENED, "mon 16:00 reply 1"), FIRST_4, OFFICE, when("mon 16:30"))
    assert not found.overdue
    assert found.due_at is None


def test_earlier_cycles_are_kept_for_reports():
    history = story(
        OPENED,
        "mon 10:30 reply 1",
        "mon 11:00 message",
        "mon 12:00 reply 2",
        "mon 13:00 message",
        "mon 16:00 reply 3",
        "tue 09:00 message",
    )
    found = standing(history, NEXT_2, OFFICE, when("tue 09:30"))
    assert [(past.cycle, shown(past.met_at), shown(past.breached_at)) for past in found.past] == [
        (1, "mon 12:00", "-"),
        (2, "mon 16:00", "mon 15:00"),
    ]
    assert [target.cycle for target in found.targets] == [3]


def test_the_plan_of_now_counts_from_the_original_start():
    history = story(OPENED, "mon 12:00 plan")
    two, four = (standing(history, plan(resolution=goal), ALWAYS, when("mon 12:30")) for goal in (2, 4))
    assert (two.due_at, four.due_at) == (when("mon 12:00"), when("mon 14:00"))
    assert (two.overdue, four.overdue) == (True, False)


def test_events_count_by_the_time_they_happened_not_by_the_time_they_were_recorded():
    # The message came first, but was recorded after the answer that replied to it.
    history = story(OPENED, "mon 10:30 reply 1", "mon 12:00 reply 2", "mon 11:00 message")
    found = standing(history, NEXT_2, OFFICE, when("mon 15:00")).of(NEXT)
    assert found
    assert (found.started_at, found.met_at) == (when("mon 11:00"), when("mon 12:00"))


def test_a_late_reopening_is_not_undone_by_the_ending_recorded_before_it():
    history = story(OPENED, "mon 12:00 resolved", "mon 11:00 message", "mon 11:00 open")
    found = standing(history, RESOLVE_8, OFFICE, when("mon 13:00")).of(RESOLUTION)
    assert found
    assert (found.cycle, found.running, found.started_at) == (2, True, when("mon 12:00"))


def test_nothing_lies_before_the_opening():
    history = story(OPENED, "mon 09:00 reply 1")
    found = standing(history, FIRST_4, OFFICE, when("mon 11:00")).of(FIRST)
    assert found
    assert found.met_at == when("mon 10:00")


def test_a_mail_from_the_future_is_not_forgotten():
    found = standing(
        story("mon 10:02 opened"), plan(first=1, steps=[EscalationStep(at_share=1.0)]), OFFICE, when("mon 10:00")
    )
    assert found.due_at == found.next_at == when("mon 11:02")
    assert found.of(FIRST).consumed == hours(0)  # type: ignore[union-attr]


def test_deadlines_are_whole_seconds():
    (opened,) = story("mon 10:00:07.9 opened")
    assert standing((opened,), FIRST_4, OFFICE, when("mon 10:00:30.5")).due_at == when("mon 14:00:07")


def test_no_events_stand_nowhere_and_a_history_begins_with_the_opening():
    assert standing((), FIRST_4, OFFICE, when("mon 10:00")).targets == ()
    with pytest.raises(ValueError, match="the first event of a ticket is opened, not replied"):
        standing(story("mon 10:00 reply 1"), FIRST_4, OFFICE, when("mon 10:00"))
    with pytest.raises(ValueError, match="no time zone"):
        standing(story(OPENED), FIRST_4, OFFICE, when("mon 10:00").replace(tzinfo=None))


def test_a_goal_that_no_calendar_holds_has_no_due():
    rare = Calendar("rare", "UTC", ((Span(0, 1),), *((),) * 6))
    found = standing(story(OPENED), plan(resolution=100, steps=[EscalationStep(at_share=1.0)]), rare, when("mon 10:00"))
    assert (found.due_at, found.next_at) == (None, None)


@in_turn(
    ("sources", "expected"),
    [
        ({}, ("default", "default")),
        ({"department": "sev-c"}, ("sev-c", "department")),
        ({"department": "sev-c", "priority_plan": "sev-b"}, ("sev-b", "priority")),
        ({"priority_plan": "sev-b", "organisation": "gold"}, ("gold", "organisation")),
        ({"organisation": "gold", "topic": "sev-a"}, ("sev-a", "topic")),
        ({"priority_plan": "sev-b", "topic": "sev-a"}, ("sev-a", "topic")),
        ({"topic": "sev-a", "rule": "sev-c"}, ("sev-c", "rule")),
        ({"rule": "sev-c", "command": "gold", "department": "sev-b"}, ("gold", "command")),
    ],
)
def test_a_plan_is_chosen_by_the_nearest_source(sources, expected):
    assert choose_plan(**sources) == expected


def test_the_digest_of_a_plan_changes_with_its_deadlines_and_calendar():
    step = EscalationStep(at_share=0.75, notify=("assignee",))
    tested = plan(first=4, resolution=8, steps=[step])
    others = [
        plan(first=4, resolution=9, steps=[step]),
        plan(first=4, resolution=8),
        plan(first=4, resolution=8, steps=[EscalationStep(at_share=0.8)]),
        plan(first=4, resolution=8, steps=[replace(step, every=minutes(30))]),
        plan(first=4, resolution=8, steps=[replace(step, target=FIRST)]),
    ]
    fingerprints = [plan_fingerprint(each, OFFICE) for each in (tested, *others)] + [plan_fingerprint(tested, ALWAYS)]
    assert len(set(fingerprints)) == len(fingerprints)
    assert (
        plan_fingerprint(replace(tested, name="other", goals=tuple(reversed(tested.goals))), OFFICE) == fingerprints[0]
    )


def test_impossible_plans_are_refused():
    with pytest.raises(ValueError, match="two goals for one target"):
        Plan("twice", goals=((FIRST, hours(1)), (FIRST, hours(2))))
    with pytest.raises(ValueError, match="less than a second"):
        Plan("none", goals=((FIRST, timedelta(0)),))


def test_events_of_other_kinds_move_nothing():
    noise = (
        events.Assigned(at=when("mon 11:00"), assignee="jane", team=""),
        events.Transferred(at=when("mon 11:00"), department="bank", previous="support"),
        events.PriorityChanged(at=when("mon 11:00"), priority="high", previous="normal"),
        events.Linked(at=when("mon 11:00"), ticket=7),
        events.Escalated(at=when("mon 11:00"), target="resolution", cycle=1, step="75%", instant=when("mon 11:00")),
    )
    promised = plan(first=4, resolution=8)
    plain, noisy = story(OPENED), (*story(OPENED), *noise)
    assert standing(plain, promised, OFFICE, when("mon 12:00")) == standing(noisy, promised, OFFICE, when("mon 12:00"))
