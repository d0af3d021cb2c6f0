"""When the daemon ticks: at its start, at the next known instant, when it is told to look; and whatever breaks."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta

import pytest

from maild.daemon import ticker as module
from maild.daemon.clocks import SystemClock
from maild.daemon.ticker import Sweep, Ticker
from tests.rig.waiting import wait_until

NEVER = 3600.0  # seconds: no test lasts so long
NOON = datetime(2026, 5, 4, 12, tzinfo=UTC)
SECOND = timedelta(seconds=1)


class Work:
    """What a ticker calls, and how often."""

    def __init__(self) -> None:
        self.instants: list[datetime] = []
        self.ticks = self.looks = 0
        self.do: Callable[[], None] = lambda: None

    def tick(self) -> None:
        self.ticks += 1
        self.do()

    def next_instant(self, after: datetime) -> datetime | None:
        self.looks += 1
        return min((instant for instant in self.instants if instant > after), default=None)

    def ticked(self, times: int) -> None:
        wait_until(lambda: self.ticks >= times, what=f"{times} ticks")


@pytest.fixture
def work() -> Work:
    return Work()


@pytest.fixture
def nothing_else_rings(monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither the sweep nor the guard comes within a test."""
    monkeypatch.setattr(module, "SWEEP_SECONDS", NEVER)
    monkeypatch.setattr(module, "GUARD_SECONDS", NEVER)


@contextmanager
def ticking(work: Work) -> Iterator[Ticker]:
    made = Ticker(work.tick, work.next_instant, SystemClock())
    made.start()
    try:
        work.ticked(1)
        yield made
    finally:
        assert made.stop(30)


@pytest.mark.usefixtures("nothing_else_rings")
def test_it_ticks_at_the_instant_that_is_known_and_not_again(work):
    work.instants = [SystemClock().now() + 2 * SECOND]
    with ticking(work) as made:
        assert work.ticks == 1  # at the start
        work.ticked(2)
        assert SystemClock().now() >= work.instants[0]
        looks = work.looks
        made.check_soon()
        wait_until(lambda: work.looks > looks, what="another look")
        assert work.ticks == 2


@pytest.mark.usefixtures("nothing_else_rings")
def test_an_earlier_instant_moves_the_wake_up(work):
    work.instants = [SystemClock().now() + timedelta(days=365)]
    with ticking(work) as made:
        work.instants.append(SystemClock().now() + 2 * SECOND)
        made.check_soon()
        work.ticked(2)


@pytest.mark.usefixtures("nothing_else_rings")
def test_what_is_due_when_it_looks_is_done_at_once(work):
    with ticking(work) as made:
        instant = SystemClock().now()
        work.instants.append(instant)
        made.check_soon()
        work.ticked(2)


def test_sweeps_find_what_nobody_announced(work, monkeypatch):
    monkeypatch.setattr(module, "SWEEP_SECONDS", 0.05)
    monkeypatch.setattr(module, "GUARD_SECONDS", NEVER)
    with ticking(work):
        work.ticked(4)


def test_a_scheduler_that_died_is_seen_and_the_ticks_go_on(work, monkeypatch):
    monkeypatch.setattr(module, "SWEEP_SECONDS", NEVER)
    monkeypatch.setattr(module, "GUARD_SECONDS", 0.05)
    with ticking(work) as made:
        assert made.healthy(NEVER)
        made._scheduler.shutdown()
        assert not made.healthy(NEVER)
        work.ticked(work.ticks + 3)


@pytest.mark.usefixtures("nothing_else_rings")
def test_a_scheduler_that_lives_and_does_not_ring_is_seen(work, monkeypatch):
    with ticking(work) as made:
        assert made.healthy(NEVER)
        monkeypatch.setattr(module, "_SILENT_SECONDS", 0.01)
        wait_until(lambda: not made.healthy(NEVER), what="the silence to be noticed")


@pytest.mark.usefixtures("nothing_else_rings")
def test_a_tick_that_hangs_is_seen_and_one_that_gets_on_is_not(work):
    over, stuck = threading.Event(), threading.Event()

    def hang() -> None:
        stuck.set()
        over.wait(30)

    with ticking(work) as made:
        work.do = hang
        work.instants.append(SystemClock().now())
        made.check_soon()
        assert stuck.wait(30)
        try:
            wait_until(lambda: not made.healthy(0.2), what="the hung tick to be noticed")
            made.loop.heartbeat()
            assert made.healthy(NEVER)
        finally:
            over.set()


def test_a_tick_that_fails_is_tried_again(work, monkeypatch):
    monkeypatch.setattr("maild.daemon.loops._FIRST_PAUSE", 0.01)
    monkeypatch.setattr(module, "SWEEP_SECONDS", NEVER)
    monkeypatch.setattr(module, "GUARD_SECONDS", NEVER)

    def fail() -> None:
        if work.ticks < 3:
            raise OSError("no")

    work.do = fail
    with ticking(work):
        work.ticked(3)


# -- the interval -----------------------------------------------------------------------------------------------------


def test_a_sweep_makes_up_for_nothing():
    """The library's own interval would answer every fifteen seconds of ten years, one by one."""
    sweep = Sweep(seconds=15, timezone=UTC)
    assert sweep.get_next_fire_time(None, NOON) == NOON + 15 * SECOND
    assert sweep.get_next_fire_time(NOON, NOON + SECOND) == NOON + 15 * SECOND
    later = NOON + timedelta(days=3653)
    assert sweep.get_next_fire_time(NOON, later) == later + 15 * SECOND
