"""A decision on its way into the store: what its effects leave behind, and what became of it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from maild.domain.decision import Decision
from maild.domain.effects import Effect
from maild.domain.tickets.events import Event
from maild.domain.tickets.ticket import Ticket
from maild.ports import OutboxRow
from maild.services.work import Work


@dataclass(frozen=True, slots=True)
class Done:
    """What applying a decision left behind.

    `released` are held mails that wait to be judged once more. `left` are effects that only the caller can carry out,
    in their order: what a query answers, who is next in line for a lost alarm."""

    ticket: Ticket | None
    events: tuple[Event, ...] = ()
    entry: int | None = None
    outbox: tuple[OutboxRow, ...] = ()
    released: tuple[int, ...] = ()
    others: tuple[int, ...] = ()  # tickets that were changed or opened with it
    left: tuple[Effect, ...] = ()


@dataclass(slots=True)
class Applying:
    """One decision about a ticket (None: it opens one, or concerns none), and what came of its effects so far.

    `inbound` is the mail that it judges. `apply_other` applies a decision to another ticket (None: to a new one) within
    the same work."""

    work: Work
    decision: Decision
    ticket: Ticket | None
    inbound: int | None
    apply_other: Callable[[Decision, Ticket | None], Done]
    held_reply: int = 0  # the number of the held reply that its mails are about
    opened: list[int] = field(default_factory=list)  # tickets that opened with it, in their order
    others: list[int] = field(default_factory=list)  # and all that were changed or opened with it
    released: list[int] = field(default_factory=list)
    outbox: list[OutboxRow] = field(default_factory=list)  # mails that are not about its ticket
    left: list[Effect] = field(default_factory=list)

    def add(self, done: Done) -> None:
        """Take in what came of another ticket's decision."""
        if done.ticket is not None:
            self.others.append(done.ticket.number)
        self.outbox.extend(done.outbox)
        self.released.extend(done.released)
        self.left.extend(done.left)
