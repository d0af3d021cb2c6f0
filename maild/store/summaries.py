"""Stores the notices that wait to be told in one mail, a small row for each."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import sqlalchemy as sa

from maild.ports import OutboxRow
from maild.store.schema import folded_notice, outbox
from maild.store.transaction.identity_map import among
from maild.store.transaction.numbers import FOLDED, Numbers
from maild.store.transaction.session import Session

_OF_SUMMARIES = among(folded_notice.c.outbox, "summaries")
_FOLDED = sa.select(folded_notice.c.outbox, folded_notice.c.told).where(_OF_SUMMARIES).order_by(folded_notice.c.id)
_REMOVED = sa.delete(folded_notice).where(_OF_SUMMARIES)


class SqlSummaries:
    """Implements ports.Summaries."""

    def __init__(self, session: Session, numbers: Numbers) -> None:
        self._session = session
        self._numbers = numbers

    def fold(self, summary: int, told: Mapping[str, Any]) -> None:
        """Add a notice to a summary that waits, which this transaction has locked."""
        row = {"id": self._numbers.next(FOLDED), "outbox": summary, "told": dict(told)}
        self._session.insert(folded_notice, row)

    def folded(self, summaries: Sequence[int]) -> Mapping[int, tuple[Mapping[str, Any], ...]]:
        """Return the notices that wait in each of these summaries, in their order."""
        found: dict[int, list[Mapping[str, Any]]] = {number: [] for number in summaries}
        if found:
            for row in self._session.execute(_FOLDED, {"summaries": list(found)}):
                found[row.outbox].append(row.told)
        return {number: tuple(told) for number, told in found.items()}

    def settle(self, summaries: Sequence[OutboxRow]) -> None:
        """Store summaries as they leave, with their subject and context, and remove the notices that waited in them."""
        if not summaries:
            return
        for row in summaries:
            self._session.update(outbox, (row.id,), {"subject": row.subject, "context": dict(row.context)})
        self._session.execute(_REMOVED, {"summaries": [row.id for row in summaries]})
