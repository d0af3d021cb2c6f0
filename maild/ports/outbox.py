"""The port of the outgoing queue, and its rows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol

from maild.domain.intake.keys import ReturnedMail
from maild.domain.lookups import Leaving
from maild.domain.messages.outbox import Attempted, OutboxState
from maild.domain.people.directory import Address, Person


@dataclass(frozen=True, slots=True, kw_only=True)
class OutboxRow:
    """One mail to one recipient. `raw` is None until the first claim composes the bytes and stores them."""

    id: int = 0
    ticket: int | None
    entry: int | None = None  # the reply that it delivers
    template: str
    to: Person
    envelope_from: str
    subject: str
    message_id: str
    context: Mapping[str, Any]
    state: OutboxState = OutboxState.QUEUED
    attempts: int = 0
    next_at: datetime | None = None
    last_answer: str = ""
    relay: str = ""
    queued_at: datetime
    raw: bytes | None = None
    counted: str = ""  # "answer": an automatic answer to somebody outside; "alarm": the report that those were stopped
    agent: str = ""  # name of the agent who is notified
    leaves_at: datetime | None = None  # of a notice to an agent: when it is planned to leave
    since: int | None = None  # the notice covers the ticket's events after this number; None: it cannot take in others
    first_at: datetime | None = None  # when the first of these events happened
    tried_since: datetime | None = None  # the first attempt since an admin last released or retried it

    @property
    def mail_date(self) -> datetime:
        """The value of the Date header. A notice that waited until morning is dated when it leaves."""
        return self.leaves_at or self.queued_at


@dataclass(frozen=True, slots=True, kw_only=True)
class AnswerWindows:
    """Since when automatic answers are counted (UTC)."""

    a_day_ago: datetime  # to one address
    an_hour_ago: datetime  # to one domain, and status mails of one ticket
    a_minute_ago: datetime  # to everybody
    stopped_since: datetime  # reports that there were too many


@dataclass(frozen=True, slots=True, kw_only=True)
class AnswerCounts:
    """How many automatic answers were queued for people outside. What was not counted is 0."""

    to_address: Mapping[str, int] = field(default_factory=dict)  # by the key of the address
    to_domain: Mapping[str, int] = field(default_factory=dict)  # in lower case
    states: Mapping[tuple[str, int], int] = field(default_factory=dict)  # by the key of the address and the ticket
    to_all: int = 0
    flood_reported: bool = False  # were admins told that there were too many?


class Outbox(Protocol):
    """Stores outgoing mails until they are sent, and afterwards."""

    def next_id(self) -> int:
        """Reserve an id. It is needed before the row exists, because the Message-ID contains it."""
        ...

    def add(self, row: OutboxRow) -> None:
        """Store a mail."""
        ...

    def look_ahead(self, tickets: Sequence[int], addresses: Sequence[Address], since: AnswerWindows) -> None:
        """Read with a few statements what judging may ask about these tickets' mails, and about answers to these
        addresses."""
        ...

    def claim(self, now: datetime, until: datetime, limit: int, relay: str) -> list[OutboxRow]:
        """Return mails of a relay that are due, and lease them to the caller until `until`."""
        ...

    def freeze(self, row: int, raw: bytes, text: str) -> bool:
        """Store the composed bytes of a mail. Returns False when it has bytes already: those stay."""
        ...

    def texts(
        self, ticket: int, limit: int, but: Sequence[str] = (), to: Sequence[Address] | None = None
    ) -> tuple[str, ...]:
        """Return the text parts of the newest mails that we sent about a ticket.

        Mails of the templates `but` are left out. `to` restricts the result to mails to these addresses."""
        ...

    def told(self, ticket: int, limit: int, but: Sequence[str] = ()) -> tuple[tuple[str, str], ...]:
        """Return (template, text part) of the newest mails that we sent about a ticket.

        Mails of the templates `but` are left out."""
        ...

    def contexts(self, ticket: int, templates: Sequence[str], limit: int) -> tuple[Mapping[str, Any], ...]:
        """Return the template contexts of the newest mails of these templates about a ticket."""
        ...

    def contexts_of(
        self, tickets: Sequence[int], templates: Sequence[str], limit: int
    ) -> Mapping[int, tuple[Mapping[str, Any], ...]]:
        """Return what `contexts` returns, for each of these tickets."""
        ...

    def texts_of(self, message_ids: Sequence[str], but: Sequence[str] = ()) -> tuple[str, ...]:
        """Return the text parts of our mails with these Message-IDs, without those of the templates `but`."""
        ...

    def record_attempt(self, row: int, attempted: Attempted) -> None:
        """Store the result of an attempt to send."""
        ...

    def get(self, row: int) -> OutboxRow | None:
        """Return a mail by its id; None when there is none."""
        ...

    def listed(self, states: Sequence[OutboxState]) -> list[OutboxRow]:
        """Return the mails in these states without their bytes, oldest first."""
        ...

    def set_state(self, row: int, state: OutboxState, next_at: datetime | None) -> None:
        """Set the state as an admin asked. With `next_at` the mail starts again with all its attempts."""
        ...

    def take_pending(self, ticket: int, agent: str, answer: str) -> tuple[OutboxRow, ...]:
        """Drop the notices about a ticket that wait for an agent and return them, oldest first.

        Only notices that nobody began to send are taken. A new notice reports what they would have reported. `answer`
        is stored as the reason."""
        ...

    def count_notices(self, agent: str, begins: datetime, ends: datetime, limit: int) -> int:
        """Count the notices that leave or left for an agent from `begins` until before `ends`, up to `limit`."""
        ...

    def pending_mail(self, agent: str, template: str, now: datetime) -> OutboxRow | None:
        """Return the mail of a template that leaves for an agent later than `now` and that nobody began to send."""
        ...

    def lock(self, row: int) -> OutboxRow | None:
        """Return a mail and lock it until the transaction ends, whatever its state; None when there is none."""
        ...

    def lock_unsent(self, row: int) -> OutboxRow | None:
        """Return a mail and lock it until the transaction ends; None when somebody began to send it."""
        ...

    def rewrite(self, row: OutboxRow) -> None:
        """Replace the context and subject of a mail that nobody began to send."""
        ...

    def drop_waiting(self, ticket: int, templates: Sequence[str]) -> None:
        """Drop the mails of these templates about a ticket that have not been tried yet."""
        ...

    def leaving(self, tickets: Sequence[int]) -> Mapping[int, Leaving]:
        """Return, for each of these tickets, which of its mails can still be stopped and which have left."""
        ...

    def withdraw(self, entry: int, reason: str) -> bool:
        """Drop the mails that deliver an entry. Returns False when one of them may have left."""
        ...

    def withdraw_history(self, ticket: int, to: Address, reason: str) -> bool:
        """Drop the mails that show the ticket's history to this address. Returns False when one may have left."""
        ...

    def by_message_ids(self, message_ids: Sequence[str]) -> Mapping[str, ReturnedMail]:
        """Return those of these Message-IDs that are ours, each with its mail."""
        ...

    def by_mark(self, mark: str, ticket: int | None, agent: str) -> list[int]:
        """Return the mails whose Message-ID begins with this text of a sealed address, newest first.

        They are searched among the mails of a ticket or, when `ticket` is None, of an agent."""
        ...

    def has_written_to(self, ticket: int, address: Address) -> bool:
        """Say whether a mail about this ticket was made for this address before."""
        ...

    def count_answers(self, to: Sequence[Address], since: AnswerWindows, state_template: str) -> AnswerCounts:
        """Count the automatic answers to people outside; dropped ones do not count.

        Answers of `state_template` are counted by ticket as well. The number of queries does not depend on how many
        addresses there are."""
        ...

    def delivery_states(self, ticket: int) -> Mapping[int, tuple[OutboxState, ...]]:
        """Return for each entry of a ticket the states of the mails that deliver it."""
        ...

    def sending(self) -> int:
        """Count the mails that are being sent now."""
        ...

    def next_instant(self) -> datetime | None:
        """Return when the next mail is due or its lease ends; None when no mail waits."""
        ...


class Summaries(Protocol):
    """Stores the notices that wait to be told in one mail. That mail is a row of the outbox."""

    def fold(self, summary: int, told: Mapping[str, Any]) -> None:
        """Add a notice to a summary that `Outbox.pending_mail` returned in this unit of work."""
        ...

    def folded(self, summaries: Sequence[int]) -> Mapping[int, tuple[Mapping[str, Any], ...]]:
        """Return for each of these summaries the notices that wait in it, in the order in which they came."""
        ...

    def settle(self, summaries: Sequence[OutboxRow]) -> None:
        """Store summaries as they leave: with this subject and context, and without notices that wait."""
        ...
