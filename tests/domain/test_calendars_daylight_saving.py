"""The nights when clocks are put forward or back: no open time is lost, and none comes twice."""

from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from itertools import product

from maild.domain.times.calendars import ROUND_THE_CLOCK, Calendar, Span, add, between, open_spans
from tests.domain.sla_oracle import DAY, MINUTE, PLACES, Hours, after, count, open_minutes, window_start
from tests.rig.misses import in_turn

# zone, the span of every day, a local day, and when that span is open in UTC ("" = not at all)
NIGHTS = [
    ("starts in the gap", "Europe/Berlin", (150, 600), "2026-03-29", "2026-03-29T01:00 2026-03-29T08:00"),
    ("ends in the gap", "Europe/Berlin", (60, 150), "2026-03-29", "2026-03-29T00:00 2026-03-29T01:00"),
    ("lies in the gap", "Europe/Berlin", (125, 175), "2026-03-29", ""),
    ("contains the gap", "Europe/Berlin", (60, 240), "2026-03-29", "2026-03-29T00:00 2026-03-29T02:00"),
    ("contains the fold", "Europe/Berlin", (60, 240), "2026-10-25", "2026-10-24T23:00 2026-10-25T03:00"),
    ("starts in the fold", "Europe/Berlin", (150, 600), "2026-10-25", "2026-10-25T00:30 2026-10-25T09:00"),
    ("ends in the fold", "Europe/Berlin", (60, 150), "2026-10-25", "2026-10-24T23:00 2026-10-25T00:30"),
    ("lies in the fold", "Europe/Berlin", (125, 175), "2026-10-25", "2026-10-25T00:05 2026-10-25T00:55"),
    ("overnight, gap", "Europe/Berlin", (1320, 1800), "2026-03-28", "2026-03-28T21:00 2026-03-29T04:00"),
    ("overnight, fold", "Europe/Berlin", (1320, 1800), "2026-10-24", "2026-10-24T20:00 2026-10-25T05:00"),
    ("no midnight", "America/Sao_Paulo", (0, 480), "2018-11-04", "2018-11-04T03:00 2018-11-04T10:00"),
    ("midnight twice as late", "America/Sao_Paulo", (1380, 1440), "2018-02-17", "2018-02-18T01:00 2018-02-18T03:00"),
    ("half an hour forward", "Australia/Lord_Howe", (60, 240), "2026-10-04", "2026-10-03T14:30 2026-10-03T17:00"),
    ("half an hour back", "Australia/Lord_Howe", (60, 240), "2026-04-05", "2026-04-04T14:00 2026-04-04T17:30"),
    ("starts in half a gap", "Australia/Lord_Howe", (135, 240), "2026-10-04", "2026-10-03T15:30 2026-10-03T17:00"),
    ("a day that never was", "Pacific/Apia", (480, 1020), "2011-12-30", ""),
    ("the day before it", "Pacific/Apia", (480, 1020), "2011-12-29", "2011-12-29T18:00 2011-12-30T03:00"),
    ("the day after it", "Pacific/Apia", (480, 1020), "2011-12-31", "2011-12-30T18:00 2011-12-31T03:00"),
    ("into the day that never was", "Pacific/Apia", (1320, 1800), "2011-12-29", "2011-12-30T08:00 2011-12-30T10:00"),
    ("on the half hour", "Asia/Kolkata", (540, 1080), "2026-05-04", "2026-05-04T03:30 2026-05-04T12:30"),
]


@in_turn(("zone", "span", "day", "expected"), [n[1:] for n in NIGHTS], ids=[n[0] for n in NIGHTS])
def test_a_span_on_a_night_of_change(zone, span, day, expected):
    # Open on this weekday alone, and looked at for three days around it.
    weekday = date.fromisoformat(day).weekday()
    week = tuple((Span(*span),) if index == weekday else () for index in range(7))
    middle = datetime.fromisoformat(day).replace(tzinfo=UTC)
    found = open_spans(Calendar("one", zone, week), middle - timedelta(days=2), middle + timedelta(days=3))
    edges = [datetime.fromisoformat(text).replace(tzinfo=UTC) for text in expected.split()]
    assert found == (((edges[0], edges[1]),) if edges else ())


@in_turn(("zone", "anchor"), PLACES)
@in_turn("cut", [30, 90, 120, 135, 150, 180, 1410])
def test_days_cut_in_two_are_open_all_the_time(zone, anchor, cut):
    calendar = Calendar("cut", zone, ((Span(0, cut), Span(cut, DAY)),) * 7)
    start = window_start(anchor)
    end = start + timedelta(days=16)
    assert between(calendar, start, end) == end - start
    assert open_spans(calendar, start, end) == ((start, end),)


@in_turn(("zone", "anchor"), PLACES)
def test_whole_days_are_elapsed_time(zone, anchor):
    # A day off long ago keeps the calendar from being treated as "always".
    calendar = Calendar("whole", zone, ROUND_THE_CLOCK, closed=frozenset({date(1999, 1, 1)}))
    start = window_start(anchor) + timedelta(minutes=17)
    assert add(calendar, start, timedelta(days=12)) == start + timedelta(days=12)


WEEKS = {
    "office": ((((480, 1020),),) * 5) + ((), ()),
    "split": ((((480, 720), (780, 1080)),) * 7),
    "nights": (((1320, 1800),),) * 7,
    "small hours": (((90, 165), (170, 200)),) * 7,
}


@in_turn("week", WEEKS)
@in_turn(("zone", "anchor"), PLACES)
def test_every_three_hours_around_the_change_agrees_with_counting_minutes(zone, anchor, week):
    calendar = Calendar("c", zone, tuple(tuple(Span(*span) for span in day) for day in WEEKS[week]))
    flags = open_minutes(Hours(WEEKS[week]), zone, anchor)
    origin = window_start(anchor)
    for start in range(7 * DAY + 11, 11 * DAY, 180):
        end = start + 2 * DAY + 7
        counted = timedelta(minutes=count(flags, start, end))
        assert between(calendar, origin + start * MINUTE, origin + end * MINUTE) == counted
        for minutes in (1, 60, 480):
            expected = after(flags, start, minutes)
            assert expected is not None
            assert add(calendar, origin + start * MINUTE, minutes * MINUTE) == origin + expected * MINUTE


# Seven nights and a place without any, five kinds of hours, ten starts from three days before to two days after.
CHANGES = [
    ("Europe/Paris", date(2026, 3, 29)),
    ("Europe/Paris", date(2026, 10, 25)),
    ("America/Sao_Paulo", date(2018, 11, 4)),
    ("America/Sao_Paulo", date(2018, 2, 17)),
    ("Asia/Kolkata", date(2026, 5, 4)),
    ("Australia/Lord_Howe", date(2026, 4, 5)),
    ("Australia/Lord_Howe", date(2026, 10, 4)),
    ("Pacific/Apia", date(2011, 12, 30)),
]
KINDS = {**WEEKS, "round the clock": (((0, DAY),),) * 7}
STARTS = range(6 * DAY + 17, 11 * DAY, 12 * 60 + 11)
GOALS = (1, 60, 105, 240, 480)
FOUR_HUNDRED = list(product(CHANGES, KINDS, list(STARTS)[:10]))


@lru_cache(maxsize=64)
def minutes_of(kind, zone, anchor):
    return open_minutes(Hours(KINDS[kind]), zone, anchor)


def test_the_table_has_four_hundred_cases():
    assert len(FOUR_HUNDRED) == 400


@in_turn(
    ("change", "kind", "start"),
    FOUR_HUNDRED,
    ids=[f"{zone} {day}, {kind}, from minute {start}" for (zone, day), kind, start in FOUR_HUNDRED],
)
def test_business_time_across_a_change_of_clocks(change, kind, start):
    zone, anchor = change
    calendar = Calendar("c", zone, tuple(tuple(Span(*span) for span in day) for day in KINDS[kind]))
    flags, a = minutes_of(kind, zone, anchor), window_start(anchor) + start * MINUTE
    due = [add(calendar, a, goal * MINUTE) for goal in GOALS]
    assert due == [a + (after(flags, start, goal) - start) * MINUTE for goal in GOALS]
    assert due == sorted(due)
    assert [between(calendar, a, instant) for instant in due] == [goal * MINUTE for goal in GOALS]
