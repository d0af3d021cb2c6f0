"""The admin's topics and rules: which mail they match, and who wins where several speak."""

from dataclasses import replace

import pytest

from maild.config.expressions import Pattern as Rx
from maild.domain.intake.rules import Filing, Match, Rule, Topic, file, matches
from maild.domain.messages.message import Envelope
from maild.domain.people.directory import Address, Person
from tests.domain.mail_scene import BASE, ENVELOPE, KAREN, mail
from tests.rig.misses import in_turn


@in_turn(
    ("match", "hits"),
    [
        (Match(subject=Rx("printer")), True),
        (Match(subject=Rx("^on fire")), False),
        (Match(subject=Rx("fire$|smoke")), True),
        (Match(from_="*@client.example"), True),
        (Match(from_="KAREN@*"), True),
        (Match(from_="*@evil.example"), False),
        (Match(address="SUPPORT@acme.example"), True),
        (Match(address="sysadmins@acme.example"), False),
        (Match(subject=Rx("printer"), from_="*@evil.example"), False),
        (Match(subject=Rx("printer"), from_="karen@*", address="support@acme.example"), True),
        (Match(), False),
    ],
)
def test_all_conditions_must_hold_and_none_hold_for_nothing(match, hits):
    assert matches(match, mail(KAREN, to=(BASE,)), ENVELOPE) is hits


def test_the_envelope_says_where_a_blind_copy_went():
    hidden = mail(to=(Address.of("boss@client.example"),))
    assert matches(Match(address="support@acme.example"), hidden, Envelope("", ("Support@acme.example",)))
    assert not matches(Match(address="support@acme.example"), hidden, ENVELOPE)


def test_a_mail_without_a_sender_matches_no_sender():
    assert not matches(Match(from_="*@*"), mail(None), ENVELOPE)


def test_a_pattern_sees_the_beginning_of_an_endless_subject():
    assert not matches(Match(subject=Rx("needle")), mail(subject="x" * 5000 + "needle"), ENVELOPE)


HARDWARE = Topic("hardware", Match(subject=Rx("printer")), "support", "banking", "jane", "high", "sev-b", True, ("hw",))
SECOND = Topic("fire", Match(subject=Rx("fire")), "sysadmins")


def test_the_first_topic_that_matches_speaks():
    filing = file(mail(), ENVELOPE, (HARDWARE, SECOND), ())
    assert (filing.topic, filing.department, filing.team, filing.assignee) == ("hardware", "support", "banking", "jane")
    assert (filing.priority, filing.topic_plan, filing.rule_plan) == ("high", "sev-b", "")
    assert (filing.acknowledge, filing.tags, filing.trail) == (True, ("hw",), ("topic hardware",))


def test_every_rule_that_matches_applies_and_the_later_one_wins():
    hit, miss = Match(subject=Rx("printer")), Match(subject=Rx("paper"))
    rules = (
        Rule(hit, department="support", priority="low", tags=("a",), sla_plan="sev-c"),
        Rule(miss, priority="emergency", reject=True),
        Rule(hit, priority="high", tags=("b", "a"), acknowledge=False),
    )
    filing = file(mail(), ENVELOPE, (), rules)
    assert (filing.department, filing.priority, filing.tags) == ("support", "high", ("a", "b"))
    assert (filing.rule_plan, filing.acknowledge, filing.reject) == ("sev-c", False, False)
    assert filing.trail == ("rule 1", "rule 3")


def test_a_rule_has_the_word_before_a_topic():
    rule = Rule(Match(subject=Rx("fire")), department="sysadmins", sla_plan="sev-a", acknowledge=False, tags=("hot",))
    filing = file(mail(), ENVELOPE, (HARDWARE,), (rule,))
    assert (filing.department, filing.team, filing.priority) == ("sysadmins", "banking", "high")
    assert (filing.rule_plan, filing.topic_plan, filing.acknowledge) == ("sev-a", "sev-b", False)
    assert filing.tags == ("hw", "hot")
    assert filing.trail == ("topic hardware", "rule 1")


def test_a_rule_may_name_another_topic():
    rule = Rule(Match(subject=Rx("printer")), topic="fire")
    assert file(mail(), ENVELOPE, (HARDWARE, SECOND), (rule,)).topic == "fire"
    assert file(mail(), ENVELOPE, (HARDWARE,), (replace(rule, topic="gone"),)).topic == "hardware"


@pytest.mark.parametrize("what", ["reject", "ignore"])
def test_once_turned_away_stays_turned_away(what):
    rules = (
        Rule(Match(subject=Rx("printer")), **{what: True}),
        Rule(Match(subject=Rx("fire")), priority="high"),
    )
    assert getattr(file(mail(), ENVELOPE, (), rules), what)


def test_without_a_match_nothing_is_said():
    assert file(mail(subject="Hello"), ENVELOPE, (HARDWARE,), (Rule(Match(subject=Rx("x")), ignore=True),)) == Filing()


def test_a_sender_is_matched_by_the_address_and_never_by_the_name():
    shown = mail(Person(Address.of("mallory@evil.example"), "karen@client.example"))
    assert not matches(Match(from_="karen@client.example"), shown, ENVELOPE)
