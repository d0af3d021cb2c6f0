"""A skip is a visible line, and a failure where everything that the tests need is known to be there."""

import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

SKIPS_WHILE_RUNNING = """
import pytest
def test_without_its_server():
    pytest.skip("no server here")
"""
SKIPS_WHILE_COLLECTED = """
import pytest
pytest.skip("no server here", allow_module_level=True)
"""
SKIPS_BY_MARK = """
import pytest
@pytest.mark.skipif(True, reason="no server here")
def test_without_its_server():
    pass
"""
FAILS_AS_EXPECTED = """
import pytest
@pytest.mark.xfail(reason="known")
def test_known_to_fail():
    assert False
"""


SKIPPING = (SKIPS_WHILE_RUNNING, SKIPS_WHILE_COLLECTED, SKIPS_BY_MARK)


def run_pytest(folder: Path, tests: Sequence[str], require: str | None) -> tuple[int, str]:
    """Run each of these as a file of tests, under this project's rules -> the exit code, what was printed."""
    for number, test in enumerate(tests):
        (folder / f"test_{number}.py").write_text(test)
    environment = {name: value for name, value in os.environ.items() if name != "MAILD_TEST_REQUIRE"}
    if require:
        environment["MAILD_TEST_REQUIRE"] = require
    command = [sys.executable, "-m", "pytest", "-p", "tests.conftest", "-p", "no:cacheprovider", "-rsfE", str(folder)]
    checkout = Path(__file__).parents[2]
    options = ["--rootdir", str(folder), "-c", os.devnull, "--continue-on-collection-errors"]
    done = subprocess.run([*command, *options], cwd=checkout, env=environment, capture_output=True, text=True)
    return done.returncode, done.stdout


def test_a_skip_is_one_line_with_its_reason(tmp_path: Path) -> None:
    code, printed = run_pytest(tmp_path, SKIPPING, require=None)
    assert code == 0
    assert "3 skipped" in printed
    told = [line for line in printed.splitlines() if "SKIPPED" in line and "no server here" in line]
    assert len(told) == 3
    assert all(any(f"test_{number}.py" in line for line in told) for number in range(3))


def test_a_skip_fails_where_nothing_may_be_missing(tmp_path: Path) -> None:
    code, printed = run_pytest(tmp_path, SKIPPING, require="all")
    assert code != 0
    for number in range(3):
        assert f"test_{number}.py" in printed.partition("short test summary")[2]
    assert printed.count("skipped although MAILD_TEST_REQUIRE=all") >= 3
    assert "no server here" in printed
    assert " passed" not in printed
    assert " skipped" not in printed.splitlines()[-1]


def test_an_expected_failure_is_no_skip(tmp_path: Path) -> None:
    code, printed = run_pytest(tmp_path, [FAILS_AS_EXPECTED], require="all")
    assert code == 0, printed
    assert "1 xfailed" in printed
