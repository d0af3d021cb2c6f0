"""The ledger of SLA steps: which fired, whom they told, and what came of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from maild.domain.messages.outbox import OutboxState
from maild.domain.people.directory import Address


@dataclass(frozen=True, slots=True, kw_only=True)
class LedgerLine:
    """One step told one person, by one mail: the outbox row has no ticket where the mail is about many.

    `state` and `answer` are the mail's, as it stands when it is asked; `lost_at` is when we learned that it did not
    arrive, `passed_to` who was told instead."""

    ticket: int
    target: str
    cycle: int
    step: str
    recipient: Address
    agent: str = ""  # the agent's name; "" for an address that is nobody's
    paged: bool = False
    outbox: int
    notified_at: datetime
    lost_at: datetime | None = None
    passed_to: tuple[str, ...] = ()
    state: OutboxState | None = None
    answer: str = ""


class SlaSteps(Protocol):
    def record(self, ticket: int, target: str, cycle: int, key: str, instant: datetime, now: datetime) -> bool:
        """Note that a step fired; False when it had fired before (UNIQUE decides)."""
        ...

    def fired(self, ticket: int) -> frozenset[tuple[str, int, str]]:
        """(target, cycle, key) of every step that fired."""
        ...

    def add_lines(self, lines: Sequence[LedgerLine]) -> None:
        """Note whom steps told. Nobody is told twice of one step."""
        ...

    def lines_of_ticket(self, ticket: int) -> tuple[LedgerLine, ...]:
        """Whom the steps of a ticket told, in the order of the telling."""
        ...

    def lines_of_mail(self, outbox: int) -> tuple[LedgerLine, ...]:
        """What a mail told."""
        ...

    def mark_lost(self, outbox: int, ticket: int, at: datetime, passed_to: Sequence[str]) -> None:
        """Note that what a mail told of a ticket did not arrive, and who was told instead."""
        ...

    def unheard_steps(self, limit: int) -> list[tuple[int, str, str]]:
        """(ticket, target, key) of steps on open tickets of which every mail was lost, or stands still (held,
        dropped, failed), the oldest first."""
        ...
