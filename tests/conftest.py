"""What holds for every test: the rigs, and what a skip means."""

import logging
import os
from collections.abc import Generator, Iterator
from pathlib import Path

import pytest

pytest.register_assert_rewrite("tests.rig")
pytest_plugins = [
    f"tests.rig.{module.stem}"
    for module in sorted((Path(__file__).parent / "rig").glob("*.py"))
    if module.stem != "__init__"
]

# Where everything that the tests need is known to be there, a skip hides a test that should have run.
SKIP_IS_FAILURE = os.environ.get("MAILD_TEST_REQUIRE") == "all"


def _refuse_skip(report: pytest.TestReport | pytest.CollectReport) -> None:
    """Turn a skip into a failure that keeps the skip's place and reason."""
    if not (SKIP_IS_FAILURE and report.skipped) or hasattr(report, "wasxfail"):
        return
    where = "{}:{}: {}".format(*report.longrepr) if isinstance(report.longrepr, tuple) else str(report.longrepr)
    report.outcome = "failed"
    report.longrepr = f"skipped although MAILD_TEST_REQUIRE=all: {where}"


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_makereport() -> Generator[None, pytest.TestReport, pytest.TestReport]:
    report = yield
    _refuse_skip(report)
    return report


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_make_collect_report() -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
    report = yield
    _refuse_skip(report)
    return report


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Keep the tests of one file that share a real server on one worker, so that the server starts once."""
    for item in items:
        if item.get_closest_marker("door") and not item.get_closest_marker("xdist_group"):
            item.add_marker(pytest.mark.xdist_group(name=item.nodeid.partition("::")[0]))


@pytest.fixture(autouse=True)
def logging_as_it_was() -> Iterator[None]:
    """Commands configure the log of the whole process: the next test finds it as this one did."""
    root = logging.getLogger()
    levels = {name: logging.getLogger(name).level for name in ("", "apscheduler", "imapclient", "mail.log", "asyncio")}
    handlers = list(root.handlers)
    yield
    root.handlers[:] = [handler for handler in root.handlers if handler in handlers] or handlers
    for name, level in levels.items():
        logging.getLogger(name).setLevel(level)
