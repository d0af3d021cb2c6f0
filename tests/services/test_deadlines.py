"""What time does to tickets: steps fire once, waiting ends, resolved ones close, and a changed configuration counts."""

from datetime import timedelta

import pytest
import sqlalchemy as sa

from maild.ports import Listing
from maild.services import tick as ticking
from maild.services.escalation import due_steps as escalate
from maild.services.escalation import recompute
from maild.services.escalation.due_steps import escalate_due
from maild.services.escalation.recompute import recompute_changed
from maild.services.housekeeping import status_timers as housekeeping
from maild.services.housekeeping.status_timers import run_timers
from maild.services.work import Work
from tests.rig.office import CONFIG

KAREN, JOHN, JANE, JOE, MARY = (
    f"{name}@{domain}.example"
    for name, domain in (("karen", "client"), ("john", "acme"), ("jane", "acme"), ("joe", "acme"), ("mary", "acme"))
)
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
PLAN = """
[[sla_plan]]
name = "default"
calendar = "always"
resolution = "4h"
[[sla_plan.step]]
at = "75%"
notify = ["assignee", "team"]
[[sla_plan.step]]
at = "100%"
notify = ["assignee", "manager"]
raise_priority = true
"""


@pytest.fixture
def timed(open_office):
    return open_office(CONFIG + PLAN)


def said(office, template, text):
    """John answers the newest notice of a ticket that he got."""
    return office.receive(office.answer(office.last(template, JOHN), text))


# -- SLA --------------------------------------------------------------------------------------------------------------


def test_a_step_fires_once_and_a_second_look_finds_nothing(timed):
    number = timed.open_ticket()
    assert timed.tick(2 * HOUR) == []
    mark = timed.queued
    (fired,) = timed.tick(HOUR)
    assert (fired.ticket, fired.target, fired.step, fired.notified) == (number, "resolution", "75%", ("john", "jane"))
    assert timed.told(mark) == [("sla-warning", JOHN), ("sla-warning", JANE)]
    assert [timed.tick() for _ in range(3)] == [[], [], []]
    assert timed.kinds(number).count("escalated") == 1


def test_steps_that_nobody_saw_come_are_told_in_one_mail_each(timed):
    number = timed.open_ticket()
    mark = timed.queued
    fired = timed.tick(3 * DAY)
    assert [(step.step, bool(step.notified)) for step in fired] == [("75%", False), ("100%", True)]
    told = timed.told(mark)
    assert sorted(told) == sorted({("sla-breach", JOHN), ("sla-breach", JANE), ("sla-breach", MARY)})
    assert timed.ticket(number)["priority"] == "high"
    resolution = next(t for t in timed.ticket(number)["sla"] if t["target"] == "resolution")
    assert resolution["breached_at"] == "2026-05-04T13:00:00Z"  # when it was due, not when somebody looked


def test_many_tickets_are_escalated_batch_by_batch(timed, monkeypatch):
    for _ in range(7):
        timed.receive(timed.mail(KAREN, "It burns."))
    monkeypatch.setattr(escalate, "BATCH", 3)
    assert len(timed.tick(3 * HOUR)) == 7
    assert timed.tick() == []


def test_a_reply_or_a_waiting_customer_stops_the_clock(timed):
    number = timed.open_ticket()
    said(timed, "new-ticket", "Which water?\n!wait")
    assert timed.tick(10 * HOUR) == []
    timed.deliver(timedelta(0))
    timed.receive(timed.answer(timed.last("reply"), "The wet one."))
    assert timed.ticket(number)["status"] == "open"
    assert [step.step for step in timed.tick(3 * HOUR)] == ["75%"]


def test_an_ended_ticket_is_left_alone(timed):
    timed.open_ticket()
    said(timed, "new-ticket", "Use water.\n!close")
    assert timed.tick(30 * DAY) == []


def test_one_ticket_that_cannot_be_reckoned_silences_no_other(timed, monkeypatch):
    broken, good = timed.open_ticket(), timed.open_ticket()
    whole = escalate.escalate

    def breaks(ticket, *more):
        if ticket.number == broken:
            raise ValueError("event 'merged' of version 9 is newer than this program: upgrade maild")
        return whole(ticket, *more)

    monkeypatch.setattr(escalate, "escalate", breaks)
    assert [step.ticket for step in timed.tick(3 * HOUR)] == [good]
    monkeypatch.setattr(escalate, "escalate", whole)
    assert [step.ticket for step in timed.tick()] == [broken]


# -- a changed configuration ------------------------------------------------------------------------------------------


def due_at(office, number):
    with office.store(reading=True) as unit:
        return next(t.due_at for t in unit.tickets.listing(Listing()) if t.ticket.number == number)


@pytest.mark.parametrize(
    ("before", "after"), [('resolution = "10h"', 'resolution = "2h"'), ('calendar = "always"', 'calendar = "office"')]
)
def test_a_changed_plan_is_reckoned_anew_for_open_tickets(open_office, before, after):
    config = CONFIG + PLAN.replace('"4h"', '"10h"')
    office = open_office(config)
    number = office.open_ticket()
    old = due_at(office, number)
    office.configure(config.replace(before, after))
    assert recompute_changed(office.store, office.helpdesk, office.clock.now()) == 1
    assert due_at(office, number) != old
    assert recompute_changed(office.store, office.helpdesk, office.clock.now()) == 0


def test_a_department_that_moves_to_a_calendar_which_others_have_is_reckoned_anew(open_office):
    """Both calendars were in use before: only whose they are has changed."""
    plan = '\n[[sla_plan]]\nname = "default"\nresolution = "10h"\n'
    calendars = plan + CONFIG.replace('name = "sysadmins"', 'name = "sysadmins"\ncalendar = "always"')
    office = open_office(calendars)
    number = office.open_ticket()
    old = due_at(office, number)
    office.configure(calendars.replace('name = "support"\nmanager', 'name = "support"\ncalendar = "always"\nmanager'))
    assert recompute_changed(office.store, office.helpdesk, office.clock.now()) == 1
    assert due_at(office, number) < old


def test_an_unchanged_configuration_reckons_nothing(office):
    office.open_ticket()
    assert recompute_changed(office.store, office.helpdesk, office.clock.now()) == 0


def test_a_plan_that_the_configuration_lost_counts_as_the_default_one(open_office):
    extra = '\n[[sla_plan]]\nname = "gold"\nresolution = "1h"\ncalendar = "always"\n'
    office = open_office(CONFIG + extra)
    number = office.open_ticket()
    said(office, "new-ticket", "!sla gold")
    office.configure(CONFIG)
    assert recompute_changed(office.store, office.helpdesk, office.clock.now()) == 1
    assert recompute_changed(office.store, office.helpdesk, office.clock.now()) == 0
    assert office.ticket(number)["sla_plan"] == "gold"


def test_one_ticket_that_cannot_be_reckoned_anew_does_not_keep_the_daemon_from_starting(timed, monkeypatch):
    broken, _ = timed.open_ticket(), timed.open_ticket()
    whole = recompute.planned_anew

    def planned_anew(ticket, *more):
        if ticket.number == broken:
            raise ValueError("upgrade maild")
        return whole(ticket, *more)

    monkeypatch.setattr(recompute, "planned_anew", planned_anew)
    timed.configure(CONFIG + PLAN.replace('"4h"', '"2h"'))
    assert recompute_changed(timed.store, timed.helpdesk, timed.clock.now()) == 1


# -- housekeeping -----------------------------------------------------------------------------------------------------


def test_a_resolved_ticket_closes_by_itself_and_nobody_is_bothered(office):
    number = office.open_ticket()
    said(office, "new-ticket", "Use water.\n!resolve")
    office.deliver(timedelta(minutes=2))
    mark = office.queued
    office.tick(7 * DAY - HOUR)
    assert office.ticket(number)["status"] == "resolved"
    office.tick(HOUR)
    assert office.ticket(number)["status"] == "closed"
    assert office.told(mark) == []
    assert office.ticket(number)["events"][-1]["by"] == "timer"


def test_a_customer_who_never_answers_resolves_a_waiting_ticket(office):
    number = office.open_ticket()
    said(office, "new-ticket", "Which water?\n!wait")
    mark = office.queued
    office.tick(14 * DAY - HOUR)
    assert office.ticket(number)["status"] == "waiting"
    assert office.told(mark) == []
    office.tick(2 * HOUR)
    assert office.ticket(number)["status"] == "resolved"
    assert office.told(mark) == [("closed", KAREN)]
    assert "we did not hear from you, so your ticket 1" in office.words(office.last("closed", KAREN))


def test_a_program_that_never_answers_is_not_told(office):
    number = office.receive(office.mail(KAREN, "Disk full.", headers={"Auto-Submitted": "auto-generated"})).ticket
    office.receive(office.answer(office.last("new-ticket", JOHN), "Which disk?\n!wait"))
    mark = office.queued
    office.tick(15 * DAY)
    assert office.ticket(number)["status"] == "resolved"
    assert office.told(mark) == []


# -- reminders of the customer ----------------------------------------------------------------------------------------

REMINDING = CONFIG + "\n[closing]\nwaiting_reminder = true\n"


@pytest.fixture
def reminding(open_office):
    return open_office(REMINDING)


def test_a_customer_is_reminded_once_at_half_of_the_time_and_told_when_it_ends(reminding):
    number = reminding.open_ticket()
    said(reminding, "new-ticket", "Which water?\n!wait")
    reminding.deliver(timedelta(minutes=2))
    mark = reminding.queued
    reminding.tick(7 * DAY - HOUR)
    assert reminding.told(mark) == []
    reminding.tick(HOUR)
    assert reminding.told(mark) == [("waiting-reminder", KAREN)]
    reminding.tick(HOUR)
    reminding.tick(5 * DAY)
    assert reminding.told(mark) == [("waiting-reminder", KAREN)]
    row = reminding.last("waiting-reminder", KAREN)
    assert "the ticket ends on Mon 18 May 09:00 UTC" in " ".join(reminding.words(row).split())
    assert row.context["mail"]["automatic"] == "auto-generated"
    assert row.context["mail"]["references"] == reminding.last("reply", KAREN).context["mail"]["references"]
    reminding.tick(3 * DAY)
    assert reminding.ticket(number)["status"] == "resolved"


def test_each_time_of_waiting_has_its_own_reminder(reminding):
    reminding.open_ticket()
    said(reminding, "new-ticket", "Which water?\n!wait")
    reminding.tick(7 * DAY)
    reminding.receive(reminding.answer(reminding.last("waiting-reminder", KAREN), "The wet one."))
    said(reminding, "message", "Hot or cold?\n!wait")
    mark = reminding.queued
    reminding.tick(7 * DAY)
    assert reminding.told(mark) == [("waiting-reminder", KAREN)]


@pytest.mark.parametrize(
    ("headers", "words"),
    [
        ({}, "Which water?\n!wait 3d"),  # an agent named a time: nothing ends by itself
        ({}, "Which water?\n!wait 30d"),
        ({}, "!wait"),  # nobody asked the customer anything
        ({"Auto-Submitted": "auto-generated"}, "Which water?\n!wait"),
    ],
)
def test_nobody_is_reminded_where_it_would_not_be_true_or_not_be_read(reminding, headers, words):
    reminding.receive(reminding.mail(KAREN, "It burns.", headers=headers))
    reminding.receive(reminding.answer(reminding.last("new-ticket", JOHN), words))
    mark = reminding.queued
    reminding.tick(8 * DAY)
    assert [told for told in reminding.told(mark) if told[0] == "waiting-reminder"] == []


def test_reminders_are_off_unless_asked_for_and_an_ending_needs_none(open_office, office):
    office.open_ticket()
    said(office, "new-ticket", "Which water?\n!wait")
    office.tick(8 * DAY)
    assert ("waiting-reminder", KAREN) not in office.told()
    late = open_office(REMINDING)
    late.open_ticket()
    said(late, "new-ticket", "Which water?\n!wait")
    late.tick(15 * DAY)  # nobody ticked before
    assert ("waiting-reminder", KAREN) not in late.told()
    assert ("closed", KAREN) in late.told()


@pytest.mark.parametrize(("owner", "told"), [("!take", [JOHN]), ("", [JOHN, JANE])])
def test_a_waiting_time_that_is_over_is_told_to_who_must_go_on(office, owner, told):
    number = office.open_ticket()
    said(office, "new-ticket", f"{owner}\n!wait 2h".strip())
    mark = office.queued
    office.tick(HOUR)
    assert office.ticket(number)["status"] == "waiting"
    office.tick(HOUR)
    assert office.ticket(number)["status"] == "open"
    assert office.told(mark) == [("note", address) for address in told]
    office.tick(HOUR)
    assert office.kinds(number).count("status-changed") == 2


def test_a_time_that_an_agent_named_counts_however_long(office):
    number = office.open_ticket()
    said(office, "new-ticket", "!take\n!wait 30d")
    office.tick(15 * DAY)
    assert office.ticket(number)["status"] == "waiting"
    office.tick(16 * DAY)
    assert office.ticket(number)["status"] == "open"


@pytest.mark.parametrize("change", ["closed", "given_up", "woken", "rested", "reminded"])
def test_what_changed_before_the_clock_got_hold_of_it_is_left_as_it_is(office, change):
    """Another node, or the customer's mail, held the ticket when the tick looked it up."""
    number = office.open_ticket()
    found = housekeeping._Change(number, getattr(housekeeping, f"_{change}"))
    before = office.ticket(number)
    office.clock.advance(90 * DAY)
    with office.store() as unit:
        assert not housekeeping._done(Work(unit, office.helpdesk, office.clock.now()), found)
        unit.commit()
    assert office.ticket(number)["events"] == before["events"]


def test_many_tickets_are_put_in_order_batch_by_batch_past_those_that_wait(office, monkeypatch):
    monkeypatch.setattr(housekeeping, "BATCH", 2)
    numbers = [office.open_ticket() for _ in range(7)]
    for number in numbers:
        when = "!wait 90d" if number in numbers[:3] else "!wait"
        office.receive(office.answer(office.last("new-ticket", JOHN, number), when))
        office.clock.advance(timedelta(minutes=1))
    office.clock.advance(15 * DAY)
    assert run_timers(office.store, office.helpdesk, office.clock.now()) == 4
    assert [office.ticket(number)["status"] for number in numbers] == ["waiting"] * 3 + ["resolved"] * 4


def test_one_ticket_that_cannot_be_kept_does_not_stop_the_others(office, monkeypatch):
    numbers = [office.open_ticket() for _ in range(2)]
    for number in numbers:
        office.receive(office.answer(office.last("new-ticket", JOHN, number), "!resolve"))
    whole = housekeeping.apply_decision

    def apply_decision(work, decision, ticket, *more, **rest):
        if ticket.number == numbers[0]:
            raise ValueError("upgrade maild")
        return whole(work, decision, ticket, *more, **rest)

    monkeypatch.setattr(housekeeping, "apply_decision", apply_decision)
    office.clock.advance(8 * DAY)
    assert run_timers(office.store, office.helpdesk, office.clock.now()) == 1
    assert [office.ticket(number)["status"] for number in numbers] == ["resolved", "closed"]


def test_nothing_to_do_is_nothing_done(office):
    office.open_ticket()
    assert run_timers(office.store, office.helpdesk, office.clock.now()) == 0
    assert escalate_due(office.store, office.helpdesk, office.clock.now()) == []


# -- what cannot be read stops nothing else --------------------------------------------------------------------------


def test_a_ticket_that_cannot_be_read_keeps_no_other_deadline_from_being_told(timed):
    """Such as one with an event of a newer version, after a step back."""
    bad, good = timed.open_ticket(), timed.open_ticket("Ken <ken@client.example>", subject="Excel")
    with timed.store() as unit:
        unit._connection.execute(sa.text(f"UPDATE event SET kind = 'from-the-future' WHERE ticket = {bad}"))
        unit.commit()
    assert {fired.ticket for fired in timed.tick(5 * HOUR)} == {good}


def test_one_part_of_a_tick_that_fails_keeps_no_other_from_its_work(office, monkeypatch):
    number = office.open_ticket()
    said(office, "new-ticket", "Use water.\n!resolve")
    monkeypatch.setattr(ticking, "escalate_due", lambda *_: 1 / 0)
    other = office.open_ticket("Ken <ken@client.example>", subject="Excel")
    with pytest.raises(ZeroDivisionError):
        office.tick(8 * DAY)
    assert [office.ticket(each)["status"] for each in (number, other)] == ["closed", "open"]
