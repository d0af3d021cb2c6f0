"""Figures of a period: what counts, when, for whom; business time; promises; backlog; percentiles."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from math import ceil
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from maild.domain.people.directory import Address, Person, Role
from maild.domain.reports.statistics import By, Kept, Period, Tally, Times, last_days, midnight, percentile, whole_days
from maild.domain.reports.ticket_measures import COUNTED_KINDS, What, measured
from maild.domain.sla.standing import Plan, Target
from maild.domain.tickets import events
from maild.domain.tickets.events import Actor
from maild.domain.tickets.ratings import Rating
from maild.domain.tickets.ticket import fold
from maild.domain.times.calendars import ALWAYS, Calendar, Span

MONDAY = datetime(2026, 5, 4, 9, 0, tzinfo=UTC)
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
KAREN = Actor(Role.REQUESTER, address="karen@client.example")
JOHN, JANE = Actor(Role.AGENT, "john"), Actor(Role.AGENT, "jane")
TIMER = Actor(Role.SYSTEM, "timer")
OFFICE = Calendar("office", "UTC", ((Span(540, 1020),),) * 5 + ((), ()))  # Monday to Friday, 9 to 17
PLAN = Plan(
    "default",
    goals=((Target.FIRST_RESPONSE, 2 * HOUR), (Target.NEXT_RESPONSE, 2 * HOUR), (Target.RESOLUTION, 8 * HOUR)),
)
WEEK = Period(MONDAY - 9 * HOUR, MONDAY - 9 * HOUR + 7 * DAY)
NOW = MONDAY + 3 * DAY


def opened(at=MONDAY, **more):
    person = Person(Address.of("karen@client.example"), "Karen Hill")
    given = {"by": KAREN, "requester": person, "subject": "Printer on fire", "department": "support"} | more
    return events.Opened(at=at, **given)


def status(at, to, previous="open", by=JOHN, **more):
    return events.StatusChanged(at=at, by=by, status=to, previous=previous, **more)


def taken(at, name, by=None):
    return events.Assigned(at=at, by=by or Actor(Role.AGENT, name), assignee=name, team="")


def replied(at, by=JOHN, **more):
    return events.Replied(at=at, by=by, **more)


def wrote(at, **more):
    return events.MessageReceived(at=at, by=KAREN, **more)


def measure(*history, plan=PLAN, calendar=OFFICE, now=NOW):
    return measured(fold(1, history), history, plan, calendar, now)


def statistics(*tickets, period=WEEK, now=NOW, zone=UTC, **more):
    tally = Tally(period, now, zone, **more)
    for ticket in tickets:
        tally.add(ticket)
    return tally.statistics()


# -- percentiles --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("count", "median", "p90"), [(1, 1, 1), (2, 1, 2), (3, 2, 3), (4, 2, 4), (10, 5, 9), (11, 6, 10), (100, 50, 90)]
)
def test_percentiles_are_nearest_rank(count, median, p90):
    spans = [n * HOUR for n in range(count, 0, -1)]
    assert Times.of(spans) == Times(count, median * HOUR, p90 * HOUR)


def test_of_nothing_there_is_no_percentile():
    assert Times.of([]) == Times(0, None, None)


@given(st.lists(st.timedeltas(timedelta(0), 90 * DAY), min_size=1), st.integers(1, 100))
def test_a_percentile_is_the_least_span_that_enough_others_do_not_exceed(spans, percent):
    found = percentile(sorted(spans), percent)
    needed = ceil(percent * len(spans) / 100)
    assert found in spans
    assert sum(span <= found for span in spans) >= needed
    assert sum(span < found for span in spans) < needed


# -- volumes ------------------------------------------------------------------------------------------------------


def test_volumes_count_what_happened_in_the_period():
    before = measure(opened(MONDAY - 5 * DAY), replied(MONDAY + HOUR), status(MONDAY + 2 * HOUR, "resolved"))
    inside = measure(
        opened(), replied(MONDAY + HOUR), wrote(MONDAY + 2 * HOUR), wrote(MONDAY + 3 * HOUR, automatic=True)
    )
    after = measure(opened(WEEK.until), replied(WEEK.until + HOUR))
    counts = statistics(before, inside, after).totals
    assert counts == {
        What.OPENED: 1,
        What.MESSAGES: 2,  # the opening mail, and one more; automatic mail is none
        What.REPLIES: 2,
        What.RESOLVED: 1,
        What.REOPENED: 0,
    }


def test_thanks_and_tickets_of_machines_and_agents_bring_no_message():
    thanked = measure(opened(by=JOHN), wrote(MONDAY + HOUR, courtesy=True))
    machine = measure(opened(automatic=True))
    counts = statistics(thanked, machine).totals
    assert (counts[What.OPENED], counts[What.MESSAGES]) == (2, 0)


def test_reopening_and_resolving_once_more_count_each_time():
    done = measure(
        opened(),
        status(MONDAY + HOUR, "resolved"),
        status(MONDAY + 2 * HOUR, "closed", "resolved", by=TIMER),  # the same ending goes on
        status(MONDAY + 3 * HOUR, "open", "closed", by=KAREN),
        status(MONDAY + 4 * HOUR, "resolved"),
    )
    counts = statistics(done).totals
    assert (counts[What.RESOLVED], counts[What.REOPENED]) == (2, 1)


def test_what_was_undone_did_not_happen():
    undone = measure(
        opened(), status(MONDAY + HOUR, "resolved"), status(MONDAY + 2 * HOUR, "open", "resolved", reason=events.UNDO)
    )
    counts = statistics(undone).totals
    assert (counts[What.RESOLVED], counts[What.REOPENED]) == (0, 0)


def test_a_reply_that_did_not_arrive_is_none():
    lost = events.Bounced(at=MONDAY + 2 * HOUR, recipient="karen@client.example", permanent=True, reply=7)
    stopped = events.ReplyWithdrawn(at=MONDAY + 3 * HOUR, reply=8)
    one = measure(opened(), replied(MONDAY + HOUR, entry=7), replied(MONDAY + HOUR, entry=8), lost, stopped)
    made = statistics(one)
    assert made.totals[What.REPLIES] == 0
    assert made.times[Target.FIRST_RESPONSE].count == 0
    assert made.promises[Target.FIRST_RESPONSE] == Kept(0, 1)


@pytest.mark.parametrize(
    ("last", "left_out"),
    [(status(MONDAY + HOUR, "spam"), "spam"), (events.Merged(at=MONDAY + HOUR, by=JOHN, into=9), "merged")],
)
def test_merged_tickets_and_spam_are_no_work_and_that_is_told(last, left_out):
    made = statistics(measure(opened(), replied(MONDAY + HOUR / 2), last))
    assert made.quiet
    assert made.backlog == 0
    assert (made.spam, made.merged) == (int(left_out == "spam"), int(left_out == "merged"))


def test_days_are_those_of_the_readers_clock():
    late = measure(opened(datetime(2026, 5, 4, 22, 30, tzinfo=UTC)))  # Tuesday in Berlin
    berlin = ZoneInfo("Europe/Berlin")
    period = whole_days(date(2026, 5, 4), date(2026, 5, 6), berlin)
    days = statistics(late, period=period, zone=berlin).days
    assert [(day.day.day, day.counts[What.OPENED]) for day in days] == [(4, 0), (5, 1), (6, 0)]


def test_an_empty_period_says_so_and_has_no_medians():
    made = statistics()
    assert made.quiet
    assert {times.median for times in made.times.values()} == {None}
    assert made.kept[By.PLAN] == {}


# -- times and promises -------------------------------------------------------------------------------------------


def test_times_are_business_time_without_waiting():
    friday = MONDAY - 3 * DAY + 7 * HOUR  # 16:00, an hour before closing
    one = measure(
        opened(friday),
        replied(MONDAY + HOUR),  # an hour of Friday and one of Monday
        status(MONDAY + HOUR, "waiting"),
        wrote(MONDAY + 5 * HOUR),
        status(MONDAY + 5 * HOUR, "open", "waiting", by=KAREN),
        replied(MONDAY + 6 * HOUR),
        status(MONDAY + 7 * HOUR, "resolved"),
    )
    times = statistics(one).times
    assert times[Target.FIRST_RESPONSE] == Times(1, 2 * HOUR, 2 * HOUR)
    assert times[Target.NEXT_RESPONSE] == Times(1, HOUR, HOUR)
    assert times[Target.RESOLUTION] == Times(1, 4 * HOUR, 4 * HOUR)


def test_times_are_told_whatever_the_plan_promises():
    bare = Plan("bare")
    made = statistics(measure(opened(), replied(MONDAY + HOUR), plan=bare))
    assert made.times[Target.FIRST_RESPONSE].median == HOUR
    assert made.promises[Target.FIRST_RESPONSE] == Kept()


def test_a_promise_counts_once_where_it_was_decided():
    """Due on Monday at 11, answered on Tuesday: missed on Monday, and the answer's time is Tuesday's."""
    late = measure(opened(), replied(MONDAY + DAY))
    monday = statistics(late, period=Period(MONDAY, MONDAY + DAY))
    tuesday = statistics(late, period=Period(MONDAY + DAY, MONDAY + 2 * DAY))
    assert monday.promises[Target.FIRST_RESPONSE] == Kept(0, 1)
    assert tuesday.promises[Target.FIRST_RESPONSE] == Kept()
    assert (monday.times[Target.FIRST_RESPONSE].count, tuesday.times[Target.FIRST_RESPONSE].count) == (0, 1)


def test_what_is_still_running_is_neither_kept_nor_missed():
    made = statistics(measure(opened(), now=MONDAY + HOUR), now=MONDAY + HOUR)
    assert set(made.promises.values()) == {Kept()}
    assert statistics(measure(opened(), now=MONDAY + 2 * HOUR)).promises[Target.FIRST_RESPONSE] == Kept(0, 1)


def test_promises_are_told_apart_by_plan_department_agent_and_week():
    kept = measure(opened(), taken(MONDAY + HOUR, "john"), replied(MONDAY + HOUR))
    missed = replace(measure(opened(MONDAY + DAY, department="sysadmins"), plan=replace(PLAN, name="gold")))
    made = statistics(kept, missed).kept
    first = Target.FIRST_RESPONSE
    assert {name: each[first] for name, each in made[By.PLAN].items()} == {"default": Kept(1, 0), "gold": Kept(0, 1)}
    assert {name: each[first] for name, each in made[By.DEPARTMENT].items()} == {
        "support": Kept(1, 0),
        "sysadmins": Kept(0, 1),
    }
    assert {name: each[first] for name, each in made[By.AGENT].items()} == {"john": Kept(1, 0), "": Kept(0, 1)}
    assert {name: each[first] for name, each in made[By.WEEK].items()} == {"2026-W19": Kept(1, 1)}


def test_an_answer_is_the_work_of_who_gave_it_and_a_miss_of_who_had_it():
    one = measure(
        opened(),
        taken(MONDAY + HOUR, "jane"),
        replied(MONDAY + 3 * HOUR, by=JOHN),  # an hour too late
        status(MONDAY + 4 * HOUR, "resolved", by=JOHN),
    )
    assert statistics(one, agent="jane").promises[Target.FIRST_RESPONSE] == Kept(0, 1)
    assert statistics(one, agent="john").totals[What.REPLIES] == 1
    assert statistics(one, agent="john").times[Target.FIRST_RESPONSE].count == 1
    assert statistics(one, agent="jane").totals[What.RESOLVED] == 1  # she had it
    assert statistics(one, agent="john").totals[What.RESOLVED] == 0


def test_a_resolution_without_an_owner_is_the_work_of_who_resolved_it():
    one = measure(opened(), status(MONDAY + HOUR, "resolved", by=JANE))
    assert statistics(one).agents["jane"][What.RESOLVED] == 1


# -- what is left -------------------------------------------------------------------------------------------------


def test_backlog_by_age_and_status():
    ages = (0.5, 2, 5, 20, 40)
    tickets = [measure(opened(NOW - days * DAY)) for days in ages]
    tickets[1] = measure(opened(NOW - 2 * DAY), status(NOW - DAY, "waiting"))
    made = statistics(*tickets, measure(opened(), status(MONDAY + HOUR, "closed")), period=Period(MONDAY, NOW))
    assert list(made.ages.values()) == [1, 1, 1, 1, 1]
    assert made.statuses == {"open": 4, "waiting": 1}


@pytest.mark.parametrize(
    ("age", "bucket"),
    [
        (timedelta(0), "under 1 day"),
        (DAY - HOUR, "under 1 day"),
        (DAY, "1 to 3 days"),
        (3 * DAY, "3 to 7 days"),
        (7 * DAY, "7 to 30 days"),
        (30 * DAY, "over 30 days"),
    ],
)
def test_the_edges_of_ages(age, bucket):
    made = statistics(measure(opened(NOW - age)), period=Period(NOW - DAY, NOW + HOUR))
    assert {name for name, count in made.ages.items() if count} == {bucket}


def test_the_backlog_of_a_past_period_is_the_one_at_its_end():
    reopened = measure(
        opened(), status(MONDAY + HOUR, "resolved"), status(MONDAY + 2 * DAY, "open", "resolved", by=KAREN)
    )
    monday = Period(MONDAY - 9 * HOUR, MONDAY + 15 * HOUR)
    assert statistics(reopened, period=monday).backlog == 0
    assert statistics(reopened).backlog == 1


def test_the_backlog_of_each_day():
    one = measure(opened(MONDAY - DAY), status(MONDAY + DAY, "resolved"))
    two = measure(opened(MONDAY + DAY))
    week = statistics(one, two)
    assert [day.backlog for day in week.days] == [1, 1, 1, 1, None, None, None]


def test_an_agents_backlog_follows_who_has_the_ticket():
    one = measure(opened(), taken(MONDAY + HOUR, "jane"), taken(MONDAY + DAY, "john", by=JANE))
    assert [day.backlog for day in statistics(one, agent="jane").days][:3] == [1, 0, 0]
    assert [day.backlog for day in statistics(one, agent="john").days][:3] == [0, 1, 1]
    assert statistics(one, agent="john").backlog == 1


# -- ratings ------------------------------------------------------------------------------------------------------


def test_ratings_count_when_they_were_said_for_whose_work_it_was():
    rated = measure(
        opened(MONDAY - 20 * DAY),
        taken(MONDAY - 20 * DAY, "jane"),
        status(MONDAY - 19 * DAY, "resolved", by=JANE),
        events.Rated(at=MONDAY + HOUR, by=KAREN, rating="good"),
    )
    made = statistics(rated)
    assert made.ratings == {Rating.GOOD: 1, Rating.FAIR: 0, Rating.BAD: 0}
    assert made.rated.by_agent == {"jane": {Rating.GOOD: 1}}
    assert not statistics(rated, agent="john").ratings[Rating.GOOD]
    assert not statistics(rated, department="sysadmins").ratings[Rating.GOOD]


# -- periods ------------------------------------------------------------------------------------------------------


def test_a_period_ends_after_it_begins():
    with pytest.raises(ValueError, match="ends after it begins"):
        Period(MONDAY, MONDAY)
    with pytest.raises(ValueError, match="ends after it begins"):
        whole_days(date(2026, 5, 5), date(2026, 5, 4), UTC)


def test_the_last_days_are_whole_ones_and_today_as_far_as_it_has_come():
    period = last_days(7, MONDAY, ZoneInfo("Europe/Berlin"))
    assert period.since == datetime(2026, 4, 27, 22, 0, tzinfo=UTC)
    assert period.holds(MONDAY)
    assert not period.holds(MONDAY + timedelta(seconds=1))
    assert len(period.days(ZoneInfo("Europe/Berlin"))) == 7


def test_days_of_a_shift_are_no_longer_or_shorter_for_it():
    berlin = ZoneInfo("Europe/Berlin")
    period = whole_days(date(2026, 3, 28), date(2026, 3, 30), berlin)
    assert period.until - period.since == 3 * DAY - HOUR
    assert [day.day for day in period.days(berlin)] == [28, 29, 30]
    assert midnight(date(2026, 3, 30), berlin) == datetime(2026, 3, 29, 22, tzinfo=UTC)


# -- together -----------------------------------------------------------------------------------------------------

_MOVES = st.lists(
    st.tuples(
        st.sampled_from(["message", "reply", "waiting", "open", "resolved", "closed", "john", "jane"]),
        st.integers(1, 2000),
    ),
    max_size=12,
)


def _history(start, moves):
    at, now = MONDAY - 10 * DAY + timedelta(minutes=start), "open"
    history = [opened(at)]
    for move, minutes in moves:
        at += timedelta(minutes=minutes)
        if at > NOW:
            break
        if move == "message":
            history.append(wrote(at))
        elif move == "reply":
            history.append(replied(at))
        elif move in ("john", "jane"):
            history.append(taken(at, move))
        elif move != now:
            history.append(status(at, move, now))
            now = move
    return history


@given(st.lists(st.tuples(st.integers(0, 18_000), _MOVES), max_size=6))
def test_the_figures_of_days_agents_and_groups_add_up_to_the_whole(tickets):
    made = statistics(*(measure(*_history(*each), calendar=ALWAYS) for each in tickets))
    for what in What:
        assert sum(day.counts[what] for day in made.days) == made.totals[what]
        assert sum(counts.get(what, 0) for counts in made.agents.values()) == made.totals[what]
    for by in By:
        for target in Target:
            each = [targets[target] for targets in made.kept[by].values()]
            assert sum(kept.met for kept in each) == made.promises[target].met
            assert sum(kept.missed for kept in each) == made.promises[target].missed
    assert sum(made.ages.values()) == made.backlog
    come = [day.backlog for day in made.days if day.backlog is not None]
    assert come[-1] == made.backlog


@given(st.tuples(st.integers(0, 18_000), _MOVES))
def test_the_backlog_is_what_the_status_says(ticket):
    """Fold the facts until each evening: open or waiting is left, and nothing else."""
    history = _history(*ticket)
    made = statistics(measure(*history, calendar=ALWAYS))
    for day in made.days:
        if day.backlog is None:
            continue
        end = min(midnight(day.day + DAY, UTC), WEEK.until)
        until = [fact for fact in history if fact.at <= end]
        left = bool(until) and not fold(1, tuple(until)).status.ended
        assert day.backlog == left


def test_every_kind_that_is_counted_is_one():
    assert set(COUNTED_KINDS) <= set(events.KINDS)
