"""A skip is a visible line, and a failure where everything that the tests need is known to be there."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

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


def run_pytest(folder: Path, test: str, require: str | None) -> tuple[int, str]:
    (folder / "test_it.py").write_text(test)
    environment = {name: value for name, value in os.environ.items() if name != "MAILD_TEST_REQUIRE"}
    if require:
        environment["MAILD_TEST_REQUIRE"] = require
    command = [sys.executable, "-m", "pytest", "-p", "tests.conftest", "-p", "no:cacheprovider", "-rsf", str(folder)]
    checkout = Path(__file__).parents[2]
    options = ["--rootdir", str(folder), "-c", os.devnull]
    done = subprocess.run([*command, *options], cwd=checkout, env=environment, capture_output=True, text=True)
    return done.returncode, done.stdout


@pytest.mark.parametrize("test", [SKIPS_WHILE_RUNNING, SKIPS_WHILE_COLLECTED, SKIPS_BY_MARK])
def test_a_skip_is_one_line_with_its_reason(tmp_path: Path, test: str) -> None:
    _, printed = run_pytest(tmp_path, test, require=None)
    assert "1 skipped" in printed
    assert sum("SKIPPED" in line and "no server here" in line for line in printed.splitlines()) == 1


@pytest.mark.parametrize("test", [SKIPS_WHILE_RUNNING, SKIPS_WHILE_COLLECTED, SKIPS_BY_MARK])
def test_a_skip_fails_where_nothing_may_be_missing(tmp_path: Path, test: str) -> None:
    code, printed = run_pytest(tmp_path, test, require="all")
    assert code != 0
    assert "skipped although MAILD_TEST_REQUIRE=all" in printed
    assert "no server here" in printed


def test_an_expected_failure_is_no_skip(tmp_path: Path) -> None:
    code, printed = run_pytest(tmp_path, FAILS_AS_EXPECTED, require="all")
    assert code == 0, printed
    assert "1 xfailed" in printed
