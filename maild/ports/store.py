"""Ports for the database: the unit of work, its repositories, and the rows that they exchange."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import datetime
from types import TracebackType
from typing import Protocol

from maild.domain.lookups import TicketRecord
from maild.domain.messages.attachment import Attachment
from maild.domain.people.directory import Address, Agent, Person
from maild.domain.tickets.events import Actor, Event
from maild.domain.tickets.ticket import Ticket
from maild.ports.agents import Digests, HeldReplies, Preferences, Snapshots
from maild.ports.alarms import SlaSteps
from maild.ports.inbound import Inbound
from maild.ports.lists import ListedTicket, Listing, Search, TicketHistory
from maild.ports.next_due import Agenda
from maild.ports.outbox import Outbox, Summaries


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
        """Return those of these tickets that exist, each with its events.

        The number of queries does not depend on the number of tickets. A writing unit of work locks the tickets in the
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

    def entries_of(self, numbers: Sequence[int]) -> Mapping[int, tuple[StoredEntry, ...]]:
        """Return all entries of each of these tickets with their attachments, oldest first."""
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

    def by_join_keys(self, keys: Sequence[str]) -> Mapping[str, int]:
        """Return key -> the open or waiting ticket that collects alerts with it; the oldest ticket wins.

        Keys without such a ticket are left out."""
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

    def spam_senders(self, addresses: Sequence[Address]) -> frozenset[str]:
        """Return the keys of those of these addresses whose requester has a ticket that is marked as spam."""
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

    def look_ahead(self, addresses: Sequence[Address]) -> None:
        """Read the contacts of these addresses with one statement, for `contact` to find them."""
        ...

    def contact(self, person: Person) -> Contact:
        """Return the contact of an address and create it when needed. A missing name is filled in."""
        ...

    def agent(self, agent: Agent) -> Contact:
        """Return the contact of an agent, whichever address they use; create it when needed."""
        ...

    def signatures(self, agents: Sequence[Agent]) -> Mapping[str, str]:
        """Return the signatures that were learned from mails of these agents, by name; "" when there is none."""
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
    def summaries(self) -> Summaries:
        """The notices that wait to be told in one mail."""
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

    def expect(self, *, mails: int, new_tickets: int) -> None:
        """Say that this many mails are judged in this transaction, and about how many of them open a ticket.

        When the transaction fails, each mail must be judged again in a transaction of its own."""
        ...

    def commit(self) -> None:
        """Send what waits, and commit the transaction."""
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
