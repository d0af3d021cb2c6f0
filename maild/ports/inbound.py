"""The ledger of mails in: what is kept of each, and what became of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Protocol

from maild.domain.decision import TraceStep
from maild.ports.mail import IncomingMail, Receipt


class InboundState(StrEnum):
    """Where a kept mail stands."""

    KEPT = "kept"  # durable, not yet judged
    DONE = "done"
    HELD = "held"  # waits for a person's word
    QUARANTINED = "quarantined"


@dataclass(frozen=True, slots=True, kw_only=True)
class KeptMail:
    """A mail that is durably ours. `attempts` counts the readings begun, this one included."""

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
    released: bool = False  # a person let it in: it is no junk
    proven: bool = False  # its sender said, at the address on file, that they wrote it
    released_as: str = ""  # and that its text shall be a "reply" or a "note", whatever its address says


@dataclass(frozen=True, slots=True, kw_only=True)
class Judgement:
    """What became of a mail, and why: recorded with it for good."""

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
    """Another node judges or judged this mail meanwhile; what we did with it is to be rolled back."""


class Inbound(Protocol):
    """The ledger of mails in."""

    def keep(self, mails: Sequence[IncomingMail], now: datetime) -> list[Receipt]:
        """Keep raw mails and ledger rows, exactly once by their ledger key; answers in the order given."""
        ...

    def begin(self, limit: int, now: datetime, only: Sequence[int] | None = None) -> list[KeptMail]:
        """The next mails to judge, in order of arrival, with their attempt counted. Commit before reading them."""
        ...

    def give_back(self, numbers: Sequence[int]) -> None:
        """Undo `begin`, as far as the mails are still this node's: the attempt does not count."""
        ...

    def postpone(self, number: int, until: datetime, reason: str, *, counts: bool = True) -> None:
        """Try a mail of this node's again later; one that another node has by now is left alone. `counts`: this was an
        attempt."""
        ...

    def judge(self, number: int, judgement: Judgement, now: datetime) -> None:
        """Record the judgement of a mail of this node's. ClaimLost when it is not ours any more."""
        ...

    def find_same(self, sameness: str, but: int, waiting_in: Sequence[str] = ()) -> tuple[int, int | None] | None:
        """An earlier judged mail with this sameness: (inbound, ticket). One that came by one of the mailboxes
        `waiting_in` and was held or ignored does not count."""
        ...

    def subjects(self, sender: str, since: datetime, but: int, limit: int) -> tuple[str, ...]:
        """The subjects of this sender's mails that were judged since then, the newest first; `but` is left out."""
        ...

    def get(self, number: int) -> KeptMail | None: ...

    def listed(
        self, state: InboundState, limit: int | None = None, mailboxes: Sequence[str] | None = None
    ) -> list[KeptMail]:
        """Mails in this state, oldest first, without their bytes; of more than `limit` the newest. `mailboxes`: those
        alone that came by one of these."""
        ...

    def replay(self, number: int, *, released: bool = False, proven: bool = False, released_as: str = "") -> bool:
        """Back to KEPT with no attempts; False when it is not quarantined or held. `released`: it is no junk;
        `proven`: its sender wrote it."""
        ...

    def drop(self, number: int, now: datetime, by: str = "the admin") -> bool:
        """End a quarantined or held mail as ignored; its bytes stay. False when it is neither."""
        ...

    def count_kept(self) -> int:
        """How many mails are KEPT."""
        ...

    def of_entry(self, number: int) -> KeptMail | None: ...

    def of_ticket(self, ticket: int) -> list[KeptMail]: ...
