"""Public holidays by country and region."""

from datetime import UTC, date, datetime, timedelta

import pytest

from maild.config.holiday_dates import holidays_of
from maild.domain.times.calendars import Calendar, HolidaySource, Span, add, exception_on, fingerprint

WEEK = ((Span(480, 1020),),) * 5 + ((), ())


@pytest.mark.parametrize(
    ("code", "name", "day_off", "working_day"),
    [
        ("DE-BE", "DE-BE", date(2026, 3, 8), date(2026, 1, 6)),
        ("de-be", "DE-BE", date(2026, 3, 8), date(2026, 1, 6)),
        ("DE-BY", "DE-BY", date(2026, 1, 6), date(2026, 3, 8)),
        ("FR", "FR", date(2026, 7, 14), date(2026, 10, 3)),
        ("US-CA", "US-CA", date(2026, 3, 31), date(2026, 7, 14)),
        ("US", "US", date(2026, 7, 3), date(2026, 3, 31)),  # 4 July is a Saturday: observed on Friday
    ],
)
def test_places_have_their_own_days_off(code, name, day_off, working_day):
    source = place(code)
    assert source.name == name
    assert day_off in source.dates(2026)
    assert working_day not in source.dates(2026)


def test_a_day_off_in_any_of_several_places_is_a_day_off():
    source = place(["FR", "DE"])
    assert {date(2026, 7, 14), date(2026, 10, 3)} <= source.dates(2026)
    assert source.name == "FR+DE"


def place(codes) -> HolidaySource:
    source = holidays_of(codes)
    assert source is not None
    return source


def test_no_code_is_no_source():
    assert holidays_of([]) is None


@pytest.mark.parametrize(
    ("code", "near"),
    [("DE-BEE", "DE-BE"), ("US-CAL", "US-CA"), ("Narnia", "did you mean"), ("", "DE-BE")],
)
def test_unknown_places_are_refused_with_the_nearest(code, near):
    with pytest.raises(ValueError, match=near):
        holidays_of(code)


def test_a_deadline_steps_over_the_holidays_of_its_region():
    calendar = Calendar("office", "Europe/Berlin", WEEK, holidays_of("DE-BY"))
    # Monday 2026-01-05 16:00 in Munich; Tuesday is Epiphany there.
    due = add(calendar, datetime(2026, 1, 5, 15, tzinfo=UTC), timedelta(hours=2))
    assert due == datetime(2026, 1, 7, 8, tzinfo=UTC)
    assert exception_on(calendar, date(2026, 1, 6)) == "holiday (DE-BY)"


def test_places_have_different_digests():
    assert fingerprint(Calendar("a", "UTC", WEEK, holidays_of("DE-BE"))) != fingerprint(
        Calendar("a", "UTC", WEEK, holidays_of("DE"))
    )
