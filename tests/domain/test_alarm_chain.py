"""An alarm never ends in silence: who is away, out of reach or may not see the ticket is stood in for."""

from dataclasses import replace
from datetime import timedelta

import pytest

from maild.domain.escalation.chain import next_in_line
from maild.domain.escalation.steps import escalate
from maild.domain.escalation.undelivered import LostAlarm, handed_on, unheard
from maild.domain.notices.recipients import Roster
from maild.domain.people.directory import Address, AgentRole, Department, Directory, Role, Team
from maild.domain.people.preferences import Preferences, Readers
from maild.domain.people.rotas import Rota
from maild.domain.sla.standing import DueStep, EscalationStep, Target
from maild.domain.tickets import events
from maild.domain.tickets.events import Actor
from tests.domain.mail_scene import NOW, OPENED, POLICY, agent, ticket

ANA = agent("ana", role=AgentRole.ADMIN)
ZOE = agent("zoe", role=AgentRole.ADMIN)
MARY = agent("mary", "support", role=AgentRole.MANAGER)
JANE, JOHN, JOE, LEA = agent("jane", "support"), agent("john", "support"), agent("joe", "banking"), agent("lea")
HUGO = agent("hugo", "personnel")
PEOPLE = Directory(
    agents=(JANE, JOHN, JOE, LEA, MARY, ANA, ZOE, HUGO),
    teams=(Team("banking", ("jane", "joe"), "lea"), Team("night", ("john",), "joe")),
    departments=(
        Department("support", manager="mary"),
        Department("nobodys"),
        Department("personnel", private=True),
    ),
)
HOUR = timedelta(hours=1)


def due(*notify, page=(), at=1.0, repeat=1) -> DueStep:
    step = EscalationStep(at_share=at, notify=notify, page=page)
    key = step.key if repeat == 1 else f"{step.key}#{repeat}"
    return DueStep(
        target=Target.RESOLUTION, cycle=1, step_key=key, instant=NOW, step=step, breach=at >= 1, repeat=repeat
    )


def readers(*away, substitutes=None, duty=None) -> Readers:
    preferences = {name: Preferences(substitute=other) for name, other in (substitutes or {}).items()}
    return Readers(preferences, dict.fromkeys(away, NOW + HOUR), duty or {})


def told(step, on, who=None, people=PEOPLE, history=()) -> list[str]:
    decision = escalate(on, [step], replace(POLICY, directory=people), NOW, who or readers(), history)
    return [notice.agent or notice.pages or str(notice.to.address) for notice in decision.mails.notices]


# -- away -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("away", "wanted"),
    [
        ((), ["jane"]),
        (("jane",), ["john"]),
        (("jane", "john"), ["lea"]),
        (("jane", "john", "lea"), ["mary"]),
        (("jane", "john", "lea", "mary"), ["ana", "zoe"]),
        (("jane", "john", "lea", "mary", "ana"), ["zoe"]),
        (("jane", "john", "lea", "mary", "ana", "zoe"), ["ana", "zoe"]),  # all the same
    ],
)
def test_who_is_away_is_stood_in_for_step_by_step(away, wanted):
    on = ticket(assignee="jane", team="banking")
    assert told(due("assignee"), on, readers(*away, substitutes={"jane": "john"})) == wanted


def test_the_reason_says_who_is_away():
    decision = escalate(
        ticket(assignee="jane", team="banking"),
        [due("assignee")],
        replace(POLICY, directory=PEOPLE),
        NOW,
        readers("jane"),
    )
    assert decision.mails.notices[0].reason.startswith("jane is away until ")
    assert decision.mails.notices[0].reason.endswith(", and you lead the team banking")


def test_without_a_team_the_lead_of_the_agents_own_team_is_asked():
    assert told(due("assignee"), ticket(assignee="john"), readers("john")) == ["mary"]  # joe may not see it
    assert told(due("assignee"), ticket(assignee="john", department="nobodys"), readers("john")) == ["ana", "zoe"]
    on = ticket(assignee="john", mentioned=("joe",))
    assert told(due("assignee"), on, readers("john")) == ["joe"]


def test_one_of_a_circle_is_enough_and_nobody_hears_twice():
    on = ticket(team="banking", assignee="jane")
    assert told(due("team"), on, readers("jane")) == ["joe"]
    assert told(due("team", "assignee"), on, readers("jane")) == ["joe", "lea"]
    assert told(due("assignee", "team-lead", "manager"), on, readers("jane", "lea")) == ["mary"]
    assert told(due("team"), on, readers("jane", "joe")) == ["lea"]
    assert told(due("admins"), on, readers("ana", "zoe")) == ["lea"]


# -- nobody has it ----------------------------------------------------------------------------------------------------


def test_a_breach_without_a_manager_goes_to_the_admins_as_well():
    assert told(due("assignee", "manager"), ticket(department="nobodys")) == ["ana", "zoe"]
    people = replace(PEOPLE, agents=(*PEOPLE.agents, agent("sam", "nobodys")))
    assert told(due("assignee", "manager"), ticket(department="nobodys"), people=people) == ["sam", "ana", "zoe"]
    assert told(due("assignee", at=0.75), ticket(department="nobodys"), people=people) == ["sam"]


def test_a_team_that_has_the_ticket_hears_before_its_department():
    assert told(due("assignee", at=0.75), ticket(team="banking")) == ["jane", "joe"]


def test_when_all_are_away_the_admins_hear_it_all_the_same():
    everybody = readers(*(each.name for each in PEOPLE.agents))
    assert told(due("assignee"), ticket(), everybody) == ["ana", "zoe"]


def test_whoever_hears_in_anothers_place_does_so_as_if_the_ticket_were_theirs():
    """It is known from then on that nobody else hears of it: their night does not matter."""

    def in_place(who, *words):
        decision = escalate(
            ticket(assignee="jane"), [due(*words)], replace(POLICY, directory=PEOPLE), NOW, who, history=()
        )
        return {notice.agent: notice.in_place for notice in decision.mails.notices}

    stands_in = readers("jane", substitutes={"jane": "john"})
    assert in_place(readers(), "assignee", "manager") == {"jane": False, "mary": False}
    assert in_place(stands_in, "assignee", "manager") == {"john": True, "mary": False}
    assert in_place(stands_in, "agent:john", "assignee") == {"john": True}
    assert in_place(readers("jane"), "manager", "assignee") == {"mary": True}
    assert all(
        notice.in_place for notice in handed_on(ticket(assignee="jane"), lost(), replace(POLICY, directory=PEOPLE))
    )


# -- private departments ----------------------------------------------------------------------------------------------


def test_who_may_not_see_a_ticket_is_not_told_of_it():
    on = ticket(department="personnel")
    assert told(due("admins", "agent:john", "noc@other.example", page=("+49151@sms.example",)), on) == ["hugo"]
    assert told(due("manager"), on, readers("hugo")) == ["hugo"]  # nobody else may see it
    assert told(due("noc@other.example"), ticket()) == ["noc@other.example"]


# -- on duty, and pages -----------------------------------------------------------------------------------------------

ROTA = Rota(name="week", zone="UTC", department="support")


def test_who_is_on_duty_is_told_and_where_nobody_is_who_is_in_charge():
    people = replace(PEOPLE, rotas=(ROTA,))
    on_duty = readers(duty={"week": ("john", "joe")})
    assert told(due("on-duty"), ticket(), on_duty, people) == ["john"]  # joe may not see it
    assert told(due("on-duty:week"), ticket(assignee="jane"), on_duty, people) == ["john"]
    assert told(due("on-duty"), ticket(), readers(duty={"week": ()}), people) == ["jane", "john", "mary"]
    away = readers("john", duty={"week": ("john",)}, substitutes={"john": "jane"})
    assert told(due("on-duty"), ticket(), away, people) == ["jane"]


def test_a_page_goes_to_the_pager_and_a_mail_to_whoever_has_none():
    beeps = replace(JANE, pager=Address.of("+49151@sms.example"))
    people = replace(PEOPLE, agents=(beeps, *PEOPLE.agents[1:]))
    step = due("assignee", page=("assignee", "agent:john", "+49999@sms.example"))
    decision = escalate(ticket(assignee="jane"), [step], replace(POLICY, directory=people), NOW)
    assert [(notice.template, str(notice.to.address), notice.pages) for notice in decision.mails.notices] == [
        ("sla-breach", "jane@acme.example", ""),
        ("page", "+49151@sms.example", "jane"),
        ("page", "+49999@sms.example", ""),
        ("sla-breach", "john@acme.example", ""),
    ]
    assert decision.mails.notices[1].buttons == ()
    (fact,) = decision.events
    assert fact.notified == ("jane", "+49999@sms.example", "john")


# -- repeats ----------------------------------------------------------------------------------------------------------


def escalated(*people) -> events.Escalated:
    return events.Escalated(
        at=NOW - HOUR, target="resolution", cycle=1, step="100%", instant=NOW, notified=people, breach=True
    )


def test_a_repeat_leaves_out_who_acknowledged_and_is_told_to_nobody_else_instead():
    knows = events.Acknowledged(at=NOW, by=Actor(Role.AGENT, "jane"), target="resolution", cycle=1, agent="jane")
    history = (OPENED, escalated("jane", "john"), knows)
    step = due("agent:jane", "agent:john", repeat=2)
    assert told(step, ticket(), history=history) == ["john"]
    assert told(due("agent:jane", repeat=2), ticket(), history=history) == []
    assert told(due("agent:jane"), ticket(), history=history) == ["jane"]


# -- lost mails -------------------------------------------------------------------------------------------------------


def lost(**changes) -> LostAlarm:
    given = {"steps": (escalated("jane"),), "recipient": "jane@acme.example", "agent": "jane", "told": {"jane"}}
    return LostAlarm(outbox=1, **{**given, **changes, "told": frozenset(changes.get("told", given["told"]))})


@pytest.mark.parametrize(
    ("before", "wanted"),
    [
        (("jane",), ["lea"]),
        (("jane", "lea"), ["mary"]),
        (("jane", "lea", "mary"), ["ana", "zoe"]),
        (("jane", "lea", "mary", "ana"), ["zoe"]),
        (("jane", "lea", "mary", "ana", "zoe"), ["john"]),  # whoever else may see it
        (("jane", "lea", "mary", "ana", "zoe", "john"), []),
    ],
)
def test_a_lost_alarm_goes_to_the_next_who_was_not_told(before, wanted):
    alarm = lost(told=before)
    notices = handed_on(ticket(assignee="jane", team="banking"), alarm, replace(POLICY, directory=PEOPLE))
    assert [notice.agent for notice in notices] == wanted
    assert all(notice.reason.startswith("no mail reaches jane, and you ") for notice in notices)
    assert unheard(alarm, notices) is (not wanted)


def test_an_alarm_that_somebody_else_has_is_heard():
    assert not unheard(lost(reached=True), ())


def test_an_alarm_that_matters_no_more_ends():
    over = lost(steps=())
    assert handed_on(ticket(assignee="jane"), over, replace(POLICY, directory=PEOPLE)) == ()
    assert not unheard(over, ())


def test_a_lost_page_goes_to_the_agents_mailbox_first():
    policy = replace(POLICY, directory=PEOPLE)
    on = ticket(assignee="jane", team="banking")
    assert [n.agent for n in handed_on(on, lost(paged=True, told=()), policy)] == ["jane"]
    assert [n.agent for n in handed_on(on, lost(paged=True), policy)] == ["lea"]


def test_an_address_that_is_nobodys_goes_up_the_chain_of_the_ticket():
    alarm = lost(agent="", recipient="noc@other.example", told=())
    (notice,) = handed_on(ticket(team="banking"), alarm, replace(POLICY, directory=PEOPLE))
    assert (notice.agent, notice.reason) == ("lea", "no mail reaches noc@other.example, and you lead the team banking")


def test_the_line_ends_where_all_were_told():
    office = Roster(PEOPLE)
    names = {each.name for each in PEOPLE.agents}
    assert next_in_line(JANE, ticket(), office, lambda reader: "", names) == []
