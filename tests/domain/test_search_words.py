"""Words as the search knows them: folding, phrases, what a similar ticket would say, the line that is shown."""

from hypothesis import given
from hypothesis import strategies as st

from maild.domain.tickets.search_words import LONGEST, Phrase, alike, phrase_of, snippet, terms_of, words_of
from tests.rig.misses import in_turn


@in_turn(
    ("text", "words"),
    [
        ("Printer on FIRE!", ["printer", "on", "fire"]),
        ("Crème brûlée, 2x", ["creme", "brulee", "2x"]),
        ("Straße STRASSE", ["strasse", "strasse"]),
        ("bob.miller@client.example", ["bob", "miller", "client", "example"]),
        ("snake_case and kebab-case", ["snake", "case", "and", "kebab", "case"]),
        ("プリンター 故障", ["フ", "リ", "ン", "タ", "ー", "故", "障"]),
        ("프린터 고장", ["프린터", "고장"]),
        ("ﬁle Ⅳ", ["file", "iv"]),
        ("Ελλάδα Москва", ["ελλαδα", "москва"]),
        ("—!?", []),
        ("x" * 100, ["x" * LONGEST]),
    ],
)
def test_words_lose_case_and_accents(text: str, words: list[str]) -> None:
    assert words_of(text) == words


@given(st.text(max_size=200))
def test_folding_twice_is_folding_once(text: str) -> None:
    words = words_of(text)
    assert words_of(" ".join(words)) == words
    assert all(word and not word.isspace() and len(word) <= LONGEST for word in words)


@given(st.text(alphabet=st.characters(codec="latin-1"), max_size=100))
def test_case_never_matters(text: str) -> None:
    assert words_of(text.upper()) == words_of(text.lower()) == words_of(text)


def test_phrases_and_open_ends() -> None:
    assert phrase_of("toner cartridge") == Phrase(("toner", "cartridge"))
    assert phrase_of("ton*") == Phrase(("ton",), prefix=True)
    assert phrase_of("***") is None
    assert terms_of(["Toner", "toner", "paper jam"]) == ((Phrase(("toner",)), Phrase(("paper", "jam"))),)
    assert terms_of(["!", ""]) == ()
    assert len(terms_of(str(number) for number in range(100))[0]) == 16


def test_a_subject_asks_for_most_of_its_telling_words() -> None:
    def sets(subject: str) -> list[set[str]]:
        return [{word for phrase in phrases for word in phrase.words} for phrases in alike(subject)]

    assert sets("Printer") == []
    assert sets("Re: help, urgent problem") == []
    assert sets("Excel does not start") == [{"excel", "start"}]
    assert sets("Printer toner empty") == [{"printer", "toner"}, {"printer", "empty"}, {"toner", "empty"}]
    assert {len(chosen) for chosen in sets("one printer drum toner paper cassette broken")} == {4}


def test_the_line_that_says_most_is_shown() -> None:
    terms = terms_of(["toner", "empty"])
    texts = ["Hello,\nthe printer is slow.", "The toner is here.\nIs the toner empty again?\nBye"]
    assert snippet(texts, terms) == "Is the toner empty again?"
    assert snippet(["nothing of it"], terms) == ""
    long = "word " * 60 + "the toner " + "word " * 60
    shown = snippet([long], terms)
    assert len(shown) <= 90
    assert "toner" in shown
    assert shown.startswith("… ")
    assert snippet(["Brûler les toners"], terms_of(["bru*"])) == "Brûler les toners"
