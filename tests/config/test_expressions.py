"""Regular expressions of the configuration: what is taken, what is refused, what they find in every script."""

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from maild.config.expressions import LONGEST, Pattern, problem_of

TAKEN = r"""
.*
password|locked out
^\[(\w+)\] .* host (\S+) is (\w+)
\b(\d{1,3}\.){3}\d{1,3}\b
(foo|bar|baz)+x
.*one.*two.*
\S+@\S+
[a-z0-9._-]+@[a-z0-9.-]+\.example
alarm: (.+?) (?:firing|resolved)
([0-9a-f]{2}:){5}[0-9a-f]{2}
\d{1,2}\.\d{1,2}\.(?:\d{2}|\d{4})
^\s*(?:re|fwd?|aw):\s*\S+
(?i:Über).*straße
\bсрочно\b
(a+)+
(.|\s)*foo
[]x]
[^]x]
\(\?=
[(?=]
""".strip().splitlines()

REFUSED = {
    r"(?<!un)solved": "at character 1: look-around",
    r"a(?=b)": "at character 2: look-around",
    r"(x)\1": "at character 4: a reference",
    r"(?P<x>a)(?P=x)": "at character 9: a reference",
    r"(a)?(?(1)b|c)": "at character 5: a reference",
    r"a++": "at character 2: possessive",
    r"(?>a)b": "at character 1: possessive",
    r"a (\büber)": r"at character 4: inside an expression \b works with ASCII",
    r"((a{1,20}){1,20}){1,20}b": "invalid repetition size",
    r"a{1,2000}": "invalid repetition size",
    r"(": "missing )",
    r"*a": "no argument for repetition operator",
    "x" * (LONGEST + 1): f"more than {LONGEST} characters",
}

FOUND = [
    (r"\bсрочно\b", "Это срочно!", "срочно"),
    (r"\bсрочно\b", "досрочно", None),
    (r"\büber\b|\bunter\b", "geht ÜBER alles", "ÜBER"),
    (r"\büber\b|\bunter\b", "übermut", None),
    (r"\bJOB-\d+\b", "(JOB-17)", "JOB-17"),
    (r"host (\S+)", "host dbß down", "dbß"),
    (r"host( \S+)?", "the host", "host"),
    (r"^\w+$", "Größe_٣", "Größe_٣"),
    (r"^\w+$", "two words", None),
    (r"[\w.]+@", "möller.x@y", "möller.x@"),
    (r"\d\s\d", "1\u00a02", "1\u00a02"),
    (r"\W", "é", None),
    (r"ende\Z", "das Ende", "Ende"),
    (r"STRASSE", "strasse", "strasse"),
    (r"[]x]", "]", "]"),
    ("fire", "\ud83d fire", "fire"),
]


def test_what_people_write_is_taken():
    assert {expression: problem for expression in TAKEN if (problem := problem_of(expression))} == {}


def test_what_cannot_be_searched_in_linear_time_is_refused_with_its_place_and_a_remedy():
    problems = {expression: problem_of(expression) for expression in REFUSED}
    wrong = {e[:40]: p for e, p in problems.items() if REFUSED[e] not in p or "; " not in p}
    assert wrong == {}


def test_expressions_find_words_of_every_script():
    wrong = [(e, text, got) for e, text, found in FOUND if (got := Pattern(e).search(text)) != found]
    assert wrong == []


WORDS = st.text(alphabet="aäжß_7 .-", max_size=12)
PARTS = st.sampled_from(
    ["a", "ä", "ж", ".", r"\w", r"\d", r"\s", r"\W", "[ab]", "[^a]", r"[\wä]", "a+", r"\w*", "(?:a|ж)"]
)


@settings(max_examples=300, deadline=None)
@given(st.lists(PARTS, min_size=1, max_size=5), WORDS, st.booleans())
def test_expressions_find_what_pythons_own_would_find(parts: list[str], text: str, words_alone: bool):
    expression = "".join(parts)
    if words_alone and parts[0].startswith(("a", "ä", "ж", r"\w")) and parts[-1] in ("a", "ä", "ж", r"\w", r"\d"):
        expression = rf"\b{expression}\b"
    hit = re.search(expression, text, re.IGNORECASE)
    found = Pattern(expression).search(text)
    assert (found is None) == (hit is None)


@pytest.mark.parametrize("expression", ["(a+)+$", "(a|aa)+$", "(.*a){20}x", r"(\w+\s?)+:", "(x+x+)+y"])
def test_no_text_lets_an_expression_run_away(expression: str):
    """An engine that tries every way would need years for this; the time limit of the tests would end it."""
    for letter in "ax":
        assert Pattern(expression).search(letter * 50_000 + "!") is None
