"""What fits on a pager."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from maild.domain.notices.page import MOST, folded, page_text


@pytest.mark.parametrize(
    ("text", "plain"),
    [
        ("Drucker für Straße – “heiß”", 'Drucker fur Strasse - "heiss"'),
        ("Ångström œuvre Łódź", "Angstrom oeuvre Lodz"),
        ("two\nlines\tand  blanks", "two lines and blanks"),
        ("プリンター", "?????"),
        ("a\u202eb\x07c", "abc"),
        ("½ €", "1?2 EUR"),
    ],
)
def test_letters_lose_their_accents_and_nothing_else_stays(text, plain):
    assert folded(text) == plain


@given(st.text(max_size=400), st.text(max_size=30))
def test_a_page_always_fits(text, subject):
    page = page_text(text, subject)
    assert len(folded(subject)) + 1 + len(page) <= MOST
    assert page.isascii()
    assert page.isprintable()


def test_what_is_too_long_is_cut_at_its_end():
    page = page_text("x" * 200, "#1042-7k2m")
    assert page == "x" * 146 + "..."
    assert page_text("short", "#1042-7k2m") == "short"
