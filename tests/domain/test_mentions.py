"""Agents whom a note names: with an @, by any of their names, and nobody by chance."""

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from maild.domain.people.directory import Directory
from maild.domain.people.mentions import mentions
from tests.domain.mail_scene import DIRECTORY, JANE, JOHN, agent
from tests.rig.misses import in_turn


@in_turn(
    ("text", "named"),
    [
        ("@jane, could you look?", ("jane",)),
        ("Ask @JANE.", ("jane",)),
        ("(@john)", ("john",)),
        ("@Jane Doe: please", ("jane",)),
        ("@jane.doe and @Jane-Doe", ("jane",)),
        ("@jane@acme.example knows", ("jane",)),
        ("@joe @john\n@jane", ("joe", "john", "jane")),
        ("@jane and john", ("jane",)),
        ("@sam will know", ()),
        ("write to bob@jane or jane@acme.example", ()),
        ("> @jane said so", ()),
        ("@ jane", ()),
        ("@", ()),
        ("", ()),
        ("e@@jane", ()),
    ],
)
def test_who_is_named(text, named):
    assert mentions(text, DIRECTORY) == named


def test_a_name_that_may_mean_two_means_nobody():
    two = Directory(agents=(agent("jdoe", display="Jane Doe"), agent("jroe", display="Jane Roe")))
    assert mentions("@jane and @Jane Roe", two) == ("jroe",)


def test_whoever_copies_a_list_of_everybody_names_not_all_of_them():
    many = replace(DIRECTORY, agents=tuple(agent(f"a{n}") for n in range(60)))
    assert len(mentions(" ".join(f"@a{n}" for n in range(60)), many)) == 20


@given(st.text(max_size=500))
def test_no_text_breaks_the_reading(text):
    assert set(mentions(text, DIRECTORY)) <= {each.name for each in DIRECTORY.agents}


@given(st.text(alphabet="ab@ .>\n", max_size=40), st.sampled_from([JANE, JOHN]))
def test_a_name_on_a_line_of_its_own_is_found_whatever_stands_around(text, someone):
    assert someone.name in mentions(f"{text}\n@{someone.name}\n{text}", DIRECTORY)
