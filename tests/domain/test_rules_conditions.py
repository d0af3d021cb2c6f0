"""What a topic or rule may ask of a mail, and what it gets to see of it."""

import re
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from maild.config.expressions import Pattern as Rx
from maild.domain.intake.rules import Ban, Filing, Match, Rule, Topic, file, matches, name_fits
from maild.domain.messages.attachment import Attachment
from maild.domain.messages.message import Envelope, InboundMessage
from maild.domain.people.directory import Address, Person
from tests.domain.mail_scene import KAREN, mail
from tests.rig.misses import in_turn

MAIL = mail(
    subject="Printer on FIRE in room 7",
    text="Hello,\nthe printer burns.\n\nOrder-No: 4711\nKaren",
    to=(Address.of("Web+shop@acme.example"), Address.of("boss@client.example")),
    headers={"x-form": ("contact", "order"), "x-empty": ("",)},
    attachments=(
        Attachment("2", "Smoke.PNG", "image/png", 9, "a"),
        Attachment("3", "invite.ics", "text/calendar", 9, "b"),
    ),
)
ENVELOPE = Envelope("karen@client.example", ("hidden@acme.example",))


def holds(mail_class: str = "person", message: InboundMessage = MAIL, **conditions: Any) -> bool:
    made = {name: _with_expressions(name, value) for name, value in conditions.items()}
    return matches(Match(**made), message, ENVELOPE, mail_class)


def _with_expressions(name: str, value: Any) -> Any:
    if name == "header":
        return tuple((header, Rx(expression)) for header, expression in value)
    return Rx(value) if name in ("subject", "body") else value


CONDITIONS = [
    ({"subject": "printer|scanner"}, True),
    ({"subject": "^printer on fire"}, True),
    ({"subject": "fire$"}, False),
    ({"from_": "*@client.example"}, True),
    ({"from_": "KAREN@*"}, True),
    ({"from_": "karen"}, False),  # a glob fits the whole address
    ({"address": "web+shop@acme.example"}, True),
    ({"address": "hidden@acme.example"}, True),  # in the envelope alone: Bcc
    ({"address": "shop@acme.example"}, False),
    ({"to": "web+*@acme.example"}, True),
    ({"to": "*@client.example"}, True),  # whoever else it went to
    ({"to": "*@elsewhere.example"}, False),
    ({"header": (("X-Form", "^CONTACT$"),)}, True),
    ({"header": (("x-form", "^order$"),)}, True),  # any of its values
    ({"header": (("X-Form", "contactorder"),)}, False),
    ({"header": (("X-Form", "contact"), ("X-Other", "."))}, False),  # all of the headers
    ({"header": (("X-Empty", "^$"),)}, True),
    ({"header": (("X-Absent", "^$"),)}, False),  # an absent header has no value
    ({"body": "printer BURNS"}, True),
    ({"body": r"^order-no: \d+$"}, True),  # ^ and $ mean a line
    ({"body": r"hello,\s+the"}, False),  # nothing reaches over a line's end
    ({"body": "room 7"}, False),  # the subject is no part of the text
    ({"attachment": "*.png"}, True),
    ({"attachment": "invite.*"}, True),
    ({"attachment": "*.exe"}, False),
    ({"class_": ("list", "person")}, True),
    ({"class_": ("automatic",)}, False),
    ({"subject": "fire", "body": "burns", "attachment": "*.ics", "class_": ("person",)}, True),
    ({"subject": "fire", "body": "drowns"}, False),
    ({}, False),
]


@in_turn(("conditions", "expected"), CONDITIONS)
def test_all_conditions_must_hold_in_any_case(conditions: dict[str, Any], expected: bool):
    assert holds(**conditions) is expected


def test_the_class_is_that_of_the_call():
    rules = (Rule(Match(class_=("auto-reply", "automatic")), ignore=True),)
    assert not file(MAIL, ENVELOPE, (), rules).ignore
    assert file(MAIL, ENVELOPE, (), rules, mail_class="automatic").ignore


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("x" * 65_000 + "\nneedle", True),
        ("x" * 66_000 + "\nneedle", False),  # beyond the first 64 KiB
        ("x" * 997 + " needle", True),  # a long line is searched piece by piece
        ("x" * 247 + "needle", True),  # and a word on the border of two pieces is found
        ("x" * 10_000 + "needle" + "x" * 10_000, True),
    ],
)
def test_how_far_a_text_is_searched(text: str, found: bool):
    assert holds(message=mail(text=text), body="needle") is found


def test_the_beginning_of_a_line_is_no_border_of_pieces():
    assert not holds(message=mail(text="x" * 200 + "needle" * 100), body="^needle")


@pytest.mark.parametrize(
    ("glob", "name", "fits"),
    [
        ("*.exe", "Setup.EXE", True),
        ("*.exe", "x" * 4000 + ".exe", True),  # the end counts, however long the name
        ("*.exe", "setup.exe.txt", False),
        ("*.exe", "", False),
        ("*", "", True),
    ],
)
def test_names_of_files(glob: str, name: str, fits: bool):
    assert bool(name_fits(("*.never", glob), name)) is fits


WORDS = st.text(max_size=30)
PATTERNS = st.sampled_from(["", ".*", "^$", "a", r"(\S+)", "on (.*)", r"\bx\b", "(a)|(?:b)", "é", r"[^a-z]+$"]).map(Rx)
GLOBS = st.sampled_from(["", "*", "*@*", "[", "[!]", "a?@*", "*.exe", "\\", "ß*"])
PERSONS = st.builds(Person, st.builds(Address, WORDS, WORDS), WORDS)
MATCHES = st.builds(
    Match,
    subject=PATTERNS,
    from_=GLOBS,
    address=WORDS,
    to=GLOBS,
    header=st.lists(st.tuples(WORDS, PATTERNS), max_size=2).map(tuple),
    body=PATTERNS,
    attachment=GLOBS,
    class_=st.lists(WORDS, max_size=2).map(tuple),
)
CONSEQUENCES = {
    "match": st.one_of(MATCHES, st.just(Match(subject=Rx(".*")))),
    "join": PATTERNS,
    "resolve_on": PATTERNS,
    "requester": st.sampled_from(["", "reply-to"]),
    "mute": st.booleans(),
}
MAILS = st.builds(
    lambda **fields: replace(mail(), **fields),
    sender=st.none() | PERSONS,
    reply_to=st.lists(PERSONS, max_size=2).map(tuple),
    to=st.lists(PERSONS, max_size=2).map(tuple),
    subject=st.text(max_size=2000),
    text=st.text(max_size=2000),
    headers=st.dictionaries(
        st.sampled_from(["importance", "x-priority", "priority", "x"]), st.lists(WORDS, max_size=3).map(tuple)
    ),
    attachments=st.lists(st.builds(Attachment, WORDS, WORDS, WORDS, st.just(1), WORDS), max_size=2).map(tuple),
)


@given(
    MAILS,
    st.builds(Envelope, st.none() | WORDS, st.lists(WORDS, max_size=2).map(tuple)),
    st.lists(st.builds(Topic, name=WORDS, **CONSEQUENCES), max_size=2),
    st.lists(st.builds(Rule, topic=WORDS, ignore=st.booleans(), **CONSEQUENCES), max_size=3),
    st.lists(st.builds(Ban, address=WORDS, domain=WORDS, pattern=GLOBS, reason=WORDS), max_size=2),
    st.booleans(),
)
def test_filing_never_fails(
    message: InboundMessage,
    envelope: Envelope,
    topics: list[Topic],
    rules: list[Rule],
    bans: list[Ban],
    importance: bool,
):
    filing = file(message, envelope, topics, rules, mail_class="person", importance=importance, bans=bans)
    assert isinstance(filing, Filing)
    assert len(filing.join_key) <= 300
    assert filing.join_key or not filing.resolves
    assert filing.ignore or not filing.banned
    assert filing.priority in ("", "high", "low")
    assert bool(filing.trail) or filing == Filing()


def test_the_scene_has_the_sender_that_the_table_expects():
    assert MAIL.sender == KAREN
    assert re.fullmatch("[a-z.@]+", str(KAREN.address))
