"""One ticket that cannot be handled must not stop all the others."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import TypeVar

from maild.ports import TemporaryFailure, UnitOfWork

_log = logging.getLogger(__name__)
Result = TypeVar("Result")


def isolated(unit: UnitOfWork, ticket: int, work: Callable[[], Result]) -> Result | None:
    """What `work` answers; None, and a line in the log, when it fails: then all that it wrote is undone.

    A database that is away is nobody's fault and passes."""
    try:
        with unit.savepoint():
            return work()
    except TemporaryFailure:
        raise
    except Exception:  # noqa: BLE001 - whatever a ticket does to the thinking, the next one needs it too
        _log.exception("ticket %d cannot be handled", ticket)
        return None
