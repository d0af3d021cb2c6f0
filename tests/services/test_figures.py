"""Figures over a whole office: which tickets they are made of, in batches, and as of which moment."""

from datetime import UTC, timedelta

import pytest

from maild.domain.reports.statistics import last_days
from maild.domain.reports.ticket_measures import What
from maild.domain.sla.standing import Target
from maild.services.admin_command import command_ticket
from maild.services.reports import statistics
from maild.services.reports.statistics import Wanted, compute_statistics, statistics_by_department
from maild.services.work import Work
from tests.rig.office import CONFIG, Office

DAY = timedelta(days=1)


def month(office: Office, **more):
    now = more.pop("now", office.clock.now())
    return compute_statistics(office.store, office.helpdesk, Wanted(period=last_days(30, now, UTC), **more), now)


def do(office: Office, number: int, *words: str) -> None:
    done = command_ticket(office.store, office.helpdesk, number, words, office.clock.now())
    assert done is not None
    assert not done.problems


def test_figures_of_the_customers_at_some_domains(office):
    """As the monthly report of an organisation asks for them."""
    office.open_ticket("karen@client.example", "a")
    office.open_ticket("Ken@CLIENT.example", "b")
    office.open_ticket("paul@other.example", "c")
    office.open_ticket("x@notclient.example", "d")
    assert month(office, domains=("client.example",)).totals[What.OPENED] == 2
    assert month(office, domains=("client.example", "other.example")).totals[What.OPENED] == 3
    assert month(office, domains=()).quiet
    assert month(office).totals[What.OPENED] == 4


def test_batches_leave_nothing_out_and_count_nothing_twice(office, monkeypatch):
    for number in range(7):
        office.open_ticket(subject=f"Case {number}")
    monkeypatch.setattr(statistics, "BATCH", 3)
    assert month(office).totals[What.OPENED] == 7


def test_a_moment_of_the_past_knows_nothing_of_what_came_later(office):
    number = office.open_ticket()
    then = office.clock.now()
    office.clock.advance(timedelta(hours=1))
    do(office, number, "reply", "Look", "here.")
    do(office, number, "resolve")
    made = month(office, now=then)
    assert (made.backlog, made.totals[What.REPLIES], made.times[Target.FIRST_RESPONSE].count) == (1, 0, 0)
    assert month(office).backlog == 0


def test_a_ticket_counts_for_the_department_that_it_has_now(office):
    number = office.open_ticket()
    do(office, number, "dept", "sysadmins")
    period = last_days(30, office.clock.now(), UTC)
    with office.store(reading=True) as unit:
        work = Work(unit, office.helpdesk, office.clock.now())
        each = statistics_by_department(work, Wanted(period=period), ("support", "sysadmins"), UTC)
    assert {name: made.totals[What.OPENED] for name, made in each.items()} == {"support": 0, "sysadmins": 1}
    assert month(office, department="sysadmins").totals[What.OPENED] == 1


@pytest.mark.parametrize("after", [timedelta(0), 3 * DAY])
def test_deadlines_and_figures_agree(office, after):
    """What `ticket show` calls met and breached is what is counted."""
    for number, words in enumerate((("reply", "Hello."), ("close",), ("wait",)), 1):
        office.open_ticket()
        office.clock.advance(timedelta(hours=number))
        do(office, number, *words)
    office.open_ticket()
    office.clock.advance(after)
    shown = [target for number in range(1, 5) for target in office.ticket(number)["sla"]]
    made = month(office)
    for target in Target:
        mine = [each for each in shown if each["target"] == target.value]
        missed = sum(each["breached_at"] is not None for each in mine)
        met = sum(each["met_at"] is not None and each["breached_at"] is None for each in mine)
        assert (made.promises[target].met, made.promises[target].missed) == (met, missed)


def test_ratings_are_counted_for_whose_work_it_was(open_office):
    office = open_office(CONFIG + "\n[satisfaction]\nask = true\n")
    number = office.open_ticket()
    office.receive(office.answer(office.last("new-ticket", "jane@acme.example", number), "Done.\n!resolve"))
    office.deliver(timedelta(minutes=2))
    faces = {face["rating"]: face["address"] for face in office.last("reply").context["ratings"]}
    office.receive(office.mail("karen@client.example", "", to=faces["good"], subject="Re: Printer on fire"))
    made = month(office)
    assert {word.value: count for word, count in made.ratings.items()} == {"good": 1, "fair": 0, "bad": 0}
    assert list(made.rated.by_agent) == ["jane"]
    assert list(made.rated.by_department) == ["support"]
