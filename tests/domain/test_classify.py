"""What kind of mail it is, row by row, and whom no program may answer."""

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from maild.config.filters import build_spam_marks
from maild.config.tables import SpamTable
from maild.domain.intake.classify import MAX_HOPS, RULES, UNANSWERED, Classification, MailClass, OwnMarks, classify
from maild.domain.intake.spam_and_robots import MailingList, Robots
from maild.domain.messages.message import DeliveryReport, Envelope, InboundMessage
from maild.domain.people.directory import Address, Person
from tests.rig.misses import in_turn

SUPPORT = Person(Address.of("support@acme.example"))
KAREN = Person(Address.of("karen@client.example"), "Karen")
OURS = OwnMarks(
    is_own_id=lambda message_id: message_id.strip("<>").endswith(".mac@acme.example"),
    loop_mark="k3f9q2",
    own_addresses=frozenset({SUPPORT.address, Address.of("help@acme.example")}),
    lists=(MailingList(id="feed.lists.example"),),
    spam=build_spam_marks(SpamTable()),
    robots=Robots(("*@alerts.example",)),
)
FROM_KAREN = Envelope("karen@client.example", ("support@acme.example",))
BY_IMAP = Envelope()
NULL = Envelope("", ("support@acme.example",))


def mail(*headers, sender="karen@client.example", **fields):
    """A mail of Karen's to support, with these header lines beside."""
    collected: dict[str, list[str]] = {}
    for line in headers:
        name, _, value = line.partition(":")
        collected.setdefault(name.lower(), []).append(value.strip())
    known: dict[str, Any] = {
        "sha256": "0" * 64,
        "size": 1000,
        "sender": Person(Address.of(sender)) if sender else None,
        "to": (SUPPORT,),
        "subject": "The banking system is down",
        "sent_at": datetime(2026, 11, 24, tzinfo=UTC),
        "message_id": "<1@client.example>",
        "headers": {name: tuple(values) for name, values in collected.items()},
        "hops": 3,
    }
    return InboundMessage(**(known | fields))


def judged(*headers, envelope=FROM_KAREN, marks=OURS, **fields):
    return classify(mail(*headers, **fields), envelope, marks)


def test_a_plain_mail_is_a_persons_and_may_be_answered():
    for envelope in (FROM_KAREN, BY_IMAP):
        assert judged(envelope=envelope) == Classification(
            MailClass.PERSON, "person", "nothing marks it as automatic", True
        )


# One line per row and shape: what the mail looks like, its class, the rule that says so.
TABLE = [
    ("own loop mark", mail("X-Maild-Loop: k3f9q2"), FROM_KAREN, "loop", "own-loop-mark"),
    ("own loop mark below a foreign one", mail("X-Maild-Loop: other", "X-Maild-Loop: k3f9q2"), FROM_KAREN, "loop",
     "own-loop-mark"),
    ("own message id", mail(message_id="<42.e.r.mac@acme.example>"), FROM_KAREN, "loop", "own-message-id"),
    ("own bounce comes back as itself", mail("Auto-Submitted: auto-replied", message_id="<42.mac@acme.example>"), NULL,
     "loop", "own-message-id"),
    ("51 hops", mail(hops=MAX_HOPS + 1), FROM_KAREN, "too-many-hops", "too-many-hops"),
    ("complaint", mail(report_type="feedback-report"), NULL, "feedback-report", "feedback-report"),
    ("read receipt", mail("Auto-Submitted: auto-replied", report_type="disposition-notification"), NULL, "mdn",
     "read-receipt"),
    ("postfix bounce", mail("Auto-Submitted: auto-replied", sender="MAILER-DAEMON@mx.example",
                            report_type="delivery-status"), NULL, "dsn", "delivery-report"),
    ("exchange bounce", mail(sender="postmaster@client.example", report_type="Delivery-Status"), BY_IMAP, "dsn",
     "delivery-report"),
    ("report that a reader found", mail(delivery_report=DeliveryReport()), FROM_KAREN, "dsn", "delivery-report"),
    ("qmail bounce", mail(sender="Mailer-Daemon@mx.example"), NULL, "dsn", "mailer-daemon"),
    ("qmail bounce over IMAP", mail("Return-Path: <>", sender="MAILER-DAEMON@mx.example"), BY_IMAP, "dsn",
     "mailer-daemon"),
    ("postmaster's null sender", mail(sender="postmaster@client.example"), NULL, "dsn", "mailer-daemon"),
    ("old exim bounce", mail("X-Failed-Recipients: bob@x.example"), NULL, "dsn", "mailer-daemon"),
    ("auto-replied", mail("Auto-Submitted: auto-replied"), FROM_KAREN, "auto-reply", "auto-replied"),
    ("auto-replied, in capitals", mail("AUTO-SUBMITTED: Auto-Replied"), FROM_KAREN, "auto-reply", "auto-replied"),
    ("auto-replied with parameter", mail("Auto-Submitted: auto-replied; owner-email=x"), FROM_KAREN, "auto-reply",
     "auto-replied"),
    ("auto-replied with comments", mail("Auto-Submitted: (by (a) rule) auto-replied (vacation)"), FROM_KAREN,
     "auto-reply", "auto-replied"),
    ("auto-replied below a no", mail("Auto-Submitted: no", "Auto-Submitted: auto-replied"), FROM_KAREN, "auto-reply",
     "auto-replied"),
    ("auto-replied behind a stray bracket", mail("Auto-Submitted: ) auto-replied"), FROM_KAREN, "auto-reply",
     "auto-replied"),
    ("vacation with null sender", mail("Auto-Submitted: auto-replied (vacation)"), NULL, "auto-reply", "auto-replied"),
    *((name, mail(f"{name}: yes"), FROM_KAREN, "auto-reply", "auto-reply-header") for name in
      ("X-Autoreply", "X-Autorespond", "X-Autoresponse", "X-Mail-Autoreply", "X-Autoresponder", "X-Auto-Reply")),
    ("empty X-Autoreply", mail("X-Autoreply:"), FROM_KAREN, "auto-reply", "auto-reply-header"),
    ("precedence auto_reply", mail("Precedence: Auto_Reply"), FROM_KAREN, "auto-reply", "auto-reply-header"),
    ("exchange absence", mail("Auto-Submitted: auto-generated", "X-Auto-Response-Suppress: All",
                              subject="Automatic reply: Printer"), NULL, "auto-reply", "absence-notice"),
    ("old absence, null sender", mail(subject="Out of Office: Re: Printer"), NULL, "auto-reply", "absence-notice"),
    ("absence, precedence bulk", mail("Precedence: bulk", subject="Abwesenheitsnotiz"), FROM_KAREN, "auto-reply",
     "absence-notice"),
    ("absence by inbox rule", mail("X-MS-Exchange-Inbox-Rules-Loop: a@b", subject="Automatische Antwort: x"),
     FROM_KAREN, "auto-reply", "absence-notice"),
    ("absence, suppress all", mail("X-Auto-Response-Suppress: All", subject="Réponse automatique : x"), FROM_KAREN,
     "auto-reply", "absence-notice"),
    ("auto-generated", mail("Auto-Submitted: auto-generated"), FROM_KAREN, "automatic", "auto-submitted"),
    ("auto-notified", mail("Auto-Submitted: auto-notified; owner-email=\"x\""), FROM_KAREN, "automatic",
     "auto-submitted"),
    ("a keyword yet to be registered", mail("Auto-Submitted: auto-translated"), FROM_KAREN, "automatic",
     "auto-submitted"),
    ("nagios", mail(sender="Nagios@monitor.example"), FROM_KAREN, "automatic", "robot"),
    ("cron", mail("X-Cron-Env: <SHELL=/bin/sh>"), FROM_KAREN, "automatic", "robot"),
    ("another helpdesk", mail("X-FC-MachineGenerated: true"), FROM_KAREN, "automatic", "robot"),
    ("a reaction", mail(reaction="👍"), FROM_KAREN, "reaction", "reaction"),
    *((f"calendar {method}", mail(calendar_method=method), FROM_KAREN, "automatic", "calendar-answer") for method in
      ("REPLY", "COUNTER")),
    ("configured robot", mail(sender="Probe@Alerts.example"), FROM_KAREN, "automatic", "configured-robot"),
    ("marked by the provider", mail("X-Spam-Flag: YES"), FROM_KAREN, "spam", "marked-as-spam"),
    ("marked by Microsoft", mail("X-Forefront-Antispam-Report: CIP:1.2.3.4;SFV:SPM;H:x"), FROM_KAREN, "spam",
     "marked-as-spam"),
    ("a marked list mail", mail("X-Spam-Flag: YES", "List-Id: <talk.client.example>"), FROM_KAREN, "spam",
     "marked-as-spam"),
    ("null sender alone", mail(), NULL, "automatic", "null-reverse-path"),
    ("null sender in brackets", mail(), Envelope("<>"), "automatic", "null-reverse-path"),
    ("null sender over IMAP", mail("Return-Path: <>"), BY_IMAP, "automatic", "null-reverse-path"),
    *((name, mail(f"{name}: <x.client.example>"), FROM_KAREN, "list", "mailing-list") for name in
      ("List-Id", "List-Unsubscribe", "List-Post", "Mailing-List")),
    ("precedence list", mail("Precedence: LIST"), FROM_KAREN, "list", "mailing-list"),
    *((sender, mail(), Envelope(sender), "list", "mailing-list") for sender in
      ("owner-talk@x.example", "talk-owner@x.example", "talk-request@x.example", "talk-bounces+karen=x@x.example")),
    ("precedence bulk", mail("Precedence: bulk"), FROM_KAREN, "list", "bulk"),
    ("precedence junk", mail("Precedence: junk"), FROM_KAREN, "list", "bulk"),
    ("bulk sender", mail("Feedback-ID: a:b:c:d"), FROM_KAREN, "list", "bulk"),
    ("bulk sender's relay", mail("X-AMAZON-MAIL-RELAY-TYPE: notification"), FROM_KAREN, "list", "bulk"),
    ("own address as From", mail(sender="Support@ACME.example"), FROM_KAREN, "person", "own-address"),
    ("own subaddress as From", mail(sender="help+x@acme.example"), FROM_KAREN, "person", "own-address"),
    ("no From", mail(sender=None), FROM_KAREN, "person", "no-single-sender"),
    *((sender, mail(sender=f"{sender}@client.example"), FROM_KAREN, "person", "unread-sender") for sender in
      ("noreply", "No-Reply", "no_reply", "do-not-reply", "donotreply", "do_not_reply", "shop-noreply", "noreply+42",
       "noreply-orders", "bounce", "bounces+karen", "root", "postmaster", "abuse", "mail-daemon")),
    ("no-reply envelope", mail(), Envelope("noreply@client.example"), "person", "unread-sender"),
    ("no-reply return path", mail("Return-Path: <bounce-17@client.example>"), BY_IMAP, "person", "unread-sender"),
    *((f"suppress {value}", mail(f"X-Auto-Response-Suppress: {value}"), FROM_KAREN, "person", "answer-suppressed")
      for value in ("All", "OOF", "DR, RN, NRN, OOF, AutoReply", "dr,autoreply")),
    ("loop mark of another program", mail("X-Loop: bot@x.example"), FROM_KAREN, "person", "foreign-loop-mark"),
    ("loop mark of another maild", mail("X-Maild-Loop: something"), FROM_KAREN, "person", "foreign-loop-mark"),
    ("Bcc", mail(to=(KAREN,)), FROM_KAREN, "person", "not-addressed-to-us"),
    ("nobody in To", mail(to=()), FROM_KAREN, "person", "not-addressed-to-us"),
]  # fmt: skip


@in_turn(("message", "envelope", "mail_class", "rule"), [row[1:] for row in TABLE],
                         ids=[row[0] for row in TABLE])  # fmt: skip
def test_marked_mail_is_recognised_and_never_answered(message, envelope, mail_class, rule):
    found = classify(message, envelope, OURS)
    assert (found.mail_class, found.rule, found.answerable) == (mail_class, rule, False)
    assert ": " in found.reason


def test_a_list_that_feeds_us_brings_mail_of_people():
    found = judged("List-Id: Feed <feed.lists.example>", "Precedence: bulk")
    assert (found.mail_class, found.answerable) == (MailClass.PERSON, True)


@pytest.mark.parametrize(
    "headers",
    [("X-Spam-Flag: NO",), ("X-Spam-Status: No, score=1",), ("X-Forefront-Antispam-Report: SFV:NSPM",)],
)
def test_a_filter_that_says_no_says_nothing(headers):
    assert judged(*headers).mail_class is MailClass.PERSON


def test_an_invitation_is_a_persons_mail():
    assert judged(calendar_method="REQUEST").mail_class is MailClass.PERSON


def test_a_bounce_that_a_filter_marked_is_a_bounce():
    assert judged("X-Spam-Flag: YES", report_type="delivery-status").mail_class is MailClass.DSN


def test_every_row_is_in_the_test_table():
    assert {row[4] for row in TABLE} == {rule.name for rule in (*RULES, *UNANSWERED)}


@in_turn(
    "message",
    [
        mail("Auto-Submitted: no"),
        mail("Auto-Submitted: No (a person)"),
        mail("Auto-Submitted: (hello) no; x=y"),
        mail("Auto-Submitted:"),
        mail("X-Autoreply: no"),
        mail("Precedence: normal"),
        mail("X-Auto-Response-Suppress: DR, RN, NRN"),
        mail("X-Auto-Response-Suppress: None"),
        mail(subject="Out of office: how do I set it?"),
        mail(subject="Re: vacation reply does not work"),
        mail("Return-Path: <>"),  # the envelope knows better than a header that anybody can write
        mail(sender="noreen@client.example"),
        mail(sender="bouncer@client.example"),
        mail(sender="rooter@client.example"),
        mail(sender="request@client.example"),
        mail(message_id=""),
        mail(to=(), cc=(SUPPORT,)),
        mail(to=(Person(Address.of("Support+42r1s3.abc@acme.example")),)),
        mail(hops=MAX_HOPS),
        mail(report_type="signed"),
    ],
)
def test_a_person_stays_a_person(message):
    found = classify(message, FROM_KAREN, OURS)
    assert (found.mail_class, found.answerable) == (MailClass.PERSON, True)


def test_a_list_that_talks_about_absences_is_a_list():
    assert judged("List-Id: <x>", "Precedence: bulk", subject="Out of office").mail_class is MailClass.LIST


def test_without_a_mark_of_our_own_nothing_is_our_own():
    blank = replace(OURS, loop_mark="")
    assert judged("X-Maild-Loop:", marks=blank).mail_class is MailClass.PERSON
    assert judged("X-Maild-Loop: k3f9q2", marks=blank).mail_class is MailClass.PERSON


def test_without_known_addresses_no_mail_is_past_us():
    assert judged(to=(), marks=replace(OURS, own_addresses=frozenset())).answerable


def test_an_unknown_reverse_path_is_not_the_null_one():
    assert judged(envelope=BY_IMAP).answerable


def test_only_people_and_lists_are_not_machines():
    assert {kind for kind in MailClass if not kind.by_machine} == {MailClass.PERSON, MailClass.LIST}


def test_a_reason_is_one_short_printable_line():
    found = judged("List-Id: a\r\nb\x1b[31m\u202ec" + "x" * 1000)
    assert found.reason.isprintable()
    assert len(found.reason) < 200


def test_the_reason_for_no_sender_shows_what_was_there():
    assert judged(sender=None, from_header="a@b, c@d").reason.endswith("From: a@b, c@d")
    assert judged(sender=None).reason.endswith("From: absent")


NAMES = ["Auto-Submitted", "Precedence", "List-Id", "X-Loop", "X-Maild-Loop", "X-Auto-Response-Suppress", "Return-Path",
         "X-Autoreply"]  # fmt: skip


@given(
    st.lists(st.tuples(st.sampled_from(NAMES), st.text(max_size=20) | st.sampled_from(["no", "(", ")", "(no", "<>"]))),
    st.sampled_from([None, "", "<>", "@", "karen@client.example", "x" * 100]),
    st.text(max_size=20),
)
def test_no_header_breaks_the_classification(headers, sender, subject):
    collected: dict[str, list[str]] = {}
    for name, value in headers:
        collected.setdefault(name.lower(), []).append(value)
    message = mail(headers={name: tuple(values) for name, values in collected.items()}, subject=subject)
    found = classify(message, Envelope(sender), OURS)
    assert found.answerable is (found.rule == "person")
