"""Wishes of agents: the words that make them, the form they are kept in, and who stands in for whom."""

from dataclasses import replace
from datetime import time, timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from maild.domain.invalid import Invalid
from maild.domain.people.preferences import (
    FORMS,
    HEARD,
    DigestWish,
    Interest,
    Level,
    Preferences,
    Readers,
    hours,
    in_words,
    read_quiet,
    read_wish,
)
from tests.domain.mail_scene import DIRECTORY, JANE, JOE, JOHN, MARY, NOW
from tests.rig.misses import in_turn


@in_turn(
    ("words", "kept"),
    [
        ("notify all", {"notify": "all"}),
        ("Notify  MINE", {"notify": "mine"}),
        ("notify mentions", {"notify": "mentions"}),
        ("notify none", {"notify": "none"}),
        ("notify batched", {"pace": "batched"}),
        ("notify at once", {"pace": "at once"}),
        ("notify at-once", {"pace": "at once"}),
        ("notify quiet 20:00-07:00", {"quiet": "20:00-07:00"}),
        ("notify quiet 8:30 \N{EN DASH} 9:05", {"quiet": "08:30-09:05"}),
        ("notify quiet 18:00-00:00", {"quiet": "18:00-00:00"}),
        ("notify quiet off", {"quiet": "off"}),
        ("notify new off", {"new": "off"}),
        ("notify new on", {"new": "on"}),
        ("notify usual", {"notify": None, "pace": None, "quiet": None, "new": None}),
        ("receipts all", {"receipts": "all"}),
        ("receipts needed", {"receipts": "needed"}),
        ("digest daily 8:30", {"digest": "daily 08:30"}),
        ("digest daily", {"digest": "daily 08:00"}),
        ("digest weekly Monday 08:30", {"digest": "weekly mon 08:30"}),
        ("digest weekly thu 17:00", {"digest": "weekly thu 17:00"}),
        ("digest hourly", {"digest": "hourly"}),
        ("digest off", {"digest": "off"}),
        ("digest usual", {"digest": None}),
        ("digest team off", {"digest_team": "off"}),
        ("digest team usual", {"digest_team": None}),
        ("digest manager off", {"digest_manager": "off"}),
        ("digest manager usual", {"digest_manager": None}),
        ("substitute Jane Doe", {"substitute": "jane"}),
        ("substitute nobody", {"substitute": None}),
    ],
)
def test_words_become_wishes(words, kept):
    assert read_wish(words, DIRECTORY) == kept


@in_turn(
    ("words", "instead"),
    [
        ("notify quite 20:00-07:00", "notify quiet 20:00-07:00"),
        ("notfy mine", "notify mine"),
        ("notify nwe off", "notify new off"),
        ("digest weakly mon 08:30", "digest weekly mon 08:30"),
        ("digest dayly 8:30", "digest daily 08:30"),
        ("receipt all", "receipts all"),
        ("digest", None),  # silence is proposed to nobody who did not ask for it
        ("notify quiet 20-7", None),
        ("what a day", None),
        ("", None),
        ("digest weekly mon", None),
        ("x" * 5000, None),
    ],
)
def test_what_is_no_wish_is_told_with_what_was_meant(words, instead):
    found = read_wish(words)
    assert isinstance(found, Invalid)
    assert (found.instead, len(found.message) < 500) == (instead, True)


@pytest.mark.parametrize("words", ["notify quiet 25:00-07:00", "notify quiet 07:00-07:00", "digest daily 24:10"])
def test_hours_that_are_none_are_no_wish(words):
    assert isinstance(read_wish(words), Invalid)


@pytest.mark.parametrize("name", ["nobody else", "doe", "sam"])
def test_a_substitute_must_be_one_agent(name):
    two = replace(DIRECTORY, agents=(JANE, replace(JOE, display="Joe Doe")))
    found = read_wish(f"substitute {name}", two)
    assert isinstance(found, Invalid)
    assert "jane" in found.message


@in_turn("form", FORMS, ids=lambda form: form.words)
def test_every_form_says_what_follows_and_is_read(form):
    filled = {"HOURS": "20:00-07:00", "TIME": "08:30", "DAY": "mon", "NAME": "jane"}
    words = " ".join(filled.get(word, word) for word in form.words.split())
    kept = read_wish(words, DIRECTORY)
    assert not isinstance(kept, Invalid)
    assert form.says
    wished = {name: value for name, value in kept.items() if value is not None}
    again = {}
    for line in in_words(wished):
        again |= read_wish(line, DIRECTORY)
    assert again == wished


def test_kept_wishes_are_read_and_what_is_unknown_is_passed_over():
    kept = {"notify": "mentions", "pace": "at once", "quiet": "off", "new": "off", "receipts": "all"}
    kept |= {"substitute": "john", "digest": "weekly fri 16:00", "of a newer maild": [1]}
    preferences = Preferences.of(kept)
    assert preferences == Preferences(
        level=Level.MENTIONS,
        at_once=True,
        quiet="off",
        new=False,
        receipts="all",
        substitute="john",
        digest=DigestWish("weekly", time(16), "fri"),
    )
    assert (
        Preferences.of({"notify": "louder", "quiet": "at night", "digest": "sometimes 8", "new": "?"}) == Preferences()
    )


@given(st.text(max_size=200))
def test_no_text_breaks_the_reading(text):
    assert isinstance(read_wish(text, DIRECTORY), (dict, Invalid))
    assert Preferences.of({"notify": text, "quiet": text, "digest": text, "substitute": text}).level is not None


@given(st.times(), st.times())
def test_quiet_hours_are_kept_in_one_form(begins, ends):
    text = f"{begins:%H:%M}-{ends:%H:%M}"
    if f"{begins:%H:%M}" == f"{ends:%H:%M}":
        assert hours(text) is None
        return
    assert read_quiet(read_quiet(text)) == read_quiet(text) == text
    span = hours(text)
    assert span is not None
    assert (span.start, span.end % 1440) == (begins.hour * 60 + begins.minute, ends.hour * 60 + ends.minute)


def test_each_level_hears_less_than_the_one_before():
    levels = [HEARD[level] for level in Level]
    assert all(more > less for more, less in pairwise(levels))
    assert Interest.NAMED in HEARD[Level.MENTIONS]


# -- who stands in ----------------------------------------------------------------------------------------------------

LATER = NOW + timedelta(days=3)


@pytest.mark.parametrize(
    ("substitutes", "away", "stands_in"),
    [
        ({}, ["jane"], None),
        ({"jane": "john"}, ["jane"], JOHN),
        ({"jane": "john", "john": "mary"}, ["jane", "john"], MARY),
        ({"jane": "john", "john": "jane"}, ["jane", "john"], None),
        ({"jane": "jane"}, ["jane"], None),
        ({"jane": "gone"}, ["jane"], None),
    ],
)
def test_a_substitute_who_is_away_has_one_of_their_own(substitutes, away, stands_in):
    preferences = {name: Preferences(substitute=other) for name, other in substitutes.items()}
    readers = Readers(preferences, dict.fromkeys(away, LATER))
    assert readers.stand_in(JANE, DIRECTORY) == stands_in
