"""Other people's words, clean: nothing that steers a terminal, ends a line unseen, or cannot be stored."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from maild.mail.text.cleaning import body_text, one_line, short_line, visible
from tests.rig.misses import in_turn


@in_turn(
    ("text", "clean"),
    [
        ("a\r\nb\rc\n", "a\nb\nc\n"),
        ("two\tcolumns", "two\tcolumns"),
        ("a\x1b[31mred\x1b]0;title\x07", "a[31mred]0;title"),  # what steers a terminal
        ("größer\x9b2J", "größer2J"),  # the same in one character (ECMA-48 5.3)
        ("page\x0cnext\u2028line\x85end", "page\nnext\nline\nend"),
        ("a\0b", "a\ufffdb"),
        ("half \ud83d of one", "half \ufffd of one"),
        ("\ufeff\ufeffbegins", "begins"),
        ("עברית\u200f!", "עברית\u200f!"),  # a text may turn its own direction
    ],
)
def test_a_text_keeps_its_words_and_loses_its_controls(text, clean):
    assert body_text(text) == clean


@pytest.mark.parametrize(
    ("text", "clean"),
    [
        ("a\r\nBcc: b", "a  Bcc: b"),
        ("a\x1c\x1d\x1e\u2029b", "a    b"),
        ("invoice\u202efdp.exe", "invoicefdp.exe"),
        ("a\0\x07\ufeffb\ud800", "ab\ufffd"),
    ],
)
def test_a_line_cannot_be_ended_or_turned_around(text, clean):
    assert one_line(text) == clean


def test_a_line_to_show_is_short_and_single_spaced():
    assert short_line(" a \t\n b\u202e ") == "a b"
    assert short_line("word " * 100, 12) == "word word w…"
    assert len(short_line("x" * 10_000)) == 200


@given(st.text(st.characters(codec=None)))
def test_whatever_comes_is_clean_once_and_for_all(text):
    for clean in (body_text, one_line, short_line, visible):
        once = clean(text)
        once.encode()
        assert "\0" not in once
        assert clean(once) == once
    assert body_text(text).splitlines() == body_text(text).removesuffix("\n").split("\n") or not body_text(text)
    assert len(one_line(text).splitlines()) <= 1
