"""Waiting for something to become true, with a deadline instead of a guessed sleep."""

import time
from collections.abc import Callable
from typing import TypeVar

Value = TypeVar("Value")

FIRST_PAUSE_SECONDS = 0.005
LONGEST_PAUSE_SECONDS = 0.1


def wait_until(condition: Callable[[], Value], deadline_seconds: float = 30, what: str = "the condition") -> Value:
    """Call `condition` until it returns something true, and return that.

    The condition is always called once more after the deadline, so that a machine that stood still fails no test
    whose condition has come true meanwhile. Raises AssertionError with `what` and the last value when it never does.
    """
    deadline = time.monotonic() + deadline_seconds
    pause = FIRST_PAUSE_SECONDS
    while True:
        was_late = time.monotonic() >= deadline
        value = condition()
        if value:
            return value
        if was_late:
            raise AssertionError(f"waited {deadline_seconds:g} s in vain for {what}; last seen: {value!r}")
        time.sleep(pause)
        pause = min(pause * 2, LONGEST_PAUSE_SECONDS)
