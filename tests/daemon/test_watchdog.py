"""Whether the daemon works is told by who is no part of it: a tick that hangs is seen, and systemd hears no more."""

import secrets
import threading

import pytest

import maild.daemon as module
from maild.config import load
from maild.daemon import Daemon
from maild.ports import TemporaryFailure
from maild.services.tick import Ticked
from tests.rig.waiting import wait_until

CONFIG = """
[helpdesk]
name = "Help Desk"
address = "support@help.test"
token_key = { file = "token-key" }
[store]
url = "sqlite:///maild.db"
[state]
folder = "."
[[relay]]
maildir = "sent"
"""


class Manager:
    """systemd, as far as the daemon talks to it; and a tick that can be held."""

    def __init__(self) -> None:
        self.heard: list[str] = []
        self.goes_on = threading.Event()
        self.goes_on.set()

    def notify(self, *lines: str) -> bool:
        self.heard += lines
        return True

    def tick(self, *about: object) -> Ticked:
        self.goes_on.wait(60)
        return Ticked((), 0, 0)

    @property
    def fed(self) -> int:
        return self.heard.count("WATCHDOG=1")


@pytest.fixture
def manager(monkeypatch):
    made = Manager()
    monkeypatch.setenv("WATCHDOG_USEC", "60000")
    monkeypatch.setattr(module, "notify", made.notify)
    monkeypatch.setattr(module, "tick", made.tick)
    monkeypatch.setattr(module, "_STUCK_SECONDS", 1.0)
    monkeypatch.setattr(module, "_SWEEP_SECONDS", 0.05)
    monkeypatch.setattr("maild.daemon.ticker.SWEEP_SECONDS", 0.05)
    monkeypatch.setattr("maild.daemon.ticker.GUARD_SECONDS", 0.1)
    return made


@pytest.fixture
def daemon(tmp_path, manager):
    key = tmp_path / "token-key"
    key.touch(mode=0o600)
    key.write_text(f"a:{secrets.token_hex(32)}\n")
    (tmp_path / "maild.toml").write_text(CONFIG)
    made = Daemon(load(tmp_path / "maild.toml", environ={}))
    made.start()
    yield made
    manager.goes_on.set()
    made.drain()


def test_the_watchdog_is_fed_while_the_ticks_come_round_and_only_then(daemon, manager):
    wait_until(lambda: manager.fed > 2, what="the watchdog to be fed")
    manager.goes_on.clear()
    wait_until(lambda: not daemon.healthy(), what="the hung tick to be noticed")
    fed = manager.fed
    wait_until(lambda: daemon._watchdog.seconds_since_progress() < 0.01, what="the watchdog to look")
    assert manager.fed <= fed + 1  # one look may have been under way
    manager.goes_on.set()
    wait_until(lambda: manager.fed > fed + 2, what="the watchdog to be fed again")


def test_a_scheduler_that_died_starves_the_watchdog(daemon, manager):
    wait_until(lambda: manager.fed > 0, what="the watchdog to be fed")
    daemon._ticker._scheduler.shutdown()
    assert not daemon.healthy()


def test_a_tick_that_fails_again_and_again_is_noticed_and_a_database_that_is_away_is_not_blamed(daemon, manager):
    def broken(*about):
        raise manager.error

    manager.error = TemporaryFailure("the database is away")
    manager.tick = broken
    module.tick = broken
    looked = daemon._ticker.loop.seconds_since_progress
    wait_until(lambda: daemon._ticker._sweeping, what="a tick to fail")
    assert daemon._ticker._failing_since is None
    manager.error = ValueError("an event of a newer version")
    wait_until(lambda: not daemon.healthy(), what="the failing ticks to be noticed")
    assert looked() < 60
