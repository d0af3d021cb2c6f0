"""What is kept for agents: their held texts, the lists they were mailed, what they wish to hear, their digests."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

from maild.domain.tickets.held_replies import HeldReply


class HeldReplies(Protocol):
    def add(self, held_reply: HeldReply) -> int:
        """Store a held text (its id is ignored) and answer its new id. An older one of the same mail is settled by it,
        as "replaced"."""
        ...

    def get(self, number: int) -> HeldReply | None: ...

    def waiting(self, *, ticket: int | None = None, agent: str | None = None) -> tuple[HeldReply, ...]:
        """Texts that wait for their writer's word, oldest first: of a ticket, of an agent, or all."""
        ...

    def settle(self, number: int, settled_as: str, now: datetime) -> bool:
        """End the waiting; False when it had ended before: whoever comes first decides."""
        ...

    def settle_from_mail(self, inbound: int, settled_as: str, now: datetime) -> None:
        """End the waiting of the text in a mail, if it still waits."""
        ...

    def due(self, now: datetime, limit: int) -> tuple[HeldReply, ...]:
        """Waiting texts whose next reminder is due."""
        ...

    def set_reminder(self, number: int, at: datetime) -> None:
        """Its next reminder is due then, and not when it would have been. Nothing for a text that waits no more."""
        ...

    def record_reminder(self, number: int, reminders: int, at: datetime) -> bool:
        """One more reminder than these is sent; the next is due then. False when somebody else sent it meanwhile, or
        the text waits no more."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Snapshot:
    """A numbered list as an agent was mailed it: row 1 is tickets[0]."""

    id: int = 0
    agent: str
    kind: str  # "list" or "digest"
    asked: str = ""
    made_at: datetime
    tickets: tuple[int, ...]


class Snapshots(Protocol):
    def add(self, snapshot: Snapshot) -> int: ...

    def get(self, number: int) -> Snapshot | None: ...

    def change(self, number: int, tickets: Sequence[int]) -> None:
        """Other rows for a list that was not mailed yet."""
        ...


class Preferences(Protocol):
    """Wishes of agents by name: JSON values, told in docs/mail-commands.md."""

    def of(self, agent: str) -> Mapping[str, Any]: ...

    def all(self) -> Mapping[str, Mapping[str, Any]]: ...

    def change(self, agent: str, preferences: Mapping[str, Any], now: datetime) -> None:
        """Lay these over what was wished before; a None takes a wish back."""
        ...


class Digests(Protocol):
    def begin(self, reader: str, kind: str, period: str, now: datetime) -> bool:
        """Note that a digest is made; False when it was made before (the primary key decides)."""
        ...

    def made_among(
        self, readers: Sequence[str], kinds: Sequence[str], periods: Sequence[str]
    ) -> Mapping[tuple[str, str, str], datetime]:
        """(reader, kind, period) -> when it was made, of all among these that were."""
        ...

    def last(self, kind: str, readers: Sequence[str]) -> Mapping[str, datetime]:
        """When these readers got their last one of a kind."""
        ...
