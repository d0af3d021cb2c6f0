"""The machine's clock, and one that a test or a rehearsal sets."""

from __future__ import annotations

import threading
from datetime import UTC, datetime, timedelta


class SystemClock:
    """The machine's time, in UTC."""

    def now(self) -> datetime:
        return datetime.now(UTC)


class SetClock:
    """Stands still until it is moved. Shared by threads."""

    def __init__(self, start: datetime) -> None:
        self._now = start.astimezone(UTC)
        self._lock = threading.Lock()

    def now(self) -> datetime:
        with self._lock:
            return self._now

    def advance(self, by: timedelta) -> None:
        """Move forward. ValueError for a step back."""
        if by < timedelta(0):
            raise ValueError("the clock goes forward only")
        with self._lock:
            self._now += by

    def set(self, instant: datetime) -> None:
        """Move to an instant, which may lie anywhere."""
        with self._lock:
            self._now = instant.astimezone(UTC)
