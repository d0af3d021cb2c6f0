"""What a command may need to know beyond its own ticket, asked only when a verb needs it.

The services fill these in from the store; tests give what they like. Each is a question without side effects."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from maild.domain.decision import EntryDraft
from maild.domain.people.directory import Address
from maild.domain.sla.alarm_acks import Alarm
from maild.domain.tickets.events import Event
from maild.domain.tickets.ticket import Ticket
from maild.domain.times.calendars import Calendar

Batch = tuple[int, tuple[Event, ...]]  # (number of its first event, the events of one act)


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """What was said about a ticket: inside, in our notices to agents, and outside."""

    notes: tuple[str, ...] = ()  # without those that their author meant for the customer
    notices: tuple[str, ...] = ()  # text parts of the newest ones
    outside: tuple[str, ...] = ()  # messages and replies


@dataclass(frozen=True, slots=True, kw_only=True)
class Lookups:
    """Questions to the store and the templates."""

    ticket: Callable[[int], Ticket | None] = lambda number: None  # merged ones answer their survivor
    batches: Callable[[int], tuple[Batch, ...]] = lambda ticket: ()  # the acts of a ticket, in order
    can_withdraw: Callable[[int], bool] = lambda entry: False  # has no mail of this reply left, or been tried, yet?
    # Has a mail that shows somebody (their address) the history of a ticket left, or been tried?
    history_was_sent: Callable[[int, Address], bool] = lambda ticket, to: True
    # The newest message of the requester or a participant, as an entry that names its mail; None: they never wrote.
    last_message: Callable[[int], EntryDraft | None] = lambda ticket: None
    # None: no such text. ValueError says, for its writer, what is wrong with the variables.
    canned: Callable[[str, Mapping[str, str]], str | None] = lambda name, variables: None
    canned_names: tuple[str, ...] = ()
    calendar: Callable[[Ticket], Calendar | None] = lambda ticket: None  # what business time of a ticket counts in
    said: Callable[[int], Said] = lambda ticket: Said()  # what was said about a ticket, inside and outside
    has_contacted: Callable[[str, str], bool] = lambda agent, domain: (
        True
    )  # has the agent written to this domain before?
    answer_of: Callable[[int], str] = lambda ticket: ""  # what solved a ticket, fit to be said to another customer
    explain_due: Callable[[int], tuple[str, ...]] = lambda ticket: ()  # how a ticket's deadlines came about, by line

    alarms: Callable[[int], tuple[Alarm, ...]] = lambda ticket: ()  # the alarms of a ticket that still stand


NOTHING_KNOWN = Lookups()
