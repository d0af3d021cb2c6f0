"""Who is on duty when: by the hours of the week, each in turn, and on days that are given to others."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest

from maild.domain.notices.recipients import Roster, covering
from maild.domain.notices.recipients import on_duty as told_on_duty
from maild.domain.people.preferences import Readers
from maild.domain.people.rotas import Rota, Turn, on_duty
from maild.domain.times.calendars import Calendar, Span
from tests.domain.mail_scene import DIRECTORY, ticket
from tests.rig.misses import in_turn

BERLIN = "Europe/Berlin"
EVENING = (Span(18 * 60, 22 * 60),)
NIGHT = (Span(18 * 60, 32 * 60),)  # until 08:00
EVENINGS = Calendar("evenings", BERLIN, (EVENING, EVENING, (), (), (), (), ()))
NIGHTS = Calendar("nights", BERLIN, (NIGHT,) * 7)


def at(text: str) -> datetime:
    """An instant, by the wall clock of Berlin in UTC+1 or +2: "2026-01-05 08:00+01:00"."""
    return datetime.fromisoformat(text).astimezone(UTC)


def weekly(**changes) -> Rota:
    given = {"order": ("jane", "john", "joe"), "start": datetime.fromisoformat("2026-01-05T08:00")} | changes
    return Rota(name="week", zone=BERLIN, **given)


@in_turn(
    ("when", "who"),
    [
        ("2026-01-05 07:59+01:00", ()),  # it has not begun
        ("2026-01-05 08:00+01:00", ("jane",)),
        ("2026-01-12 07:59+01:00", ("jane",)),
        ("2026-01-12 08:00+01:00", ("john",)),
        ("2026-01-19 08:00+01:00", ("joe",)),
        ("2026-01-26 08:00+01:00", ("jane",)),
        # The clock goes forward on 29 March: the handover stays at eight.
        ("2026-03-30 07:59+02:00", ("joe",)),
        ("2026-03-30 08:00+02:00", ("jane",)),
    ],
)
def test_an_order_hands_over_at_its_hour_whatever_the_clocks_do(when, who):
    assert on_duty(weekly(), at(when)) == who


def test_an_order_may_have_hours():
    rota = weekly(hours=NIGHTS, every=timedelta(days=1))
    assert on_duty(rota, at("2026-01-05 12:00+01:00")) == ()
    assert on_duty(rota, at("2026-01-05 18:00+01:00")) == ("jane",)
    assert on_duty(rota, at("2026-01-06 07:59+01:00")) == ("jane",)  # the same night
    assert on_duty(rota, at("2026-01-06 18:00+01:00")) == ("john",)


@pytest.mark.parametrize(
    ("when", "who"),
    [
        ("2026-01-05 17:59+01:00", ("john",)),
        ("2026-01-05 18:00+01:00", ("jane", "john")),
        ("2026-01-06 19:00+01:00", ("jane", "john")),
        ("2026-01-07 19:00+01:00", ("john",)),
        ("2026-01-10 19:00+01:00", ()),
    ],
)
def test_turns_may_overlap(when, who):
    weekdays = Calendar("weekdays", BERLIN, ((Span(0, 1440),),) * 5 + ((),) * 2)
    rota = Rota(name="evenings", zone=BERLIN, turns=(Turn(("jane",), EVENINGS), Turn(("john",), weekdays)))
    assert on_duty(rota, at(when)) == who


@pytest.mark.parametrize(
    ("when", "who"),
    [
        ("2026-01-06 07:59+01:00", ("jane",)),
        ("2026-01-06 08:00+01:00", ("mary", "joe")),
        ("2026-01-07 07:59+01:00", ("mary", "joe")),  # until the next handover
        ("2026-01-07 08:00+01:00", ("jane",)),
    ],
)
def test_a_day_may_be_given_to_others(when, who):
    assert on_duty(weekly(days=((date(2026, 1, 6), ("mary", "joe")),)), at(when)) == who


def test_a_rota_knows_whom_it_names():
    assert weekly(days=((date(2026, 1, 6), ("mary", "joe")),)).names == ("jane", "john", "joe", "mary")
    assert Rota(name="evenings", zone=BERLIN, turns=(Turn(("jane",), EVENINGS),)).names == ("jane",)


# -- which rota counts for a ticket -----------------------------------------------------------------------------------

TEAM, DEPARTMENT = weekly(team="Banking"), weekly(department="support")
ANY = weekly()


@pytest.mark.parametrize(
    ("on", "rotas", "wide", "wanted"),
    [
        (ticket(team="banking"), (ANY, DEPARTMENT, TEAM), True, (TEAM,)),
        (ticket(team="banking"), (ANY, DEPARTMENT), True, (DEPARTMENT,)),
        (ticket(team="banking"), (ANY, DEPARTMENT), False, ()),  # the team has it, and no rota of its own
        (ticket(), (ANY, DEPARTMENT, TEAM), False, (DEPARTMENT,)),
        (ticket(department="sysadmins"), (ANY, DEPARTMENT, TEAM), False, (ANY,)),
        (ticket(department="sysadmins"), (DEPARTMENT, TEAM), True, ()),
    ],
)
def test_the_nearest_rota_covers_a_ticket(on, rotas, wide, wanted):
    assert covering(on, rotas, wide=wide) == wanted


def test_who_may_not_see_the_ticket_is_not_on_duty_for_it():
    directory = replace(DIRECTORY, rotas=(ANY,))
    office = Roster(directory, Readers(duty={"week": ("joe", "jane")}))
    assert [told.agent.name for told in told_on_duty(ticket(), office)] == ["jane"]  # joe is a sysadmin
    assert [told.agent.name for told in told_on_duty(ticket(), office, "week")] == ["jane"]
    assert told_on_duty(ticket(), office, "gone") == []
