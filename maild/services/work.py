"""One piece of work of a service: what every step of it needs, and a fence around one that fails."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TypeVar

from maild.ports import TemporaryFailure, UnitOfWork
from maild.services.helpdesk import Helpdesk

_log = logging.getLogger(__name__)
Result = TypeVar("Result")


@dataclass(frozen=True, slots=True)
class Work:
    """Work inside one open transaction, for one helpdesk, as of one moment (UTC).

    `trace` marks the mails that the work queues, so that the log shows what caused them."""

    unit: UnitOfWork
    helpdesk: Helpdesk
    now: datetime
    trace: str = ""

    def traced(self, trace: str) -> Work:
        """Return the same work under another mark."""
        return replace(self, trace=trace)


def isolated(unit: UnitOfWork, ticket: int, step: Callable[[], Result]) -> Result | None:
    """Run one step in a savepoint, so that a ticket that cannot be handled does not stop all the others.

    Returns what the step returns. When it fails: None, a line in the log, and all that it wrote is undone. A database
    that is away is no fault of the ticket: that failure is raised."""
    try:
        with unit.savepoint():
            return step()
    except TemporaryFailure:
        raise
    except Exception:  # noqa: BLE001 - whatever a ticket does to the thinking, the next one needs it too
        _log.exception("ticket %d cannot be handled", ticket)
        return None
