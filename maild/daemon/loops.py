"""Threads that repeat one step until they are stopped. They survive errors and show that they make progress."""

from __future__ import annotations

import logging
import random
import threading
import time
from collections.abc import Callable

from maild import maillog
from maild.ports import TemporaryFailure

_log = logging.getLogger(__name__)
_FIRST_PAUSE, _LONGEST_PAUSE = 0.5, 30.0  # seconds between tries while a step fails


class Loop:
    """Calls `step` again and again in a thread of its own.

    A step returns True when there is more to do at once. Otherwise the loop sleeps until `ring` is called or `idle`
    seconds pass."""

    def __init__(self, name: str, step: Callable[[], bool], *, idle: float) -> None:
        self.name = name
        self._step = step
        self._idle = idle
        self._wake = threading.Event()
        self._stopping = threading.Event()
        self._progress = time.monotonic()
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)

    def start(self) -> None:
        """Start the thread."""
        self._thread.start()

    def ring(self) -> None:
        """Wake the loop: there is work."""
        self._wake.set()

    def stopping(self) -> bool:
        """Say whether the loop was told to stop."""
        return self._stopping.is_set()

    def stop(self, deadline: float) -> bool:
        """Let the step in progress end, for at most `deadline` seconds. Returns whether the loop has ended."""
        self._stopping.set()
        self._wake.set()
        if self._thread.ident is not None:
            self._thread.join(deadline)
        return not self._thread.is_alive()

    def heartbeat(self) -> None:
        """Record that a long step makes progress."""
        self._progress = time.monotonic()

    def seconds_since_progress(self) -> float:
        """Return the seconds since the last progress: the start of a step, or a heartbeat."""
        return time.monotonic() - self._progress

    def alive(self) -> bool:
        """Say whether the thread is alive."""
        return self._thread.is_alive()

    def _run(self) -> None:
        pause = _FIRST_PAUSE
        while not self._stopping.is_set():
            self.heartbeat()
            try:
                more = self._step()
            except Exception as error:  # noqa: BLE001 - the loop must survive any error, which is logged
                self._log_failure(error)
                self._stopping.wait(pause * random.uniform(0.8, 1.2))  # noqa: S311 - spreads retries
                pause = min(pause * 2, _LONGEST_PAUSE)
                continue
            pause = _FIRST_PAUSE
            if not more:
                self._wake.wait(self._idle)
                self._wake.clear()

    def _log_failure(self, error: Exception) -> None:
        if isinstance(error, TemporaryFailure):
            maillog.store_away(what=self.name, reason=str(error))
        else:
            _log.exception("%s failed; it will be tried again", self.name)
