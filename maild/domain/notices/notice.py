"""A notice to a person, and the change of a ticket that it follows from."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from maild.domain.messages.reply_tokens import Scope
from maild.domain.notices.buttons import Button
from maild.domain.notices.mail_kinds import MAIL_KINDS, MailKind
from maild.domain.notices.pacing import Kind
from maild.domain.people.directory import Person
from maild.domain.people.preferences import Interest
from maild.domain.tickets import events
from maild.domain.tickets.events import Actor, Event
from maild.domain.tickets.ticket import Ticket

STOPPED = "answers-stopped"  # tells the admins that programs answer nobody for a while
NOWHERE = "invalid"  # RFC 2606: the domain of a requester who left no address


@dataclass(frozen=True, slots=True, kw_only=True)
class Notice:
    """ "This person should hear of this": by which template, why, and what their answer will mean."""

    template: str
    to: Person
    scope: Scope
    reason: str  # in words, for the foot of the mail
    agent: str = ""  # the agent's name when an agent is told
    kind: Kind = Kind.DIRECT  # how much hurry it is in
    claim: Interest | None = None  # why this agent, where it follows from their part in the ticket
    hold: timedelta = timedelta(0)
    steps: tuple[events.Escalated, ...] = ()  # SLA notices
    others: int = 0  # a page that is about so many other tickets as well
    pages: str = ""  # a page for this agent, by name; a pager is no mailbox: nobody answers from it
    in_place: bool = False  # an alarm for whoever hears of it in the place of somebody whom it does not reach
    buttons: tuple[Button, ...] | None = None  # None: what is usual for the ticket
    verb: str = ""  # what an answer to this very mail does besides: "fix-{draft}" replaces the held reply
    may_leave: bool = False  # somebody in Cc, who can leave the ticket by a mail
    asks_rating: bool = False  # the customer is asked how the help was

    @property
    def mail_kind(self) -> MailKind:
        """What the mails of its template are."""
        return MAIL_KINDS[self.template]


@dataclass(frozen=True, slots=True)
class TicketChange:
    """What just happened to a ticket: its state after it, the events, the actor, and whether an acknowledgement is
    due."""

    after: Ticket
    events: tuple[Event, ...]
    actor: Actor
    acknowledge: bool = False
    quiet: bool = False  # the customer gets no notice that the ticket ended
    alarmed: tuple[str, ...] = ()  # agents who know that its time runs out, and not yet who has it
