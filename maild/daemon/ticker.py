"""Decides when the daemon ticks: at the next known instant, and every few seconds for work that nobody announced.

APScheduler measures time by the machine's wall clock. It only wakes the loop in which the tick runs. The loop also
wakes by the monotonic clock, at least every GUARD_SECONDS. So it ticks even when the wall clock is set back or the
scheduler dies."""

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

SWEEP_SECONDS = 15  # finds what another process has made due
GUARD_SECONDS = 45.0  # the loop ticks by itself when nothing woke it for so long
_SILENT_SECONDS = 4 * GUARD_SECONDS  # a scheduler that has not woken the loop for so long is broken
_STEP_SECONDS = 2.0  # the wall clock was set, not only slewed, when it differs by more
# Late wake-ups are merged into one. By default the library drops a wake-up that is a second late.
_DEFAULTS = {"coalesce": True, "max_instances": 1, "misfire_grace_time": None}

Tick = Callable[[], object]
NextInstant = Callable[[datetime], datetime | None]


class Sweep(IntervalTrigger):  # type: ignore[misc]  # the library is not typed
    """Fires at a fixed interval and skips missed times.

    The library's own interval would count every missed time after a clock is set forward by years."""

    def get_next_fire_time(self, previous_fire_time: datetime | None, now: datetime) -> datetime:
        """Return the next time to fire, which is always later than `now`."""
        every: timedelta = self.interval
        following = (previous_fire_time or now) + every
        return following if following > now else now + every


class _Scheduler(BackgroundScheduler):  # type: ignore[misc]  # the library is not typed
    def alive(self) -> bool:
        """Say whether the thread is alive. The library's `running` only says what it was last told to do."""
        return self._thread is not None and self._thread.is_alive()


class Ticker:
    """Calls `tick` when something is due by `clock`.

    `next_instant(after)` returns the earliest instant later than `after` at which something is due; None for never."""

    def __init__(self, tick: Tick, next_instant: NextInstant, clock: Clock) -> None:
        self._tick = tick
        self._next_instant = next_instant
        self._clock = clock
        self._scheduler = _Scheduler(timezone="UTC", job_defaults=_DEFAULTS)
        self.loop = Loop("ticks", self._step, idle=GUARD_SECONDS)
        self._sweeping = True  # the first step ticks: after a downtime much may be due
        self._swept_at = self._woken_at = time.monotonic()
        self._looked_at = clock.now()
        self._offset = _offset()
        self._armed_for: datetime | None = None  # the instant that the scheduler will wake us at
        self._failing_since: float | None = None  # monotonic; a database that does not answer is not counted

    def start(self) -> None:
        """Start the scheduler and the loop."""
        self._scheduler.start()
        self._sweep_from_now()
        self.loop.start()

    def stop(self, deadline: float) -> bool:
        """Let the tick in progress end, for at most `deadline` seconds. Returns whether it has ended."""
        if self._scheduler.running:
            self._scheduler.shutdown(wait=True)
        return self.loop.stop(deadline)

    def check_soon(self) -> None:
        """Look for due work soon: there may be a new earliest instant."""
        self.loop.ring()

    def tick_now(self) -> None:
        """Tick at once, whatever is due."""
        self._sweeping = True
        self.loop.ring()

    def healthy(self, most_seconds: float) -> bool:
        """Say whether the scheduler and the loop are alive and work.

        The scheduler must have woken the loop lately. The loop must have made progress, and a tick must have succeeded,
        within `most_seconds`."""
        now, failing = time.monotonic(), self._failing_since
        scheduler_works = self._scheduler.alive() and now - self._woken_at < _SILENT_SECONDS
        ticks_work = failing is None or now - failing < most_seconds
        return (
            scheduler_works and ticks_work and self.loop.alive() and self.loop.seconds_since_progress() < most_seconds
        )

    def _wake(self) -> None:
        """Wake the loop for a tick. This is the only job of the scheduler."""
        self._woken_at = time.monotonic()
        self._armed_for = None
        self._sweeping = True
        self.loop.ring()

    def _step(self) -> bool:
        self._check_wall_clock()
        now = self._clock.now()
        sweeps = self._sweeping or self._silent()
        coming = None if sweeps else self._next_instant(self._looked_at)
        if sweeps or (coming is not None and coming <= now):
            self._do_tick(now)
            coming = self._next_instant(self._looked_at)
        self._wake_at(coming)
        return False

    def _do_tick(self, now: datetime) -> None:
        self._sweeping = False  # a wake-up from here on is handled in the next round
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
        """Ask the scheduler to wake the loop at this instant. A wake-up that is not needed any more does no harm."""
        if instant is None or instant == self._armed_for:
            return
        self._armed_for = instant
        # The delay is measured by the wall clock, because a clock that a test sets does not run.
        ahead = max(instant - self._clock.now(), timedelta(seconds=1))
        at = DateTrigger(datetime.now(UTC) + ahead)
        self._arm(at, "next")

    def _check_wall_clock(self) -> None:
        """Restart all timers after the wall clock was set."""
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
            self._scheduler.add_job(self._wake, trigger, id=name, replace_existing=True)
        except JobLookupError:  # the job to be replaced fired between the library's check and its replacement
            self._scheduler.add_job(self._wake, trigger, id=name, replace_existing=True)


def _offset() -> float:
    """Return the seconds between the wall clock and the monotonic clock. They change when the wall clock is set."""
    return time.time() - time.monotonic()
