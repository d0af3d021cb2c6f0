"""The page for agents says what the table of verbs says, and the help the same."""

import pytest

from maild.domain.commands.apply import VERBS, help_text
from maild.domain.commands.table import Group, reference_table
from tests.domain.commands_page import PAGE, renewed
from tests.rig.misses import in_turn


def test_the_page_has_the_table_of_verbs():
    page = PAGE.read_text(encoding="utf-8")
    assert page == renewed(page), "renew it: python -m tests.domain.commands_page"


def test_a_page_without_its_marks_is_not_overwritten():
    with pytest.raises(ValueError, match="needs the lines"):
        renewed("# Working by mail\n")


@in_turn("verb", VERBS, ids=lambda verb: verb.name)
def test_page_and_help_say_the_same_of_each_verb(verb):
    rows = [line.split(" | ") for line in reference_table().split("\n") if line.startswith("| `!")]
    (row,) = [" ".join(cells) for cells in rows if cells[0].strip("| `").split(" ")[0] == f"!{verb.name}"]
    assert verb.summary in row
    assert all(f"`!{alias}`" in row for alias in verb.aliases)
    assert " ".join(verb.summary.split()) in " ".join(help_text().split())


def test_every_verb_stands_under_one_heading():
    for text in (reference_table(), help_text()):
        places = [text.index(group.value) for group in Group]
        assert places == sorted(places)
