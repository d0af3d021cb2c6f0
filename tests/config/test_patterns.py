"""Regular expressions that could run for hours are refused; those that people write are not."""

import re
from contextlib import suppress

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from maild.config.regex_safety import danger
from maild.domain.intake.rules import Match, matches
from maild.domain.messages.message import Envelope
from tests.domain.mail_scene import mail

HARMLESS = r"""
.*
password|locked out
^\[(\w+)\] .* host (\S+) is (\w+)
\b(\d{1,3}\.){3}\d{1,3}\b
(foo|bar|baz)+x
.*foo|.*bar|.*baz
.*one.*two.*
(?:host|node) (\S+)
\S+@\S+
[a-z0-9._-]+@[a-z0-9.-]+\.example
alarm: (.+?) (?:firing|resolved)
(?<!un)solved
([0-9a-f]{2}:){5}[0-9a-f]{2}
host=(\w+).*service=(\w+)
(a)?(?(1)b|c)
\d{1,2}\.\d{1,2}\.(?:\d{2}|\d{4})
colou?r
(foo, )*bar
(.*) to (.*)$
^\s*(?:re|fwd?|aw):\s*\S+
(?i:Über).*straße
(x)\1
""".strip().splitlines()

HARMFUL = r"""
(a+)+
(a*)*b
(aa?)+x
(a|aa)+x
(\w+\s?)+:
(.|\s)*foo
(ab|\wb)+x
(.*a){20}
([a-z]+)*$
(?:a?){40}a{40}
a?a?a?a?a?a?a?a?a?a?a?a?a?a?a?aaaaaaa
.*a.*b.*c.*d
\w*\w*x
\s*\s*\s*x
(.*)(.*)(.*)x
(x+x+)+y
(?=(a+)+b)
(?:foo|(a+)+)b
^(([a-z])+.)+[A-Z]([a-z])+$
((a{1,20}){1,20}){1,20}b
(a{0,5000}){0,5000}b
""".strip().splitlines()


@pytest.mark.parametrize("expression", HARMLESS)
def test_what_people_write_is_taken(expression: str):
    re.compile(expression)
    assert danger(expression) == ""


@pytest.mark.parametrize("expression", [*HARMFUL, "x" * 1001])
def test_what_could_run_for_hours_is_refused_with_a_remedy(expression: str):
    re.compile(expression)
    assert "; " in danger(expression)


ATOMS = st.sampled_from(["a", "b", ".", r"\w", r"\s", "[ab]", "[^a]", "^", "$", r"\b", "ab", "aa"])
SUFFIXES = st.sampled_from(["", "", "*", "+", "?", "*?", "{2}", "{1,3}", "{0,40}"])


def longer(shorter: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    parts = st.lists(shorter, min_size=1, max_size=3)
    return st.one_of(
        parts.map("".join),
        st.tuples(parts.map("|".join), SUFFIXES).map(lambda two: f"({two[0]}){two[1]}"),
        st.tuples(shorter, st.sampled_from(["(?={})", "(?!{})", "(?>{})"])).map(lambda two: two[1].format(two[0])),
    )


ATOMS_REPEATED = st.tuples(ATOMS, SUFFIXES).map(lambda two: two[0] + (two[1] if two[0] not in "^$" else ""))


@settings(max_examples=300, deadline=None)
@given(st.recursive(ATOMS_REPEATED, longer, max_leaves=7))
def test_whatever_is_taken_comes_to_an_end_on_the_worst_of_mails(expression: str):
    """A hole in the judgement shows as a test that never ends."""
    never = f"(?:{expression})Z"
    with suppress(re.error):
        re.compile(never)
        if not danger(never):
            for subject in ("a" * 1000, "ab" * 500, " a" * 500, "a" * 999 + "!"):
                assert not matches(Match(subject=never), mail(subject=subject), Envelope())
