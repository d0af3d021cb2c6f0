"""When a digest is due: by the reader's wish and clock, each period under a key of its own."""

from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from maild.domain.digests import period_of
from maild.domain.wishes import DigestWish

BERLIN = ZoneInfo("Europe/Berlin")
MONDAY = datetime(2026, 5, 4, 6, 30, tzinfo=UTC)  # 08:30 in Berlin


@pytest.mark.parametrize(
    ("wish", "after", "period"),
    [
        (DigestWish("daily", time(8, 30)), timedelta(0), "2026-05-04"),
        (DigestWish("daily", time(8, 30)), timedelta(seconds=-1), "2026-05-03"),
        (DigestWish("weekly", time(8, 30), "mon"), timedelta(0), "2026-05-04"),
        (DigestWish("weekly", time(8, 30), "mon"), timedelta(seconds=-1), "2026-04-27"),
        (DigestWish("weekly", time(8, 30), "tue"), timedelta(0), "2026-04-28"),
        (DigestWish("hourly"), timedelta(0), "2026-05-04T06"),
        (DigestWish("off"), timedelta(0), ""),
    ],
)
def test_a_period_begins_at_the_time_that_was_wished(wish, after, period):
    assert period_of(wish, MONDAY + after, BERLIN) == period


_WISHES = st.one_of(
    st.builds(DigestWish, st.just("daily"), st.times().map(lambda t: t.replace(second=0, microsecond=0))),
    st.builds(DigestWish, st.just("weekly"), st.just(time(8)), st.sampled_from(["mon", "wed", "sun"])),
    st.just(DigestWish("hourly")),
)


@given(_WISHES, st.datetimes(datetime(2020, 1, 1), datetime(2030, 1, 1)), st.integers(0, 10**6))  # noqa: DTZ001
def test_periods_only_move_forward(wish, start, seconds):
    now = start.replace(tzinfo=UTC)
    assert period_of(wish, now, BERLIN) <= period_of(wish, now + timedelta(seconds=seconds), BERLIN)
