"""Who needs no repeat of an alarm, and who should hear that somebody has it."""

from datetime import timedelta

from maild.domain.people.directory import Role
from maild.domain.sla.alarm_acks import alarms, relieved, wondering
from maild.domain.sla.step_keys import first_of
from maild.domain.tickets import events
from maild.domain.tickets.events import Actor
from tests.domain.mail_scene import NOW, OPENED

BY = {name: Actor(Role.AGENT, name) for name in ("john", "jane", "mary")}
STEP = "+30m"


def told(*people, step=STEP, target="resolution", cycle=1) -> events.Escalated:
    return events.Escalated(at=NOW, target=target, cycle=cycle, step=step, instant=NOW, notified=people, breach=True)


def knows(name, target="resolution", cycle=1) -> events.Acknowledged:
    return events.Acknowledged(at=NOW, by=BY[name], target=target, cycle=cycle, agent=name)


def given_to(name, by="jane") -> events.Assigned:
    return events.Assigned(at=NOW, by=BY[by], assignee=name, team="")


def relief(*facts, step="+30m#2") -> frozenset[str]:
    return relieved((OPENED, *facts), "resolution", 1, step)


# -- repeats ----------------------------------------------------------------------------------------------------------


def test_whoever_acknowledges_hears_no_repeats_and_the_others_do():
    assert relief(told("john", "jane"), knows("john")) == {"john"}


def test_only_what_was_told_before_can_be_acknowledged():
    assert relief(told("john", step="75%"), knows("john"), told("john")) == frozenset()


def test_another_target_or_cycle_is_another_alarm():
    assert relief(told("john"), knows("john", "first-response")) == frozenset()
    assert relief(told("john"), knows("john", cycle=2)) == frozenset()


def test_a_take_is_enough_for_the_others_and_not_for_the_taker():
    assert relief(told("john", "jane", "mary"), given_to("jane")) == {"john", "mary"}
    assert relief(told("john", "jane"), given_to("jane"), knows("jane")) == {"john", "jane"}


def test_whoever_gets_it_next_hears_again():
    assert relief(told("john", "jane"), given_to("jane"), given_to("john")) == {"jane"}


def test_what_a_step_does_relieves_nobody():
    by_plan = events.Assigned(at=NOW, assignee="jane", team="")
    assert relief(told("john", "jane"), by_plan) == frozenset()


def test_repeats_are_known_by_their_step():
    assert [first_of(key) for key in ("+30m", "+30m#2", "75%/2#3", "a#b")] == ["+30m", "+30m", "75%/2", "a#b"]


# -- what still stands ------------------------------------------------------------------------------------------------


def test_an_alarm_stands_while_somebody_waits():
    (alarm,) = alarms((OPENED, told("john", "jane"), knows("john")))
    assert (alarm.target, alarm.cycle, dict(alarm.told), alarm.answered) == (
        "resolution",
        1,
        {"john": 2, "jane": 2},
        {"john"},
    )
    closed = events.StatusChanged(at=NOW + timedelta(minutes=1), status="closed", previous="open")
    assert alarms((OPENED, told("john"), closed)) == ()


def test_what_comes_later_is_not_answered_by_what_was_said_before():
    (alarm,) = alarms((OPENED, told("john", step="75%"), knows("john"), told("john", "jane")))
    assert alarm.answered == frozenset()
    assert dict(alarm.told) == {"john": 2, "jane": 4}


def test_whoever_was_told_in_place_of_a_lost_mail_counts_too():
    lost = events.Bounced(at=NOW, recipient="john@acme.example", permanent=True, passed_to=("mary",))
    (alarm,) = alarms((OPENED, told("john"), lost))
    assert dict(alarm.told) == {"john": 2, "mary": 3}
    assert relief(told("john"), lost, given_to("jane")) == {"john", "mary"}


# -- who wonders ------------------------------------------------------------------------------------------------------


def test_those_who_were_told_hear_once_that_somebody_has_it():
    history = (OPENED, told("john", "jane"), given_to("jane"))
    assert wondering(history) == ("john", "jane")
    assert wondering((*history, given_to("john", by="john"))) == ()
    assert wondering((*history, told("mary", step="200%"), given_to("john", by="john"))) == ("mary",)


def test_nobody_wonders_about_a_ticket_without_an_alarm():
    assert wondering((OPENED, given_to("jane"))) == ()
    assert wondering(()) == ()
