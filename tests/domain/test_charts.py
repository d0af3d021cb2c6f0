"""Charts as text: whatever is not nothing shows, and nothing is wider than it may be."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from maild.domain.reports.text_charts import bar, sparkline, split_bar


@pytest.mark.parametrize(
    ("share", "drawn"),
    [(0, ""), (0.1, "▏"), (50, "█████"), (55, "█████▌"), (100, "██████████"), (300, "██████████"), (-4, "")],
)
def test_a_bar(share, drawn):
    assert bar(share, 10) == drawn


@pytest.mark.parametrize(("share", "drawn"), [(0, ""), (1, "#"), (50, "#####"), (51, "######"), (100, "##########")])
def test_a_bar_of_plain_signs(share, drawn):
    assert bar(share, 10, plain=True) == drawn
    assert bar(share, 10, plain=True).isascii()


@pytest.mark.parametrize(
    ("share", "rest", "drawn"),
    [
        (50, 50, "█████░░░░░"),
        (100, 0, "██████████"),
        (0, 100, "░░░░░░░░░░"),
        (99, 1, "█████████░"),
        (1, 99, "█░░░░░░░░░"),
        (20, 30, "██░░░"),
    ],
)
def test_what_was_missed_stands_behind_what_was_kept(share, rest, drawn):
    assert split_bar(share, rest, 10) == drawn
    assert split_bar(share, rest, 10, plain=True) == drawn.replace("█", "#").replace("░", ".")


@pytest.mark.parametrize(
    ("values", "drawn"),
    [
        ([], ""),
        ([0, 0], "▁▁"),
        ([0, 1, 100], "▁▂█"),
        ([1, 2, 3, 4, 5, 6, 7], "▂▃▄▅▆▇█"),
        ([3, None, 3], "█ █"),
    ],
)
def test_a_sparkline(values, drawn):
    assert sparkline(values) == drawn


def test_a_sparkline_of_plain_signs():
    assert sparkline([0, 1, 4, 7, None], plain=True) == "_.=# "


@given(st.floats(0, 100), st.floats(0, 100), st.integers(1, 100), st.booleans())
def test_no_bar_is_wider_than_its_columns(share, rest, width, plain):
    assert len(bar(share, width, plain)) <= width
    rest = min(rest, 100 - share)
    assert len(split_bar(share, rest, width, plain)) <= width
