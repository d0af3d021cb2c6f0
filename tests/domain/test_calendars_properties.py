"""Business time in random calendars: adding is monotone, undone by counting, and agrees with counting every minute."""

from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from maild.domain.times.calendars import Calendar, NotOpenLongEnoughError, Span, add, between, open_spans
from tests.domain.sla_oracle import DAY, MINUTE, PLACES, WINDOW_DAYS, Hours, after, count, open_minutes, window_start

RELAXED = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much])
short = settings(RELAXED, max_examples=200)
long = settings(RELAXED, max_examples=10_000)

spans = st.tuples(st.integers(0, DAY - 1), st.integers(1, DAY)).map(lambda pair: (pair[0], pair[0] + pair[1]))
usual = st.sampled_from([(480, 1020), (480, 720), (780, 1080), (1320, 1800), (0, DAY), (120, 150), (150, 210)])
days = st.lists(st.one_of(usual, spans), max_size=3).map(tuple)
weeks = st.lists(days, min_size=7, max_size=7).map(tuple)


@st.composite
def cases(draw):
    """A calendar twice: as maild's, and as minutes of a window; and a start inside the window."""
    zone, anchor = draw(st.sampled_from(PLACES))
    near = st.integers(-6, 6).map(lambda number: anchor + timedelta(days=number))
    hours = Hours(
        week=draw(weeks),
        off=draw(st.frozensets(near, max_size=4)),
        special=draw(st.dictionaries(near, days, max_size=2)),
    )
    calendar = calendar_of(hours, zone)
    start = draw(st.integers(4 * DAY, (WINDOW_DAYS - 6) * DAY))
    return calendar, open_minutes(hours, zone, anchor), window_start(anchor), start


def calendar_of(hours: Hours, zone: str) -> Calendar:
    special = tuple((day, tuple(Span(*span) for span in own)) for day, own in (hours.special or {}).items())
    week = tuple(tuple(Span(*span) for span in day) for day in hours.week)
    return Calendar("random", zone, week, closed=hours.off, special=special)


def agree_with_minutes(case, length, minutes):
    calendar, flags, origin, start = case
    a = origin + start * MINUTE
    end = start + length
    assert between(calendar, a, origin + end * MINUTE) == count(flags, start, end) * MINUTE
    opened = [(first - a, last - a) for first, last in open_spans(calendar, a, origin + end * MINUTE)]
    assert opened == [(first * MINUTE, last * MINUTE) for first, last in runs_of(flags[start:end])]
    expected = after(flags, start, minutes)
    if expected is not None:
        assert add(calendar, a, minutes * MINUTE) == origin + expected * MINUTE


def runs_of(flags):
    """The stretches of ones, by looking at each."""
    padded = [0, *flags, 0]
    edges = [index for index in range(len(flags) + 1) if padded[index] != padded[index + 1]]
    return list(zip(edges[::2], edges[1::2], strict=True))


goals = st.one_of(st.integers(0, 40 * 60), st.sampled_from([60, 240, 480, 540, 1080]))


@short
@given(cases(), st.integers(0, DAY), goals)
def test_it_agrees_with_counting_every_minute(case, length, minutes):
    agree_with_minutes(case, length, minutes)


@pytest.mark.soak
@long
@given(cases(), st.integers(0, DAY), goals)
def test_it_agrees_with_counting_every_minute_ten_thousand_times(case, length, minutes):
    agree_with_minutes(case, length, minutes)


instants = st.datetimes(datetime(2009, 1, 1), datetime(2035, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001  given a zone
durations = st.timedeltas(timedelta(0), timedelta(hours=60))
open_somewhere = weeks.filter(any)
zones = st.sampled_from(sorted({zone for zone, _ in PLACES}))


@st.composite
def calendars(draw):
    """Calendars that open in every week, with days off here and there."""
    off = st.frozensets(st.dates(date(2009, 1, 1), date(2036, 1, 1)), max_size=5)
    return calendar_of(Hours(draw(open_somewhere), draw(off)), draw(zones))


def counting_inverts_adding(calendar, a, duration):
    try:
        due = add(calendar, a, duration)
    except NotOpenLongEnoughError:
        # Only when the sum of a week is tiny: one minute a week is 520 in ten years.
        assert between(calendar, a, a + timedelta(days=3650)) < duration
        return
    assert due >= a
    assert between(calendar, a, due) == duration
    if duration:
        # The first such instant: a moment before, less is consumed.
        assert between(calendar, a, due - timedelta(microseconds=1)) < duration


@short
@given(calendars(), instants, durations)
def test_counting_is_the_inverse_of_adding(calendar, a, duration):
    counting_inverts_adding(calendar, a, duration)


@short
@given(calendars(), instants, durations, durations)
def test_adding_is_monotone_and_adds_up(calendar, a, first, second):
    try:
        both = add(calendar, a, first + second)
        step = add(calendar, a, first)
    except NotOpenLongEnoughError:
        return
    assert step <= both
    assert add(calendar, step, second) == both or not second
    assert add(calendar, a + first, second) >= add(calendar, a, second)


@short
@given(calendars(), instants, durations, durations)
def test_counting_adds_up_over_neighbours(calendar, a, first, second):
    b = a + first
    c = b + second
    assert between(calendar, a, b) + between(calendar, b, c) == between(calendar, a, c)
    opened = open_spans(calendar, a, c)
    assert sum((last - start for start, last in opened), timedelta(0)) == between(calendar, a, c)


@pytest.mark.soak
@long
@given(calendars(), instants, durations)
def test_counting_is_the_inverse_of_adding_ten_thousand_times(calendar, a, duration):
    counting_inverts_adding(calendar, a, duration)
