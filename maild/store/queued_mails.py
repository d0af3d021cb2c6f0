"""What deciding about further mails needs to know of the mails about a ticket, and how it is read for many tickets."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import sqlalchemy as sa
from sqlalchemy.engine import RowMapping

from maild.domain.messages.outbox import OutboxState
from maild.store.schema import outbox
from maild.store.transaction.identity_map import among


@dataclass(frozen=True, slots=True)
class QueuedMail:
    """A mail about a ticket, whatever became of it."""

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


@dataclass(frozen=True, slots=True)
class SentText:
    """The text part of a mail that was sent about a ticket."""

    template: str
    to_key: str
    text: str


MOST_TEXTS = 24  # newest texts of a ticket that are read together

MAILS = sa.select(*(outbox.c[name] for name in QueuedMail.COLUMNS), outbox.c.raw.is_not(None).label("composed"))
MAILS = MAILS.where(among(outbox.c.ticket)).order_by(outbox.c.id)
_RANK = sa.func.row_number().over(partition_by=outbox.c.ticket, order_by=outbox.c.id.desc()).label("place")
_RANKED = sa.select(outbox.c.id, outbox.c.ticket, outbox.c.template, outbox.c.to_key, outbox.c.text, _RANK)
_NEWEST = _RANKED.where(among(outbox.c.ticket), outbox.c.text != "").subquery()
TEXTS = sa.select(_NEWEST).where(_NEWEST.c.place <= MOST_TEXTS).order_by(_NEWEST.c.id.desc())
_SHOWN = sa.select(outbox.c.id, outbox.c.ticket, outbox.c.context, _RANK)
_SHOWN_NEWEST = _SHOWN.where(among(outbox.c.ticket), among(outbox.c.template, "templates")).subquery()
CONTEXTS = sa.select(_SHOWN_NEWEST).where(_SHOWN_NEWEST.c.place <= sa.bindparam("most", type_=sa.Integer))
CONTEXTS = CONTEXTS.order_by(_SHOWN_NEWEST.c.id.desc())
