"""When the daemon ticks: at the next instant that is known, and every few seconds for what nobody announced.

APScheduler counts the time by the machine's wall clock, and only rings: the tick itself runs in a loop of its own. That
loop comes round by the monotonic clock as well, so neither a wall clock that is put back, nor a scheduler that died,
ever keeps it from ticking for more than GUARD_SECONDS."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from apscheduler.jobstores.base import JobLookupError
from apscheduler.schedulers.background import BackgroundScheduler
from apscheduler.triggers.base import BaseTrigger
from apscheduler.triggers.date import DateTrigger
from apscheduler.triggers.interval import IntervalTrigger

from maild import maillog
from maild.daemon.loops import Loop
from maild.ports import Clock, TemporaryFailure

SWEEP_SECONDS = 15  # what another process has made due is found by looking
GUARD_SECONDS = 45.0  # the loop looks by itself when nobody has rung for so long
_SILENT_SECONDS = 4 * GUARD_SECONDS  # a scheduler that has not rung for so long does not work
_STEP_SECONDS = 2.0  # the wall clock was set, and not only slewed, when it differs by more
# Several rings that are late are one, and none is dropped for being late, as a second of delay would do by default.
_DEFAULTS = {"coalesce": True, "max_instances": 1, "misfire_grace_time": None}

Tick = Callable[[], object]
NextInstant = Callable[[datetime], datetime | None]


class Sweep(IntervalTrigger):  # type: ignore[misc]  # the library is not typed
    """Every so often, and nothing is made up for. The library's own interval counts every time that a clock which is
    put forward by years has jumped over."""

    def get_next_fire_time(self, previous_fire_time: datetime | None, now: datetime) -> datetime:
        every: timedelta = self.interval
        following = (previous_fire_time or now) + every
        return following if following > now else now + every


class _Scheduler(BackgroundScheduler):  # type: ignore[misc]  # the library is not typed
    def alive(self) -> bool:
        """Does the thread live? What the library calls running is only its last order."""
        return self._thread is not None and self._thread.is_alive()


class Ticker:
    """Calls `tick` when something is due by `clock`. `next_instant(after)` answers the earliest instant after that one
    at which something will be."""

    def __init__(self, tick: Tick, next_instant: NextInstant, clock: Clock) -> None:
        self._tick = tick
        self._next_instant = next_instant
        self._clock = clock
        self._scheduler = _Scheduler(timezone="UTC", job_defaults=_DEFAULTS)
        self.loop = Loop("ticks", self._step, idle=GUARD_SECONDS)
        self._sweeping = True  # the first step ticks: who was down for days has much to catch up with
        self._swept_at = self._rung_at = time.monotonic()
        self._looked_at = clock.now()
        self._offset = _offset()
        self._armed_for: datetime | None = None  # the instant that the scheduler knows
        self._failing_since: float | None = None  # monotonic; a database that is away does not count

    def start(self) -> None:
        self._scheduler.start()
        self._sweep_from_now()
        self.loop.start()

    def stop(self, deadline: float) -> bool:
        """Let the tick in progress end, `deadline` seconds at most -> whether it has ended."""
        if self._scheduler.running:
            self._scheduler.shutdown(wait=True)
        return self.loop.stop(deadline)

    def look(self) -> None:
        """Something has changed: there may be an earlier instant, or one that has come already."""
        self.loop.ring()

    def look_anew(self) -> None:
        """Tick at once, whatever is due."""
        self._sweeping = True
        self.loop.ring()

    def healthy(self, most_seconds: float) -> bool:
        """Do the scheduler and the loop live, does the one ring, has the other come round within that time, and was
        there a tick in it that did not fail?"""
        now, failing = time.monotonic(), self._failing_since
        rings = self._scheduler.alive() and now - self._rung_at < _SILENT_SECONDS
        works = failing is None or now - failing < most_seconds
        return rings and works and self.loop.alive() and self.loop.idle_for() < most_seconds

    def _ring(self) -> None:
        """The scheduler's only job."""
        self._rung_at = time.monotonic()
        self._armed_for = None
        self._sweeping = True
        self.loop.ring()

    def _step(self) -> bool:
        self._mind_the_clock()
        now = self._clock.now()
        sweeps = self._sweeping or self._silent()
        coming = None if sweeps else self._next_instant(self._looked_at)
        if sweeps or (coming is not None and coming <= now):
            self._do_tick(now)
            coming = self._next_instant(self._looked_at)
        self._wake_at(coming)
        return False

    def _do_tick(self, now: datetime) -> None:
        self._sweeping = False  # who rings from here on is heard in the next round
        self._looked_at = now
        try:
            self._tick()
        except Exception as error:
            self._sweeping = True
            if not isinstance(error, TemporaryFailure):
                self._failing_since = self._failing_since or time.monotonic()
            raise
        self._swept_at, self._failing_since = time.monotonic(), None

    def _silent(self) -> bool:
        return time.monotonic() - self._swept_at >= GUARD_SECONDS

    def _wake_at(self, instant: datetime | None) -> None:
        """Ring at this instant; the sweeps come besides. A wake-up that has lost its reason does no harm."""
        if instant is None or instant == self._armed_for:
            return
        self._armed_for = instant
        # By the wall clock, whatever clock we live by: one that is set by hand stands still beside it.
        ahead = max(instant - self._clock.now(), timedelta(seconds=1))
        at = DateTrigger(datetime.now(UTC) + ahead)
        self._arm(at, "next")

    def _mind_the_clock(self) -> None:
        """After a step of the wall clock everything is counted anew from there."""
        offset = _offset()
        step, self._offset = offset - self._offset, offset
        if abs(step) > _STEP_SECONDS:
            maillog.clock_stepped(seconds=step)
            self._sweeping = True
            self._armed_for = None
            self._sweep_from_now()

    def _sweep_from_now(self) -> None:
        every = Sweep(seconds=SWEEP_SECONDS, timezone=UTC)
        self._arm(every, "sweep")

    def _arm(self, trigger: BaseTrigger, name: str) -> None:
        try:
            self._scheduler.add_job(self._ring, trigger, id=name, replace_existing=True)
        except JobLookupError:  # the one to be replaced rang, and was gone, between the library's look and its act
            self._scheduler.add_job(self._ring, trigger, id=name, replace_existing=True)


def _offset() -> float:
    """Seconds between the wall clock and the monotonic one: it changes when the wall clock is set."""
    return time.time() - time.monotonic()
