"""What becomes of a mail: each rule of the table, and who gets past which."""

from dataclasses import replace
from datetime import timedelta

import pytest

from maild.domain.decision import Outcome
from maild.domain.effects import MessageToAgent
from maild.domain.intake.bounce import BouncedMail
from maild.domain.intake.classify import MailClass
from maild.domain.intake.decide import RULES, acknowledgement, decide
from maild.domain.intake.route import Carrier, Route, RouteKind
from maild.domain.intake.rules import Filing
from maild.domain.messages.message import DeliveryAction, DeliveryReport, DeliveryStatus, ForwardedMail
from maild.domain.messages.reply_tokens import Scope
from maild.domain.notices.agent_notices import TicketChange, notices_for
from maild.domain.people.directory import Address, Person, Role, Trust
from maild.domain.policy import AcknowledgeTo, AgentProof
from maild.domain.tickets import events
from maild.domain.tickets.events import SYSTEM, Actor, StatusChanged
from maild.domain.tickets.ticket import EntryKind, Status, apply
from tests.domain.known import lookups, record
from tests.domain.mail_scene import (
    BASE,
    EVE,
    JANE,
    JOE,
    KAREN,
    MALLORY,
    NOTHING_KNOWN,
    NOW,
    OPENED,
    POLICY,
    WATCHER,
    case,
    kind,
    kinds,
    led,
    mail,
    reply_address,
    ticket,
)
from tests.rig.misses import in_turn

R, N, U = Scope.REPLY, Scope.NOTE, Scope.USER
HELD = led(None, verdict=RouteKind.HELD)
FORWARDED = ForwardedMail(MALLORY, "Help", "It burns here, too.", certain=True)
ASKED = Route(RouteKind.REPLY, "for questions", Carrier.REPLY_ADDRESS, scope=Scope.QUERY, seen=0)
BY_MACHINE = [MailClass.AUTO_REPLY, MailClass.AUTOMATIC]


def rule_of(decision) -> str:
    """The rule that decided, as explain tells it."""
    return next(step.verdict for step in decision.steps if step.stop == "decide")


# -- each rule ------------------------------------------------------------------------------------------------------

ALL_RULES = [
    ("own-mail", case(mail_class=MailClass.LOOP, route=led(U)), Outcome.IGNORED),
    ("too-many-hops", case(mail_class=MailClass.TOO_MANY_HOPS, route=led(U)), Outcome.QUARANTINED),
    ("kept-before", case(route=Route(RouteKind.DUPLICATE, "kept before as 5", ticket=42)), Outcome.DUPLICATE),
    (
        "delivery-report",
        case(mail_class=MailClass.DSN, bounced=BouncedMail(42, "karen@client.example", 3), ticket=ticket()),
        Outcome.BOUNCED,
    ),
    ("in-junk-folder", case(junk="Spam of mailbox support"), Outcome.HELD),
    ("in-junk-folder", case(mail(JANE), junk="Spam of mailbox support", route=led(R)), Outcome.HELD),
    ("other-report", case(mail_class=MailClass.MDN), Outcome.IGNORED),
    ("other-report", case(mail_class=MailClass.FEEDBACK_REPORT, route=led(U)), Outcome.IGNORED),
    ("refused-by-rule", case(filing=Filing(reject=True, trail=("rule 1",))), Outcome.REJECTED),
    ("refused-by-rule", case(filing=Filing(ignore=True, trail=("rule 2",)), route=led(U)), Outcome.IGNORED),
    ("vacation-answer", case(mail_class=MailClass.AUTO_REPLY), Outcome.IGNORED),
    ("vacation-answer", case(mail_class=MailClass.AUTO_REPLY, route=led(U)), Outcome.REPLIED),
    ("reaction", case(mail_class=MailClass.REACTION), Outcome.IGNORED),
    ("reaction", case(mail_class=MailClass.REACTION, route=led(U)), Outcome.REPLIED),
    ("own-address", case(mail(Person(BASE))), Outcome.HELD),
    ("foreign-mark", case(mail(MALLORY), route=HELD), Outcome.HELD),
    ("answered-elsewhere", case(mail(JANE, to=(KAREN,), cc=(Person(BASE),))), Outcome.OPENED),
    ("agent-forwards", case(mail(JANE, forwarded=FORWARDED)), Outcome.OPENED),
    ("agent-opens", case(mail(JANE, new_text="!for karen@client.example\nIt burns.")), Outcome.OPENED),
    ("agent-opens", case(mail(JANE, new_text="!help")), Outcome.COMMANDED),
    ("button", case(mail(JANE), route=replace(led(Scope.COMMAND), verb="close")), Outcome.NOTED),
    ("agent-asks", case(mail(JANE, new_text="list open"), route=ASKED), Outcome.COMMANDED),
    ("agent-asks", case(mail(JANE, new_text="It burns."), route=ASKED), Outcome.REJECTED),
    ("agent", case(mail(JANE), route=led(R)), Outcome.REPLIED),
    ("agent", case(mail(JANE), route=led(N)), Outcome.NOTED),
    ("customer-button", case(mail(EVE), route=replace(led(U), verb="leave")), Outcome.COMMANDED),
    ("customer-button", case(route=replace(led(U), verb="rate-good")), Outcome.REPLIED),
    ("customer", case(route=led(U)), Outcome.REPLIED),
    ("new-ticket", case(), Outcome.OPENED),
    ("new-ticket", case(mail_class=MailClass.LIST), Outcome.OPENED),
    ("new-ticket", case(mail_class=MailClass.AUTOMATIC), Outcome.OPENED),
    ("new-ticket", case(mail(JANE)), Outcome.OPENED),
]


@in_turn(("name", "given", "outcome"), ALL_RULES)
def test_each_rule_decides_what_is_its_business(name, given, outcome):
    decision = decide(given)
    assert (rule_of(decision), decision.outcome) == (name, outcome)
    assert decision.reason


def test_every_rule_has_a_case_here():
    assert {rule.name for rule in RULES} == {name for name, _, _ in ALL_RULES}


@in_turn("mail_class", MailClass)
@in_turn("sender", [KAREN, MALLORY, JANE, WATCHER, None])
@in_turn("route", [led(R), led(N), led(U), HELD, case().route], ids=["r", "n", "u", "held", "new"])
def test_every_mail_is_decided(mail_class, sender, route):
    """Whatever meets: one outcome, a reason, and facts only about a ticket that there is, or that is opened."""
    decision = decide(case(mail(sender), route=route, mail_class=mail_class))
    assert decision.outcome in set(Outcome)
    assert bool(decision.entry) <= bool(decision.events)
    if mail_class.by_machine:
        assert decision.outcome not in {Outcome.COMMANDED, Outcome.NOTED}
        assert not decision.mails.acknowledge
    if decision.outcome is Outcome.REPLIED and decision.entry and decision.entry.kind == "reply":
        assert sender is JANE
    assert decision.opens is (decision.outcome is Outcome.OPENED)


# -- delivery reports -------------------------------------------------------------------------------------------------


def report(action=DeliveryAction.FAILED, status="5.1.1", diagnostic="550 no such user") -> DeliveryReport:
    return DeliveryReport((DeliveryStatus("karen@client.example", action, status, diagnostic),), "<x@acme.example>")


def bounce(lost: BouncedMail | None = None, found: DeliveryReport | None = None, **fields):
    lost = lost or BouncedMail(42, "karen@client.example", 3)
    message = mail(None, delivery_report=found, **fields)
    return decide(case(message, mail_class=MailClass.DSN, bounced=lost, ticket=ticket()))


def test_a_failed_reply_did_not_happen_and_is_told_inside():
    decision = bounce(found=report())
    (fact,) = decision.events
    assert isinstance(fact, events.Bounced)
    assert (fact.recipient, fact.permanent, fact.reply) == ("karen@client.example", True, 3)
    assert (decision.outcome, fact.diagnostic, fact.by.role) == (Outcome.BOUNCED, "550 no such user", Role.SYSTEM)
    assert decision.entry is not None
    assert (decision.entry.kind, decision.entry.author.role) == (EntryKind.NOTE, Role.SYSTEM)
    assert decision.entry.text == "An answer to karen@client.example could not be delivered: 550 no such user"


def test_five_days_in_vain_are_as_final_as_an_unknown_user():
    (fact,) = bounce(found=report(status="4.4.7", diagnostic="")).events
    assert (fact.permanent, fact.reply, fact.diagnostic) == (True, 3, "4.4.7")


@pytest.mark.parametrize(
    ("recipient", "says", "undone"),
    [
        ("Karen@client.example", "An answer", 3),
        ("eve@client.example", "An answer", None),  # the requester may well have got theirs
        ("jane@acme.example", "A mail", None),  # a colleague's copy of it
    ],
)
def test_only_the_requesters_bounce_undoes_a_reply(recipient, says, undone):
    decision = bounce(BouncedMail(42, recipient, 3), report())
    assert decision.events[0].reply == undone
    assert decision.entry.text.startswith(f"{says} to {recipient} ")


def test_a_bounce_in_words_alone_gives_its_subject_as_the_reason():
    assert bounce(subject="Undeliverable: your mail").events[0].diagnostic == "Undeliverable: your mail"


@pytest.mark.parametrize("action", [DeliveryAction.DELAYED, DeliveryAction.DELIVERED, DeliveryAction.RELAYED])
def test_a_report_without_a_failure_changes_nothing(action):
    decision = bounce(found=report(action))
    assert (decision.outcome, decision.events) == (Outcome.IGNORED, ())
    assert action.value in decision.reason


def test_a_report_about_somebody_elses_mail_is_ignored():
    decision = decide(case(mail(None, delivery_report=report()), mail_class=MailClass.DSN, route=led(U)))
    assert (decision.outcome, decision.events) == (Outcome.IGNORED, ())


# -- automatic mail ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("mail_class", BY_MACHINE)
@pytest.mark.parametrize("status", [Status.WAITING, Status.RESOLVED, Status.CLOSED])
def test_an_automatic_answer_is_filed_and_moves_nothing(mail_class, status):
    decision = decide(case(route=led(U), mail_class=mail_class, ticket=ticket(status=status, ended_at=NOW)))
    (fact,) = decision.events
    assert isinstance(fact, events.MessageReceived)
    assert (fact.automatic, decision.outcome, decision.mails.notices) == (True, Outcome.REPLIED, ())


@pytest.mark.parametrize("mail_class", BY_MACHINE)
@pytest.mark.parametrize("scope", [R, N])
def test_a_machine_never_speaks_for_an_agent(mail_class, scope):
    decision = decide(case(mail(JANE, "!close"), route=led(scope), mail_class=mail_class))
    assert (decision.outcome, decision.events, decision.mails.notices) == (Outcome.IGNORED, (), ())


@pytest.mark.parametrize("mail_class", BY_MACHINE)
def test_a_robot_at_a_watchers_address_gets_nobodys_attention(mail_class):
    decision = decide(case(mail(WATCHER), route=led(N), mail_class=mail_class))
    assert (decision.outcome, decision.events) == (Outcome.IGNORED, ())


def test_a_vacation_answer_to_a_strangers_mark_is_not_even_held():
    assert decide(case(mail(MALLORY), route=HELD, mail_class=MailClass.AUTO_REPLY)).outcome is Outcome.IGNORED


def test_a_robots_new_mail_opens_a_ticket_that_waits_for_no_answer():
    decision = decide(case(mail_class=MailClass.AUTOMATIC))
    (fact,) = decision.events
    assert (fact.automatic, decision.mails.acknowledge, decision.opens) == (True, False, True)


# -- held -------------------------------------------------------------------------------------------------------------


def test_a_mark_in_strange_hands_is_held_and_told_inside():
    decision = decide(case(mail(MALLORY, "!close\nLet me in."), route=HELD))
    assert (decision.outcome, decision.reason) == (Outcome.HELD, "token-from-another-address")
    (fact,) = decision.events
    assert isinstance(fact, events.MailHeld)
    assert (fact.inbound, fact.reason) == (9, "token-from-another-address")
    assert "mallory@evil.example" in fact.sender
    assert decision.entry.kind is EntryKind.NOTE
    assert "maild held show 9" in decision.entry.text
    assert "Let me in" not in decision.entry.text


@in_turn("sender", [WATCHER, EVE, KAREN, None])
@in_turn("scope", [R, N])
def test_an_answer_to_an_agents_notice_by_anybody_else_is_no_customers_message(sender, scope):
    """SLA steps may name any address: who reads there is not a customer, and not an agent."""
    decision = decide(case(mail(sender), route=led(scope)))
    assert (rule_of(decision), decision.outcome) == ("foreign-mark", Outcome.HELD)
    assert kinds(decision.events) == ["mail-held"]


@pytest.mark.parametrize("carrier", [c for c in Carrier if c is not Carrier.NONE])
def test_a_forged_from_beside_a_mere_token_is_held(carrier):
    decision = decide(case(route=led(U, carrier), trust=Trust.FAILED))
    assert (decision.outcome is Outcome.HELD) is (carrier is Carrier.SUBJECT_TOKEN)


# -- agents: how much a From must prove -------------------------------------------------------------------------------

SEALED = [Carrier.REPLY_ADDRESS, Carrier.OWN_MESSAGE_ID]
NAMED = [Carrier.KNOWN_MESSAGE_ID, Carrier.SUBJECT_TOKEN]
S, NORMAL, T = AgentProof.STRICT, AgentProof.NORMAL, AgentProof.TRUSTING
V, C, F = Trust.VERIFIED, Trust.CLAIMED, Trust.FAILED
# May an agent's command be carried out, and may the text of a mail without commands be taken?
PROOF = [
    *[(S, V, carrier, True, True) for carrier in SEALED],
    *[(S, trust, carrier, False, False) for trust in (C, F) for carrier in (*SEALED, *NAMED)],
    *[(NORMAL, V, carrier, True, True) for carrier in SEALED],
    *[(NORMAL, C, carrier, True, True) for carrier in SEALED],
    *[(NORMAL, C, carrier, False, False) for carrier in NAMED],
    *[(NORMAL, F, carrier, False, False) for carrier in (*SEALED, *NAMED)],
    *[(T, trust, carrier, True, True) for trust in (V, C, F) for carrier in SEALED],
    *[(proof, V, carrier, False, True) for proof in (S, NORMAL, T) for carrier in NAMED],
    *[(T, trust, carrier, False, False) for trust in (C, F) for carrier in NAMED],
]


@in_turn(("proof", "trust", "carrier", "commands", "text"), PROOF)
def test_an_agents_mail_acts_when_it_is_proven_as_far_as_asked(proof, trust, carrier, commands, text):
    policy = replace(POLICY, agent_proof=proof)
    scope = R if carrier in SEALED else N
    written = Outcome.REPLIED if scope is R else Outcome.NOTED
    for words, allowed, becomes in (
        ("!priority high", commands, Outcome.COMMANDED),
        ("It was the fuse.", text, written),
    ):
        decision = decide(case(mail(JANE, words), route=led(scope, carrier), trust=trust, policy=policy))
        assert decision.outcome is (becomes if allowed else Outcome.HELD)
        if not allowed:
            assert kinds(decision.events) == ["mail-held"]


def test_the_table_of_proofs_is_whole():
    assert len({row[:3] for row in PROOF}) == len(AgentProof) * len(Trust) * len((*SEALED, *NAMED))


@pytest.mark.parametrize("proof", AgentProof)
def test_the_root_id_names_a_ticket_and_proves_nothing(proof):
    """It stands in every mail about a ticket, the customers' too."""
    route = replace(led(N, Carrier.OWN_MESSAGE_ID), seen=None)
    policy = replace(POLICY, agent_proof=proof)
    assert decide(case(mail(JANE, "!close"), route=route, trust=C, policy=policy)).outcome is Outcome.HELD


# -- customers --------------------------------------------------------------------------------------------------------


@in_turn(
    ("status", "reopens"),
    [
        (Status.OPEN, False),
        (Status.WAITING, True),
        (Status.RESOLVED, True),
        (Status.CLOSED, True),
        (Status.SPAM, False),
    ],
)
@in_turn("sender", [KAREN, EVE])
def test_a_customers_mail_opens_a_ticket_again_unless_it_is_open_or_spam(status, reopens, sender):
    before = ticket(status=status, ended_at=NOW - timedelta(days=1) if status.ended else None)
    decision = decide(case(mail(sender), route=led(U), ticket=before))
    assert kinds(decision.events) == ["message-received", *["status-changed"] * reopens]
    if reopens:
        assert (decision.events[1].status, decision.events[1].previous) == ("open", status)
        assert f"{status} -> open" in decision.reason
    assert decision.entry.text == "It burns."
    assert decision.entry.author.role is (Role.REQUESTER if sender is KAREN else Role.PARTICIPANT)


SPAM = ticket(status=Status.SPAM, ended_at=NOW - timedelta(days=1))


def spam_said_by(*actors):
    """Look-ups that know who said, one after the other, that ticket 42 is spam."""
    marks = tuple(StatusChanged(at=NOW, by=by, status="spam", previous="open") for by in actors)
    acts = ((1, (OPENED, *marks[:1])), *((n + 3, (m,)) for n, m in enumerate(marks[1:])))
    return lookups(records={42: record(42, *acts)})


@in_turn("text", ["It still burns.", "Status?", "Thanks", "CLOSE"])
@in_turn("sender", [KAREN, EVE])
def test_what_a_filter_alone_took_for_spam_is_opened_by_the_next_mail_of_a_person(sender, text):
    decision = decide(case(mail(sender, text), route=led(U), ticket=SPAM, lookups=spam_said_by(SYSTEM)))
    assert kinds(decision.events) == ["message-received", "status-changed"]
    assert (decision.events[1].status, decision.events[1].previous) == ("open", "spam")
    assert decision.events[1].by == SYSTEM
    assert not decision.events[0].courtesy
    told = notices_for(TicketChange(apply(42, SPAM, decision.events[1]), decision.events, decision.actor), POLICY)
    assert {(notice.template, notice.agent) for notice in told} == {("new-ticket", "jane"), ("new-ticket", "john")}


ADMIN = Actor(Role.AGENT, "admin")
BY_JANE = Actor(Role.AGENT, "jane")


@pytest.mark.parametrize("actors", [(BY_JANE,), (ADMIN,), (SYSTEM, BY_JANE), (SYSTEM, ADMIN)])
def test_what_a_person_called_spam_stays_spam(actors):
    decision = decide(case(mail(), route=led(U), ticket=SPAM, lookups=spam_said_by(*actors)))
    assert kinds(decision.events) == ["message-received"]


@pytest.mark.parametrize(
    ("mail_class", "trust"),
    [(MailClass.SPAM, V), (MailClass.AUTOMATIC, V), (MailClass.LIST, V), (MailClass.PERSON, Trust.FAILED)],
)
def test_spam_a_machine_or_a_forgery_does_not_open_what_a_filter_took_for_spam(mail_class, trust):
    here = case(mail(), led(U), mail_class, trust, ticket=SPAM, lookups=spam_said_by(SYSTEM))
    assert kinds(decide(here).events) == ["message-received"]


def test_commands_are_words_when_a_customer_writes_them():
    decision = decide(case(mail(text="!close\n!spam"), route=led(U)))
    assert kinds(decision.events) == ["message-received"]
    assert decision.entry.text == "!close\n!spam"


@pytest.mark.parametrize(("days", "outcome"), [(29.9, Outcome.REPLIED), (30.1, Outcome.OPENED)])
def test_a_ticket_that_ended_long_ago_gets_a_successor(days, outcome):
    old = ticket(status=Status.CLOSED, ended_at=NOW - timedelta(days=days))
    decision = decide(case(mail(EVE), route=led(U), ticket=old))
    assert decision.outcome is outcome
    if outcome is Outcome.OPENED:
        (fact,) = decision.events
        assert (fact.links, fact.requester, decision.opens) == ((42,), EVE, True)
        assert (fact.by.role, decision.entry.author.role) == (Role.REQUESTER, Role.REQUESTER)


def test_a_robots_late_answer_to_an_old_ticket_opens_nothing():
    old = ticket(status=Status.CLOSED, ended_at=NOW - timedelta(days=99))
    decision = decide(case(route=led(U), ticket=old, mail_class=MailClass.AUTOMATIC))
    assert kinds(decision.events) == ["message-received"]


# -- new tickets ------------------------------------------------------------------------------------------------------


def opened(**given) -> events.Opened:
    (fact,) = decide(case(**given)).events
    assert isinstance(fact, events.Opened)
    return fact


def test_a_new_ticket_has_what_its_mail_says():
    fact = opened()
    assert (fact.requester, fact.subject, fact.department, fact.priority) == (
        KAREN,
        "Printer on fire",
        "support",
        "normal",
    )
    assert (fact.sla_plan, fact.plan_source, fact.at) == ("default", "default", NOW)
    assert fact.by == events.Actor(Role.REQUESTER, address="karen@client.example")


def test_a_mail_with_nothing_in_it_still_becomes_a_ticket():
    bare = mail(None, "", subject="", message_id="", sameness="", to=(), from_header="")
    decision = decide(case(bare, trust=Trust.FAILED, classification=kind(answerable=False)))
    (fact,) = decision.events
    assert (fact.subject, str(fact.requester.address)) == ("(no subject)", "unknown@invalid")
    assert (decision.mails.acknowledge, decision.entry.text) == (False, "")


@pytest.mark.parametrize(
    ("envelope_sender", "requester"),
    [
        ("karen@client.example", "karen@client.example"),
        ("", "unknown@invalid"),
        ("@", "unknown@invalid"),
        ("MAILER-DAEMON", "unknown@invalid"),
        ("a@b@", "unknown@invalid"),
    ],
)
def test_without_a_from_the_envelope_says_who_wrote(envelope_sender, requester):
    assert str(opened(message=mail(None), envelope_sender=envelope_sender).requester.address) == requester


def test_a_from_that_nobody_can_use_is_kept_as_a_name():
    assert opened(message=mail(None, from_header="Karen, Ken <?>")).requester.name == "Karen, Ken <?>"


def test_rules_topic_and_address_decide_where_a_ticket_goes():
    filing = Filing(
        topic="access", department="sysadmins", team="banking", assignee="joe", priority="high", tags=("x",)
    )
    fact = opened(filing=filing, department="support")
    assert (fact.department, fact.team, fact.assignee, fact.priority) == ("sysadmins", "banking", "joe", "high")
    assert (fact.topic, fact.tags, fact.sla_plan, fact.plan_source) == ("access", ("x",), "sev-c", "department")
    to_them = mail(to=(Address.of("sysadmins@acme.example"),))
    assert opened(message=to_them, department="support").department == "sysadmins"
    assert opened(department="sysadmins").department == "sysadmins"
    assert opened().department == "support"


@pytest.mark.parametrize(
    ("filing", "plan"),
    [
        (Filing(rule_plan="sev-b", topic_plan="sev-c", priority="emergency"), ("sev-b", "rule")),
        (Filing(topic_plan="sev-c", priority="emergency"), ("sev-c", "topic")),
        (Filing(priority="emergency", department="sysadmins"), ("sev-a", "priority")),
        (Filing(department="sysadmins"), ("sev-c", "department")),
        (Filing(), ("default", "default")),
    ],
)
def test_the_plan_comes_from_whoever_has_the_most_to_say(filing, plan):
    fact = opened(filing=filing)
    assert (fact.sla_plan, fact.plan_source) == plan


def test_a_strangers_answer_to_a_known_mail_is_a_new_ticket_that_points_there():
    assert opened(message=mail(MALLORY), route=replace(case().route, related=42)).links == (42,)


@pytest.mark.parametrize(
    ("trust", "read_along"), [(Trust.VERIFIED, ["bob", "ken"]), (Trust.CLAIMED, []), (Trust.FAILED, [])]
)
def test_only_a_proven_sender_may_let_others_read_along(trust, read_along):
    others = [Person(Address.of(f"{name}@client.example")) for name in ("bob", "ken", "bob")]
    ours = (Person(BASE), JANE.person, KAREN, Person(reply_address(U, 1)), Person(reply_address(R, 2)))
    fact = opened(message=mail(to=(BASE, others[0]), cc=(*others[1:], *ours)), trust=trust)
    assert [p.address.local for p in fact.participants] == read_along


def test_a_robots_mail_lets_nobody_read_along():
    copied = mail(cc=(Person(Address.of("bob@client.example")),))
    assert opened(message=copied, mail_class=MailClass.AUTOMATIC).participants == ()


# -- acknowledgements -------------------------------------------------------------------------------------------------


@in_turn(
    ("given", "why"),
    [
        ({}, "a person wrote and waits for an answer"),
        ({"message": mail(JANE)}, "an agent wrote it"),
        ({"message": mail(None)}, "the mail has no valid From"),
        ({"mail_class": MailClass.AUTOMATIC}, "it is automatic"),
        ({"mail_class": MailClass.LIST}, "it is list"),
        ({"classification": kind(answerable=False)}, "it is person"),
        ({"filing": Filing(acknowledge=False)}, "a topic or rule says so"),
        ({"policy": replace(POLICY, acknowledge=AcknowledgeTo.NOBODY)}, 'acknowledge.to = "nobody"'),
        ({"trust": Trust.FAILED}, "the sender is failed"),
        ({"trust": Trust.CLAIMED}, 'acknowledge.to = "authenticated", and the sender is claimed'),
    ],
)
def test_an_acknowledgement_has_a_reason_for_and_against(given, why):
    answer = acknowledgement(case(**given))
    assert (answer.due, answer.why) == (not given, why)
    step = next(step for step in decide(case(**given)).steps if step.stop == "notices")
    assert step.reason == why


def test_everyone_may_be_acknowledged_but_no_forger():
    everyone = replace(POLICY, acknowledge=AcknowledgeTo.EVERYONE)
    assert acknowledgement(case(trust=Trust.CLAIMED, policy=everyone)).due
    assert not acknowledgement(case(trust=Trust.FAILED, policy=everyone)).due


def test_a_topic_that_wants_acknowledgements_does_not_answer_robots():
    assert not acknowledgement(case(mail_class=MailClass.AUTOMATIC, filing=Filing(acknowledge=True))).due


# -- an agent's own mail to the customer ------------------------------------------------------------------------------

OWN_MAIL = {"to": (KAREN,), "cc": (Person(BASE),)}


@in_turn(
    ("trust", "proof", "counts"),
    [
        (Trust.VERIFIED, AgentProof.STRICT, True),
        (Trust.VERIFIED, AgentProof.NORMAL, True),
        (Trust.CLAIMED, AgentProof.NORMAL, False),
        (Trust.CLAIMED, AgentProof.TRUSTING, False),
        (Trust.FAILED, AgentProof.TRUSTING, False),
    ],
)
@in_turn("route", [led(Scope.NOTE, Carrier.SUBJECT_TOKEN), NOTHING_KNOWN])
def test_an_agents_own_mail_is_an_answer_when_it_is_proven(trust, proof, counts, route):
    decision = decide(case(mail(JANE, **OWN_MAIL), route, trust=trust, policy=replace(POLICY, agent_proof=proof)))
    assert ("replied" in kinds(decision.events)) is counts
    if not counts:
        asked = (*decision.mails.notices, *(message.notice for message in decision.effects_of(MessageToAgent)))
        assert (decision.outcome, asked[0].template) == (Outcome.HELD, "was-this-you")


def test_an_agents_own_mail_about_a_ticket_that_is_not_theirs_is_held():
    decision = decide(case(mail(JOE, **OWN_MAIL), led(Scope.NOTE, Carrier.SUBJECT_TOKEN)))
    assert (decision.outcome, decision.reason) == (Outcome.HELD, "its writer may not see this ticket")
