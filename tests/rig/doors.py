"""Which tests may start a real server: those with the mark `door`. `make test-clocks` leaves just these out."""

import pytest

_running: list[pytest.Item] = []  # the test that runs now


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    _running[:] = [item]


def needs_door(server: str) -> None:
    """Called before a real server is started. AssertionError when the test that runs lacks the mark."""
    for test in _running:
        assert test.get_closest_marker("door"), f"{test.nodeid} starts {server}: mark it with @pytest.mark.door"
