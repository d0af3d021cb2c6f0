"""A desk where one act follows another: tickets as their acts, kept in memory, and agents who mail commands."""

from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from maild.domain.commands.apply import Applied, Interpreted, apply_intents, judge, parse
from maild.domain.decision import ActOnOtherTicket, Decision
from maild.domain.lookups import Batch, Leaving
from maild.domain.people.directory import Agent, Role
from maild.domain.tickets import events
from maild.domain.tickets.events import NEW_TICKET, Actor, Event
from maild.domain.tickets.ticket import Ticket, fold
from tests.domain.command_scene import (
    BY_KAREN,
    JOHN,
    LOOKUPS,
    NOW,
    OPENED,
    OPENED_BY_BOB,
    SURROUNDINGS,
)
from tests.domain.known import Else, record


@dataclass
class Desk:
    """Ticket 42 is Karen's, 17 is Bob's. Every act comes a minute after the one before."""

    acts: dict[int, list[Batch]] = field(default_factory=lambda: {42: [(1, (OPENED,))], 17: [(1, (OPENED_BY_BOB,))]})
    left: set[int] = field(default_factory=set)  # entries whose mails are on their way
    shown: set[str] = field(default_factory=set)  # addresses to which histories are on their way
    now: datetime = NOW
    entries: int = 0

    def ticket(self, number: int = 42) -> Ticket:
        return fold(number, tuple(fact for _, facts in self.acts[number] for fact in facts))

    def judged(self, text: str, on: int = 42, agent: Agent | None = JOHN) -> Interpreted:
        stoppable = frozenset(range(1, self.entries + 1)) - self.left
        lookups = replace(
            LOOKUPS,
            records=Else(None, {number: record(number, *acts) for number, acts in self.acts.items()}),
            mails=Else(Leaving(stoppable=stoppable, shown_history=frozenset(self.shown))),
        )
        self.now += timedelta(minutes=1)
        here = replace(SURROUNDINGS, ticket=self.ticket(on), lookups=lookups, speaker=agent, now=self.now)
        self._surroundings = here
        return judge(parse(text), here)

    def say(self, text: str, on: int = 42, agent: Agent | None = JOHN) -> Applied:
        """An agent's mail (None: the admin's line) without a problem, carried out; text in it is an answer."""
        found = self.judged(text, on, agent)
        assert found.problems == ()
        by = Actor(Role.AGENT, agent.name if agent else "admin")
        applied = apply_intents(self.ticket(on), found.intents, by, self.now, self._surroundings)
        words = parse(text).text.strip()
        first = (events.Replied(at=self.now, by=by, entry=self._new_entry()),) if words else ()
        others = (effect for effect in applied.effects if isinstance(effect, ActOnOtherTicket))
        opened = [self._carry_out(other.ticket, other.decision) for other in others]
        new = next((number for number in opened if number not in (17, 42)), NEW_TICKET)
        facts = (replace(f, into=new) if isinstance(f, events.Split) else f for f in applied.events)
        self.happens(on, *first, *facts)
        return applied

    def refused(self, text: str, on: int = 42, agent: Agent | None = JOHN) -> str:
        (problem,) = self.judged(text, on, agent).problems
        return problem.message

    def happens(self, on: int, *facts: Event) -> None:
        """One act, as it is recorded."""
        if facts:
            first = self.ticket(on).seq + 1
            self.acts[on].append((first, facts))

    def customer_writes(self, on: int = 42) -> None:
        self.now += timedelta(minutes=1)
        self.happens(on, events.MessageReceived(at=self.now, by=BY_KAREN, entry=self._new_entry()))

    def answer_leaves(self) -> None:
        self.left.add(self.entries)

    def _carry_out(self, number: int | None, decision: Decision) -> int:
        if number is None:
            number = max(self.acts) + 1
            self.acts[number] = [(1, decision.events)]
        else:
            self.happens(number, *decision.events)
        return number

    def _new_entry(self) -> int:
        self.entries += 1
        return self.entries
