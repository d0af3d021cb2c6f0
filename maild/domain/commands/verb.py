"""What a row of the table of verbs is: its name, what it reads, what it does, and what becomes of the text."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Generic, TypeVar

from maild.domain.commands.actions import CommandContext
from maild.domain.commands.arguments import Invalid, Surroundings
from maild.domain.commands.instructions import Brought
from maild.domain.people.directory import Agent, AgentRole
from maild.domain.tickets.events import Event
from maild.domain.tickets.ticket import Ticket

R = TypeVar("R")

ALONE = re.compile("")  # without a word after it
NEVER = re.compile(r"(?!)")


class TextGoes(StrEnum):
    """Who reads the text next to a command."""

    NOTE = "note"  # narrows: stays inside, whatever the reply address says
    REPLY = "reply"  # widens: goes to the customer
    AS_ADDRESSED = ""  # the reply address decides


class Settles(StrEnum):
    """What a verb decides. Two commands that decide the same thing in one mail contradict each other."""

    ASSIGNEE = "who works on the ticket"
    TEAM = "which team has the ticket"
    DEPARTMENT = "which department has the ticket"
    PRIORITY = "the priority"
    REQUESTER = "whom the ticket is for"
    PLAN = "the SLA plan"
    TITLE = "the title"
    DUE = "when the ticket is due"
    SNOOZE = "until when the ticket is out of sight"
    STATUS = "the status of the ticket"
    ATTENTION = "how much you hear of the ticket"
    AUDIENCE = "who reads the text"
    LEAVING = "when the text leaves"
    HELD = "what becomes of the held reply"
    NOTHING = ""


class Group(StrEnum):
    """The heading that a verb is listed under, in the order of the help."""

    STATE = "State"
    OWNER = "Owner"
    TRIAGE = "Triage"
    PEOPLE = "People"
    SHAPE = "Shape"
    TEXT = "Text"
    META = "Attention and questions"


class Where(StrEnum):
    """In which mails a verb makes sense."""

    ANYWHERE = ""
    ON_A_TICKET = "it is about a ticket that is there already: write it in an answer to a mail of that ticket"
    IN_A_FRESH_MAIL = "it opens a ticket: write it in a fresh mail to the helpdesk, not in an answer"

    def fits(self, ticket: Ticket | None) -> bool:
        """Tell whether it makes sense for this ticket, or (None) for one that opens with the mail."""
        return self is Where.ANYWHERE or (ticket is not None) is (self is Where.ON_A_TICKET)


@dataclass(frozen=True, slots=True, kw_only=True)
class Verb(Generic[R]):
    """One row. `read` resolves the words after the verb. `act` is pure and returns no events when nothing changes."""

    name: str
    usage: str  # the words after the verb, [optional], CHOICE|CHOICE
    summary: str  # one sentence
    settles: Settles
    read: Callable[[str, Surroundings], R | Invalid]
    act: Callable[[Ticket, R, CommandContext], tuple[Event, ...]]
    group: Group = Group.META
    aliases: tuple[str, ...] = ()
    examples: tuple[str, ...] = ()  # words after the verb, for help and tests
    text: TextGoes = TextGoes.AS_ADDRESSED
    brings: Callable[[Ticket, R, CommandContext], Brought] = lambda _ticket, _reading, _context: ()  # beside events
    says: Callable[[R], Mapping[str, object]] | None = None  # what it says of which thing; None: of what it settles
    answer: Callable[[R], str] | None = None  # a verb that asks: the text to send back
    needs: AgentRole = AgentRole.AGENT
    where: Where = Where.ANYWHERE
    warns: Callable[[Ticket, R, CommandContext], str] | None = (
        None  # what cannot be taken back, in one sentence; "": all can
    )
    verbatim: bool = False  # its words are read as they were written, not folded
    bare: re.Pattern[str] = ALONE  # words with which it may stand without its mark, where verbs may

    @property
    def takes_text(self) -> bool:
        """True when the rest of its line belongs to the text of the mail."""
        return self.text is not TextGoes.AS_ADDRESSED

    def allowed_to(self, speaker: Agent | None) -> bool:
        """Tell whether this agent may use it. The admin on the command line (None) may use every verb."""
        ranks = list(AgentRole)
        return speaker is None or ranks.index(speaker.role) >= ranks.index(self.needs)

    def looks_meant(self, args: str) -> bool:
        """Tell whether these words look like what it takes, so that the line needs no mark."""
        return self.bare.fullmatch(args.casefold()) is not None
