"""Only a test with the mark `door` may start a real server."""

from pathlib import Path

import pytest

from tests.rig.clamd import clamd
from tests.rig.dovecot import running_dovecot
from tests.rig.postfix import run_postfix
from tests.rig.postgres import running_postgres


def test_a_server_without_the_mark_is_a_failure_that_says_so(tmp_path: Path) -> None:
    for name, start in (
        ("Dovecot", lambda: running_dovecot().__enter__()),
        ("Postfix", lambda: run_postfix().__enter__()),
        ("clamd", lambda: clamd(tmp_path).__enter__()),
        ("PostgreSQL", lambda: running_postgres(tmp_path).__enter__()),
    ):
        with pytest.raises(AssertionError, match=f"starts {name}: mark it with @pytest.mark.door"):
            start()
