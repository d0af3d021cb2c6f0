"""Random tickets against a simulation that looks at every minute, and derivations whose sum is the deadline."""

import re
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from maild.domain.sla.explain import explain
from maild.domain.sla.standing import EscalationStep, Plan, Target, standing
from maild.domain.times.calendars import Calendar, Span
from tests.domain.sla_oracle import (
    DAY,
    FIRST,
    MINUTE,
    NEXT,
    PLACES,
    RESOLUTION,
    Hours,
    open_minutes,
    simulate,
    window_start,
)
from tests.domain.sla_scene import event

RELAXED = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
short = settings(RELAXED, max_examples=150)
long = settings(RELAXED, max_examples=10_000)

SHARES = (0.5, 1.0, 2.0)
usual = st.sampled_from([(480, 1020), (480, 720), (780, 1080), (1320, 1800), (0, DAY)])
days = st.lists(usual, max_size=2, unique=True).map(tuple)
weeks = st.one_of(st.lists(days, min_size=7, max_size=7).map(tuple), st.just((((0, DAY),),) * 7))
gaps = st.one_of(st.sampled_from([0, 0, 1, 30, 60]), st.integers(0, DAY))
words = st.sampled_from(
    [
        "message",
        "message",
        "automatic",
        "reply",
        "reply",
        "note",
        "plan",
        "waiting",
        "open",
        "resolved",
        "closed",
        "spam",
    ]
)


@dataclass(frozen=True)
class Holidays:
    """Days off as a calendar gets them from the tables of a country."""

    days: frozenset[date]
    name: str = "XX"
    edition: str = "1"

    def dates(self, year: int) -> frozenset[date]:
        return frozenset(day for day in self.days if day.year == year)


@dataclass
class Case:
    zone: str
    anchor: date
    hours: Hours
    acts: list[tuple[int, str]]
    now: int
    goals: dict[str, int]
    public: bool  # the days off are holidays of a country, not the office's own

    @property
    def calendar(self) -> Calendar:
        week = tuple(tuple(Span(*span) for span in day) for day in self.hours.week)
        own = self.hours.special or {}
        special = tuple((day, tuple(Span(*span) for span in spans)) for day, spans in own.items())
        holidays = Holidays(self.hours.off) if self.public else None
        closed = frozenset() if self.public else self.hours.off
        return Calendar("random", self.zone, week, holidays=holidays, closed=closed, special=special)

    @property
    def plan(self) -> Plan:
        goals = tuple((Target(name), goal * MINUTE) for name, goal in self.goals.items())
        steps = (
            *(EscalationStep(at_share=share) for share in SHARES),
            EscalationStep(offset=30 * MINUTE, every=60 * MINUTE),
        )
        return Plan("random", goals=goals, steps=steps)

    @property
    def history(self):
        return tuple(event(self.instant(at), word) for at, word in self.acts)

    def instant(self, minute: int) -> datetime:
        return window_start(self.anchor) + minute * MINUTE


@st.composite
def cases(draw) -> Case:
    zone, anchor = draw(st.sampled_from(PLACES))
    near = st.integers(-4, 6).map(lambda day: anchor + timedelta(days=day))
    off = draw(st.frozensets(near, max_size=2))
    special = draw(st.dictionaries(near, days, max_size=1))
    minute = draw(st.integers(5 * DAY, 9 * DAY))
    acts, replies = [(minute, "opened")], 0
    for word in draw(st.lists(words, max_size=12)):
        minute += draw(gaps) // 2
        if word == "reply":
            replies += 1
            word = f"reply {replies}"
        acts.append((minute, word))
    if replies and draw(st.booleans()):
        acts.append((minute, f"bounce {draw(st.integers(1, replies))}"))
    goal = st.sampled_from([2, 30, 60, 240, 480, 540, 600])
    goals = {FIRST: draw(goal), NEXT: draw(goal), RESOLUTION: draw(goal)}
    return Case(zone, anchor, Hours(draw(weeks), off, special), acts, minute + draw(gaps), goals, draw(st.booleans()))


def agrees_with_the_simulation(case: Case) -> None:
    until = min(case.now + 2 * DAY, 17 * DAY)
    flags = open_minutes(case.hours, case.zone, case.anchor)
    promises = simulate(case.acts, flags, until)
    found = standing(case.history, case.plan, case.calendar, case.instant(case.now))
    ours = sorted([*found.past, *found.targets], key=lambda target: (target.target, target.cycle))
    theirs = sorted(promises, key=lambda promise: (list(Target).index(Target(promise.target)), promise.start))
    ours.sort(key=lambda target: (list(Target).index(target.target), target.cycle))
    assert [(t.target.value, t.started_at) for t in ours] == [(p.target, case.instant(p.start)) for p in theirs]
    for target, promise in zip(ours, theirs, strict=True):
        goal = case.goals[promise.target]
        due = promise.at(goal)
        finish = promise.met if promise.met is not None else promise.ended
        breached = due is not None and (due < finish if finish is not None else due <= case.now)
        assert target.met_at == (None if promise.met is None else case.instant(promise.met))
        assert target.ended_at == (None if promise.ended is None else case.instant(promise.ended))
        assert target.breached_at == (case.instant(due) if breached and due is not None else None)
        if promise.pending:
            assert target.consumed == promise.consumed(case.now) * MINUTE
        if due is not None and (promise.ended is None or breached):
            assert target.due_at == case.instant(due)
        elif target.due_at is not None:
            assert target.due_at >= case.instant(until)  # beyond what was simulated
    expected = {
        (promise.target, f"{share:.0%}", case.instant(minute))
        for promise in theirs
        if promise.pending
        for share in SHARES
        if (minute := promise.at(round(case.goals[promise.target] * share))) is not None and minute <= case.now
    }
    shares = [step for step in found.due_steps if step.step.at_share]
    assert {(step.target.value, step.step_key, step.instant) for step in shares} == expected


@short
@given(cases())
def test_a_random_ticket_stands_where_the_simulation_says(case):
    agrees_with_the_simulation(case)


@pytest.mark.soak
def test_ten_thousand_tickets_stand_where_the_simulation_says():
    print(f"\n{ten_thousand(agrees_with_the_simulation)}: all stand where the simulation says")


def ten_thousand(check: Callable[[Case], None]) -> str:
    """Check so many random tickets -> what they were."""
    seen: Counter[str] = Counter()

    @long
    @given(cases())
    def each(case: Case) -> None:
        check(case)
        verbs = {word.partition(" ")[0] for _, word in case.acts}
        split_or_overnight = any(len(day) > 1 or any(end > DAY for _, end in day) for day in case.hours.week)
        seen["tickets"] += 1
        seen["with a plan change"] += "plan" in verbs
        seen["paused"] += "waiting" in verbs
        seen["reopened"] += bool(verbs & {"resolved", "closed"} and "open" in verbs)
        seen["with public holidays" if case.public else "with own days off"] += bool(case.hours.off)
        seen["with special hours"] += bool(case.hours.special)
        seen["split or overnight"] += split_or_overnight
        seen[f"in {case.zone}"] += 1

    each()
    assert seen["tickets"] >= 10_000
    return ", ".join(f"{count} {what}" for what, count in seen.most_common())


STRETCH = re.compile(r"^  \+ +(\S+) = +(\S+) (?:\w{3} (\S+) \S+ ([+-]\S+)|in \d+ more stretches)$")
DUE = re.compile(r"^  \w{3} (\S+ \S+ \S+)  due \((\S+ \S+) UTC\)$")


def length(text: str) -> timedelta:
    """3h15m30s -> a duration."""
    seconds = {"h": 3600, "m": 60, "s": 1}
    return timedelta(seconds=sum(int(number) * seconds[unit] for number, unit in re.findall(r"(\d+)([hms])", text)))


def adds_up(case: Case) -> None:
    """In the printed text of each deadline, the lengths of the stretches add up to the goal."""
    now = case.instant(case.now)
    found = standing(case.history, case.plan, case.calendar, now)
    dues = [target.due_at for target in (*found.past, *found.targets) if target.due_at]
    text = "\n".join(explain(case.history, case.plan, case.calendar, now))
    printed = []
    for block in text.split("\n\n")[1:]:
        head, *lines = block.splitlines()
        total = timedelta(0)
        for line in lines:
            assert len(line) <= 72
            if stretch := STRETCH.match(line):
                total += length(stretch[1])
                assert total == length(stretch[2])
        if due := next(filter(None, map(DUE.match, lines)), None):
            printed.append(datetime.fromisoformat(due[2]).replace(tzinfo=UTC))
            assert total == length(head.rpartition(": ")[2])
    assert sorted(printed) == sorted(dues)


@short
@given(cases())
def test_the_derivation_of_a_random_ticket_adds_up_to_its_deadlines(case):
    adds_up(case)


@pytest.mark.soak
def test_ten_thousand_derivations_add_up():
    print(f"\n{ten_thousand(adds_up)}: all add up")


@short
@given(cases(), st.data())
def test_the_ledger_makes_every_step_come_once(case, data):
    """Looking at random instants, forth and back: no step twice, and in the end all of them, save missed repeats."""
    ledger: set[tuple[str, int, str]] = set()
    looks = data.draw(st.lists(st.integers(case.acts[0][0], case.now + DAY), min_size=1, max_size=6))
    for look in [*looks, case.now + 2 * DAY]:
        found = standing(case.history, case.plan, case.calendar, case.instant(look), ledger)
        keys = [step.key for step in found.due_steps]
        assert len(set(keys)) == len(keys)
        assert not ledger & set(keys)
        assert all(step.instant <= case.instant(look) for step in found.due_steps)
        assert keys == [] or found.next_at == found.due_steps[0].instant
        ledger |= set(keys)
        settled = standing(case.history, case.plan, case.calendar, case.instant(look), ledger)
        assert settled.due_steps == ()
        assert settled.next_at is None or settled.next_at > case.instant(look)
    afresh = standing(case.history, case.plan, case.calendar, case.instant(case.now + 2 * DAY))
    assert {step.key for step in afresh.due_steps if step.repeat == 1} <= ledger
