"""Cases in one test: each is tried, and each that missed is named."""

import pytest

from tests.rig.misses import in_turn


def test_every_combination_is_tried_with_the_fixtures_of_the_test() -> None:
    tried = []

    @in_turn("letter", "ab")
    @in_turn(("number", "square"), [(2, 4), (3, 9)])
    def test(letter: str, number: int, square: int, fixture: str) -> None:
        assert number * number == square
        tried.append((letter, number, fixture))

    test(fixture="f")
    assert tried == [("a", 2, "f"), ("a", 3, "f"), ("b", 2, "f"), ("b", 3, "f")]


def test_all_that_missed_are_named_with_line_and_words() -> None:
    @in_turn("number", [1, 2, 3, 4], ids=["one", "two", "three", "four"])
    def test(number: int) -> None:
        if number == 4:
            raise KeyError("four")
        if number == 3:
            pytest.fail("three is too many")
        assert number == 1, f"{number} is not one"

    with pytest.raises(AssertionError) as failed:
        test()
    words = str(failed.value)
    assert words.startswith("3 of 4 cases missed:\n")
    assert "[two] line " in words
    assert "2 is not one" in words
    assert "[three]" in words
    assert "three is too many" in words
    assert "[four]" in words
    assert "KeyError: 'four'" in words
    assert "[one]" not in words
    assert isinstance(failed.value.__cause__, AssertionError)


def test_a_case_without_a_name_is_named_by_its_values() -> None:
    @in_turn("text, wanted", [("a", "b")])
    def test(text: str, wanted: str) -> None:
        assert text == wanted

    with pytest.raises(AssertionError, match=r"\[text='a', wanted='b'\]"):
        test()


def test_ids_may_be_made_of_the_values() -> None:
    @in_turn("kind", [int, str], ids=lambda kind: kind.__name__)
    def test(kind: type) -> None:
        assert kind is int

    with pytest.raises(AssertionError, match=r"1 of 2 cases missed:\n\[str\]"):
        test()


def test_cases_may_be_made_by_pytest_param() -> None:
    @in_turn("number", [pytest.param(1, id="one"), pytest.param(2, id="two")])
    def test(number: int) -> None:
        assert number == 1

    with pytest.raises(AssertionError, match=r"1 of 2 cases missed:\n\[two\]"):
        test()


def test_a_case_with_a_mark_is_refused() -> None:
    with pytest.raises(AssertionError, match="needs a test of its own"):
        in_turn("number", [pytest.param(1, marks=pytest.mark.soak)])


def test_no_case_at_all_is_a_fault() -> None:
    with pytest.raises(AssertionError, match="there is no case of x"):
        in_turn("x", [])


@in_turn("number", [1, 2])
def test_pytest_gives_it_the_fixtures_that_are_left(number: int, tmp_path: object) -> None:
    assert number in (1, 2)
    assert tmp_path
