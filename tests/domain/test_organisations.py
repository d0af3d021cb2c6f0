"""Tickets of an organisation: which plan and department they get, and who follows them."""

from dataclasses import replace

import pytest

from maild.domain.intake.decide import decide
from maild.domain.intake.rules import Filing
from maild.domain.notices.agent_notices import TicketChange, notices_for
from maild.domain.people.directory import Address, Department, Organisation, Person, Role, Trust
from maild.domain.plan_change import refiled
from maild.domain.tickets import events
from maild.domain.tickets.events import Actor
from maild.domain.tickets.organisations import contacts_of, handed_over
from maild.domain.tickets.ticket import CONTACT, Participant, Status, Ticket, apply, fold
from tests.domain.mail_scene import DIRECTORY, EVE, KAREN, MALLORY, NOW, POLICY, Case, case, person

BOSS = person("boss@client.example")
CONSULTANT = person("consultant@elsewhere.example")
CLIENT = Organisation(
    "Acme Client",
    ("client.example",),
    sla_plan="sev-b",
    contacts=(BOSS.address, CONSULTANT.address),
    followers=("joe", "jane"),
)
EVIL = Organisation("Evil", ("evil.example",), contacts=(person("minion@evil.example").address,), followers=("john",))
CONFIGURED = replace(POLICY, directory=replace(DIRECTORY, organisations=(CLIENT, EVIL)))
JANE_ACTS = Actor(Role.AGENT, "jane", "jane@acme.example")


def fresh(**changes: object) -> Case:
    return case(policy=CONFIGURED, **changes)


def opened(made: Case) -> Ticket:
    return fold(1, decide(made).events)


def roles(ticket: Ticket) -> dict[str, str]:
    return {p.person.address.key: p.role for p in ticket.participants}


def test_a_ticket_of_an_organisation_has_its_plan_and_is_followed_by_its_contacts():
    ticket = opened(fresh())
    assert (ticket.sla_plan, ticket.plan_source) == ("sev-b", "organisation")
    assert roles(ticket) == {BOSS.address.key: CONTACT, CONSULTANT.address.key: CONTACT}
    assert ticket.watchers == ("joe", "jane")


def test_explain_tells_whose_customer_the_sender_is():
    told = [step.reason for step in decide(fresh()).steps if step.verdict == "organisation"]
    assert told == ["client.example is of the organisation Acme Client: plan sev-b, 4 who follow"]
    assert not any(step.verdict == "organisation" for step in decide(case()).steps)


@pytest.mark.parametrize(
    ("filing", "plan"),
    [
        (Filing(topic_plan="sev-c"), ("sev-c", "topic")),
        (Filing(rule_plan="sev-a"), ("sev-a", "rule")),
        (Filing(priority="emergency"), ("sev-b", "organisation")),  # which the priority's mapping does not outdo
        (Filing(department="sysadmins"), ("sev-b", "organisation")),
    ],
)
def test_the_organisations_plan_stands_between_topic_and_priority(filing: Filing, plan: tuple[str, str]):
    ticket = opened(fresh(filing=filing))
    assert (ticket.sla_plan, ticket.plan_source) == plan


@pytest.mark.parametrize(("filing", "department"), [(Filing(), "sysadmins"), (Filing(department="support"), "support")])
def test_its_department_is_weaker_than_topics_and_rules_alone(filing: Filing, department: str):
    directory = replace(DIRECTORY, organisations=(replace(CLIENT, department="sysadmins"),))
    made = fresh(filing=filing, department="support")
    assert opened(replace(made, policy=replace(POLICY, directory=directory))).department == department


def test_nobody_follows_because_of_a_forged_sender():
    made = fresh()
    forged = replace(made, evidence=replace(made.evidence, trust=Trust.FAILED, reason="dmarc=fail"))
    ticket = opened(forged)
    assert (ticket.participants, ticket.watchers) == ((), ())


def test_a_contact_does_not_follow_their_own_ticket_nor_one_that_they_are_copied_in():
    assert contacts_of(BOSS.address, CONFIGURED.directory, "support") == (Person(CONSULTANT.address),)
    assert contacts_of(KAREN.address, CONFIGURED.directory, "support", {BOSS.address}) == (Person(CONSULTANT.address),)
    assert contacts_of(Address.of("x@other.example"), CONFIGURED.directory, "support") == ()


HR = Department(name="hr", address=Address.of("hr@acme.example"), private=True)


def test_what_is_written_to_a_private_department_is_not_for_the_writers_colleagues():
    client = replace(CLIENT, department="support")
    directory = replace(CONFIGURED.directory, organisations=(client,), departments=(*DIRECTORY.departments, HR))
    made = replace(fresh(), policy=replace(CONFIGURED, directory=directory))
    written = replace(made, message=replace(made.message, to=(Person(Address.of("hr@acme.example")),)))
    ticket = opened(written)
    assert (ticket.department, CONTACT in {p.role for p in ticket.participants}) == ("hr", False)
    moved = events.Transferred(at=NOW, by=JANE_ACTS, department="hr", previous="support")
    followed = opened(made)
    assert CONTACT in {p.role for p in followed.participants}
    after = followed
    for fact in refiled(followed, [moved], replace(CONFIGURED, directory=directory)):
        after = apply(1, after, fact)
    assert CONTACT not in {p.role for p in after.participants}


def test_a_contact_who_left_does_not_come_back_with_another_requester_of_the_same_organisation():
    ticket = opened(fresh())
    left = [p for p in ticket.participants if p.role == CONTACT]
    change = events.RequesterChanged(at=NOW, by=JANE_ACTS, requester=EVE, previous=KARENS)
    gone = events.ParticipantRemoved(at=NOW, by=JANE_ACTS, person=left[0].person, role=CONTACT)
    without = apply(1, ticket, gone)
    assert not any(isinstance(f, events.ParticipantAdded) for f in handed_over(without, change, CONFIGURED.directory))


# -- who hears what -------------------------------------------------------------------------------------------------


def heard(ticket: Ticket, *facts: events.Event, actor: Actor = JANE_ACTS, acknowledge: bool = False) -> set[str]:
    after = ticket
    for fact in facts:
        after = apply(1, after, fact)
    told = notices_for(TicketChange(after, facts, actor, acknowledge), CONFIGURED)
    return {f"{notice.template} {notice.to.address}" for notice in told if not notice.agent}


KARENS = f"{KAREN.address}"


@pytest.mark.parametrize(
    ("fact", "told"),
    [
        (events.Replied(at=NOW, by=JANE_ACTS, entry=2), {"reply"}),
        (events.StatusChanged(at=NOW, by=JANE_ACTS, status="resolved", previous="open"), {"closed"}),
        (events.Noted(at=NOW, by=JANE_ACTS, entry=2), set()),
        (events.PriorityChanged(at=NOW, by=JANE_ACTS, priority="high", previous="normal"), set()),
        (events.StatusChanged(at=NOW, by=JANE_ACTS, status="waiting", previous="open"), set()),
        (events.MessageReceived(at=NOW, by=Actor(Role.REQUESTER, address=KARENS), entry=2), set()),
    ],
)
def test_contacts_hear_answers_and_the_end_and_nothing_else(fact: events.Event, told: set[str]):
    found = heard(opened(fresh()), fact, actor=fact.by)
    assert found == {f"{template} {to}" for template in told for to in (KARENS, BOSS.address, CONSULTANT.address)}


def test_contacts_are_not_acknowledged():
    decision = decide(fresh())
    assert decision.mails.acknowledge
    told = notices_for(TicketChange(opened(fresh()), decision.events, decision.actor, acknowledge=True), CONFIGURED)
    assert [str(n.to.address) for n in told if n.template == "acknowledgement"] == [KARENS]


def test_agents_who_follow_hear_of_a_new_ticket_as_far_as_they_may_see_it():
    decision = decide(fresh())
    told = notices_for(TicketChange(opened(fresh()), decision.events, decision.actor), CONFIGURED)
    named = {n.agent: n.reason for n in told if n.agent}
    assert "joe" not in named  # of another department
    assert named["jane"] == "you work in the department support"  # the strongest reason wins
    inside = replace(opened(fresh()), assignee="john")
    told = notices_for(TicketChange(inside, decision.events, decision.actor), CONFIGURED)
    assert {n.agent: n.reason for n in told if n.agent}["jane"] == "you watch this ticket"


# -- a ticket that becomes somebody else's --------------------------------------------------------------------------


def test_a_ticket_of_somebody_else_is_followed_by_their_organisation_and_no_more_by_the_former():
    ticket = replace(opened(fresh()), participants=(*opened(fresh()).participants, Participant(EVE, "cc")))
    change = events.RequesterChanged(at=NOW, by=JANE_ACTS, requester=MALLORY, previous=KARENS)
    after = ticket
    for fact in refiled(ticket, [change], CONFIGURED):
        after = apply(1, after, fact)
    assert roles(after) == {EVE.address.key: "cc", "minion@evil.example": CONTACT}
    assert after.watchers == ("john",)
    assert (after.sla_plan, after.plan_source) == ("default", "default")


def test_within_one_organisation_nothing_changes_but_that_the_new_requester_follows_no_more():
    ticket = opened(fresh())
    change = events.RequesterChanged(at=NOW, by=JANE_ACTS, requester=EVE, previous=KARENS)
    assert handed_over(ticket, change, CONFIGURED.directory) == ()
    to_boss = replace(change, requester=BOSS)
    gone = [f.person for f in handed_over(ticket, to_boss, CONFIGURED.directory)]  # type: ignore[attr-defined]
    assert gone == [Person(BOSS.address)]


def test_a_plan_that_was_commanded_stays():
    ticket = replace(opened(fresh()), plan_source="command", status=Status.OPEN)
    change = events.RequesterChanged(at=NOW, by=JANE_ACTS, requester=MALLORY, previous=KARENS)
    assert not any(isinstance(fact, events.PlanChanged) for fact in refiled(ticket, [change], CONFIGURED))
