"""Which agent hears of what: one ordered table of audiences. Never the actor; one mail a person; the first row
wins."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from maild.domain.messages.reply_tokens import Scope
from maild.domain.notices.buttons import DROP_TEXT, KEEP_AS_NOTE, SEND_TEXT
from maild.domain.notices.customer_notices import answerable as answerable
from maild.domain.notices.customer_notices import customer_notices
from maild.domain.notices.customer_notices import reachable as reachable
from maild.domain.notices.notice import NOWHERE as NOWHERE
from maild.domain.notices.notice import Notice as Notice
from maild.domain.notices.notice import TicketChange as TicketChange
from maild.domain.notices.pacing import Kind
from maild.domain.notices.recipients import Recipient, Roster, given_to, in_charge, newly_in_charge, people_of
from maild.domain.people.directory import Address, Agent, Role
from maild.domain.people.preferences import ALL_IN, HEARD, Interest, Readers
from maild.domain.policy import Policy
from maild.domain.tickets import events
from maild.domain.tickets.events import Actor, Event
from maild.domain.tickets.ratings import Rating
from maild.domain.tickets.spam import told_as_new
from maild.domain.tickets.ticket import Status, Ticket
from maild.domain.tickets.visibility import may_see


def notices_for(change: TicketChange, policy: Policy, readers: Readers = ALL_IN) -> tuple[Notice, ...]:
    """Return all notices of a change, customers' first. No agent is told of a ticket that they may not see after
    it."""
    told: dict[str, Notice] = {}
    if change.after.status is Status.SPAM:
        return ()
    roster = Roster(policy.directory, readers, policy.zone, change.after)
    for row in _concerned(change):
        for each in row.audience(change, roster, row):
            if _is_actor(each.agent, change.actor) or not roster.sees(each.agent):
                continue
            if not _hears(each, row.kind, change.after, readers):
                continue
            told.setdefault(each.agent.name, _notice(row, each, change.after))
    return (*customer_notices(change, policy), *told.values())


def concerns_agents(change: TicketChange) -> bool:
    """Tell whether any row has it. Only then the preferences of agents matter."""
    return bool(_concerned(change))


def _concerned(change: TicketChange) -> list[Audience]:
    return [row for row in AUDIENCES if any(row.concerns(event, change) for event in change.events)]


def _notice(row: Audience, told: Recipient, ticket: Ticket) -> Notice:
    # Where nobody outside can be reached, a mail must not promise that its answer goes there.
    scope = row.scope if answerable(ticket) else Scope.NOTE
    return Notice(
        template=row.template,
        to=told.agent.person,
        scope=scope,
        reason=told.reason,
        agent=told.agent.name,
        kind=row.kind,
        claim=told.claim,
    )


def _is_actor(agent: Agent, actor: Actor) -> bool:
    """Tell whether this agent did it, as an agent or as somebody with a ticket of their own."""
    if actor.role is Role.AGENT:
        return agent.name == actor.name
    return Address.read(actor.address) in agent.addresses


# What its assignee hears of a ticket that they muted: somebody has to see to these.
_IN_SPITE_OF_MUTING = frozenset({Kind.NEW, Kind.MESSAGE, Kind.TROUBLE, Kind.MOVED})


def _hears(told: Recipient, kind: Kind, ticket: Ticket, readers: Readers) -> bool:
    """Tell whether the agent's preferences, and what they said about this ticket, let them be told."""
    preferences = readers.wishes_of(told.agent)
    if told.claim not in HEARD[preferences.level]:
        return False
    if told.claim is Interest.CIRCLE and kind in {Kind.NEW, Kind.MOVED} and not preferences.new:
        return False
    if told.agent.name in ticket.muted_by:
        return told.claim is Interest.NAMED or (told.claim is Interest.OWNER and kind in _IN_SPITE_OF_MUTING)
    return True


# -- audiences ------------------------------------------------------------------------------------------------


def _charged(change: TicketChange, roster: Roster, row: Audience) -> list[Recipient]:
    """Return who is in charge. When one circle does not want to hear, the next one does: somebody hears every
    customer."""
    ticket = change.after
    return in_charge(ticket, roster, wants=lambda told: _hears(told, row.kind, ticket, roster.readers))


def _new(change: TicketChange, roster: Roster, row: Audience) -> list[Recipient]:
    """Return who is on duty for a ticket without an owner, else who is in charge."""
    ticket = change.after
    return newly_in_charge(ticket, roster, lambda told: _hears(told, row.kind, ticket, roster.readers))


def _alarmed(change: TicketChange, roster: Roster, _row: Audience) -> list[Recipient]:
    """Return who was told of an alarm, and should know that somebody takes care of it now."""
    ticket = change.after
    agents = [agent for name in change.alarmed if (agent := roster.directory.agent(name))]
    return [
        Recipient(agent, "you were told that its time runs out", Interest.ALARMED)
        for agent in agents
        if may_see(agent, ticket, roster.directory)
    ]


def _moved_to(change: TicketChange, roster: Roster, row: Audience) -> list[Recipient]:
    """Return the people of the new department, whoever works on the ticket. Otherwise nobody there would know of
    it."""
    ticket = change.after
    people = people_of(ticket, roster, lambda told: _hears(told, row.kind, ticket, roster.readers))
    return [*_owner(change, roster, row), *people]


def _undelivered(change: TicketChange, roster: Roster, row: Audience) -> list[Recipient]:
    """Return who is in charge, but never at the very address that mail does not reach."""
    ticket = change.after
    lost = next(event.recipient for event in change.events if isinstance(event, events.Bounced))
    wants = lambda told: _hears(told, row.kind, ticket, roster.readers)  # noqa: E731
    return in_charge(ticket, roster, but=Address.read(lost), wants=wants)


def _assigned(change: TicketChange, roster: Roster, _row: Audience) -> list[Recipient]:
    return given_to(change.after, roster)


def _owner(change: TicketChange, roster: Roster, _row: Audience) -> list[Recipient]:
    """Return the assignee, or who stands in for them. Colleagues' changes wake no team and no department."""
    assignee = roster.directory.agent(change.after.assignee)
    standing = (
        roster.instead(Recipient(assignee, "the ticket is assigned to you", Interest.OWNER)) if assignee else None
    )
    return [standing] if standing else []


def _mentioned(change: TicketChange, roster: Roster, _row: Audience) -> list[Recipient]:
    """Return whom the note names, or who stands in. Without a stand-in, the mail waits for whom it names."""
    names = [name for event in change.events if isinstance(event, events.Noted) for name in event.mentions]
    agents = [agent for name in dict.fromkeys(names) if (agent := roster.directory.agent(name))]
    told = [Recipient(agent, "a note names you", Interest.NAMED) for agent in agents]
    return [roster.instead(each) or each for each in told]


def _watchers(change: TicketChange, roster: Roster, _row: Audience) -> list[Recipient]:
    """Return the watchers who may see it. A ticket that moved out of their sight does not concern them any more."""
    ticket = change.after
    agents = [agent for name in ticket.watchers if (agent := roster.directory.agent(name))]
    seeing = [agent for agent in agents if may_see(agent, ticket, roster.directory) and not roster.away(agent)]
    return [Recipient(agent, "you watch this ticket", Interest.WATCHER) for agent in seeing]


# -- what concerns whom ---------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Audience:
    """One row: which event, whom it concerns, how it is told. For a person who fits twice, the earlier row wins."""

    kind: Kind
    template: str
    scope: Scope
    concerns: Callable[[Event, TicketChange], bool]
    audience: Callable[[TicketChange, Roster, Audience], list[Recipient]]
    why: str


def _is(*kinds: type[Event]) -> Callable[[Event, TicketChange], bool]:
    return lambda event, change: isinstance(event, kinds)


def _given_away(event: Event, change: TicketChange) -> bool:
    """An assignment to somebody else. Taking a ticket concerns nobody, and one that opens assigned is told as new."""
    return isinstance(event, events.Assigned) and bool(event.assignee or event.team)


def _taken(event: Event, change: TicketChange) -> bool:
    """Somebody has the ticket now, while others were told of an alarm."""
    return isinstance(event, events.Assigned) and bool(event.assignee) and change.actor.role is Role.AGENT


def _no_spam(event: Event, change: TicketChange) -> bool:
    return told_as_new(event)


def _from_outside(event: Event, change: TicketChange) -> bool:
    return isinstance(event, events.MessageReceived) and not event.automatic and not event.courtesy


def _courtesy(event: Event, change: TicketChange) -> bool:
    return isinstance(event, events.MessageReceived) and event.courtesy


def _bad_rating(event: Event, change: TicketChange) -> bool:
    return isinstance(event, events.Rated) and event.rating == Rating.BAD


def _outside_or_answered(event: Event, change: TicketChange) -> bool:
    return isinstance(event, events.Replied) or _from_outside(event, change)


def _woken(event: Event, change: TicketChange) -> bool:
    """A timer reopened the ticket: somebody has to go on with it; without an owner the whole department hears."""
    by_clock = change.actor.role is Role.SYSTEM
    return by_clock and isinstance(event, events.StatusChanged) and event.status == Status.OPEN


def _names(event: Event, change: TicketChange) -> bool:
    return isinstance(event, events.Noted) and bool(event.mentions)


def _restated(event: Event, change: TicketChange) -> bool:
    """A colleague changed the ticket's state. Changes by timers are no news."""
    states = (events.StatusChanged, events.PriorityChanged, events.PlanChanged, events.DueSet)
    return change.actor.role is Role.AGENT and isinstance(event, states)


def _of_colleagues(event: Event, change: TicketChange) -> bool:
    changes = (events.Noted, events.Assigned, events.Transferred)
    return isinstance(event, changes) or _restated(event, change)


_N, _R = Scope.NOTE, Scope.REPLY
AUDIENCES: tuple[Audience, ...] = (
    Audience(Kind.NEW, "new-ticket", _R, _is(events.Opened), _new, "a customer waits: the answer goes to them"),
    Audience(Kind.NEW, "new-ticket", _R, _no_spam, _new, "nobody heard of it while a filter took it for spam"),
    Audience(Kind.ASSIGNED, "assigned", _N, _given_away, _assigned, "an answer to a colleague's act stays inside"),
    Audience(Kind.NEWS, "note", _N, _taken, _alarmed, "the first who takes it has it: nobody else need wonder"),
    Audience(Kind.MENTION, "note", _N, _names, _mentioned, "a colleague asks them"),
    Audience(Kind.MESSAGE, "message", _R, _from_outside, _charged, "the customer wrote: the answer goes to them"),
    Audience(Kind.NEWS, "message", _R, _courtesy, _charged, "for information, with a button to reopen"),
    Audience(Kind.MOVED, "transferred", _N, _is(events.Transferred), _moved_to, "the new department must know"),
    Audience(Kind.TROUBLE, "note", _N, _woken, _charged, "somebody must go on with it"),
    Audience(Kind.TROUBLE, "note", _N, _bad_rating, _charged, "whoever helped should hear that it did not help"),
    Audience(Kind.TROUBLE, "note", _N, _is(events.MailHeld), _charged, "somebody must look after it"),
    Audience(Kind.TROUBLE, "note", _N, _is(events.Bounced), _undelivered, "somebody must look after it"),
    Audience(Kind.ANSWERED, "message", _R, _is(events.Replied), _owner, "a colleague answered in my ticket"),
    Audience(Kind.NEWS, "note", _N, _is(events.Noted), _owner, "an answer to a note can only be a note"),
    Audience(Kind.NEWS, "note", _N, _restated, _owner, "my ticket stands differently now"),
    Audience(Kind.WATCHED, "new-ticket", _R, _is(events.Opened), _watchers, "they follow all of this customer's"),
    Audience(Kind.WATCHED, "message", _R, _outside_or_answered, _watchers, "what is said outside"),
    Audience(Kind.WATCHED, "note", _N, _of_colleagues, _watchers, "what is done inside"),
)


def feedback(agent: Agent, scope: Scope, *, held: bool = False) -> Notice:
    """Return the transcript for an agent whose mail asked for something that was not, or could not be, done.

    `held`: its text is held; the buttons decide what becomes of it, and an answer with the corrected text
    replaces it."""
    notice = Notice(
        template="feedback", to=agent.person, scope=scope, reason="you sent a mail with commands", agent=agent.name
    )
    if not held:
        return notice
    return replace(notice, buttons=(SEND_TEXT, KEEP_AS_NOTE, DROP_TEXT), verb="fix-{draft}")


def strongest(notices: Sequence[Notice]) -> tuple[Notice, ...]:
    """Return one notice for each recipient: the first."""
    kept: dict[str, Notice] = {}
    for notice in notices:
        kept.setdefault(notice.to.address.key, notice)
    return tuple(kept.values())
