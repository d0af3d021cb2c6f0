"""What deciding about further mails needs to know of the mails about a ticket."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from sqlalchemy.engine import RowMapping

from maild.domain.messages.outbox import OutboxState


@dataclass(frozen=True, slots=True)
class QueuedMail:
    """A mail about a ticket, whatever became of it. `joins`: a newer notice may take its place."""

    COLUMNS: ClassVar = ("ticket", "id", "template", "to_key", "agent", "state", "attempts", "since")

    template: str
    to_key: str
    agent: str
    state: str
    untried: bool  # it is queued and nobody tried to send it
    pending: bool  # and its bytes are not made, so that a newer notice can take it in

    @classmethod
    def of(cls, row: Mapping[str, Any] | RowMapping, *, composed: bool) -> QueuedMail:
        """Read the columns of a row."""
        untried = row["state"] == OutboxState.QUEUED.value and not row["attempts"]
        return cls(
            template=row["template"],
            to_key=row["to_key"],
            agent=row["agent"] or "",
            state=row["state"],
            untried=untried,
            pending=untried and not composed and row["since"] is not None,
        )
