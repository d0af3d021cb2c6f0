"""Deadlines that other ticket systems compute and that are right: the four severities, and calendars by zone."""

from datetime import UTC, datetime, timedelta

import pytest

from maild.domain.sla.standing import Target, standing
from maild.domain.times.calendars import ALWAYS, Calendar, Span, add, open_spans
from tests.domain.sla_scene import RESOLUTION, event, hours, plan
from tests.rig.misses import in_turn

NINE_TO_FIVE, NINE_TO_SIX, EIGHT_TO_FIVE = Span(540, 1020), Span(540, 1080), Span(480, 1020)


def on(days: str, span: Span, zone: str = "UTC") -> Calendar:
    """Open on the days of "mon tue …"."""
    names = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
    return Calendar("some days", zone, tuple((span,) if name in days.split() else () for name in names))


WEEKDAYS = "mon tue wed thu fri"


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("calendar", "goal", "created", "due"),
    [
        (on("sun", NINE_TO_FIVE), 1, "2007-01-01T00:00", "2007-01-07T10:00"),
        (on("mon", NINE_TO_FIVE), 1, "2007-01-01T00:00", "2007-01-01T10:00"),
        (
            on(WEEKDAYS, NINE_TO_SIX, "America/New_York"),
            2,
            "2007-01-01T22:00",
            "2007-01-02T15:00",
        ),
        (on(WEEKDAYS, NINE_TO_SIX, "Europe/Moscow"), 2, "2007-01-01T22:00", "2007-01-02T08:00"),
    ],
)
def test_due_by_calendar_and_zone(calendar, goal, created, due):
    history = (event(utc(created), "opened"),)
    assert standing(history, plan(resolution=goal), calendar, utc(created)).due_at == utc(due)


@pytest.mark.parametrize(
    ("calendar", "created", "opens"),
    [
        (on("mon tue", NINE_TO_FIVE), "2007-01-01T13:15", "2007-01-01T13:15"),
        (on("mon tue", NINE_TO_FIVE), "2007-01-01T19:15", "2007-01-02T09:00"),
        (on("mon tue", NINE_TO_FIVE), "2007-01-06T13:15", "2007-01-08T09:00"),
        (on("sun", NINE_TO_FIVE), "2007-01-01T00:00", "2007-01-07T09:00"),
        (on(WEEKDAYS, NINE_TO_SIX, "America/New_York"), "2007-01-01T22:00", "2007-01-01T22:00"),
        (on(WEEKDAYS, NINE_TO_SIX, "Europe/Moscow"), "2007-01-01T22:00", "2007-01-02T06:00"),
    ],
)
def test_where_the_clock_begins_to_run(calendar, created, opens):
    opened = utc(created)
    assert open_spans(calendar, opened, opened + timedelta(days=8))[0][0] == utc(opens)
    assert add(calendar, opened, timedelta(seconds=1)) == utc(opens) + timedelta(seconds=1)


def test_two_hours_more_are_due_two_hours_later():
    history = (event(utc("2007-01-01T09:00"), "opened"),)
    found = [
        standing(history, plan(resolution=goal), on(WEEKDAYS, NINE_TO_SIX), utc("2007-01-01T09:30")).of(RESOLUTION)
        for goal in (2, 4)
    ]
    assert found[0] is not None
    assert found[1] is not None
    assert found[1].due_at == found[0].due_at + hours(2)  # type: ignore[operator]


BERLIN = on(WEEKDAYS, EIGHT_TO_FIVE, "Europe/Berlin")
SEVERITIES = {"sev-a": (1, ALWAYS), "sev-b": (4, ALWAYS), "sev-c": (8, BERLIN), "default": (18, BERLIN)}


@in_turn(
    ("severity", "created", "due"),
    [
        ("sev-a", "2026-05-08T22:30", "2026-05-08T23:30"),
        ("sev-b", "2026-05-08T22:30", "2026-05-09T02:30"),
        ("sev-c", "2026-05-04T06:00", "2026-05-04T14:00"),
        ("sev-c", "2026-05-04T10:00", "2026-05-05T09:00"),  # 12:00 in Berlin: 5 h today, 3 h tomorrow
        ("sev-c", "2026-05-08T22:30", "2026-05-11T14:00"),  # Friday night: all of it on Monday
        ("default", "2026-05-04T06:00", "2026-05-05T15:00"),  # two whole days, to closing time
        ("default", "2026-05-08T14:00", "2026-05-12T14:00"),  # Friday 16:00: 1 + 9 + 8
        ("default", "2026-03-27T15:00", "2026-03-31T14:00"),  # the clock goes forward on the weekend
        ("default", "2026-10-23T14:00", "2026-10-27T15:00"),  # and back
    ],
)
def test_the_four_severities(severity, created, due):
    goal, calendar = SEVERITIES[severity]
    history = (event(utc(created), "opened"),)
    assert standing(history, plan(resolution=goal), calendar, utc(created)).due_at == utc(due)


def test_a_gap_of_more_than_72_hours_between_openings_is_waited_for():
    found = standing(
        (event(utc("2026-05-05T18:00"), "opened"),),
        plan(resolution=2),
        on("mon tue", NINE_TO_FIVE),
        utc("2026-05-09T00:00"),
    )
    assert found.due_at == utc("2026-05-11T11:00")
    assert not found.overdue


def test_the_response_counts_from_the_oldest_message_of_the_trailing_run():
    told = [
        ("2026-05-04T09:00", "opened"),
        ("2026-05-04T09:10", "reply 1"),
        ("2026-05-04T09:20", "message"),
        ("2026-05-04T09:50", "message"),
    ]
    history = tuple(event(utc(at), word) for at, word in told)
    found = standing(history, plan(following=1), ALWAYS, utc("2026-05-04T10:00")).of(Target.NEXT_RESPONSE)
    assert found is not None
    assert found.due_at == utc("2026-05-04T10:20")
