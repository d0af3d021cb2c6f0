"""Port for the alarm ledger: which SLA steps fired, who was notified, and whether the mail arrived."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from maild.domain.messages.outbox import OutboxState
from maild.domain.people.directory import Address


@dataclass(frozen=True, slots=True, kw_only=True)
class LedgerLine:
    """One person who was notified of one SLA step by one mail.

    The outbox row has no ticket when the mail covers many. `state` and `answer` are those of the mail now. `lost_at` is
    when we learned that the mail did not arrive; `passed_to` names the people who were notified instead."""

    ticket: int
    target: str
    cycle: int
    step: str
    recipient: Address
    agent: str = ""  # the agent's name; "" when the address belongs to no agent
    paged: bool = False
    outbox: int
    notified_at: datetime
    lost_at: datetime | None = None
    passed_to: tuple[str, ...] = ()
    state: OutboxState | None = None
    answer: str = ""


class SlaSteps(Protocol):
    """Stores the SLA steps that fired and the people who were notified of them."""

    def record(self, ticket: int, target: str, cycle: int, key: str, instant: datetime, now: datetime) -> bool:
        """Record that a step fired. Returns False when it had fired before (the primary key decides)."""
        ...

    def fired(self, ticket: int) -> frozenset[tuple[str, int, str]]:
        """Return (target, cycle, key) of every step that fired for a ticket."""
        ...

    def add_lines(self, lines: Sequence[LedgerLine]) -> None:
        """Record who was notified. A second line for the same person and step is ignored."""
        ...

    def lines_of_ticket(self, ticket: int) -> tuple[LedgerLine, ...]:
        """Return who was notified of the steps of a ticket, in the order of time."""
        ...

    def lines_of_mail(self, outbox: int) -> tuple[LedgerLine, ...]:
        """Return the steps that a mail reported, and to whom."""
        ...

    def mark_lost(self, outbox: int, ticket: int, at: datetime, passed_to: Sequence[str]) -> None:
        """Record that a mail about a ticket did not arrive, and who was notified instead."""
        ...

    def unheard_steps(self, limit: int) -> list[tuple[int, str, str]]:
        """Return (ticket, target, key) of steps that nobody heard of, the oldest first.

        The ticket is open, and every mail about the step was lost, or is held, dropped or failed."""
        ...
