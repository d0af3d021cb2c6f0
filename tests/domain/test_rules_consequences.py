"""What topics and rules do with a mail: alerts that join, contact forms, muting, and the importance of the sender."""

from typing import Any

import pytest

from maild.config.expressions import Pattern as Rx
from maild.domain.intake.rules import Filing, Match, Rule, Topic, file
from maild.domain.messages.message import Envelope, InboundMessage
from tests.domain.mail_scene import EVE, KAREN, MALLORY, mail
from tests.rig.misses import in_turn

ANY = Match(subject=Rx(".*"))


def filed(message: InboundMessage, *rules: Rule, topics: tuple[Topic, ...] = (), importance: bool = False) -> Filing:
    return file(message, Envelope(), topics, rules, importance=importance)


def test_the_call_with_topics_and_rules_alone_still_means_what_it_did():
    topic = Topic("access", Match(subject=Rx("password")), department="support", sla_plan="sev-b", tags=("a",))
    rule = Rule(ANY, priority="low", tags=("b",), acknowledge=False)
    assert file(mail(subject="Lost password"), Envelope(), (topic,), (rule,)) == Filing(
        topic="access",
        department="support",
        priority="low",
        topic_plan="sev-b",
        tags=("a", "b"),
        acknowledge=False,
        trail=("topic access", "rule 1"),
    )


# -- alerts -------------------------------------------------------------------------------------------------------

KEYS = [
    (r"on host (\S+)", "Disk full on host DB1", "", "rule 1: db1"),  # the group is the key
    (r"host \S+", "Disk full on HOST  db1", "", ""),  # two spaces are not one
    (r"host\s+\S+", "Disk full on HOST  db1", "", "rule 1: host db1"),  # without a group all that is found
    (r"^host: (.+)$", "Alert", "hello\nHost: web 7 \nbye", "rule 1: web 7"),  # in the text as well
    (r"host (\S+)", "host a", "host b", "rule 1: a"),  # the subject comes first
    (r"(?:host (\S+))|(?:down)", "Something is Down", "", "rule 1: down"),  # the group took no part
    (r"host ()x", "host x", "", "rule 1: host x"),  # an empty key would join what has nothing in common
    (r"x*", "aaa", "", ""),
    (r"host (\S+)", "all is well", "", ""),
    (r"(x+)", "x" * 900, "", "rule 1: " + "x" * 200),
]


@in_turn(("join", "subject", "text", "key"), KEYS)
def test_the_key_of_an_alert(join: str, subject: str, text: str, key: str):
    assert filed(mail(subject=subject, text=text), Rule(ANY, join=Rx(join))).join_key == key


def test_two_rules_never_share_a_key():
    message = mail(subject="host db1")
    first = filed(
        message,
        Rule(ANY, join=Rx(r"host (\S+)")),
        Rule(Match(subject=Rx("never")), join=Rx(r"host (\S+)")),
    )
    second = filed(
        message,
        Rule(Match(subject=Rx("never")), join=Rx(r"host (\S+)")),
        Rule(ANY, join=Rx(r"host (\S+)")),
    )
    topic = filed(message, topics=(Topic("rule 1", ANY, join=Rx(r"host (\S+)")),))
    assert len({first.join_key, second.join_key, topic.join_key}) == 3


RECOVERIES = [
    ("PROBLEM: host db1", "", False),
    ("Recovery: host db1", "", True),
    ("host db1", "state\nRECOVERY", True),
    ("Recovery: all", "", False),  # no key: there is no ticket to resolve
]


@pytest.mark.parametrize(("subject", "text", "resolves"), RECOVERIES)
def test_an_alert_that_recovers_resolves_the_ticket_of_its_key(subject: str, text: str, resolves: bool):
    rule = Rule(ANY, join=Rx(r"host (\S+)"), resolve_on=Rx("^recovery"))
    assert filed(mail(subject=subject, text=text), rule).resolves is resolves


def test_the_last_rule_that_finds_a_key_says_whether_it_is_over():
    message = mail(subject="recovery of host db1")
    finds = Rule(ANY, join=Rx(r"host (\S+)"), resolve_on=Rx("recovery"))
    assert filed(message, finds, Rule(ANY, join=Rx("nothing"), resolve_on=Rx(".*"))).join_key == "rule 1: db1"
    later = filed(message, finds, Rule(ANY, join=Rx("of (host)")))
    assert (later.join_key, later.resolves) == ("rule 2: host", False)


def test_a_rule_outvotes_the_topic_in_joining_too():
    topic = Topic("alerts", ANY, join=Rx(r"host (\S+)"), resolve_on=Rx("recovery"))
    message = mail(subject="recovery of host db1")
    alone = filed(message, topics=(topic,))
    assert (alone.join_key, alone.resolves) == ("topic alerts: db1", True)
    ruled = filed(message, Rule(ANY, join=Rx("of (host)")), topics=(topic,))
    assert (ruled.join_key, ruled.resolves) == ("rule 1: host", False)


def test_explain_is_told_the_key():
    assert filed(mail(subject="host db1"), Rule(ANY, join=Rx(r"host (\S+)"))).trail == (
        "rule 1",
        "joined by rule 1: db1",
    )


# -- contact forms and quiet --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("reply_to", "requester"),
    [
        ((EVE,), EVE),
        ((EVE, MALLORY), EVE),
        ((KAREN, EVE), EVE),  # the form names itself as well
        ((KAREN,), None),
        ((), None),
    ],
)
def test_a_contact_form_speaks_for_its_visitor(reply_to: tuple[Any, ...], requester: Any):
    message = mail(KAREN, reply_to=reply_to)
    assert filed(message, Rule(ANY, requester="reply-to")).requester == requester
    assert filed(message, topics=(Topic("form", ANY, requester="reply-to"),)).requester == requester
    assert filed(message, Rule(ANY, tags=("x",))).requester is None


def test_rules_and_topics_may_mute():
    assert filed(mail(), Rule(ANY, mute=True), Rule(ANY, tags=("x",))).mute
    assert filed(mail(), topics=(Topic("quiet", ANY, mute=True),)).mute
    assert not filed(mail(), Rule(ANY, ignore=True)).mute


# -- importance ---------------------------------------------------------------------------------------------------

CLAIMS = [
    ({"importance": ("High",)}, "high"),
    ({"importance": ("low",)}, "low"),
    ({"importance": ("normal",)}, ""),
    ({"x-priority": ("1 (Highest)",)}, "high"),
    ({"x-priority": ("2",)}, "high"),
    ({"x-priority": ("3 (Normal)",)}, ""),
    ({"x-priority": ("5",)}, "low"),
    ({"x-priority": ("11",)}, ""),
    ({"priority": ("Urgent",)}, "high"),
    ({"priority": ("non-urgent",)}, "low"),
    ({"importance": ("emergency",), "priority": ("emergency",)}, ""),  # no sender makes an emergency
    ({"importance": ("low",), "x-priority": ("1",)}, "low"),  # the standard header first
    ({"importance": ("",)}, ""),
    ({}, ""),
]


@in_turn(("headers", "priority"), CLAIMS)
def test_headers_set_the_priority_where_the_admin_lets_them(headers: dict[str, tuple[str, ...]], priority: str):
    message = mail(headers=headers)
    assert filed(message, importance=True).priority == priority
    assert filed(message).priority == ""


def test_headers_give_way_to_rules_and_topics():
    message = mail(headers={"importance": ("high",)})
    assert filed(message, Rule(ANY, priority="normal"), importance=True).priority == "normal"
    assert filed(message, topics=(Topic("t", ANY, priority="low"),), importance=True).priority == "low"
    assert filed(message, Rule(ANY, tags=("x",)), importance=True).trail == ("rule 1", "importance: Importance high")
