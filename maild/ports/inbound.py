"""Port for the ledger of incoming mail: what is kept of each mail, and what became of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Protocol

from maild.domain.decision import TraceStep
from maild.domain.intake.keys import EarlierMail
from maild.ports.mail import IncomingMail, Receipt


class InboundState(StrEnum):
    """The state of a kept mail."""

    KEPT = "kept"  # stored, not yet judged
    DONE = "done"
    HELD = "held"  # waits for the decision of a person
    QUARANTINED = "quarantined"


@dataclass(frozen=True, slots=True, kw_only=True)
class KeptMail:
    """A mail that is stored durably. `attempts` counts the attempts to judge it, including the current one."""

    id: int
    mail: IncomingMail
    attempts: int = 0
    state: InboundState = InboundState.KEPT
    outcome: str = ""
    reason: str = ""
    ticket: int | None = None
    steps: tuple[TraceStep, ...] = ()
    sender: str = ""
    subject: str = ""
    judged_at: datetime | None = None
    released: bool = False  # a person let it in, so it is not junk
    proven: bool = False  # its sender confirmed from the address on file that they wrote it
    released_as: str = ""  # what the sender chose for its text, "reply" or "note", whatever its address says


@dataclass(frozen=True, slots=True, kw_only=True)
class Judgement:
    """What became of a mail, and why. It is stored with the mail for good."""

    state: InboundState
    outcome: str
    reason: str
    steps: tuple[TraceStep, ...]
    ticket: int | None = None
    entry: int | None = None
    message_id: str = ""
    sameness: str = ""
    sender: str = ""
    subject: str = ""


class ClaimLost(Exception):
    """Another node has taken over this mail. The caller must roll back its own work on it."""


class Inbound(Protocol):
    """The ledger of incoming mail."""

    def keep(self, mails: Sequence[IncomingMail], now: datetime) -> list[Receipt]:
        """Store raw mails with their ledger rows, each delivery exactly once. Receipts come in the order given."""
        ...

    def begin(self, limit: int, now: datetime, only: Sequence[int] | None = None) -> list[KeptMail]:
        """Claim the next mails to judge for this node, in order of arrival, and count the attempt.

        Commit before you read them: a mail that crashes the program must have its attempt counted."""
        ...

    def give_back(self, numbers: Sequence[int]) -> None:
        """Undo `begin` for mails that this node still holds: the attempt does not count."""
        ...

    def postpone(self, number: int, until: datetime, reason: str, *, counts: bool = True) -> None:
        """Try a mail that this node holds again at `until`. `counts` says whether this was an attempt."""
        ...

    def look_ahead(self, senders: Sequence[str], since: datetime) -> None:
        """Read with one statement what `subjects` may be asked about these senders."""
        ...

    def judge(self, number: int, judgement: Judgement, now: datetime) -> None:
        """Store the judgement of a mail that this node holds. The commit raises ClaimLost when it holds it no more."""
        ...

    def find_same(self, samenesses: Sequence[str]) -> Mapping[str, tuple[EarlierMail, ...]]:
        """Return the judged mails with each of these samenesses, oldest first.

        Of each mailbox the first one is enough, and the first that was held or ignored. "" stands for no sameness."""
        ...

    def subjects(self, sender: str, since: datetime, but: int, limit: int) -> tuple[str, ...]:
        """Return subjects of this sender's mails that were judged after `since`, newest first, without `but`."""
        ...

    def get(self, number: int) -> KeptMail | None:
        """Return a kept mail with its bytes; None when there is none."""
        ...

    def listed(
        self, state: InboundState, limit: int | None = None, mailboxes: Sequence[str] | None = None
    ) -> list[KeptMail]:
        """Return mails in this state, oldest first, without their bytes.

        When there are more than `limit`, the newest are returned. `mailboxes` restricts the list to these mailboxes."""
        ...

    def replay(self, number: int, *, released: bool = False, proven: bool = False, released_as: str = "") -> bool:
        """Set a quarantined or held mail back to KEPT with no attempts. Returns False when it is neither.

        `released` marks it as no junk, `proven` as written by its sender; see KeptMail."""
        ...

    def drop(self, number: int, now: datetime, by: str = "the admin") -> bool:
        """End a quarantined or held mail as ignored; its bytes stay. Returns False when it is neither."""
        ...

    def count_kept(self) -> int:
        """Return how many mails are KEPT, so still to be judged."""
        ...

    def newest_heads(self, mailbox: str, limit: int, octets: int) -> list[tuple[bytes, str]]:
        """Return the first octets and the peer of the newest mails of a mailbox, newest first.

        Mails that many others followed are left out, so that the cost does not grow with the ledger."""
        ...

    def of_entry(self, number: int) -> KeptMail | None:
        """Return the mail that a thread entry came from; None when it came from no mail."""
        ...

    def of_ticket(self, ticket: int) -> list[KeptMail]:
        """Return all mails of a ticket, oldest first, without their bytes."""
        ...
