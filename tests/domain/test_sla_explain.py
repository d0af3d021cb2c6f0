"""The derivation of a deadline: readable, within 72 columns, and its sum is the deadline."""

from dataclasses import replace
from datetime import date

import pytest

from maild.domain.sla.explain import explain
from maild.domain.tickets.events import PlanChanged
from maild.domain.times.calendars import ALWAYS, Calendar, Span
from tests.domain.sla_scene import OFFICE, plan, story, when
from tests.rig.misses import in_turn

OPENED = "mon 10:00 opened"
MAY_DAY = replace(OFFICE, zone="Europe/Berlin", closed=frozenset({date(2026, 5, 6), date(2026, 5, 9)}))


def told(history, tested, calendar=OFFICE, now="tue 12:00", zone=""):
    lines = explain(story(*history), tested, calendar, when(now), zone)
    assert all(len(line) <= 72 for line in lines)
    return "\n".join(lines[lines.index("") + 1 :])


def test_events_stretches_days_off_and_pauses_lead_to_the_deadline():
    history = ["tue 09:00:30 opened", "tue 13:00 waiting", "tue 14:00 message", "tue 14:00 open"]
    assert (
        told(history, plan(resolution=8), MAY_DAY, "wed 12:00")
        == """\
Resolution: 8h
  Tue 2026-05-05 11:00:30 +02:00  ticket opened
  +   3h59m30s =   3h59m30s Tue 2026-05-05 11:00:30-15:00 +02:00
  Tue 2026-05-05 15:00 +02:00  waiting: the clock stops
  Tue 2026-05-05 16:00 +02:00  open again: the clock runs on
  +         1h =   4h59m30s Tue 2026-05-05 16:00-17:00 +02:00
  Wed 2026-05-06  own day off
  +      3h30s =         8h Thu 2026-05-07 08:00-11:00:30 +02:00
  Thu 2026-05-07 11:00:30 +02:00  due (2026-05-07 09:00:30 UTC)
  3h30s of open time left"""
    )


@in_turn(
    ("history", "now", "verdict"),
    [
        ([OPENED], "mon 12:00", "2h of open time left"),
        ([OPENED], "mon 16:30", "breached: overdue for 2h30m, by the clock"),
        ([OPENED, "mon 11:00 reply 1"], "tue 12:00", "met with 3h to spare"),
        ([OPENED, "mon 18:00 reply 1"], "tue 12:00", "breached: met 4h after due, by the clock"),
        ([OPENED, "mon 18:00 closed"], "tue 12:00", "breached: ended 4h after due, by the clock"),
        ([OPENED, "mon 11:00 closed"], "tue 12:00", "not needed any more: neither met nor breached"),
        ([OPENED, "mon 11:00 waiting"], "tue 12:00", "no due while the clock stands; 3h left when it runs again"),
        ([OPENED, "mon 11:00 reply 1", "mon 12:00 bounce 1"], "mon 13:00", "1h of open time left"),
    ],
)
def test_the_last_line_is_the_verdict(history, now, verdict):
    assert told(history, plan(first=4), now=now).splitlines()[-1] == f"  {verdict}"


def test_a_bounced_reply_is_told():
    text = told([OPENED, "mon 11:00 reply 1", "mon 12:00 bounce 1"], plan(first=4))
    assert "  Mon 2026-05-04 11:00 +00:00  reply bounced later: it did not happen" in text


def test_what_chose_the_plan_and_the_calendar_stand_on_top():
    chosen = PlanChanged(at=when("mon 11:00"), sla_plan="tested", previous="", source="priority")
    lines = explain((*story(OPENED), chosen), plan(first=4), MAY_DAY, when("mon 12:00"))
    assert lines[:4] == (
        "Plan tested, by its priority",
        "Calendar office in Europe/Berlin",
        "  open mon-fri 08:00-17:00",
        "",
    )
    other = replace(chosen, sla_plan="another")
    lines = explain((*story(OPENED), other), plan(first=4), ALWAYS, when("mon 12:00"))
    lost = "Plan tested, for the configuration has no plan another"
    assert lines[:3] == (lost, "Calendar always: around the clock", "")


def test_an_organisation_is_named_and_former_plans_are_told():
    opened = replace(story(OPENED)[0], sla_plan="gold", plan_source="topic")
    chosen = PlanChanged(at=when("mon 11:00"), sla_plan="tested", previous="gold", source="organisation")
    lines = explain((opened, chosen), plan(first=4), OFFICE, when("mon 12:00"), organisation="Acme Client")
    assert lines[:3] == (
        "Plan tested, by the organisation Acme Client",
        "  until Mon 2026-05-04 11:00 +00:00: gold",
        "  All deadlines are counted from their beginnings, by the plan of now.",
    )


def test_the_hours_of_a_week_are_told_by_the_days_that_have_them():
    lunch = ((Span(480, 720), Span(780, 1020)),)
    week = (*lunch * 4, (Span(480, 900),), (), (Span(1320, 1800),))
    lines = explain(story(OPENED), plan(first=4), Calendar("shifts", "UTC", week), when("mon 12:00"))
    assert lines[2:5] == (
        "  open mon-thu 08:00-12:00, 13:00-17:00",
        "  open fri 08:00-15:00",
        "  open sun 22:00-06:00",
    )


def test_times_are_shown_in_the_zone_that_is_asked_for():
    text = told([OPENED], plan(first=4), ALWAYS, zone="America/New_York")
    assert "+         4h =         4h Mon 2026-05-04 06:00-10:00 -04:00" in text
    with pytest.raises(ValueError, match="not an IANA time zone"):
        explain(story(OPENED), plan(first=4), ALWAYS, when("mon 12:00"), "Mars/Olympus")


def test_a_stretch_over_midnight_takes_two_lines():
    assert """\
  +        14h =        14h Mon 2026-05-04 10:00 +00:00
                         to Tue 2026-05-05 00:00 +00:00
""" in told([OPENED], plan(resolution=14), ALWAYS)


def test_special_hours_are_told_and_days_that_are_always_closed_are_not():
    special = ((date(2026, 5, 5), (Span(480, 720), Span(780, 840))), (date(2026, 5, 9), (Span(600, 660),)))
    calendar = replace(OFFICE, special=special, closed=frozenset({date(2026, 5, 10)}))
    text = told([OPENED], plan(resolution=45), calendar)
    assert "  Tue 2026-05-05  special hours 08:00-12:00, 13:00-14:00" in text
    assert "  Sat 2026-05-09  special hours 10:00-11:00" in text
    assert "Sun 2026-05-10" not in text


def test_the_middle_of_a_long_derivation_is_one_line():
    text = told([OPENED], plan(resolution=900))
    assert len(text.splitlines()) < 40
    assert "+       639h =       772h in 71 more stretches" in text
    assert "=       900h " in text


def test_cycles_are_numbered_and_all_are_told():
    text = told([OPENED, "mon 12:00 resolved", "tue 09:00 open"], plan(resolution=4))
    assert "Resolution: 4h" in text
    assert "Resolution, cycle 2: 4h" in text


def test_a_plan_that_promises_nothing_says_so():
    lines = explain(story(OPENED), plan(), OFFICE, when("mon 12:00"))
    assert lines[-1] == "This plan promises nothing for this ticket."


def test_a_goal_that_the_calendar_does_not_hold_says_so():
    rare = Calendar("rare", "UTC", ((Span(0, 1),), *((),) * 6))
    assert told([OPENED], plan(resolution=100), rare).endswith("too few opening hours in the next ten years")
