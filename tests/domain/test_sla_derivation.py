"""Random tickets with all that moves a deadline: the derivation's sum is the goal, and ends at the due instant."""

from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from maild.domain.sla.derivation import LineKind, derivations
from maild.domain.sla.explain import explain
from maild.domain.sla.standing import standing
from maild.domain.tickets import events
from maild.domain.times.calendars import ALWAYS, Calendar, Span, exception_on
from tests.domain.sla_oracle import PLACES
from tests.domain.sla_scene import BY_JANE, event, plan

DAY = 1440
relaxed = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
short = settings(relaxed, max_examples=300)
long = settings(relaxed, max_examples=10_000)

SPANS = (Span(480, 1020), Span(480, 720), Span(780, 1080), Span(1320, 1800), Span(0, DAY))
DAYS = ((), (SPANS[0],), (SPANS[1], SPANS[2]), (SPANS[3],), (SPANS[4],))  # closed, office, lunch, night, all day
WORDS = ("message", "reply 1", "reply 2", "note", "waiting", "open", "resolved", "closed", "spam", "bounce 1")


class Holidays:
    """Some days around an anchor."""

    name, edition = "XX", "1"

    def __init__(self, days: frozenset[date]) -> None:
        self._days = days

    def dates(self, year: int) -> frozenset[date]:
        return frozenset(day for day in self._days if day.year == year)


@st.composite
def calendars(draw) -> tuple[Calendar, date]:
    zone, anchor = draw(st.sampled_from(PLACES))
    if draw(st.integers(0, 7)) == 0:
        return ALWAYS, anchor
    near = st.integers(-3, 9).map(lambda day: anchor + timedelta(days=day))
    week = draw(st.lists(st.sampled_from(DAYS), min_size=7, max_size=7).filter(any))
    special = draw(st.dictionaries(near, st.sampled_from(DAYS), max_size=2))
    closed = draw(st.frozensets(near, max_size=2)) - set(special)
    holidays = Holidays(draw(st.frozensets(near, max_size=2)))
    return Calendar("random", zone, tuple(week), holidays, closed, tuple(sorted(special.items()))), anchor


@st.composite
def histories(draw, anchor: date) -> tuple[list[events.Event], datetime]:
    at = datetime(anchor.year, anchor.month, anchor.day, tzinfo=UTC) + timedelta(minutes=draw(st.integers(-DAY, DAY)))
    made: list[events.Event] = [event(at, "opened")]
    for _ in range(draw(st.integers(0, 9))):
        at += timedelta(seconds=draw(st.sampled_from([0, 1, 600, 7200, 40_000, 90_000])))
        kind = draw(st.integers(0, 9))
        if kind == 0:
            due_at = at + timedelta(minutes=draw(st.integers(-60, 5 * DAY)))
            made.append(events.DueSet(at=at, by=BY_JANE, due_at=draw(st.sampled_from([due_at, due_at, None]))))
        elif kind == 1:
            name = draw(st.sampled_from(["gold", "tested"]))
            made.append(events.PlanChanged(at=at, by=BY_JANE, sla_plan=name, previous="default", source="priority"))
        else:
            made.append(event(at, draw(st.sampled_from(WORDS))))
    return made, at + timedelta(minutes=draw(st.sampled_from([0, 30, 600, 3 * DAY])))


def adds_up(data: st.DataObject) -> None:
    calendar, anchor = data.draw(calendars())
    history, now = data.draw(histories(anchor))
    goal = st.sampled_from([0, 0.5, 1, 4, 8, 18, 40])
    tested = plan(*(data.draw(goal) for _ in range(3)))
    stood = standing(history, tested, calendar, now)
    found = derivations(history, tested, calendar, now)
    assert {(each.target.target, each.target.cycle): each.target.due_at for each in found} == {
        (each.target, each.cycle): each.due_at for each in (*stood.past, *stood.targets)
    }
    for each in found:
        stretches = [line for line in each.lines if line.part is LineKind.OPEN]
        dues = [line.at for line in each.lines if line.part is LineKind.DUE]
        assert dues == ([each.target.due_at] if each.target.due_at else [])
        assert [line.at for line in each.lines] == sorted(line.at for line in each.lines)
        total = timedelta(0)
        for line in stretches:
            assert line.until == line.at + line.length
            total += line.length
            assert total == line.total
        for line in each.lines:
            if line.part is LineKind.DAY:
                day, _, why = line.text.partition(" ")
                assert exception_on(calendar, date.fromisoformat(day)) == why
        if each.by_hand:
            assert stretches == []
            set_to = {fact.due_at for fact in history if isinstance(fact, events.DueSet)}
            assert set(dues) <= set_to
        elif dues:
            assert total == each.promised
            assert stretches[-1].until == dues[0]
        else:
            assert total == each.target.consumed
    text = explain(history, tested, calendar, now, "UTC" if calendar is ALWAYS else "")
    assert all(len(line) <= 72 for line in text)
    printed = [line for line in text if "  due (" in line]
    assert sorted(line.rpartition("(")[2] for line in printed) == sorted(
        f"{each.target.due_at:%Y-%m-%d %H:%M:%S} UTC)" for each in found if each.target.due_at
    )


@short
@given(st.data())
def test_the_sum_of_a_random_derivation_is_the_goal_and_its_end_the_due_instant(data: st.DataObject):
    adds_up(data)


@pytest.mark.soak
@long
@given(st.data())
def test_ten_thousand_derivations_of_all_kinds_add_up(data: st.DataObject):
    adds_up(data)
