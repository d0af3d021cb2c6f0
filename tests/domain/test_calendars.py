"""Opening hours, holidays and days of their own: what is open, and how long."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta, timezone

import pytest

from maild.domain.times.calendars import (
    ALWAYS,
    ROUND_THE_CLOCK,
    WHOLE_DAY,
    Calendar,
    NotOpenLongEnoughError,
    Span,
    add,
    between,
    exception_on,
    fingerprint,
    hours_on,
    never_open,
    open_spans,
    overlaps,
    special_overlaps,
)
from tests.rig.misses import in_turn

OFFICE_DAY = (Span(480, 1020),)  # 08:00-17:00
NIGHT = Span(1320, 1800)  # 22:00-06:00
CLOSED: tuple[Span, ...] = ()


class NewYear:
    """A source with two holidays a year."""

    name = "TEST"
    edition = "1"

    def dates(self, year: int) -> frozenset[date]:
        return frozenset({date(year, 1, 1), date(year, 12, 25)})


def weekdays(*spans: Span, zone: str = "UTC", **others) -> Calendar:
    """Monday to Friday alike, the weekend closed."""
    return Calendar("office", zone, (spans,) * 5 + (CLOSED,) * 2, **others)


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def hours(number: float) -> timedelta:
    return timedelta(hours=number)


OFFICE = weekdays(*OFFICE_DAY)
LUNCH = weekdays(Span(480, 720), Span(780, 1020))
NIGHTS = Calendar("nights", "UTC", ((NIGHT,),) * 7)

# calendar, start, open time, the instant that it ends at; 2026-05-04 is a Monday.
ADDED = [
    ("inside a day", OFFICE, "2026-05-04T09:00", 2, "2026-05-04T11:00"),
    ("before opening", OFFICE, "2026-05-04T06:00", 2, "2026-05-04T10:00"),
    ("over a night", OFFICE, "2026-05-04T16:00", 2, "2026-05-05T09:00"),
    ("over a weekend", OFFICE, "2026-05-08T16:00", 2, "2026-05-11T09:00"),
    ("from a weekend", OFFICE, "2026-05-09T12:00", 2, "2026-05-11T10:00"),
    ("exactly until closing time", OFFICE, "2026-05-04T15:00", 2, "2026-05-04T17:00"),
    ("from exactly closing time", OFFICE, "2026-05-04T17:00", 2, "2026-05-05T10:00"),
    ("a whole day from opening", OFFICE, "2026-05-04T08:00", 9, "2026-05-04T17:00"),
    ("nothing, while closed", OFFICE, "2026-05-09T12:00", 0, "2026-05-09T12:00"),
    ("over lunch", LUNCH, "2026-05-04T11:30", 1, "2026-05-04T13:30"),
    ("exactly until lunch", LUNCH, "2026-05-04T11:30", 0.5, "2026-05-04T12:00"),
    ("into the night", NIGHTS, "2026-05-04T23:00", 2, "2026-05-05T01:00"),
    ("from after midnight", NIGHTS, "2026-05-05T05:00", 2, "2026-05-05T23:00"),
    ("around the clock", ALWAYS, "2026-05-09T12:00", 30, "2026-05-10T18:00"),
]


@in_turn(("calendar", "start", "length", "end"), [row[1:] for row in ADDED], ids=[r[0] for r in ADDED])
def test_open_time_is_added_and_counted_back(calendar, start, length, end):
    assert add(calendar, utc(start), hours(length)) == utc(end)
    assert between(calendar, utc(start), utc(end)) == hours(length)


def test_opening_and_closing_are_one_interval_a_day():
    assert open_spans(OFFICE, utc("2026-05-08T12:00"), utc("2026-05-11T09:00")) == (
        (utc("2026-05-08T12:00"), utc("2026-05-08T17:00")),
        (utc("2026-05-11T08:00"), utc("2026-05-11T09:00")),
    )


def test_spans_that_touch_at_midnight_are_one_interval():
    whole_days = Calendar("all", "Europe/Berlin", ROUND_THE_CLOCK, closed=frozenset({date(2026, 5, 10)}))
    assert open_spans(whole_days, utc("2026-05-04T10:00"), utc("2026-05-08T10:00")) == (
        (utc("2026-05-04T10:00"), utc("2026-05-08T10:00")),
    )


def test_spans_that_overlap_count_once():
    doubled = weekdays(Span(480, 720), Span(600, 1020))
    assert between(doubled, utc("2026-05-04T00:00"), utc("2026-05-05T00:00")) == hours(9)
    assert add(doubled, utc("2026-05-04T08:00"), hours(9)) == utc("2026-05-04T17:00")


def test_an_interval_that_ends_before_it_starts_is_empty():
    assert between(OFFICE, utc("2026-05-05T12:00"), utc("2026-05-04T12:00")) == hours(0)
    assert open_spans(OFFICE, utc("2026-05-05T12:00"), utc("2026-05-05T12:00")) == ()


def test_instants_of_other_zones_are_answered_in_utc():
    start = datetime(2026, 5, 4, 11, tzinfo=timezone(hours(2)))
    due = add(OFFICE, start, hours(1))
    assert (due, due.tzinfo) == (utc("2026-05-04T10:00"), UTC)
    assert add(ALWAYS, start, hours(0)).tzinfo is UTC


def test_opening_hours_are_local():
    tokyo = weekdays(*OFFICE_DAY, zone="Asia/Tokyo")
    assert add(tokyo, utc("2026-05-04T12:00"), hours(1)) == utc("2026-05-05T00:00")


@pytest.mark.parametrize("wrong", [between, open_spans])
def test_a_naive_time_is_an_error(wrong):
    naive = datetime(2026, 5, 4)  # noqa: DTZ001  naive on purpose
    with pytest.raises(ValueError, match="no time zone"):
        wrong(OFFICE, naive, utc("2026-05-04T12:00"))


def test_business_time_is_not_taken_away():
    with pytest.raises(ValueError, match="taken away"):
        add(OFFICE, utc("2026-05-04T12:00"), -hours(1))


def test_holidays_close_the_day():
    calendar = weekdays(*OFFICE_DAY, holidays=NewYear())
    assert add(calendar, utc("2025-12-31T16:00"), hours(2)) == utc("2026-01-02T09:00")
    assert exception_on(calendar, date(2026, 1, 1)) == "holiday (TEST)"
    assert exception_on(calendar, date(2026, 1, 2)) == ""


def test_eighteen_hours_over_christmas():
    calendar = weekdays(*OFFICE_DAY, zone="Europe/Berlin", holidays=NewYear(), closed=frozenset({date(2026, 12, 24)}))
    # Wednesday 16:00 in Berlin: 1 h; Thursday and Friday closed; 9 h on Monday; 8 h on Tuesday.
    assert add(calendar, utc("2026-12-23T15:00"), hours(18)) == utc("2026-12-29T15:00")


def test_own_closed_dates_and_special_hours():
    calendar = weekdays(
        *OFFICE_DAY,
        holidays=NewYear(),
        closed=frozenset({date(2026, 12, 24), date(2026, 12, 23)}),
        special=(
            (date(2026, 12, 23), (Span(480, 720),)),  # a half day, above the closed dates
            (date(2026, 12, 26), (Span(600, 840),)),  # an open Saturday
            (date(2026, 12, 28), ()),
        ),
    )
    assert [hours_on(calendar, date(2026, 12, day)) for day in range(22, 29)] == [
        OFFICE_DAY,
        (Span(480, 720),),
        (),
        (),
        (Span(600, 840),),
        (),
        (),
    ]
    assert between(calendar, utc("2026-12-22T00:00"), utc("2026-12-29T00:00")) == hours(9 + 4 + 4)
    assert exception_on(calendar, date(2026, 12, 23)) == "special hours 08:00-12:00"
    assert exception_on(calendar, date(2026, 12, 24)) == exception_on(calendar, date(2026, 12, 28)) == "own day off"


def test_a_night_shift_neither_starts_on_a_closed_day_nor_runs_into_it():
    calendar = replace(NIGHTS, closed=frozenset({date(2026, 5, 6)}))
    assert open_spans(calendar, utc("2026-05-05T12:00"), utc("2026-05-08T12:00")) == (
        (utc("2026-05-05T22:00"), utc("2026-05-06T00:00")),
        (utc("2026-05-07T22:00"), utc("2026-05-08T06:00")),
    )


def test_a_night_shift_runs_into_a_day_with_special_hours():
    calendar = replace(NIGHTS, special=((date(2026, 5, 6), (Span(600, 660),)),))
    assert open_spans(calendar, utc("2026-05-05T12:00"), utc("2026-05-07T12:00")) == (
        (utc("2026-05-05T22:00"), utc("2026-05-06T06:00")),
        (utc("2026-05-06T10:00"), utc("2026-05-06T11:00")),
    )


def test_more_than_ten_years_are_not_searched():
    rare = Calendar("rare", "UTC", ((Span(0, 1),), *(CLOSED,) * 6))
    with pytest.raises(NotOpenLongEnoughError, match="'rare' does not have 40 h of open time"):
        add(rare, utc("2026-05-04T00:00"), hours(40))


def test_calendars_that_never_open_are_told():
    assert never_open(Calendar("never", "UTC", (CLOSED,) * 7, special=((date(2026, 5, 4), OFFICE_DAY),)))
    assert not never_open(OFFICE)


def test_overlapping_spans_are_named():
    messy = Calendar(
        "messy",
        "UTC",
        ((Span(300, 540), Span(480, 600)), (NIGHT,), (), (), (), (), (NIGHT,)),
        special=((date(2026, 12, 24), (Span(480, 720), Span(700, 800))),),
    )
    assert overlaps(messy) == (
        "mon 05:00-09:00 and mon 08:00-10:00",
        "sun 22:00-06:00 and mon 05:00-09:00",
    )
    assert special_overlaps(messy) == ((date(2026, 12, 24), "08:00-12:00 and 11:40-13:20"),)
    assert overlaps(OFFICE) == overlaps(LUNCH) == overlaps(NIGHTS) == overlaps(ALWAYS) == ()


@pytest.mark.parametrize(("start", "end"), [(-1, 60), (1440, 1500), (60, 60), (60, 30), (0, 1441), (600, 2041)])
def test_impossible_spans_are_refused(start, end):
    with pytest.raises(ValueError, match="a span"):
        Span(start, end)


def test_impossible_calendars_are_refused():
    with pytest.raises(ValueError, match="7 days"):
        Calendar("short", "UTC", (OFFICE_DAY,))
    with pytest.raises(ValueError, match="two special entries"):
        weekdays(special=((date(2026, 5, 4), ()), (date(2026, 5, 4), OFFICE_DAY)))


@pytest.mark.parametrize("zone", ["Europe", "Europe/Berln", "", "../etc/passwd", "CEST"])
def test_unknown_zones_are_refused(zone):
    with pytest.raises(ValueError, match="not an IANA time zone"):
        weekdays(zone=zone)


@pytest.mark.parametrize(
    ("span", "text"), [(Span(480, 1020), "08:00-17:00"), (NIGHT, "22:00-06:00"), (WHOLE_DAY, "00:00-24:00")]
)
def test_spans_are_shown_as_people_write_them(span, text):
    assert span.shown == text


class LaterEdition(NewYear):
    edition = "2"


DIFFERENT = {
    "zone": replace(OFFICE, zone="Europe/Berlin"),
    "week": replace(OFFICE, week=LUNCH.week),
    "holidays": replace(OFFICE, holidays=NewYear()),
    "edition of the holidays": replace(OFFICE, holidays=LaterEdition()),
    "closed": replace(OFFICE, closed=frozenset({date(2026, 5, 4)})),
    "special": replace(OFFICE, special=((date(2026, 5, 4), ()),)),
}


def test_the_digest_changes_with_everything_that_moves_deadlines():
    fingerprints = {fingerprint(OFFICE), *(fingerprint(calendar) for calendar in DIFFERENT.values())}
    assert len(fingerprints) == 1 + len(DIFFERENT)


def test_the_digest_knows_neither_names_nor_order():
    shuffled = replace(LUNCH, name="another", week=tuple(tuple(reversed(day)) for day in LUNCH.week))
    assert fingerprint(shuffled) == fingerprint(LUNCH)
    assert fingerprint(ALWAYS) == "fd1b6c89bd31fa71"
