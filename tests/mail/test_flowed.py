"""format=flowed: paragraphs put together again (RFC 3676)."""

import pytest

from maild.mail.reading.flowed import decode
from tests.rig.misses import in_turn


@in_turn(
    ("written", "read"),
    [
        ("one \ntwo \nthree\n", "one two three\n"),
        ("one\ntwo", "one\ntwo"),
        ("> one \n> two\nthree", "> one two\nthree"),
        ("> one \n>> two \n> three", "> one \n>> two \n> three"),
        ("text \n-- \nKaren", "text \n-- \nKaren"),
        (">-- \n> Karen", "> -- \n> Karen"),
        (" >stuffed\n From", ">stuffed\nFrom"),
        ("end ", "end "),
        ("", ""),
    ],
)
def test_soft_line_ends_are_joined(written, read):
    assert decode(written) == read


def test_delsp_takes_the_space_as_well():
    assert decode("这是 \n一段", delsp=True) == "这是一段"


@pytest.mark.timeout(20)
@pytest.mark.parametrize("written", ["a \n" * 200_000, ">" * 500_000, "> a \n" * 100_000, " " * 500_000])
def test_endless_paragraphs_are_joined_in_linear_time(written):
    assert decode(written)
