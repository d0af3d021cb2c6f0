"""When a notice leaves: at once, with what follows, after the night; and what disturbs a night."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo, available_timezones

import pytest
from hypothesis import given
from hypothesis import strategies as st

from maild.domain.notices.pacing import (
    PACES,
    Departure,
    Kind,
    NoticeReader,
    Rhythm,
    Wakes,
    after_quiet,
    hour_of,
    leaving,
)
from maild.domain.people.directory import Agent
from maild.domain.people.preferences import Preferences, hours
from maild.domain.tickets.ticket import Priority
from tests.domain.mail_scene import JANE, ticket
from tests.rig.misses import in_turn

BERLIN = ZoneInfo("Europe/Berlin")
MINUTE = timedelta(minutes=1)
NOON = datetime(2026, 5, 4, 10, 0, tzinfo=UTC)  # 12:00 in Berlin
NIGHT = datetime(2026, 5, 4, 20, 0, tzinfo=UTC)  # 22:00
MORNING = datetime(2026, 5, 5, 5, 0, tzinfo=UTC)  # 07:00
RHYTHM = Rhythm()
AWAKE = NoticeReader(quiet=None, zone=BERLIN)
ASLEEP = NoticeReader(quiet=hours("20:00-07:00"), zone=BERLIN)
EMERGENCY = ticket(assignee="jane", priority=Priority.EMERGENCY)
MINE, NOBODYS, JOHNS = ticket(assignee="jane"), ticket(), ticket(assignee="john")


def leaves(kind, reader, now, on=MINE, first_at=None, rhythm=RHYTHM):
    return leaving(kind, on, "jane", reader, rhythm, now, first_at or now)


def test_every_kind_has_a_row_that_says_why():
    assert list(PACES) == list(Kind)
    assert all(pace.why for pace in PACES.values())


@in_turn("kind", Kind)
def test_by_day_only_news_of_colleagues_wait(kind):
    waits = kind in {Kind.NEWS, Kind.WATCHED}
    assert leaves(kind, AWAKE, NOON) == Departure(NOON + 10 * MINUTE * waits, waits)
    assert PACES[kind].batched is waits


@in_turn(
    ("minutes", "at"),
    [(0, 10), (1, 11), (4, 14), (5, 15), (9, 15), (14, 15), (15, 15), (40, 40)],
)
def test_a_batch_leaves_ten_minutes_after_the_last_and_fifteen_after_the_first(minutes, at):
    now = NOON + minutes * MINUTE
    assert leaves(Kind.NEWS, AWAKE, now, first_at=NOON).at == NOON + at * MINUTE


def test_who_wants_everything_at_once_gets_it():
    assert leaves(Kind.WATCHED, NoticeReader(quiet=None, zone=BERLIN, at_once=True), NOON) == Departure(
        NOON, waits=False
    )


def test_the_admin_may_have_other_batches_or_none():
    none = Rhythm(batch=timedelta(0), batch_most=timedelta(0))
    assert leaves(Kind.NEWS, AWAKE, NOON, rhythm=none) == Departure(NOON, waits=False)


@in_turn(
    ("kind", "on", "disturbs"),
    [
        (Kind.DIRECT, JOHNS, True),
        (Kind.BREACH, MINE, True),
        (Kind.BREACH, NOBODYS, True),  # somebody must hear of it
        (Kind.BREACH, JOHNS, False),
        (Kind.BREACH, EMERGENCY, True),
        (Kind.WARNING, MINE, False),
        (Kind.WARNING, EMERGENCY, True),
        *((kind, MINE, False) for kind in (Kind.NEW, Kind.MESSAGE, Kind.ASSIGNED, Kind.MENTION, Kind.TROUBLE)),
        *((kind, EMERGENCY, True) for kind in (Kind.NEW, Kind.MESSAGE, Kind.ASSIGNED, Kind.MENTION, Kind.TROUBLE)),
        *((kind, EMERGENCY, False) for kind in (Kind.ANSWERED, Kind.NEWS, Kind.WATCHED)),
    ],
)
def test_what_disturbs_a_night(kind, on, disturbs):
    found = leaves(kind, ASLEEP, NIGHT, on)
    assert found == (Departure(NIGHT, waits=False) if disturbs else Departure(MORNING, waits=True))


def test_whoever_hears_of_a_breach_in_anothers_place_is_woken_as_if_it_were_theirs():
    def at(kind, in_place):
        return leaving(kind, JOHNS, "jane", ASLEEP, RHYTHM, NIGHT, NIGHT, in_place=in_place).at

    assert at(Kind.BREACH, True) == NIGHT
    assert at(Kind.BREACH, False) == at(Kind.WARNING, True) == MORNING


def test_escalations_are_never_folded_nor_joined():
    for kind in (Kind.BREACH, Kind.WARNING, Kind.DIRECT):
        assert not PACES[kind].folds
        assert not PACES[kind].joins
    assert PACES[Kind.BREACH].wakes is Wakes.OWN


@in_turn(
    ("quiet", "at", "ends"),
    [
        ("20:00-07:00", "2026-05-04T19:59", "2026-05-04T19:59"),
        ("20:00-07:00", "2026-05-04T20:00", "2026-05-05T07:00"),
        ("20:00-07:00", "2026-05-05T06:59", "2026-05-05T07:00"),
        ("20:00-07:00", "2026-05-05T07:00", "2026-05-05T07:00"),
        ("12:00-13:00", "2026-05-04T12:30", "2026-05-04T13:00"),
        ("18:00-00:00", "2026-05-04T23:00", "2026-05-05T00:00"),
        ("20:00-02:30", "2026-03-28T23:00", "2026-03-29T03:30"),  # 02:30 is left out: the clock goes on from 3
        ("20:00-02:30", "2026-10-24T23:00", "2026-10-25T02:30"),  # 02:30 comes twice
    ],
)
def test_the_night_ends_on_the_readers_clock(quiet, at, ends):
    instant, end = (datetime.fromisoformat(text).replace(tzinfo=BERLIN) for text in (at, ends))
    assert after_quiet(instant.astimezone(UTC), hours(quiet), BERLIN) == end.astimezone(UTC)


ZONES = sorted(zone for zone in available_timezones() if "/" in zone and not zone.startswith(("posix", "right", "Etc")))
INSTANTS = st.integers(0, 10 * 366 * 1440).map(lambda minutes: NOON + minutes * MINUTE)


@given(INSTANTS, st.times(), st.times(), st.sampled_from(ZONES))
def test_nothing_leaves_early_or_more_than_a_night_later(at, begins, ends, name):
    quiet, zone = hours(f"{begins:%H:%M}-{ends:%H:%M}"), ZoneInfo(name)
    leaves_at = after_quiet(at, quiet, zone)
    assert timedelta(0) <= leaves_at - at <= timedelta(hours=26)
    if quiet is not None and leaves_at != at:
        local = leaves_at.astimezone(zone)
        shift = timedelta(minutes=(local.hour * 60 + local.minute - quiet.end) % 1440)
        assert shift <= timedelta(hours=1) or zone.utcoffset(at) != zone.utcoffset(leaves_at)


@given(st.lists(st.integers(0, 240), min_size=1, max_size=30))
def test_however_events_come_a_batch_leaves_within_fifteen_minutes_of_its_first(seconds):
    first = NOON
    now = first
    for more in seconds:
        found = leaves(Kind.NEWS, AWAKE, now, first_at=first)
        assert now <= found.at
        assert found.at <= max(now, first + RHYTHM.batch_most)
        now += timedelta(seconds=more)


@pytest.mark.parametrize(
    ("wish", "own", "everybodys", "quiet"),
    [
        ("", "", "", None),
        ("", "", "22:00-06:00", "22:00-06:00"),
        ("", "21:00-05:00", "22:00-06:00", "21:00-05:00"),
        ("20:00-07:00", "21:00-05:00", "22:00-06:00", "20:00-07:00"),
        ("off", "21:00-05:00", "22:00-06:00", None),
        ("", "off", "22:00-06:00", None),
    ],
)
def test_an_agents_own_word_counts_more_than_the_configuration(wish, own, everybodys, quiet):
    agent = Agent("jane", JANE.addresses, quiet=own)
    found = NoticeReader.of(agent, Preferences(quiet=wish), Rhythm(quiet=everybodys), BERLIN)
    assert found.quiet == (hours(quiet) if quiet else None)


def test_notices_are_counted_by_the_hour():
    begins, ends = hour_of(NOON + 59 * MINUTE)
    assert (begins, ends) == (NOON, NOON + timedelta(hours=1))
