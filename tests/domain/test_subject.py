"""What is left of a subject when mail programs and tokens are taken off it."""

import pytest

from maild.domain.messages.subject import base_subject, same_subject
from tests.rig.misses import in_turn


@in_turn(
    "subject",
    [
        "Printer on fire",
        "Re: Printer on fire",
        "RE: FW: Printer on fire [#1042-7k2m]",
        "AW: Antwort: SV: Printer on fire",
        "回复： Printer on fire",
        "Re[2]: Printer on fire",
        "Re(3): Re^4: Printer on fire",
        "[#1042-7k2m] R: Printer  on\tfire",
        "Odp: ODP: TR: RV: Printer on fire",
        "Отв: Re: Printer on fire",
        "Re:Printer on fire",
    ],
)
def test_marks_of_answers_and_tokens_are_taken_off(subject):
    assert base_subject(subject) == "Printer on fire"


@pytest.mark.parametrize("subject", ["Regarding: the printer", "Residence: permit", "Rent: due", "12:30 meeting", ""])
def test_words_that_only_look_like_marks_stay(subject):
    assert base_subject(subject) == subject


def test_subjects_are_one_conversation_whatever_the_language_of_the_program():
    assert same_subject("AW: Drucker brennt [#1-abcd]", "Re: drucker brennt")
    assert not same_subject("Re: a", "Re: b")
    assert not same_subject("Re:", "")


def test_a_subject_of_nothing_but_marks_is_read_in_bounded_steps():
    assert base_subject("Re: " * 10_000).startswith("Re:")
