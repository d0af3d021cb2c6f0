"""What is taken for an agent's signature when nobody marked it, and above all what is not."""

import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from maild.domain.agent_mail.signature import SIGNATURE_MAILS, remembered, signature_in, tail_of
from maild.domain.people.directory import Address, Agent
from tests.rig.misses import in_turn

JANE = Agent("jane", (Address.of("jane@acme.example"), Address.of("jdoe@home.example")), "Jane Doe")
BODIES = ("We look into it.", "Nearly there,\none more hour.", "It runs again.")


def learned(*mails: str) -> str:
    return remembered("", [tail_of(mail) for mail in mails], JANE)


def ending(end: str) -> str:
    """What is learned from three mails with this end."""
    return learned(*(body + end for body in BODIES))


@in_turn(
    "signature",
    [
        "Jane",
        "Jane Doe",
        "-- Jane",
        "Kind regards\nJane Doe\nACME Ltd, 3rd floor, ext. 42",
        "Kind regards,\n\nJane Doe\nAcme Support\nTel. +49 30 123456\nwww.acme.example",
        "Mit freundlichen Grüßen\nJane Doe\nLeiterin IT | Acme GmbH\n12345 Berlin",
        "jane@acme.example",
        "Phone: +49 (30) 12 34 56\nAcme Inc.",
        "Jane Doe\nHead of Support and Operations\nE-mail: jane@acme.example\n\nAcme, 12 Some Street, 12345 Berlin",
    ],
)
def test_what_says_who_wrote_is_learned(signature):
    assert ending(f"\n\n{signature}") == signature


@in_turn(
    "end",
    [
        "\n!close",
        "\n\n!close",
        "\n\n!close\n!tag done",
        "\n\nJane Doe\n!close\nAcme",
        "\nPlease restart your computer and tell me whether it works.",
        "\n\nPlease restart your computer and tell me whether it works.",
        "\n\nPlease restart your computer\nJane Doe",
        "\n\nJane Doe\nPlease restart your computer",
        "\n\nJane Doe\nPlease call me at +49 30 123456 when it is done",
        "\n\nPlease call +49 30 123456 when it is done\nJane Doe",
        "\n\nJane Doe\nPLEASE RESTART YOUR COMPUTER",
        "\n\nYour password is Jane",
        "\n\nFixed\nJane Doe",
        "\n\nKind regards",
        "\nJane Doe",  # in the same paragraph: the end of a sentence, for all we know
    ],
)
def test_what_says_anything_else_is_not(end):
    assert ending(end) == ""


def test_a_sentence_above_the_signature_stays_although_it_is_said_each_time():
    assert ending("\n\nPlease restart your computer.\n\nJane Doe\nAcme Support") == "Jane Doe\nAcme Support"


def test_commands_below_a_signature_are_cut_away_first():
    assert ending("\n\nJane Doe\nAcme Support\n\n!close\n!tag done") == "Jane Doe\nAcme Support"
    assert learned("We look.\n\nJane Doe\n!take", "It runs.\n\nJane Doe\n!close", "Done.\n\nJane Doe") == "Jane Doe"


def test_mails_that_are_nothing_but_a_signature_teach_none():
    assert learned("Jane Doe", "It runs.\n\nJane Doe", "Done.\n\nJane Doe") == ""


def test_two_mails_are_too_few():
    assert learned("We look.\n\nJane Doe", "It runs.\n\nJane Doe") == ""


def test_a_signature_is_forgotten_when_no_mail_of_the_last_has_it():
    assert remembered("Jane Doe", ["It runs.\n\nJane Doe", "From the train.", "And again."], JANE) == "Jane Doe"
    assert remembered("Jane Doe", ["Done, I am", "From the train.", "And again."], JANE) == ""


@pytest.mark.parametrize("known", ["!close", "Please restart your computer and tell me whether it works."])
def test_what_was_learned_wrongly_once_is_forgotten(known):
    tails = [f"I repaired number {n}.\n{known}" for n in range(SIGNATURE_MAILS)]
    assert remembered(known, tails, JANE) == ""


def test_a_new_signature_takes_the_place_of_the_old_one():
    tails = [f"Number {n}.\n\nJane Doe\nAcme GmbH" for n in range(SIGNATURE_MAILS)]
    assert remembered("Jane Doe\nAcme Inc.", tails, JANE) == "Jane Doe\nAcme GmbH"


# -- whatever people write ----------------------------------------------------------------------------------------

WORD = st.text(string.ascii_lowercase, min_size=1, max_size=10)
SENTENCE = st.tuples(
    st.sampled_from(["Please", "Then", "You", "It", "Call", "Now"]),
    st.lists(WORD, min_size=2, max_size=9),
    st.sampled_from(["", "", " Jane", " +49 30 123456", " jane@acme.example", " www.acme.example"]),
    st.sampled_from([".", "!", "?", ""]),
).map(lambda parts: f"{parts[0]} {' '.join(parts[1])}{parts[2]}{parts[3]}")
SIGNED = st.sampled_from(["", "\nJane Doe", "\n\nJane Doe", "\n\nKind regards\nJane Doe\nAcme Support\n+49 30 123456"])


@given(SENTENCE, st.sampled_from(["\n", "\n\n"]), SIGNED, st.sampled_from(["", "\n!close", "\n\n!take\n!tag x"]))
def test_a_sentence_that_is_repeated_is_no_signature(sentence, between, signed, commands):
    assert sentence not in ending(f"{between}{sentence}{signed}{commands}")


@given(SENTENCE, st.sampled_from(["\nJane Doe", "\n\nJane Doe"]))
def test_a_sentence_below_the_name_is_no_signature(sentence, name):
    assert sentence not in ending(f"{name}\n{sentence}")


@given(st.lists(st.text(max_size=200), min_size=SIGNATURE_MAILS, max_size=SIGNATURE_MAILS))
def test_a_signature_is_an_end_of_each_mail(mails):
    found = signature_in([tail_of(mail) for mail in mails], JANE)
    assert all(found.split("\n")[-1] in mail for mail in mails)
