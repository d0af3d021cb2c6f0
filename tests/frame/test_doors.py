"""Only a test with the mark `door` may start a real server."""

from pathlib import Path

import pytest

from tests.rig.clamd import clamd
from tests.rig.dovecot import running_dovecot
from tests.rig.postfix import run_postfix


def test_a_server_without_the_mark_is_a_failure_that_says_so(request: pytest.FixtureRequest, tmp_path: Path) -> None:
    for name, start in (
        ("Dovecot", lambda: running_dovecot().__enter__()),
        ("Postfix", lambda: run_postfix().__enter__()),
        ("clamd", lambda: clamd(tmp_path).__enter__()),
        ("PostgreSQL", lambda: request.getfixturevalue("postgres")),
    ):
        with pytest.raises(AssertionError, match=f"starts {name}: mark it with @pytest.mark.door"):
            start()
