"""Ports for what is kept about agents: held replies, mailed lists, preferences and digests."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

from maild.domain.tickets.held_replies import HeldReply


class HeldReplies(Protocol):
    """Stores replies of agents that were stopped and wait for a decision of their writer."""

    def add(self, held_reply: HeldReply) -> int:
        """Store a held reply and return its new id; the id that it carries is ignored.

        An older reply from the same mail that still waits is settled as "replaced"."""
        ...

    def get(self, number: int) -> HeldReply | None:
        """Return a held reply by its id, settled or not; None when there is none."""
        ...

    def waiting(self, *, ticket: int | None = None, agent: str | None = None) -> tuple[HeldReply, ...]:
        """Return the replies that are not settled, oldest first: of a ticket, of an agent, or all."""
        ...

    def for_agents(self, agents: Sequence[str], numbers: Sequence[int]) -> tuple[HeldReply, ...]:
        """Return the replies of these agents that are not settled, and those with these ids, oldest first."""
        ...

    def settle(self, number: int, settled_as: str, now: datetime) -> bool:
        """Settle a held reply. Returns False when it was settled before: the first decision counts."""
        ...

    def settle_from_mail(self, inbound: int, settled_as: str, now: datetime) -> None:
        """Settle the held reply that came with this mail, if it still waits."""
        ...

    def due(self, now: datetime, limit: int) -> tuple[HeldReply, ...]:
        """Return at most `limit` held replies whose next reminder is due, the longest overdue first."""
        ...

    def set_reminder(self, number: int, at: datetime) -> None:
        """Move the next reminder of a held reply to `at`. Does nothing when it is settled."""
        ...

    def record_reminder(self, number: int, reminders: int, at: datetime) -> bool:
        """Count one more reminder than `reminders` and set the next one to `at`.

        Returns False when another process has sent this reminder meanwhile, or when the reply is settled."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Snapshot:
    """A numbered list as it was mailed to an agent. Row 1 is `tickets[0]`."""

    id: int = 0
    agent: str
    kind: str  # "list" or "digest"
    asked: str = ""
    made_at: datetime
    tickets: tuple[int, ...]


class Snapshots(Protocol):
    """Stores the lists that agents were mailed, so that "3 close" means the row that the agent saw."""

    def add(self, snapshot: Snapshot) -> int:
        """Store a list and return its new id; the id that it carries is ignored."""
        ...

    def get_many(self, numbers: Sequence[int]) -> Mapping[int, Snapshot]:
        """Return id -> list, for those of these ids that exist."""
        ...

    def get(self, number: int) -> Snapshot | None:
        """Return a list by its id; None when there is none."""
        ...

    def change(self, number: int, tickets: Sequence[int]) -> None:
        """Replace the rows of a list that was not mailed yet."""
        ...


class Preferences(Protocol):
    """Stores the preferences of agents by name. Values are JSON; docs/mail-commands.md explains them."""

    def of(self, agent: str) -> Mapping[str, Any]:
        """Return the preferences of one agent; empty when none were set."""
        ...

    def all(self) -> Mapping[str, Mapping[str, Any]]:
        """Return the preferences of every agent who has set some."""
        ...

    def change(self, agent: str, preferences: Mapping[str, Any], now: datetime) -> None:
        """Add these preferences to the earlier ones. The value None removes a preference."""
        ...


class Digests(Protocol):
    """Records which digest was made for which reader and period, so that none is sent twice."""

    def begin(self, reader: str, kind: str, period: str, now: datetime) -> bool:
        """Record that a digest is made. Returns False when it was made before (the primary key decides)."""
        ...

    def made_among(
        self, readers: Sequence[str], kinds: Sequence[str], periods: Sequence[str]
    ) -> Mapping[tuple[str, str, str], datetime]:
        """Return (reader, kind, period) -> when it was made, for those of these digests that were made."""
        ...

    def last(self, kind: str, readers: Sequence[str]) -> Mapping[str, datetime]:
        """Return for each of these readers when the last digest of this kind was made; others are left out."""
        ...
