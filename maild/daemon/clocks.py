"""Two clocks: the machine's, and one that tests and `--at` set."""

from __future__ import annotations

import threading
from datetime import UTC, datetime, timedelta


class SystemClock:
    """Tells the machine's time in UTC."""

    def now(self) -> datetime:
        """Return the current time in UTC."""
        return datetime.now(UTC)


class SetClock:
    """Stands still until it is moved. Threads may share it."""

    def __init__(self, start: datetime) -> None:
        self._now = start.astimezone(UTC)
        self._lock = threading.Lock()

    def now(self) -> datetime:
        """Return the time that was set, in UTC."""
        with self._lock:
            return self._now

    def advance(self, by: timedelta) -> None:
        """Move the clock forward. Raises ValueError for a negative span."""
        if by < timedelta(0):
            raise ValueError("advance moves the clock forward only; use set to move it back")
        with self._lock:
            self._now += by

    def set(self, instant: datetime) -> None:
        """Move the clock to any instant, also back."""
        with self._lock:
            self._now = instant.astimezone(UTC)
