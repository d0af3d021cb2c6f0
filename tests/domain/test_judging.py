"""Judging in two thoughts: the keys of a mail, its place, what else must be known, and the decision. All of it pure."""

from dataclasses import replace
from typing import Any

import pytest

from maild.domain.decision import ActOnOtherTicket, Outcome
from maild.domain.intake.auto_answer_limits import NO_TRAFFIC
from maild.domain.intake.classify import MailClass
from maild.domain.intake.judge import Judged, LostMark, Placed, conclude, place
from maild.domain.intake.keys import (
    EarlierMail,
    FirstLook,
    Keys,
    MailedList,
    ReadMail,
    ReturnedMail,
    SecondLook,
    keys_of,
    tickets_named,
)
from maild.domain.intake.route import Carrier, RouteKind, clues
from maild.domain.intake.rules import Filing
from maild.domain.lookups import Lookups, Needs
from maild.domain.messages.message import DeliveryReport, Envelope, Evidence, InboundMessage
from maild.domain.messages.reply_tokens import Scope
from maild.domain.people.directory import Address, Trust
from maild.domain.queries.row_commands import Rows
from maild.domain.tickets.held_replies import HeldReply, HeldReplyKind
from tests.domain.known import NOTHING_FOUND, record
from tests.domain.mail_scene import (
    DIRECTORY,
    DOMAIN,
    EVE,
    HOLDERS,
    JANE,
    JOHN,
    KAREN,
    MALLORY,
    NOW,
    OPENED,
    POLICY,
    RING,
    kind,
    mail,
    own_id,
    reply_address,
)

RECORDS = {number: record(number, (1, (OPENED,))) for number in (42, 43)}
KNOWN = FirstLook(holders=HOLDERS, tickets=Lookups(records=RECORDS))


def unjudged(message: InboundMessage, mail_class: MailClass = MailClass.PERSON, **more: Any) -> ReadMail:
    """A mail with everything that can be said of it by itself."""
    values: dict[str, Any] = {
        "inbound": 9,
        "message": message,
        "envelope": Envelope(),
        "arrived_at": NOW,
        "evidence": Evidence(Trust.VERIFIED, "proven"),
        "classification": kind(mail_class),
        "clues": clues(message, more.get("envelope", Envelope()), RING, DOMAIN),
        "filing": Filing(),
        "agent": DIRECTORY.agent_at(message.sender.address) if message.sender else None,
    }
    return ReadMail(**(values | more))


def placed(message: InboundMessage, known: FirstLook = KNOWN, *args: Any, **more: Any) -> Placed:
    return place(unjudged(message, *args, **more), known, POLICY, RING, NOW)


def concluded(where: Placed, **more: Any) -> Judged | Needs:
    second = {"message": where.read.message, "lookups": where.known.tickets, "traffic": NO_TRAFFIC} | more
    return conclude(where, SecondLook(**second), POLICY, NOW)


TO_JOHN = mail(JOHN, "Use water.", to=(reply_address(Scope.REPLY, 3),))
FROM_KAREN = mail(KAREN, "It still burns.", to=(reply_address(Scope.USER, 1),))

# -- the first look ---------------------------------------------------------------------------------------------------


def test_a_mail_names_its_keys():
    ids = (own_id(Scope.NOTE, 3), "<karens@client.example>")
    button = reply_address(Scope.COMMAND, 3)
    message = mail(JOHN, in_reply_to=ids[:1], references=ids, to=(reply_address(Scope.REPLY, 2), button))
    assert keys_of(unjudged(message, filing=Filing(join_key="disk-7"))) == Keys(
        holders=frozenset({2, 3}),
        message_ids=frozenset(ids),
        ancestors=frozenset({*ids, message.message_id}),
        samenesses=frozenset({"1" * 64}),
        join_keys=frozenset({"disk-7"}),
        writers=frozenset({"john"}),
    )


def test_nothing_is_looked_up_for_a_mark_that_does_not_open():
    for known, named in ((KNOWN, {42}), (FirstLook(), set())):
        assert tickets_named(unjudged(TO_JOHN), known, RING) == named


def test_keys_of_many_mails_are_looked_up_together_and_each_finds_its_own():
    mails = [TO_JOHN, FROM_KAREN, mail(MALLORY), mail(EVE, to=(reply_address(Scope.USER, 4),))]
    keys = [keys_of(unjudged(message)) for message in mails]
    together = keys[0] | keys[1] | keys[2] | keys[3]
    assert together.holders == {1, 3, 4}
    for message, own in zip(mails, keys, strict=True):
        alone = replace(KNOWN, holders={number: HOLDERS[number] for number in own.holders})
        one, other = placed(message, alone), placed(message, KNOWN)
        assert (one.route, one.ticket, one.needs) == (other.route, other.ticket, other.needs)


# -- the place --------------------------------------------------------------------------------------------------------


def test_a_mail_belongs_to_the_survivor_of_its_ticket():
    gone = replace(RECORDS[42], ticket=replace(RECORDS[42].ticket, merged_into=43))
    where = placed(FROM_KAREN, replace(KNOWN, tickets=Lookups(records={42: gone, 43: RECORDS[43]})))
    assert (where.route.verdict, where.ticket.number) == (RouteKind.REPLY, 43)


@pytest.mark.parametrize(
    ("earlier", "waiting_in", "verdict"),
    [
        (EarlierMail(3, 42, "", waits=False), ("spam",), RouteKind.DUPLICATE),
        (EarlierMail(3, None, "spam", waits=True), ("spam",), RouteKind.NEW),  # it was moved out of the folder
        (EarlierMail(3, 42, "spam", waits=False), ("spam",), RouteKind.DUPLICATE),  # and was let in before that
        (EarlierMail(3, None, "spam", waits=True), (), RouteKind.DUPLICATE),  # it lies in the folder itself
        (EarlierMail(9, None, "", waits=False), (), RouteKind.NEW),  # it is this very mail
    ],
)
def test_an_earlier_mail_counts_unless_it_waits_in_a_spam_folder(earlier, waiting_in, verdict):
    known = replace(KNOWN, earlier={"1" * 64: (earlier,)})
    assert placed(mail(), known, waiting_in=waiting_in).route.verdict is verdict


def test_the_open_ticket_of_a_rules_key_takes_what_leads_nowhere_else():
    known = replace(KNOWN, joined={"disk-7": 43})
    filed = {"filing": Filing(join_key="disk-7")}
    alert = placed(mail(), known, **filed)
    assert (alert.route.carrier, alert.ticket.number) == (Carrier.JOIN_KEY, 43)
    assert placed(FROM_KAREN, known, **filed).ticket.number == 42


def test_a_report_is_about_the_mail_that_it_returns():
    ours = own_id(Scope.USER, 1)
    report = mail(None, delivery_report=DeliveryReport((), original_message_id=ours))
    lost = ReturnedMail(7, 43, KAREN.address, 5)
    where = placed(report, replace(KNOWN, returned={ours: lost}), MailClass.DSN)
    assert where.ticket.number == 43
    assert (where.bounced.outbox, where.bounced.entry, where.bounced.recipient) == (7, 5, str(KAREN.address))
    assert where.lost is None
    assert placed(report, KNOWN, MailClass.DSN).bounced is None


def test_a_report_without_an_id_is_about_the_address_that_it_came_back_to():
    sealed = reply_address(Scope.NOTE, 3)
    envelope = Envelope(None, (str(sealed),))
    where = placed(mail(None), KNOWN, MailClass.DSN, envelope=envelope)
    assert (where.ticket.number, where.bounced.recipient) == (42, str(JOHN.addresses[0]))
    assert where.lost == LostMark(clues(mail(None), envelope, RING).sealed[0].text, 42, "john")


# -- what else must be known ------------------------------------------------------------------------------------------

ANSWER = Needs(written=frozenset({42}), domains=frozenset({"client.example"}))


@pytest.mark.parametrize(
    ("message", "needs"),
    [
        (mail(KAREN), Needs(traffic=True)),
        (mail(JOHN), Needs()),  # nobody acknowledges an agent's mail
        (FROM_KAREN, Needs()),
        (TO_JOHN, ANSWER),
        (replace(TO_JOHN, new_text="!note\nUse water."), Needs()),
        (replace(TO_JOHN, new_text="!priority high"), Needs()),
        (mail(JOHN, "!reply\nUse water.", to=(reply_address(Scope.NOTE, 3),)), ANSWER),
        (mail(JOHN, "Use water.", to=(reply_address(Scope.NOTE, 3),)), Needs()),
    ],
)
def test_what_deciding_will_ask_for_is_told_beforehand_and_suffices(message, needs):
    where = placed(message)
    assert where.needs == needs
    known = {"traffic": NO_TRAFFIC if needs.traffic else None}
    lookups = where.known.tickets
    if needs.written:
        known["lookups"] = lookups | Lookups(
            threads={42: NOTHING_FOUND.written(42)}, contacted={"client.example": True}
        )
    assert isinstance(concluded(where, **known), Judged)


def test_what_is_not_foreseen_is_asked_for_once_more():
    status = placed(replace(FROM_KAREN, new_text="STATUS"))
    assert concluded(status, traffic=None) == Needs(traffic=True)
    assert concluded(status).decision.outcome is Outcome.REPLIED
    linking = placed(replace(TO_JOHN, new_text="!link 43\n!why due"))
    assert concluded(linking, lookups=Lookups(records={42: RECORDS[42]})) == Needs(
        tickets=frozenset({43}), deadlines=frozenset({42})
    )
    everything = linking.known.tickets | Lookups(derivations={42: ("due on Friday",)})
    assert [other.ticket for other in concluded(linking, lookups=everything).decision.effects_of(ActOnOtherTicket)] == [
        43
    ]


# -- the decision -----------------------------------------------------------------------------------------------------


def test_each_stop_says_what_it_found():
    judged = concluded(placed(FROM_KAREN))
    assert [(step.stop, step.verdict) for step in judged.steps] == [
        ("parse", "read"),
        ("authentication", "verified"),
        ("classify", "person"),
        ("route", "reply: ticket 42"),
        ("rules", "none"),
        ("decide", "customer"),
    ]


def test_an_agent_has_a_word_on_their_own_held_replies_and_on_the_one_that_a_button_names():
    def reply(number, agent, settled_as=""):
        kind = HeldReplyKind.REFUSED
        return HeldReply(
            id=number,
            inbound=number,
            ticket=42,
            agent=agent,
            kind=kind,
            reason="",
            text="",
            created_at=NOW,
            remind_at=None,
            settled_as=settled_as,
        )

    found = (reply(1, "john"), reply(2, "jane"), reply(3, "john", "sent"))
    waiting = placed(replace(TO_JOHN, new_text="!send nothing"), replace(KNOWN, held_replies=found))
    assert concluded(waiting).decision.reason == "the held reply 1 is dropped"
    nobody = placed(replace(TO_JOHN, new_text="!send nothing"), replace(KNOWN, held_replies=found[1:]))
    assert concluded(nobody).decision.outcome is Outcome.REJECTED


def test_an_answer_to_a_list_reads_the_rows_that_its_reader_was_mailed():
    message = mail(JANE, "2 priority high", to=(reply_address(Scope.DIGEST, 2, number=5),))
    assert keys_of(unjudged(message)).lists == {5}
    known = replace(KNOWN, lists={5: MailedList("jane", Rows((42, 43), NOW))})
    decision = concluded(placed(message, known)).decision
    assert [other.ticket for other in decision.effects_of(ActOnOtherTicket)] == [43]
    assert placed(message, KNOWN).route.verdict is RouteKind.NEW
    other = replace(known, lists={5: MailedList("john", Rows((42,), NOW))})
    assert placed(message, other).route.snapshot == 5  # whose list it was is for the mark to say


def test_a_mail_that_a_person_let_in_is_a_message_whatever_its_mark_says():
    stranger = mail(MALLORY, to=(reply_address(Scope.USER, 1),))
    assert placed(stranger).route.verdict is RouteKind.HELD
    let_in = placed(stranger, released=True)
    assert (let_in.route.verdict, let_in.route.scope) == (RouteKind.REPLY, Scope.USER)
    assert concluded(let_in).decision.outcome is Outcome.REPLIED
    assert Address.of("mallory@evil.example") == let_in.read.message.sender.address
