"""Ports for the database: the unit of work, its repositories, and the rows that they exchange."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import datetime
from types import TracebackType
from typing import Any, Protocol

from maild.domain.lookups import Leaving, TicketRecord
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
    """An entry of a ticket's thread as it is stored."""

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
    """What the ticket row keeps of its SLA, so that a tick finds the tickets that are due by an index.

    `fingerprint` is that of the plan and calendar that were used. `deadlines` maps each target that is not met to the
    instant when it is due."""

    next_at: datetime | None
    due_at: datetime | None
    fingerprint: str
    deadlines: Mapping[str, datetime] = field(default_factory=dict)


class Tickets(Protocol):
    """Stores tickets with their events and entries, and finds them."""

    def new_number(self) -> int:
        """Reserve the next ticket number."""
        ...

    def get(self, number: int) -> Ticket | None:
        """Return a ticket; None when there is none. In a writing unit of work the ticket is locked."""
        ...

    def get_many(self, numbers: Sequence[int]) -> Mapping[int, TicketRecord]:
        """Return those of these tickets that there are, each with all that happened to it.

        The number of queries does not depend on how many they are. A writing unit of work locks the tickets in the
        order of their numbers."""
        ...

    def history(self, number: int) -> tuple[Event, ...]:
        """Return all events of a ticket, in order."""
        ...

    def events_since(self, number: int, seq: int) -> tuple[Event, ...]:
        """Return the events after this sequence number, in order."""
        ...

    def add_entry(self, new: StoredEntry) -> int:
        """Store an entry and return its new id; the id that it carries is ignored."""
        ...

    def append(self, after: Ticket, new: Sequence[Event], root_id: str) -> None:
        """Store new events of a ticket together with its row.

        `after` is the ticket with these events applied; `after.seq` is the number of the last event."""
        ...

    def set_sla_index(self, number: int, sla: SlaIndex) -> None:
        """Store the SLA index of a ticket."""
        ...

    def entries(self, number: int) -> tuple[StoredEntry, ...]:
        """Return all entries of a ticket with their attachments, oldest first."""
        ...

    def root_id(self, number: int) -> str:
        """Return the Message-ID that stands first in every References header of a ticket; "" when there is none."""
        ...

    def by_message_ids(self, ids: Sequence[str]) -> Mapping[str, int]:
        """Return Message-ID -> ticket, for those of these ids that belong to an entry."""
        ...

    def remember_references(self, number: int, ids: Sequence[str]) -> None:
        """Remember the Message-ID of a ticket's mail, and the ids that the mail refers to."""
        ...

    def by_reference(self, ids: Sequence[str]) -> Mapping[str, int]:
        """Return id -> ticket, for those of these ids that a mail of a ticket refers to; the oldest ticket wins."""
        ...

    def by_join_key(self, key: str) -> int | None:
        """Return the open or waiting ticket that collects alerts with this key."""
        ...

    def listing(self, wanted: Listing) -> list[ListedTicket]:
        """Return the tickets of a list, in its order."""
        ...

    def due_at(self, number: int) -> datetime | None:
        """Return the earliest deadline that a ticket has not met, as last computed."""
        ...

    def active_between(self, since: datetime, until: datetime, wanted: Listing) -> list[int]:
        """Return the tickets that statistics of a period can be about, sorted by number.

        They were opened before `until`; they are still open or waiting, or changed at `since` or later. The list's own
        times, order and limit do not count."""
        ...

    def histories(self, numbers: Sequence[int], kinds: Sequence[str]) -> list[TicketHistory]:
        """Return these tickets with their events of these kinds, sorted by number."""
        ...

    def due(self, now: datetime, limit: int) -> list[int]:
        """Return the tickets whose next SLA instant has come, the longest overdue first.

        The tickets are locked for the caller until the transaction ends. Those that another node has locked are left
        out. The same holds for every query of a tick."""
        ...

    def in_status_since(self, status: str, instant: datetime, limit: int) -> list[int]:
        """Return tickets that have had this status since `instant` or longer and have no time set to open again."""
        ...

    def to_wake(self, now: datetime, limit: int) -> list[int]:
        """Return waiting tickets whose time to open again has come."""
        ...

    def snooze_ended(self, now: datetime, limit: int) -> list[int]:
        """Return tickets whose snooze is over, the longest ago first."""
        ...

    def has_spam_from(self, address: Address) -> bool:
        """Say whether a ticket of this requester is marked as spam."""
        ...

    def deadlines(self, number: int) -> Mapping[str, datetime] | None:
        """Return target -> deadline for each target that a ticket has not met, as last computed.

        None when an older version stored the earliest deadline only."""
        ...

    def unreminded(self, instant: datetime, limit: int) -> list[int]:
        """Return tickets that have waited for the customer since `instant` or longer without a reminder.

        Tickets with a time set to open again are left out."""
        ...

    def with_outdated_sla(self, fingerprints: frozenset[str], limit: int, above: int = 0) -> list[int]:
        """Return open tickets whose SLA was computed with a plan or calendar that has none of these fingerprints.

        Only numbers above `above` are returned, sorted by number."""
        ...


@dataclass(frozen=True, slots=True)
class Contact:
    """A person we write to. A higher epoch makes all earlier reply addresses of the contact invalid."""

    number: int
    person: Person
    epoch: int
    agent: str = ""  # the agent's name; "" for everybody else
    revoked_before: int = 0  # Message-IDs of mails with a lower outbox number are invalid


class People(Protocol):
    """Stores contacts, absences and learned signatures."""

    def contact(self, person: Person) -> Contact:
        """Return the contact of an address and create it when needed. A missing name is filled in."""
        ...

    def agent(self, agent: Agent) -> Contact:
        """Return the contact of an agent, whichever address they use; create it when needed."""
        ...

    def signature(self, agent: Agent) -> str:
        """Return the signature that was learned from an agent's mails; "" when there is none."""
        ...

    def learn_signature(self, agent: Agent, tail: str) -> str:
        """Store how an agent's mail ended and return their signature.

        A signature is learned once several mails end alike. It is forgotten when none of the last mails has it."""
        ...

    def set_absence(self, agent: str, since: datetime, until: datetime) -> None:
        """Store when an agent is away; an earlier absence is replaced."""
        ...

    def absent(self, now: datetime) -> Mapping[str, datetime]:
        """Return the names of the agents who are away, and until when."""
        ...

    def record_contact(self, agent: str, domain: str) -> None:
        """Remember that an agent has written to a domain."""
        ...

    def contacted(self, agent: str, domains: Collection[str]) -> frozenset[str]:
        """Return those of these domains that an agent has written to before."""
        ...

    def clear_absence(self, agent: str) -> None:
        """Remove the absence of an agent."""
        ...

    def revoke(self, agent: str, mails_before: int) -> bool:
        """Raise the epoch of an agent, so that all earlier reply addresses and buttons are invalid.

        Message-IDs of mails with a lower outbox number than `mails_before` become invalid too. Returns False when the
        agent never had any."""
        ...

    def by_numbers(self, numbers: Sequence[int]) -> Mapping[int, Contact]:
        """Return number -> contact, for those of these numbers that exist."""
        ...


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


class Outbox(Protocol):
    """Stores outgoing mails until they are sent, and afterwards."""

    def next_id(self) -> int:
        """Reserve an id. It is needed before the row exists, because the Message-ID contains it."""
        ...

    def add(self, row: OutboxRow) -> None:
        """Store a mail."""
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

    def contexts(self, ticket: int, templates: Sequence[str], limit: int) -> tuple[Mapping[str, Any], ...]:
        """Return the template contexts of the newest mails of these templates about a ticket."""
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

    def by_message_id(self, message_id: str) -> OutboxRow | None:
        """Return the mail with this Message-ID; None when it is not one of ours."""
        ...

    def by_mark(self, mark: str, ticket: int | None, agent: str) -> list[int]:
        """Return the mails whose Message-ID begins with this text of a sealed address, newest first.

        They are searched among the mails of a ticket or, when `ticket` is None, of an agent."""
        ...

    def has_written_to(self, ticket: int, address: Address) -> bool:
        """Say whether a mail about this ticket was made for this address before."""
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
        """Count the automatic answers to people outside that were queued after `since`; dropped ones do not count."""
        ...

    def flood_reported(self, since: datetime) -> bool:
        """Say whether admins were told after `since` that there were too many automatic answers."""
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


class UnitOfWork(Protocol):
    """One transaction, used in a `with` block.

    Leaving the block without commit rolls back. Raises TemporaryFailure when the database does not answer."""

    @property
    def inbound(self) -> Inbound:
        """The ledger of incoming mail."""
        ...

    @property
    def tickets(self) -> Tickets:
        """Tickets with their events and entries."""
        ...

    @property
    def people(self) -> People:
        """Contacts, absences and signatures."""
        ...

    @property
    def outbox(self) -> Outbox:
        """The outgoing mails."""
        ...

    @property
    def agenda(self) -> Agenda:
        """The next timed work."""
        ...

    @property
    def sla_steps(self) -> SlaSteps:
        """The SLA steps that fired and the alarm ledger."""
        ...

    @property
    def held_replies(self) -> HeldReplies:
        """The replies of agents that wait for a decision."""
        ...

    @property
    def snapshots(self) -> Snapshots:
        """The lists that agents were mailed."""
        ...

    @property
    def preferences(self) -> Preferences:
        """The preferences of agents."""
        ...

    @property
    def digests(self) -> Digests:
        """The digests that were made."""
        ...

    @property
    def search(self) -> Search:
        """The full-text search."""
        ...

    def __enter__(self) -> UnitOfWork: ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...

    def commit(self) -> None:
        """Commit the transaction. The block may go on reading, but may not write any more."""
        ...

    def savepoint(self) -> AbstractContextManager[None]:
        """Return a block whose changes are rolled back alone when it raises.

        Raises TemporaryFailure when the database does not answer."""
        ...


class OpenUnitOfWork(Protocol):
    """The function that opens units of work."""

    def __call__(self, *, reading: bool = False) -> UnitOfWork:
        """Return a new unit of work. With `reading` it takes no write lock."""
        ...
