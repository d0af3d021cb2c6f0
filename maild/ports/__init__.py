"""Protocols between the services and the outside world, with the records that they exchange.

Ports import the domain only."""

from maild.ports.agents import Digests, HeldReplies, Preferences, Snapshot, Snapshots
from maild.ports.alarms import LedgerLine, SlaSteps
from maild.ports.inbound import ClaimLost, Inbound, InboundState, Judgement, KeptMail
from maild.ports.lists import ListedTicket, Listing, Order, Search, TicketHistory
from maild.ports.mail import (
    Clock,
    Finding,
    HandIn,
    IgnoredMail,
    IncomingMail,
    MailboxLedger,
    MailboxState,
    MailSource,
    MailTransport,
    Receipt,
    Scanner,
    ScanVerdict,
    TemporaryFailure,
    WakeUp,
)
from maild.ports.next_due import Agenda, NextInstants, StatusDurations
from maild.ports.outbox import AnswerCounts, AnswerWindows, Outbox, OutboxRow, Summaries
from maild.ports.store import (
    Contact,
    OpenUnitOfWork,
    People,
    SlaIndex,
    StoredEntry,
    Tickets,
    UnitOfWork,
)

__all__ = [
    "Agenda",
    "AnswerCounts",
    "AnswerWindows",
    "ClaimLost",
    "Clock",
    "Contact",
    "Digests",
    "Finding",
    "HandIn",
    "HeldReplies",
    "IgnoredMail",
    "Inbound",
    "InboundState",
    "IncomingMail",
    "Judgement",
    "KeptMail",
    "LedgerLine",
    "ListedTicket",
    "Listing",
    "MailSource",
    "MailTransport",
    "MailboxLedger",
    "MailboxState",
    "NextInstants",
    "OpenUnitOfWork",
    "Order",
    "Outbox",
    "OutboxRow",
    "People",
    "Preferences",
    "Receipt",
    "ScanVerdict",
    "Scanner",
    "Search",
    "SlaIndex",
    "SlaSteps",
    "Snapshot",
    "Snapshots",
    "StatusDurations",
    "StoredEntry",
    "Summaries",
    "TemporaryFailure",
    "TicketHistory",
    "Tickets",
    "UnitOfWork",
    "WakeUp",
]
