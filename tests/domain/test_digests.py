"""When a digest is due, by the reader's wish and clock, and what stands in it."""

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from maild.domain.people.preferences import DigestWish
from maild.domain.reports.digest_schedule import (
    TITLES,
    Begun,
    Candidate,
    Section,
    horizon,
    period_of,
    sorted_out,
    works_on,
)
from maild.domain.times.calendars import ALWAYS, Calendar, Span
from tests.rig.misses import in_turn

DAY = timedelta(days=1)
BERLIN = ZoneInfo("Europe/Berlin")
MONDAY = datetime(2026, 5, 4, 6, 30, tzinfo=UTC)  # 08:30 in Berlin


@pytest.mark.parametrize(
    ("wish", "after", "period", "begun"),
    [
        (DigestWish("daily", time(8, 30)), timedelta(0), "2026-05-04", MONDAY),
        (DigestWish("daily", time(8, 30)), timedelta(seconds=-1), "2026-05-03", MONDAY - DAY),
        (DigestWish("weekly", time(8, 30), "mon"), timedelta(0), "2026-05-04", MONDAY),
        (DigestWish("weekly", time(8, 30), "mon"), timedelta(seconds=-1), "2026-04-27", MONDAY - 7 * DAY),
        (DigestWish("weekly", time(8, 30), "tue"), timedelta(0), "2026-04-28", MONDAY - 6 * DAY),
        (DigestWish("hourly"), timedelta(0), "2026-05-04T06", MONDAY - timedelta(minutes=30)),
    ],
)
def test_a_period_begins_at_the_time_that_was_wished(wish, after, period, begun):
    assert period_of(wish, MONDAY + after, BERLIN) == Begun(period, begun)


def test_who_wants_none_has_no_period():
    assert period_of(DigestWish("off"), MONDAY, BERLIN) is None


_WISHES = st.one_of(
    st.builds(DigestWish, st.just("daily"), st.times().map(lambda t: t.replace(second=0, microsecond=0))),
    st.builds(DigestWish, st.just("weekly"), st.just(time(8)), st.sampled_from(["mon", "wed", "sun"])),
    st.just(DigestWish("hourly")),
)


@given(_WISHES, st.datetimes(datetime(2020, 1, 1), datetime(2030, 1, 1)), st.integers(0, 10**6))  # noqa: DTZ001
def test_periods_only_move_forward(wish, start, seconds):
    now = start.replace(tzinfo=UTC)
    earlier, later = period_of(wish, now, BERLIN), period_of(wish, now + timedelta(seconds=seconds), BERLIN)
    assert earlier.key <= later.key
    assert earlier.at <= later.at
    assert earlier.at <= now


# -- working days -------------------------------------------------------------------------------------------------

OFFICE = Calendar("office", "Europe/Berlin", ((Span(480, 1020),),) * 5 + ((), ()), closed=frozenset({date(2026, 5, 5)}))


def test_a_day_is_a_working_day_when_one_of_the_offices_is_open():
    assert works_on([OFFICE], date(2026, 5, 4))
    assert not works_on([OFFICE], date(2026, 5, 5))  # closed
    assert not works_on([OFFICE], date(2026, 5, 9))  # a Saturday
    assert works_on([OFFICE, ALWAYS], date(2026, 5, 9))


@pytest.mark.parametrize(
    ("now", "soon"),
    [
        (MONDAY, datetime(2026, 5, 6, 22, tzinfo=UTC)),  # Tuesday is closed: the end of Wednesday
        (MONDAY + 4 * DAY, datetime(2026, 5, 11, 22, tzinfo=UTC)),  # Friday: the end of Monday
    ],
)
def test_soon_is_until_the_end_of_the_next_working_day(now, soon):
    assert horizon([OFFICE], now, BERLIN) == soon


def test_soon_is_no_less_than_24_hours():
    never = Calendar("never", "UTC", ((),) * 7)
    assert horizon([never], MONDAY, BERLIN) == MONDAY + DAY


# -- sections -----------------------------------------------------------------------------------------------------

SOON = MONDAY + 2 * DAY
LATE, NEAR, FAR = MONDAY, MONDAY + DAY, MONDAY + 9 * DAY


@in_turn(
    ("candidate", "section"),
    [
        ({"mine": True, "due_at": LATE}, Section.OVERDUE),
        ({"mine": False, "due_at": LATE}, Section.OVERDUE),
        ({"mine": True, "due_at": LATE, "asleep": True}, Section.OVERDUE),
        ({"mine": True, "due_at": LATE, "customer_waits": True, "woken": True, "bounced": True}, Section.OVERDUE),
        ({"mine": True, "due_at": NEAR, "customer_waits": True}, Section.SOON),
        ({"mine": True, "due_at": SOON}, None),
        ({"mine": True, "due_at": NEAR, "asleep": True}, None),
        ({"mine": True, "due_at": FAR, "customer_waits": True, "woken": True}, Section.WAITING),
        ({"mine": False, "due_at": NEAR}, Section.UNOWNED),
        ({"mine": False}, Section.UNOWNED),
        ({"mine": False, "asleep": True}, None),
        ({"mine": True, "due_at": FAR, "woken": True, "bounced": True}, Section.WOKEN),
        ({"mine": True, "due_at": FAR, "bounced": True}, Section.BOUNCED),
        ({"mine": True, "ended": True, "due_at": LATE, "bounced": True}, Section.BOUNCED),
        ({"mine": True, "ended": True, "due_at": LATE, "woken": True, "customer_waits": True}, None),
        ({"mine": True, "due_at": FAR}, None),
    ],
)
def test_a_ticket_stands_in_the_first_section_that_it_belongs_to(candidate, section):
    sorted_ = sorted_out([Candidate(number=7, **candidate)], MONDAY, SOON)
    assert sorted_ == ({section: (7,)} if section else {})


def test_sections_come_in_their_order_and_tickets_in_theirs():
    tickets = [Candidate(number=n, mine=True, due_at=due) for n, due in ((3, NEAR), (2, LATE), (1, LATE))]
    assert list(sorted_out(tickets, MONDAY, SOON).items()) == [(Section.OVERDUE, (2, 1)), (Section.SOON, (3,))]
    assert set(TITLES) == set(Section)
