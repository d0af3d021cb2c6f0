"""Threads that work until told to stop: they wait on a bell, survive what fails, and show that they make progress."""

from __future__ import annotations

import logging
import random
import threading
import time
from collections.abc import Callable

from maild import maillog
from maild.ports import TemporaryFailure

_log = logging.getLogger(__name__)
_FIRST_PAUSE, _LONGEST_PAUSE = 0.5, 30.0  # seconds between tries while something fails


class Loop:
    """Calls `step` again and again in a thread of its own. A step answers True while there is more to do at once;
    otherwise the loop sleeps until its bell rings or `idle` seconds pass."""

    def __init__(self, name: str, step: Callable[[], bool], *, idle: float) -> None:
        self.name = name
        self._step = step
        self._idle = idle
        self._bell = threading.Event()
        self._stopping = threading.Event()
        self._progress = time.monotonic()
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)

    def start(self) -> None:
        self._thread.start()

    def ring(self) -> None:
        """There is something to do."""
        self._bell.set()

    def stopping(self) -> bool:
        return self._stopping.is_set()

    def stop(self, deadline: float) -> bool:
        """Let the step in progress end, `deadline` seconds at most -> whether the loop has ended."""
        self._stopping.set()
        self._bell.set()
        if self._thread.ident is not None:
            self._thread.join(deadline)
        return not self._thread.is_alive()

    def beat(self) -> None:
        """A long step says that it gets on."""
        self._progress = time.monotonic()

    def idle_for(self) -> float:
        """Seconds since the loop last came round, or its step said that it gets on."""
        return time.monotonic() - self._progress

    def alive(self) -> bool:
        return self._thread.is_alive()

    def _run(self) -> None:
        pause = _FIRST_PAUSE
        while not self._stopping.is_set():
            self.beat()
            try:
                more = self._step()
            except Exception as error:  # noqa: BLE001 - a thread that dies in silence is worse than any error
                self._tell(error)
                self._stopping.wait(pause * random.uniform(0.8, 1.2))  # noqa: S311 - spreads retries
                pause = min(pause * 2, _LONGEST_PAUSE)
                continue
            pause = _FIRST_PAUSE
            if not more:
                self._bell.wait(self._idle)
                self._bell.clear()

    def _tell(self, error: Exception) -> None:
        if isinstance(error, TemporaryFailure):
            maillog.store_away(what=self.name, reason=str(error))
        else:
            _log.exception("%s failed and will try again", self.name)
