"""The closed list of events of a ticket.

An event is what happened, when, and by whom. The list of events is the truth; the ticket row is folded from it.
Their records (`event_records`) lie in databases for years. A changed shape gets a new VERSION and a reader
for the old one."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from maild.domain.people.directory import Person, Role

VERSION = 1
THIS_ENTRY = 0  # stands for the id of the entry that is stored together with the event
NEXT_ENTRY = -1  # and this for the second one, where a mail brings two
NEW_TICKET = 0  # stands for the number of a ticket that opens together with the event
UNANSWERED = "the customer did not answer"  # the reason why waiting for them ended
UNDO = "undo"  # the reason of a status that an undo brought back: the one before it did not happen
THIS_DRAFT = 0  # stands for the number of the held reply that is stored together with the event


@dataclass(frozen=True, slots=True)
class Actor:
    """Who did it. `name` is the agent's name for agents, the rule or clock for the system."""

    role: Role
    name: str = ""
    address: str = ""

    @property
    def shown(self) -> str:
        """One word for lists: the agent's name, an address, or "system"."""
        return self.name or self.address or self.role.value


SYSTEM = Actor(Role.SYSTEM)


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """Something that happened to one ticket. `at` (UTC) is when it happened, which is not when we learned of it."""

    at: datetime
    by: Actor = SYSTEM
    entry: int | None = None  # the thread entry that it brought

    @property
    def kind(self) -> str:
        """The class name in kebab-case: status-changed."""
        return kind_of(type(self))


@dataclass(frozen=True, slots=True, kw_only=True)
class Opened(Event):
    """A ticket began: by mail, or by an agent for somebody."""

    requester: Person
    subject: str
    department: str
    priority: str = "normal"
    sla_plan: str = ""
    plan_source: str = ""
    team: str = ""
    assignee: str = ""
    topic: str = ""
    tags: tuple[str, ...] = ()
    links: tuple[int, ...] = ()
    participants: tuple[Person, ...] = ()
    automatic: bool = False  # no person waits for an answer
    join_key: str = ""  # what alerts about the same thing have in common
    contacts: tuple[Person, ...] = ()  # who reads along for the requester's organisation
    watchers: tuple[str, ...] = ()  # agents who do


@dataclass(frozen=True, slots=True, kw_only=True)
class MessageReceived(Event):
    """The requester or a participant wrote."""

    automatic: bool = False  # auto-replies are filed, and move no clock
    courtesy: bool = False  # nobody waits for an answer, as to a thank-you: it moves no clock either


@dataclass(frozen=True, slots=True, kw_only=True)
class Replied(Event):
    """An agent answered the customer. `outside`: by their own mail, which is only filed."""

    outside: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Noted(Event):
    """Somebody inside wrote a note. `mentions` are the agents that it names with an @."""

    mentions: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class StatusChanged(Event):
    """The status is another one, or the same one confirmed by hand."""

    status: str
    previous: str
    reason: str = ""
    until: datetime | None = None  # waiting ends then by itself (UTC)


@dataclass(frozen=True, slots=True, kw_only=True)
class Assigned(Event):
    """The whole assignment as it is now; "" is nobody."""

    assignee: str
    team: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Transferred(Event):
    """The ticket went to another department."""

    department: str
    previous: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PriorityChanged(Event):
    """The priority is another one."""

    priority: str
    previous: str
    reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanChanged(Event):
    """The SLA plan is another one, or the same one fixed by `source`."""

    sla_plan: str
    previous: str
    source: str = "command"


@dataclass(frozen=True, slots=True, kw_only=True)
class ParticipantAdded(Event):
    """Somebody takes part now. `history`: they are also sent what was written to and by the customer before."""

    person: Person
    role: str = "cc"
    history: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class ParticipantRemoved(Event):
    """Somebody hears nothing more of this ticket. `role` is the one that they had."""

    person: Person
    role: str = "cc"


@dataclass(frozen=True, slots=True, kw_only=True)
class RequesterChanged(Event):
    """The ticket belongs to another requester."""

    requester: Person
    previous: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Retitled(Event):
    """The title in lists changed. Mails keep their subject, or mail programs would split the thread."""

    subject: str
    previous: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Tagged(Event):
    """Tags were added or removed."""

    added: tuple[str, ...] = ()
    removed: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Linked(Event):
    """The ticket was linked to another one."""

    ticket: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Unlinked(Event):
    """The link to another ticket was removed."""

    ticket: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Merged(Event):
    """This ticket ended in another one, which gets its later mail. None takes that back."""

    into: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Absorbed(Event):
    """Another ticket was merged into this one."""

    ticket: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Split(Event):
    """A part of this ticket goes on as another ticket."""

    into: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Snoozed(Event):
    """The ticket is out of lists and digests until then (UTC); None: it is back. Its SLA runs on."""

    until: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class DueSet(Event):
    """Somebody set when the resolution is due (UTC); None: as its plan says."""

    due_at: datetime | None
    previous: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class DeadlineMoved(Event):
    """Another plan, calendar or configuration moved a deadline (UTC; None: there is none). `reason` is in words."""

    target: str
    due_at: datetime | None
    previous: datetime | None = None
    reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class CustomerReminded(Event):
    """The customer was told that we wait for them, and that the ticket ends at `ends_at` (UTC) without an answer."""

    ends_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Followed(Event):
    """How much an agent hears of this ticket: "watch", "mute", or "" for the usual."""

    agent: str
    level: str


@dataclass(frozen=True, slots=True, kw_only=True)
class TextHeld(Event):
    """An agent's answer is held (number `draft`). It neither left nor became a note."""

    draft: int
    agent: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class TextSettled(Event):
    """What became of a held reply: "sent", "noted", "dropped" or "replaced"."""

    draft: int
    settled_as: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ReplyWithdrawn(Event):
    """An answer was stopped before it left. It did not happen."""

    reply: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Undone(Event):
    """The events with the numbers `first` to `last` were taken back by the inverse events around this one."""

    first: int
    last: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Rated(Event):
    """What the customer said of the help: "good", "fair" or "bad"."""

    rating: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Escalated(Event):
    """An SLA step came. `instant` is when it was due, `at` when it was noticed."""

    target: str
    cycle: int
    step: str
    instant: datetime
    notified: tuple[str, ...] = ()
    breach: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Bounced(Event):
    """A mail of ours did not reach `recipient`. `reply` is the entry that it delivered, which then did not happen."""

    recipient: str
    permanent: bool
    diagnostic: str = ""
    reply: int | None = None
    passed_to: tuple[str, ...] = ()  # the mail was an escalation: who was told of it instead, by name


@dataclass(frozen=True, slots=True, kw_only=True)
class MailHeld(Event):
    """A mail for this ticket waits for a decision, for instance one with a mark that was given to somebody else."""

    sender: str
    reason: str
    inbound: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Acknowledged(Event):
    """An agent answered an alarm about a target: they know of it."""

    target: str
    cycle: int
    agent: str


_EVENT_CLASSES: tuple[type[Event], ...] = (
    Opened,
    MessageReceived,
    Replied,
    Noted,
    StatusChanged,
    Assigned,
    Transferred,
    PriorityChanged,
    PlanChanged,
    ParticipantAdded,
    ParticipantRemoved,
    RequesterChanged,
    Retitled,
    Tagged,
    Linked,
    Unlinked,
    Merged,
    Absorbed,
    Split,
    Snoozed,
    DueSet,
    DeadlineMoved,
    CustomerReminded,
    Followed,
    TextHeld,
    TextSettled,
    ReplyWithdrawn,
    Undone,
    Rated,
    Escalated,
    Bounced,
    MailHeld,
    Acknowledged,
)


def kind_of(event_class: type[Event]) -> str:
    """Return the kebab-case name of an event class."""
    return re.sub(r"(?<!^)(?=[A-Z])", "-", event_class.__name__).lower()


KINDS: Mapping[str, type[Event]] = {kind_of(event_class): event_class for event_class in _EVENT_CLASSES}
