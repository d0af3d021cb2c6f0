"""Waiting has a deadline and says what it waited for."""

import pytest

from tests.rig.waiting import wait_until


def test_what_the_condition_returned_is_handed_on() -> None:
    answers = iter([None, "", "here"])
    assert wait_until(lambda: next(answers)) == "here"


def test_waiting_in_vain_names_what_was_missing_and_what_was_seen_last() -> None:
    with pytest.raises(AssertionError, match=r"in vain for three mails; last seen: \[\]"):
        wait_until(list, deadline_seconds=0.01, what="three mails")


def test_a_late_condition_gets_a_last_look() -> None:
    asked: list[int] = []

    def true_at_the_second_look() -> bool:
        asked.append(1)
        return len(asked) == 2

    assert wait_until(true_at_the_second_look, deadline_seconds=0.001)
