"""Deadlines that move say so: in the thread's facts, in the notice of the change, and before a configuration counts."""

from datetime import timedelta

import pytest

from maild.services.admin_command import command_ticket
from maild.services.escalation.recompute import differences, recompute, recompute_changed
from tests.rig.office import CONFIG

HOUR = timedelta(hours=1)
PLANS = """
[[sla_plan]]
name = "default"
calendar = "always"
first_response = "4h"
resolution = "18h"
[[sla_plan]]
name = "fast"
calendar = "always"
first_response = "1h"
resolution = "2h"
"""
ORGANISATION = '\n[[organisation]]\nname = "C"\ndomains = "client.example"\nsla_plan = "fast"\n'
MAPPED = PLANS + '\n[priority_plan]\nhigh = "fast"\n'


@pytest.fixture
def mapped(open_office):
    return open_office(CONFIG + MAPPED)


def moved(office, number):
    """The facts of moved deadlines: (target, was, is, why)."""
    found = [event["detail"] for event in office.ticket(number)["events"] if event["kind"] == "deadline-moved"]
    return [(d["target"], (d["previous"] or "-")[11:16], (d["due_at"] or "-")[11:16], d["reason"]) for d in found]


def admin(office, number, *words):
    return command_ticket(office.store, office.helpdesk, number, words, office.clock.now())


def test_a_raised_priority_tells_what_it_made_of_each_deadline(mapped):
    number = mapped.open_ticket()
    admin(mapped, number, "priority", "high")
    why = "priority normal -> high, plan default -> fast"
    assert moved(mapped, number) == [
        ("first-response", "13:00", "10:00", why),
        ("resolution", "03:00", "11:00", why),
    ]


def test_a_priority_that_brings_no_other_plan_moves_nothing(mapped):
    number = mapped.open_ticket()
    admin(mapped, number, "priority", "low")
    assert moved(mapped, number) == []


def test_the_notice_of_the_change_says_it_and_no_other_mail_does(mapped):
    number = mapped.open_ticket()
    admin(mapped, number, "assign", "john")
    mark = mapped.queued
    mapped.receive(mapped.answer(mapped.last("new-ticket", "jane@acme.example"), "!sla fast"))
    assert [to for _, to in mapped.told(mark)] == ["john@acme.example"]
    words = " ".join(mapped.words(mapped.last("note", "john@acme.example")).split())
    assert "SLA plan default -> fast" in words
    assert "resolution now due Mon 2026-05-04 11:00 UTC (was Tue 2026-05-05 03:00 UTC)" in words
    assert "UTC):" not in words  # the reason stands beside it


def test_another_department_counts_by_its_own_calendar(open_office):
    plan = '\n[[sla_plan]]\nname = "default"\nresolution = "10h"\n'
    office = open_office(CONFIG.replace('name = "sysadmins"', 'name = "sysadmins"\ncalendar = "always"') + plan)
    number = office.open_ticket()
    admin(office, number, "dept", "sysadmins")
    assert moved(office, number) == [("resolution", "10:00", "19:00", "department support -> sysadmins")]


def test_what_an_answer_or_a_status_does_to_a_deadline_is_no_move(mapped):
    number = mapped.open_ticket()
    mapped.receive(mapped.answer(mapped.last("new-ticket", "john@acme.example"), "Which?\n!wait\n!priority high"))
    assert moved(mapped, number) == []
    admin(mapped, number, "close")
    admin(mapped, number, "priority", "normal")
    assert moved(mapped, number) == []


def test_an_undone_change_moves_them_back(mapped):
    number = mapped.open_ticket()
    admin(mapped, number, "assign", "john")
    notice = mapped.last("new-ticket", "john@acme.example")
    mapped.receive(mapped.answer(notice, "!priority high"))
    mapped.receive(mapped.answer(notice, "!undo"))
    assert [(target, was, now) for target, was, now, _ in moved(mapped, number)][2:] == [
        ("first-response", "10:00", "13:00"),
        ("resolution", "11:00", "03:00"),
    ]


# -- a changed configuration ------------------------------------------------------------------------------------------


def test_a_changed_goal_is_told_first_and_then_written_into_the_thread(mapped):
    number = mapped.open_ticket()
    mapped.clock.advance(3 * HOUR)
    mapped.configure(CONFIG + MAPPED.replace('"4h"', '"2h"'))
    mark = mapped.queued
    now = mapped.clock.now()
    (shown,) = differences(mapped.store, mapped.helpdesk, now)
    assert moved(mapped, number) == []
    assert [(move.target, move.due_at.hour) for move in shown.moves] == [("first-response", 11)]
    assert shown.newly_overdue == {"first-response"}
    (done,) = recompute(mapped.store, mapped.helpdesk, now)
    assert done == shown
    assert moved(mapped, number) == [("first-response", "13:00", "11:00", "the configuration changed")]
    assert mapped.told(mark) == []  # nobody is mailed
    assert list(differences(mapped.store, mapped.helpdesk, now)) == []


@pytest.mark.parametrize(
    ("change", "plan"),
    [
        (lambda text: text.replace('high = "fast"', 'normal = "fast"'), "fast"),
        (lambda text: text.replace('name = "support"\n', 'name = "support"\nsla_plan = "fast"\n'), "fast"),
        (lambda text: text + '\n[[organisation]]\nname = "C"\ndomains = "client.example"\nsla_plan = "fast"\n', "fast"),
        (
            lambda text: text + '\n[[organisation]]\nname = "C"\ndomains = "other.example"\nsla_plan = "fast"\n',
            "default",
        ),
    ],
)
def test_another_choice_of_plans_counts_for_open_tickets(mapped, change, plan):
    number = mapped.open_ticket()
    mapped.configure(change(CONFIG + MAPPED))
    assert recompute_changed(mapped.store, mapped.helpdesk, mapped.clock.now()) == 1
    assert mapped.ticket(number)["sla_plan"] == plan
    reasons = {reason for _, _, _, reason in moved(mapped, number)}
    assert reasons == ({"the configuration changed, plan default -> fast"} if plan == "fast" else set())


def test_a_plan_that_somebody_chose_stays_whatever_the_configuration_says(mapped):
    number = mapped.open_ticket()
    admin(mapped, number, "sla", "default")
    mapped.configure((CONFIG + MAPPED).replace('high = "fast"', 'normal = "fast"'))
    assert recompute_changed(mapped.store, mapped.helpdesk, mapped.clock.now()) == 1
    assert mapped.ticket(number)["sla_plan"] == "default"


def test_many_tickets_are_compared_batch_by_batch(mapped, monkeypatch):
    for _ in range(5):
        mapped.open_ticket()
    mapped.configure(CONFIG + MAPPED.replace('"4h"', '"2h"'))
    monkeypatch.setattr("maild.services.escalation.recompute.BATCH", 2)
    now = mapped.clock.now()
    assert [each.ticket.number for each in differences(mapped.store, mapped.helpdesk, now)] == [1, 2, 3, 4, 5]
    assert len(list(recompute(mapped.store, mapped.helpdesk, now))) == 5
    assert list(recompute(mapped.store, mapped.helpdesk, now)) == []
