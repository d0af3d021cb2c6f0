"""SLA steps that have come: each is recorded, each person hears once, and no breach is ever silent."""

from dataclasses import replace
from datetime import timedelta

from maild.domain.decision import Outcome
from maild.domain.escalation.steps import SLA, escalate
from maild.domain.messages.reply_tokens import Scope
from maild.domain.people.directory import Department, Role
from maild.domain.plan_change import refiled
from maild.domain.sla.standing import DueStep, EscalationStep, Target
from maild.domain.tickets import events
from maild.domain.tickets.ticket import Priority
from tests.domain.mail_scene import DIRECTORY, NOW, POLICY, kinds, ticket
from tests.rig.misses import in_turn

FIRST, RESOLUTION = Target.FIRST_RESPONSE, Target.RESOLUTION


def due(at=0.75, target=RESOLUTION, minutes=10, cycle=1, **step) -> DueStep:
    """A step whose instant came `minutes` ago."""
    given = EscalationStep(at_share=at, **step)
    instant = NOW - timedelta(minutes=minutes)
    return DueStep(target=target, cycle=cycle, step_key=given.key, instant=instant, step=given, breach=at >= 1)


def told(decision) -> list[tuple[str, str]]:
    return [(notice.template, str(notice.to.address)) for notice in decision.mails.notices]


def names(decision) -> list[str]:
    return [notice.to.address.local for notice in decision.mails.notices]


def escalated(*steps, on=None, policy=POLICY):
    return escalate(on or ticket(assignee="jane"), steps, policy, NOW)


# -- whom a step names ------------------------------------------------------------------------------------------------


@in_turn(
    ("words", "on", "wanted"),
    [
        (("assignee",), ticket(assignee="jane"), ["jane"]),
        (("team",), ticket(team="banking"), ["jane", "joe"]),
        (("team-lead",), ticket(team="banking"), ["jane"]),
        (("manager",), ticket(), ["mary"]),
        (("admins",), ticket(), ["mary"]),
        (("agent:john",), ticket(), ["john"]),
        (("agent:John ",), ticket(), ["john"]),
        (("assignee", "team", "manager", "admins"), ticket(assignee="joe", team="banking"), ["joe", "jane", "mary"]),
        (("pager@client.example",), ticket(), ["pager"]),
        (("JOHN@acme.example",), ticket(), ["john"]),
    ],
)
def test_a_step_tells_whom_it_names_each_once(words, on, wanted):
    decision = escalated(due(notify=words), on=on)
    assert names(decision) == wanted
    assert all(notice.scope is Scope.NOTE and notice.reason for notice in decision.mails.notices)


def test_an_agent_is_known_by_address_and_a_watcher_is_not_an_agent():
    john, pager = escalated(due(notify=("john@acme.example", "pager@client.example"))).mails.notices
    assert (john.agent, pager.agent) == ("john", "")


@in_turn(
    ("on", "wanted"),
    [
        (ticket(), ["jane", "john"]),
        (ticket(department="sysadmins"), ["joe"]),
        (ticket(department="gone"), ["mary"]),
    ],
)
@in_turn("words", [("assignee", "team"), ("team-lead",), ("agent:gone",), ()])
def test_a_step_that_names_nobody_tells_the_department(words, on, wanted):
    assert names(escalated(due(notify=words), on=on)) == wanted


def test_a_step_that_names_nobody_in_an_empty_department_tells_its_manager():
    empty = replace(DIRECTORY, departments=(*DIRECTORY.departments, Department("night", manager="john")))
    policy = replace(POLICY, directory=empty)
    assert names(escalated(due(notify=("assignee",)), on=ticket(department="night"), policy=policy)) == ["john"]


# -- what is recorded and what is mailed ------------------------------------------------------------------------------


def test_a_step_is_a_fact_with_its_own_instant():
    decision = escalated(due(notify=("assignee",), cycle=2))
    (fact,) = decision.events
    assert isinstance(fact, events.Escalated)
    assert (fact.target, fact.cycle, fact.step, fact.breach) == ("resolution", 2, "75%", False)
    assert (fact.at, fact.instant, fact.by, fact.notified) == (NOW, NOW - timedelta(minutes=10), SLA, ("jane",))
    assert decision.outcome is Outcome.COMMANDED
    assert "resolution 75% at 2026-05-04 09:20 UTC" in decision.reason


def test_a_warning_and_a_breach_are_different_mails():
    assert told(escalated(due(0.75, notify=("assignee",)))) == [("sla-warning", "jane@acme.example")]
    assert told(escalated(due(1.0, notify=("assignee",)))) == [("sla-breach", "jane@acme.example")]
    assert told(escalated(due(2.0, notify=("assignee",)))) == [("sla-breach", "jane@acme.example")]


def test_a_step_that_was_overtaken_is_recorded_and_whom_it_names_hears_of_the_later_one():
    steps = (due(0.75, minutes=90, notify=("agent:john",)), due(1.0, minutes=10, notify=("assignee",)))
    decision = escalated(*steps)
    assert [(fact.step, fact.notified) for fact in decision.events] == [("75%", ()), ("100%", ("john", "jane"))]
    assert told(decision) == [("sla-breach", "john@acme.example"), ("sla-breach", "jane@acme.example")]


def test_each_person_gets_one_mail_for_all_targets():
    decision = escalated(
        due(1.0, FIRST, minutes=50, notify=("assignee",)),
        due(0.75, RESOLUTION, minutes=10, notify=("assignee", "manager")),
    )
    assert kinds(decision.events) == ["escalated", "escalated"]
    assert sorted(names(decision)) == ["jane", "mary"]


def test_a_warning_does_not_hide_a_breach_from_who_hears_of_both():
    """Two targets at once: the mail that a person gets is about the one that is worse."""
    decision = escalated(
        due(1.0, FIRST, minutes=50, notify=("assignee",)), due(0.75, RESOLUTION, minutes=10, notify=("assignee",))
    )
    assert told(decision) == [("sla-breach", "jane@acme.example")]


# -- what a step does -------------------------------------------------------------------------------------------------


def test_a_step_may_raise_hand_over_and_switch():
    step = due(1.0, notify=("assignee",), raise_priority=True, reassign="joe", switch_plan="sev-a")
    facts = escalated(step, on=ticket(assignee="jane", team="banking")).events
    assert kinds(facts) == ["escalated", "priority-changed", "assigned", "plan-changed"]
    _, raised, given, switched = facts
    assert (raised.priority, raised.previous) == ("high", "normal")
    assert (given.assignee, given.team) == ("joe", "banking")
    assert (switched.sla_plan, switched.previous, switched.source) == ("sev-a", "default", "escalation")
    assert all(fact.by == SLA and fact.at == NOW for fact in facts)


def test_a_step_does_nothing_twice():
    step = due(1.0, notify=("assignee",), raise_priority=True, reassign="joe", switch_plan="sev-a")
    on = ticket(assignee="joe", priority=Priority.EMERGENCY, sla_plan="sev-a")
    assert kinds(escalated(step, on=on).events) == ["escalated"]


def test_two_steps_that_raise_raise_twice():
    steps = (
        due(0.75, minutes=90, notify=("assignee",), raise_priority=True),
        due(1.0, minutes=10, notify=("assignee",), raise_priority=True),
    )
    raised = [f.priority for f in escalated(*steps).events if isinstance(f, events.PriorityChanged)]
    assert raised == ["high", "emergency"]


def test_a_raised_priority_brings_its_plan_as_it_does_by_hand():
    on = ticket(assignee="jane", priority=Priority.HIGH)
    facts = escalated(due(1.0, notify=("assignee",), raise_priority=True), on=on).events
    assert kinds(facts) == ["escalated", "priority-changed", "plan-changed"]
    assert (facts[-1].sla_plan, facts[-1].source) == ("sev-a", "priority")


def test_whom_a_ticket_is_handed_to_is_told_of_the_breach():
    """The assignee who is named is the one who has it now."""
    decision = escalated(due(1.0, notify=("manager",), reassign="joe"))
    assert names(decision) == ["mary"]  # and joe by the assignment itself


def test_a_plan_that_a_step_switched_to_stays_when_the_priority_changes():
    on = ticket(assignee="jane", priority=Priority.HIGH)  # its next priority has a plan of its own
    decision = escalated(due(0.5, notify=("manager",), switch_plan="sev-b"), due(1.0, raise_priority=True), on=on)
    assert kinds(decision.events) == ["escalated", "plan-changed", "escalated", "priority-changed"]
    later = ticket(sla_plan="sev-b", plan_source="escalation")
    by_hand = events.PriorityChanged(
        at=NOW, by=events.Actor(Role.AGENT, "jane"), priority="emergency", previous="normal"
    )
    assert kinds(refiled(later, [by_hand], POLICY)) == ["priority-changed"]
