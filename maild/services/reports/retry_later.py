"""Tries again what failed, after a pause and not at each tick."""

from __future__ import annotations

import logging
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import TypeVar

from maild.ports import TemporaryFailure

PAUSE = timedelta(minutes=15)  # after a failure
_log = logging.getLogger(__name__)
Result = TypeVar("Result")


class RetryLater:
    """The failures of one process. Another process, or a restarted one, tries at once."""

    def __init__(self) -> None:
        self._failed_at: dict[str, datetime] = {}

    def attempt(self, what: str, now: datetime, work: Callable[[], Result]) -> Result | None:
        """Return what `work` returns; None when it fails (with a line in the log) and while it pauses after a
        failure.

        `what` says what it makes, for instance "the report of Client Ltd". A database that is away is raised: it
        passes."""
        if self._rests(what, now):
            return None
        try:
            made = work()
        except TemporaryFailure:
            raise
        except Exception:  # noqa: BLE001 - whatever is wrong with one reader's mail, the others get theirs
            self._failed_at[what] = now
            _log.exception("%s cannot be made; it is tried again in %d minutes", what, PAUSE.total_seconds() // 60)
            return None
        self._failed_at.pop(what, None)
        return made

    def _rests(self, what: str, now: datetime) -> bool:
        failed_at = self._failed_at.get(what)
        return failed_at is not None and failed_at <= now < failed_at + PAUSE  # a clock that was put back ends it
