"""An agent's mail to a ticket as it is judged: the mail itself, and what its commands would do."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from maild.domain.commands.apply import Applied
from maild.domain.commands.parsing import Parsed
from maild.domain.commands.table import TextGoes
from maild.domain.decision import EntryDraft
from maild.domain.effects import ReleasedAs
from maild.domain.lookups import NOTHING_KNOWN, Lookups
from maild.domain.messages.reply_tokens import Scope
from maild.domain.people.directory import Agent, Role
from maild.domain.policy import Policy
from maild.domain.tickets.events import Actor, Event, Opened
from maild.domain.tickets.held_replies import HeldReply
from maild.domain.tickets.ticket import Ticket

ADMIN = Actor(Role.AGENT, "admin")


@dataclass(frozen=True, slots=True, kw_only=True)
class AgentMail:
    """An agent's mail to a ticket, or the admin's line on the command line (`agent` is None).

    A fresh mail of an agent that opens somebody's ticket acts on the ticket that `opens` begins, which has no
    number yet."""

    agent: Agent | None
    text: str
    scope: Scope  # what text without commands becomes
    ticket: Ticket
    at: datetime
    draft: EntryDraft  # the entry that the text would become
    opens: Opened | None = None  # the event that begins the ticket, where the act does
    html_words: str = ""  # what the HTML part says, where it may hold a command; "" when there is nothing to compare
    forwarded: str = ""  # a mail that follows the text: part of the entry, but nobody's command
    since: tuple[Event, ...] = ()  # what happened after what the writer had seen
    seen: int | None = None  # the number of the last event that they had seen; None: nobody knows
    waiting: tuple[HeldReply, ...] = ()  # held replies that they may have a word on
    replaces: HeldReply | None = None  # the held reply whose notice this mail answers: it takes its place
    released_as: ReleasedAs = ReleasedAs.AS_IT_IS
    button: str = ""  # the verb in the address that it was sent to
    receipts: bool = False  # the writer wishes to be told of all that their commands did
    lookups: Lookups = NOTHING_KNOWN

    @property
    def actor(self) -> Actor:
        """Who the events of this mail name as their actor."""
        if self.agent is None:
            return ADMIN
        return Actor(Role.AGENT, self.agent.name, self.draft.author.address or str(self.agent.addresses[0]))


@dataclass(frozen=True, slots=True)
class Understood:
    """A mail whose commands are read, resolved and tried: what they would do."""

    act: AgentMail
    parsed: Parsed
    applied: Applied
    policy: Policy

    @property
    def text(self) -> str:
        """The text that would be written into the thread."""
        own = "\n\n".join(filter(None, (self.parsed.text.strip(), self.applied.appended.strip())))
        return "\n\n".join(filter(None, (own, self.act.forwarded.strip())))

    @property
    def says_something(self) -> bool:
        """True when the mail has text of its own or a canned text."""
        return bool(self.text or self.act.draft.attachments)

    @property
    def public(self) -> bool:
        """True when the text goes to the customer."""
        if self.act.released_as is ReleasedAs.NOTE:
            return False
        goes = self.applied.text_goes
        return goes is TextGoes.REPLY if goes else self.act.scope is Scope.REPLY
