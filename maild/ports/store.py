"""What is kept: the unit of work, its repositories, and the rows they speak in."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import datetime
from types import TracebackType
from typing import Any, Protocol

from maild.domain.messages.attachment import Attachment
from maild.domain.messages.outbox import Attempted, OutboxState
from maild.domain.people.directory import Address, Agent, Person
from maild.domain.tickets.events import Actor, Event
from maild.domain.tickets.ticket import Ticket
from maild.ports.agents import Digests, HeldReplies, Preferences, Snapshots
from maild.ports.alarms import SlaSteps
from maild.ports.inbound import Inbound
from maild.ports.lists import ListedTicket, Listing, Search, TicketHistory
from maild.ports.next_due import Agenda


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredEntry:
    """A thread entry as kept."""

    id: int
    ticket: int
    kind: str
    author: Actor
    author_name: str
    at: datetime
    text: str
    html: str = ""
    folded_lines: int = 0
    message_id: str = ""
    trust: str = "claimed"
    may_leave: bool = False  # a note that its author meant for the customer: the leak guard lets it pass
    inbound: int | None = None
    attachments: tuple[Attachment, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class SlaIndex:
    """What the ticket row keeps of its SLA so that a tick can ask "whose time has come"."""

    next_at: datetime | None
    due_at: datetime | None
    fingerprint: str
    deadlines: Mapping[str, datetime] = field(default_factory=dict)  # target -> due, for those that somebody waits for


class Tickets(Protocol):
    def new_number(self) -> int:
        """Reserve the next ticket number."""
        ...

    def get(self, number: int) -> Ticket | None: ...

    def history(self, number: int) -> tuple[Event, ...]: ...

    def event_time(self, number: int, seq: int) -> datetime | None:
        """When the event of this number happened; None when there is none."""
        ...

    def events_since(self, number: int, seq: int) -> tuple[Event, ...]:
        """The events behind this number, in order."""
        ...

    def batches(self, number: int) -> tuple[tuple[int, tuple[Event, ...]], ...]:
        """(number of the first event, the events) of each act, in order: what came with one mail or one tick."""
        ...

    def add_entry(self, new: StoredEntry) -> int:
        """Store an entry (its id is ignored) and answer its new id."""
        ...

    def append(self, after: Ticket, new: Sequence[Event], root_id: str) -> None:
        """Store the newest events of a ticket and its row as folded; after.seq is that of the last of them."""
        ...

    def set_sla_index(self, number: int, sla: SlaIndex) -> None: ...

    def entries(self, number: int) -> tuple[StoredEntry, ...]: ...

    def root_id(self, number: int) -> str: ...

    def by_message_ids(self, ids: Sequence[str]) -> Mapping[str, int]:
        """The tickets of entries with these Message-IDs."""
        ...

    def remember_references(self, number: int, ids: Sequence[str]) -> None:
        """Remember the ids that a mail of this ticket names as its ancestors, and its own."""
        ...

    def by_reference(self, ids: Sequence[str]) -> Mapping[str, int]:
        """The tickets whose mails name one of these ids; the oldest where several do."""
        ...

    def by_join_key(self, key: str) -> int | None:
        """The open or waiting ticket that alerts with this key go into."""
        ...

    def listing(self, wanted: Listing) -> list[ListedTicket]: ...

    def due_at(self, number: int) -> datetime | None:
        """The earliest deadline that a ticket has not met, as of the last reckoning."""
        ...

    def active_between(self, since: datetime, until: datetime, wanted: Listing) -> list[int]:
        """The tickets of a list that began before `until` and are worked on, or had a fact at `since` or later, in the
        order of their numbers: all that figures of that time can be about. The list's times, order and limit do not
        count."""
        ...

    def histories(self, numbers: Sequence[int], kinds: Sequence[str]) -> list[TicketHistory]:
        """These tickets with their facts of these kinds, in the order of their numbers."""
        ...

    def due(self, now: datetime, limit: int) -> list[int]:
        """Tickets whose next SLA instant has come, the most overdue first.

        As all that a tick asks for, they are the caller's until the transaction ends, and those that another node has
        in hand are left out."""
        ...

    def in_status_since(self, status: str, instant: datetime, limit: int) -> list[int]:
        """Tickets that have had this status since the instant or longer, and will not wake by themselves."""
        ...

    def to_wake(self, now: datetime, limit: int) -> list[int]:
        """Waiting tickets whose moment to open by themselves has come."""
        ...

    def snooze_ended(self, now: datetime, limit: int) -> list[int]:
        """Tickets whose snooze is over, the longest first."""
        ...

    def has_spam_from(self, address: Address) -> bool:
        """Is there a ticket of this requester that is spam?"""
        ...

    def deadlines(self, number: int) -> Mapping[str, datetime] | None:
        """Each deadline that a ticket has not met, by its target, as of the last reckoning; None when only the earliest
        was kept then."""
        ...

    def unreminded(self, instant: datetime, limit: int) -> list[int]:
        """Tickets that wait for the customer since the instant or longer, will not wake by themselves, and whose
        customer was not reminded."""
        ...

    def with_outdated_sla(self, fingerprints: frozenset[str], limit: int, above: int = 0) -> list[int]:
        """Open tickets with higher numbers than `above` whose SLA was reckoned with a plan and calendar that are none
        of these, in the order of their numbers."""
        ...


@dataclass(frozen=True, slots=True)
class Contact:
    """Somebody we write to. `agent` is the agent's name, "" for everybody else; a raised epoch revokes their marks."""

    number: int
    person: Person
    epoch: int
    agent: str = ""
    revoked_before: int = 0  # ids of mails with a lower outbox number are dead


class People(Protocol):
    def contact(self, person: Person) -> Contact:
        """The contact of an address, made when new; a name is learned when none was known."""
        ...

    def agent(self, agent: Agent) -> Contact:
        """The contact of an agent, whatever addresses they have."""
        ...

    def signature(self, agent: Agent) -> str:
        """What an agent was learned to put below every mail; "" when nothing."""
        ...

    def learn_signature(self, agent: Agent, tail: str) -> str:
        """Note how an agent's mail ended -> their signature, once several mails have ended alike, and until none of the
        last ones does."""
        ...

    def set_absence(self, agent: str, since: datetime, until: datetime) -> None: ...

    def absent(self, now: datetime) -> Mapping[str, datetime]:
        """The agents who are away, by name, and until when."""
        ...

    def record_contact(self, agent: str, domain: str) -> None:
        """Remember that an agent has written to a domain."""
        ...

    def has_contacted(self, agent: str, domain: str) -> bool:
        """Has this agent written to this domain before?"""
        ...

    def clear_absence(self, agent: str) -> None:
        """Forget that an agent is away."""
        ...

    def revoke(self, agent: str, mails_before: int) -> bool:
        """Raise the epoch of an agent: the marks in all mails with a lower outbox number are dead. False when none was
        ever given."""
        ...

    def by_numbers(self, numbers: Sequence[int]) -> Mapping[int, Contact]: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class OutboxRow:
    """One mail to one recipient. `raw` is None until the first claim froze its bytes."""

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
    counted: str = ""  # "answer": of a program to somebody outside; "alarm": that those were stopped
    agent: str = ""  # the agent who is told, by name
    leaves_at: datetime | None = None  # of a notice to an agent: when it leaves, as it was reckoned
    since: int | None = None  # it tells of the ticket's events behind this number; None: it takes in no others
    first_at: datetime | None = None  # when the first of these happened
    tried_since: datetime | None = None  # when it was first tried, since an admin last let it go anew

    @property
    def mail_date(self) -> datetime:
        """What stands in its Date: a mail that waited for morning was not written at night."""
        return self.leaves_at or self.queued_at


class Outbox(Protocol):
    def next_id(self) -> int:
        """Reserve an id, for the Message-ID has it inside."""
        ...

    def add(self, row: OutboxRow) -> None: ...

    def claim(self, now: datetime, until: datetime, limit: int, relay: str) -> list[OutboxRow]:
        """Due rows of a relay, leased to the caller until then."""
        ...

    def freeze(self, row: int, raw: bytes, text: str) -> bool:
        """Keep the bytes of a mail; False when it has some: those count."""
        ...

    def texts(
        self, ticket: int, limit: int, but: Sequence[str] = (), to: Sequence[Address] | None = None
    ) -> tuple[str, ...]:
        """The text parts of the newest mails that we made about a ticket, without those of the templates `but`; `to`:
        only of those to these addresses."""
        ...

    def contexts(self, ticket: int, template: str, limit: int) -> tuple[Mapping[str, Any], ...]:
        """What the newest mails of a template about a ticket were made from."""
        ...

    def texts_of(self, message_ids: Sequence[str], but: Sequence[str] = ()) -> tuple[str, ...]:
        """The text parts of mails of ours with these Message-IDs, without those of the templates `but`."""
        ...

    def record_attempt(self, row: int, attempted: Attempted) -> None: ...

    def get(self, row: int) -> OutboxRow | None: ...

    def listed(self, states: Sequence[OutboxState]) -> list[OutboxRow]: ...

    def set_state(self, row: int, state: OutboxState, next_at: datetime | None) -> None:
        """An admin's word; with `next_at` the mail has all its tries before it again."""
        ...

    def take_pending(self, ticket: int, agent: str, answer: str) -> tuple[OutboxRow, ...]:
        """Take back the notices that wait for this agent about this ticket, none of them begun, and answer them: a new
        one tells what they would have told. `answer` is noted with them."""
        ...

    def count_notices(self, agent: str, begins: datetime, ends: datetime, limit: int) -> int:
        """How many notices leave, or left, for this agent between these instants; counted up to a limit."""
        ...

    def pending_mail(self, agent: str, template: str, now: datetime) -> OutboxRow | None:
        """The mail of this template that leaves for this agent later than now, and was not begun yet."""
        ...

    def lock_unsent(self, row: int) -> OutboxRow | None:
        """A mail, unless somebody began to send it; nobody does before this transaction ends."""
        ...

    def rewrite(self, row: OutboxRow) -> None:
        """Other words for a mail that was not begun yet: its context and subject."""
        ...

    def drop_waiting(self, ticket: int, template: str) -> None:
        """Give up the mails of this kind about a ticket that have not been tried yet."""
        ...

    def can_withdraw(self, entry: int) -> bool:
        """Is there a mail that delivers this entry, and was none of them tried yet?"""
        ...

    def withdraw(self, entry: int, reason: str) -> bool:
        """Stop the mails that deliver an entry, as far as none was tried; False when one may have left."""
        ...

    def history_was_sent(self, ticket: int, to: Address) -> bool:
        """Has a mail that shows this person the history of the ticket left, or been tried?"""
        ...

    def withdraw_history(self, ticket: int, to: Address, reason: str) -> bool:
        """Stop the mails that show somebody the history of a ticket; False when one may have left."""
        ...

    def by_message_id(self, message_id: str) -> OutboxRow | None: ...

    def by_mark(self, mark: str, ticket: int | None, agent: str) -> list[int]:
        """The mails whose Message-ID says the same as this text of a sealed address, the newest first: of a ticket, or
        (None) of an agent."""
        ...

    def has_written_to(self, ticket: int, address: Address) -> bool:
        """Has this ticket written to this address before?"""
        ...

    def count_answers(
        self,
        since: datetime,
        *,
        to: Address | None = None,
        domain: str | None = None,
        ticket: int | None = None,
        template: str | None = None,
    ) -> int:
        """How many answers of a program to people outside were queued since then, those that were dropped left out."""
        ...

    def flood_reported(self, since: datetime) -> bool:
        """Was it told since then that there were too many of them?"""
        ...

    def delivery_states(self, ticket: int) -> Mapping[int, tuple[OutboxState, ...]]:
        """For each entry of a ticket the states of the mails that deliver it."""
        ...

    def sending(self) -> int:
        """How many mails are being handed over just now."""
        ...

    def next_instant(self) -> datetime | None: ...


class UnitOfWork(Protocol):
    """One transaction. Leaving the block without commit rolls back; TemporaryFailure when the database is away."""

    @property
    def inbound(self) -> Inbound: ...

    @property
    def tickets(self) -> Tickets: ...

    @property
    def people(self) -> People: ...

    @property
    def outbox(self) -> Outbox: ...

    @property
    def agenda(self) -> Agenda: ...

    @property
    def sla_steps(self) -> SlaSteps: ...

    @property
    def held_replies(self) -> HeldReplies: ...

    @property
    def snapshots(self) -> Snapshots: ...

    @property
    def preferences(self) -> Preferences: ...

    @property
    def digests(self) -> Digests: ...

    @property
    def search(self) -> Search: ...

    def __enter__(self) -> UnitOfWork: ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...

    def commit(self) -> None: ...

    def savepoint(self) -> AbstractContextManager[None]:
        """What happens inside is undone alone when it raises. TemporaryFailure when the database is away."""
        ...


class OpenUnitOfWork(Protocol):
    def __call__(self, *, reading: bool = False) -> UnitOfWork:
        """A new unit of work; `reading` ones take no write lock."""
        ...
