"""A mail with everything known about it, and the parts that its decisions are made of."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from maild.domain.decision import Decision, EntryDraft, Outcome
from maild.domain.effects import MessageToAgent, ReleasedAs
from maild.domain.intake.auto_answer_limits import NO_TRAFFIC, Traffic
from maild.domain.intake.bounce import BouncedMail
from maild.domain.intake.classify import Classification
from maild.domain.intake.route import Route
from maild.domain.intake.rules import Filing
from maild.domain.lookups import NOTHING_KNOWN, Lookups, Missing, Needs
from maild.domain.messages.message import Evidence, InboundMessage
from maild.domain.notices.agent_notices import NOWHERE, Notice
from maild.domain.people.directory import Address, Agent, Person, Role
from maild.domain.policy import Policy
from maild.domain.queries.row_commands import Rows
from maild.domain.tickets import events
from maild.domain.tickets.events import THIS_ENTRY, Actor, Event
from maild.domain.tickets.held_replies import HeldReply
from maild.domain.tickets.ticket import EntryKind, Ticket

MOST_SUBJECT = 200  # characters of the subject of a message to an agent


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """Everything known about a mail when it is decided. `ticket` is the one that the route names."""

    inbound: int
    message: InboundMessage
    classification: Classification
    evidence: Evidence
    route: Route
    filing: Filing
    policy: Policy
    now: datetime
    at: datetime  # when it arrived, never later than now
    envelope_sender: str = ""
    department: str = ""  # of the mailbox it came by
    ticket: Ticket | None = None
    bounced: BouncedMail | None = None
    released: bool = False  # a person let it in: it is no junk, and no mistake of its mark
    proven: bool = False  # its sender said, at the address on file, that they wrote it
    released_as: ReleasedAs = ReleasedAs.AS_IT_IS  # and what its text shall be
    since: tuple[Event, ...] = ()  # what happened to the ticket after what the sender had seen
    drafts: tuple[HeldReply, ...] = ()  # texts of this agent that wait for their word
    lookups: Lookups = NOTHING_KNOWN
    traffic: Traffic | None = NO_TRAFFIC  # what was answered by program of late; None: it was not counted
    departed: frozenset[Address] = frozenset()  # who left the ticket, or was taken out of it
    rows: Rows | None = None  # of the list that the mail answers
    receipts: bool = False  # the agent wishes to be told of everything that their commands did
    junk: str = ""  # the provider's spam folder that it lies in, as "Spam of mailbox support"; "" when it counts

    @property
    def sender(self) -> Person:
        """The person behind the mail by a rule, else From, else the envelope's sender, else an address that leads
        nowhere."""
        if self.filing.requester:
            return self.filing.requester
        if self.message.sender:
            return self.message.sender
        if behind := Address.read(self.envelope_sender):
            return Person(behind)
        return Person(Address("unknown", NOWHERE), self.message.from_header[:80])

    @property
    def agent(self) -> Agent | None:
        """The agent who wrote it; None for everybody else."""
        return self.policy.directory.agent_at(self.message.sender.address) if self.message.sender else None

    @property
    def answered(self) -> Traffic:
        """What was answered by program of late. Raises Missing where it was not counted."""
        if self.traffic is None:
            raise Missing(Needs(traffic=True))
        return self.traffic

    @property
    def automatic(self) -> bool:
        """True when a program wrote it."""
        return self.classification.mail_class.by_machine


def actor_of(case: Case) -> Actor:
    """Return who the events of this mail name as their actor."""
    sender = case.sender
    role = Role.REQUESTER
    if case.ticket is not None and case.ticket.requester.address != sender.address:
        role = Role.PARTICIPANT
    return Actor(role, address=str(sender.address))


def entry_of(case: Case) -> EntryDraft:
    """Return the mail as an entry from outside. An agent's mail changes kind and text."""
    message = case.message
    return EntryDraft(
        kind=EntryKind.MESSAGE,
        author=actor_of(case),
        author_name=case.sender.name,
        text="\n\n".join(filter(None, (message.new_text, *(f"[{sentence}]" for sentence in message.left_out)))),
        html=message.html,
        folded_lines=message.folded_lines,
        message_id=message.message_id,
        trust=case.evidence.trust,
        attachments=message.attachments,
    )


def held(case: Case, reason: str) -> Decision:
    """Hold the mail for a decision, and tell those in charge of its ticket."""
    sender = case.message.from_header or str(case.sender.address)
    event = events.MailHeld(at=case.at, entry=THIS_ENTRY, sender=sender[:300], reason=reason, inbound=case.inbound)
    text = (
        f"A mail from {sender[:300]} for this ticket is held and changed nothing: {reason}.\n"
        f"It can be read with: maild held show {case.inbound}"
    )
    return into_thread(case, Outcome.HELD, text, event, reason=reason)


def with_message(case: Case, decision: Decision, notice: Notice, subject: str, in_reply_to: str = "") -> Decision:
    """Return the decision with a mail to the agent who wrote: a notice of their ticket or, without one, a message."""
    if case.ticket is not None:
        return decision.with_notices(notice)
    message = MessageToAgent(notice=notice, subject=subject[:MOST_SUBJECT], in_reply_to=in_reply_to)
    return decision.with_effects(message)


def into_thread(case: Case, outcome: Outcome, text: str, event: Event, reason: str = "") -> Decision:
    """Return an event that the system tells in a note."""
    author = Actor(Role.SYSTEM, "maild")
    entry = EntryDraft(kind=EntryKind.NOTE, author=author, author_name=case.policy.helpdesk_name, text=text)
    if case.ticket is None:
        return Decision(outcome, reason or text)
    return Decision(outcome, reason or text, (event,), (entry,), author)
