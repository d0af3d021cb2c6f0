"""Taking back what an agent did last: from the acts of a ticket to the inverse facts.

An act is the batch of facts that one mail, button or line brought. Only what is still as the act left it is taken back:
what somebody changed since stays as they made it, and that is told. Nothing here looks at the world: whether an answer
has left is asked of `Lookups`."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, TypeVar

from maild.domain import events
from maild.domain.events import UNDO, Event
from maild.domain.lookups import Batch, Lookups
from maild.domain.people import Role
from maild.domain.ticket import Status, Ticket, fold

_E = TypeVar("_E", bound=Event)

# What agents' mails leave behind beside acts, or what others did: an undo looks behind it for the last act.
_NO_ACT: tuple[type[Event], ...] = (
    events.TextHeld,
    events.TextSettled,
    events.MailHeld,
    events.Escalated,
    events.Bounced,
    events.Rated,
    events.MessageReceived,
)
# After these a ticket that absorbed another one has gone on: who wrote to whom cannot be told apart any more.
_GOES_ON: tuple[type[Event], ...] = (events.MessageReceived, events.Replied, events.Merged, events.Split)


@dataclass(frozen=True, slots=True)
class Undoing:
    """The facts that take an act back, here and in other tickets; their time and actor are the asker's to set.

    `told` says what has not been, or cannot be, taken back, and what was stopped in time."""

    events: tuple[Event, ...]
    others: tuple[tuple[int, tuple[Event, ...]], ...] = ()
    withdraws: tuple[int, ...] = ()  # entries whose mails must not leave
    told: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class _Act:
    """One act on a ticket, with the ticket before it, after it and now, and the facts since."""

    first: int
    facts: tuple[Event, ...]
    before: Ticket
    after: Ticket
    now: Ticket
    since: tuple[Event, ...]
    lookups: Lookups
    at: datetime

    @property
    def last(self) -> int:
        return self.first + len(self.facts) - 1

    def of(self, kind: type[_E]) -> list[_E]:
        return [fact for fact in self.facts if isinstance(fact, kind)]


@dataclass(frozen=True, slots=True)
class _Back:
    """What one kind of fact needs to be taken back."""

    facts: tuple[Event, ...] = ()
    others: tuple[tuple[int, tuple[Event, ...]], ...] = ()
    withdraws: tuple[int, ...] = ()
    told: tuple[str, ...] = ()


def undoing(ticket: Ticket, agent: str, lookups: Lookups, at: datetime) -> Undoing | str:
    """What takes back the newest act of an agent (their name) that was not taken back yet; words when nothing does."""
    batches = lookups.batches(ticket.number)
    found = _newest(batches, agent)
    if found is None:
        return "you have done nothing on this ticket that could be taken back"
    if found == 0:
        return "your last act opened this ticket, which cannot be taken back: close it, or say that it is spam"
    act = _act(ticket, batches, found, lookups, at)
    kinds = dict.fromkeys(type(fact) for fact in reversed(act.facts))
    backs = [back(act) for kind in kinds if (back := _BACK.get(kind)) and not _goes_with_merge(kind, act)]
    facts = tuple(fact for back in backs for fact in back.facts)
    others = tuple(other for back in backs for other in back.others)
    told = tuple(line for back in backs for line in back.told)
    if not facts and not others:
        return "; ".join(told) or "your last act left nothing behind that could be taken back"
    withdraws = tuple(entry for back in backs for entry in back.withdraws)
    undone = events.Undone(at=at, first=act.first, last=act.last)
    return Undoing((*facts, undone), others, withdraws, told)


# -- which act --------------------------------------------------------------------------------------------------


def _newest(batches: Sequence[Batch], agent: str) -> int | None:
    """Where in the acts of a ticket the newest one of an agent is that still counts."""
    taken_back = _taken_back(batches)
    for index in reversed(range(len(batches))):
        first, facts = batches[index]
        acts = [fact for fact in facts if not isinstance(fact, _NO_ACT)]
        if not any(fact.by.role is Role.AGENT and fact.by.name == agent for fact in acts):
            continue
        if any(isinstance(fact, events.Undone) for fact in facts):
            continue  # what an undo brought back is not taken away again
        if not any(number in taken_back for number in range(first, first + len(facts))):
            return index
    return None


def _taken_back(batches: Sequence[Batch]) -> set[int]:
    ranges = [fact for _, facts in batches for fact in facts if isinstance(fact, events.Undone)]
    return {number for undone in ranges for number in range(undone.first, undone.last + 1)}


def _act(ticket: Ticket, batches: Sequence[Batch], index: int, lookups: Lookups, at: datetime) -> _Act:
    first, facts = batches[index]
    earlier = tuple(fact for _, batch in batches[:index] for fact in batch)
    since = tuple(fact for _, batch in batches[index + 1 :] for fact in batch)
    before = fold(ticket.number, earlier)
    after = fold(ticket.number, (*earlier, *facts))
    return _Act(first, facts, before, after, ticket, since, lookups, at)


# -- fields that hold one value -----------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Field:
    """A part of the ticket that one kind of fact sets as a whole."""

    what: str
    value: Callable[[Ticket], Any]
    again: Callable[[Ticket, Ticket, datetime], Event]  # (the ticket before, the ticket now, when) -> the inverse


_FIELDS: Mapping[type[Event], _Field] = {
    events.StatusChanged: _Field(
        "the status",
        lambda t: (t.status, t.wake_at),
        lambda before, now, at: events.StatusChanged(
            at=at, status=before.status.value, previous=now.status.value, reason=UNDO, until=before.wake_at
        ),
    ),
    events.Assigned: _Field(
        "the assignment",
        lambda t: (t.assignee, t.team),
        lambda before, now, at: events.Assigned(at=at, assignee=before.assignee, team=before.team),
    ),
    events.Transferred: _Field(
        "the department",
        lambda t: t.department,
        lambda before, now, at: events.Transferred(at=at, department=before.department, previous=now.department),
    ),
    events.PriorityChanged: _Field(
        "the priority",
        lambda t: t.priority,
        lambda before, now, at: events.PriorityChanged(
            at=at, priority=before.priority.value, previous=now.priority.value, reason=UNDO
        ),
    ),
    events.PlanChanged: _Field(
        "the SLA plan",
        lambda t: (t.sla_plan, t.plan_source),
        lambda before, now, at: events.PlanChanged(
            at=at, sla_plan=before.sla_plan, previous=now.sla_plan, source=before.plan_source
        ),
    ),
    events.RequesterChanged: _Field(
        "the requester",
        lambda t: t.requester,
        lambda before, now, at: events.RequesterChanged(
            at=at, requester=before.requester, previous=str(now.requester.address)
        ),
    ),
    events.Retitled: _Field(
        "the title",
        lambda t: t.subject,
        lambda before, now, at: events.Retitled(at=at, subject=before.subject, previous=now.subject),
    ),
    events.Snoozed: _Field(
        "the snooze",
        lambda t: t.snoozed_until,
        lambda before, now, at: events.Snoozed(at=at, until=before.snoozed_until),
    ),
    events.DueSet: _Field(
        "the due time",
        lambda t: t.due_by_hand,
        lambda before, now, at: events.DueSet(at=at, due_at=before.due_by_hand, previous=now.due_by_hand),
    ),
}


def _value_back(kind: type[Event]) -> Callable[[_Act], _Back]:
    field = _FIELDS[kind]

    def back(act: _Act) -> _Back:
        was, left, now = (field.value(ticket) for ticket in (act.before, act.after, act.now))
        if now == was:
            return _Back()
        if now != left:
            return _Back(told=(f"{field.what} stays as {_who_changed(kind, act)} set it since",))
        return _Back((field.again(act.before, act.now, act.at),))

    return back


def _who_changed(kind: type[Event], act: _Act) -> str:
    return next((fact.by.shown for fact in reversed(act.since) if isinstance(fact, kind)), "somebody")


def _status_back(act: _Act) -> _Back:
    """That something is spam needs a confirmation each way: its mails were treated so since."""
    if act.after.status is Status.SPAM and act.now.status is Status.SPAM:
        return _Back(told=("that it is spam was confirmed and stays so: !reopen brings the ticket back",))
    if act.before.status is Status.SPAM:
        return _Back(told=("that it is no spam stays so: !spam says it again",))
    back = _value_back(events.StatusChanged)(act)
    forgotten = act.before.due_by_hand if act.before.status.ended and not act.after.status.ended else None
    if back.facts and forgotten and not act.of(events.DueSet) and act.now.due_by_hand is None:
        # A new beginning forgot what was due by hand: without it nothing was forgotten.
        return replace(back, facts=(*back.facts, events.DueSet(at=act.at, due_at=forgotten)))
    return back


# -- lists ------------------------------------------------------------------------------------------------------


def _tags_back(act: _Act) -> _Back:
    was, now = act.before.tags, act.now.tags
    put_on = {tag for fact in act.of(events.Tagged) for tag in fact.added}
    taken_off = {tag for fact in act.of(events.Tagged) for tag in fact.removed}
    added = tuple(tag for tag in was if tag in taken_off and tag not in now)
    removed = tuple(tag for tag in now if tag in put_on and tag not in was)
    return _Back((events.Tagged(at=act.at, added=added, removed=removed),)) if added or removed else _Back()


def _added_back(act: _Act) -> _Back:
    facts: list[Event] = []
    told: list[str] = []
    for fact in act.of(events.ParticipantAdded):
        address = fact.person.address
        found = next((p for p in act.now.participants if p.person.address == address), None)
        if found and not act.before.includes(address):
            facts.append(events.ParticipantRemoved(at=act.at, person=found.person, role=found.role))
            if fact.history:
                told.append(f"{address} was shown the history, which cannot be taken back")
    return _Back(tuple(facts), told=tuple(told))


def _removed_back(act: _Act) -> _Back:
    gone = [fact for fact in act.of(events.ParticipantRemoved) if not act.now.includes(fact.person.address)]
    return _Back(tuple(events.ParticipantAdded(at=act.at, person=fact.person, role=fact.role) for fact in gone))


def _followed_back(act: _Act) -> _Back:
    agent = act.of(events.Followed)[-1].agent
    was, left, now = (_level(ticket, agent) for ticket in (act.before, act.after, act.now))
    return _Back((events.Followed(at=act.at, agent=agent, level=was),)) if now == left != was else _Back()


def _level(ticket: Ticket, agent: str) -> str:
    return "watch" if agent in ticket.watchers else "mute" if agent in ticket.muted_by else ""


# -- other tickets ----------------------------------------------------------------------------------------------


def _linked_back(act: _Act) -> _Back:
    facts: list[Event] = []
    others: list[tuple[int, tuple[Event, ...]]] = []
    for fact in act.of(events.Linked):
        if fact.ticket in act.now.links and fact.ticket not in act.before.links:
            facts.append(events.Unlinked(at=act.at, ticket=fact.ticket))
            others += _unlinked_there(act, fact.ticket)
    return _Back(tuple(facts), tuple(others))


def _unlinked_there(act: _Act, there: int) -> Iterator[tuple[int, tuple[Event, ...]]]:
    """The other end of a link, where the same act made one."""
    batches = act.lookups.batches(there)
    here = act.now.number
    ends = [
        number
        for number, fact in _numbered(batches)
        if isinstance(fact, events.Linked) and fact.ticket == here and fact.at == act.facts[0].at
    ]
    if ends and here in _folded(there, batches).links:
        undone = events.Undone(at=act.at, first=ends[-1], last=ends[-1])
        yield there, (events.Unlinked(at=act.at, ticket=here), undone)


def _unlinked_back(act: _Act) -> _Back:
    numbers = {fact.ticket for fact in act.of(events.Unlinked)} & set(act.before.links) - set(act.now.links)
    return _Back(tuple(events.Linked(at=act.at, ticket=number) for number in sorted(numbers)))


def _split_back(act: _Act) -> _Back:
    """The part comes home: it is merged into the ticket that it was split off from, if nobody has worked on it."""
    facts: list[Event] = []
    others: list[tuple[int, tuple[Event, ...]]] = []
    told: list[str] = []
    for into in dict.fromkeys(fact.into for fact in act.of(events.Split)):
        batches = act.lookups.batches(into)
        if not batches or any(not isinstance(fact, _NO_ACT[:-1]) for _, batch in batches[1:] for fact in batch):
            told.append(f"ticket {into} has gone on by itself and stays")
            continue
        status = _folded(into, batches).status.value
        merged = events.Merged(at=act.at, into=act.now.number)
        closed = events.StatusChanged(at=act.at, status=Status.CLOSED.value, previous=status, reason="merged")
        others.append((into, (merged, closed)))
        if into not in act.before.links:
            facts.append(events.Unlinked(at=act.at, ticket=into))
    return _Back(tuple(facts), tuple(others), told=tuple(told))


def _merged_back(act: _Act) -> _Back:
    """Seen from the ticket that ended in another one."""
    into = act.of(events.Merged)[-1].into
    if into is None or act.now.merged_into != into:
        return _Back()
    parted = _parted(act.now.number, into, act)
    if isinstance(parted, str):
        return _Back(told=(parted,))
    ours, theirs = parted
    return _Back(ours, ((into, theirs),))


def _absorbed_back(act: _Act) -> _Back:
    """Seen from the survivor, where the mail of the ticket that ended goes."""
    facts: list[Event] = []
    others: list[tuple[int, tuple[Event, ...]]] = []
    told: list[str] = []
    for fact in act.of(events.Absorbed):
        parted = _parted(fact.ticket, act.now.number, act)
        if isinstance(parted, str):
            told.append(parted)
            continue
        theirs, ours = parted
        facts += ours
        others.append((fact.ticket, theirs))
    return _Back(tuple(facts), tuple(others), told=tuple(told))


def _parted(ended: int, survivor: int, act: _Act) -> tuple[tuple[Event, ...], tuple[Event, ...]] | str:
    """(what brings the ended ticket back, what frees its survivor of it), or why they cannot be parted.

    For the ticket that is not at hand the facts say that its part of the act was undone."""
    ended_acts, survivor_acts = act.lookups.batches(ended), act.lookups.batches(survivor)
    merging = _newest_with(ended_acts, lambda fact: isinstance(fact, events.Merged) and fact.into == survivor)
    absorbing = _newest_with(survivor_acts, lambda fact: isinstance(fact, events.Absorbed) and fact.ticket == ended)
    stays = f"ticket {ended} stays merged into ticket {survivor}"
    if merging is None or absorbing is None:
        return stays
    here, there = _folded(ended, ended_acts), _folded(survivor, survivor_acts)
    since = [fact for _, batch in survivor_acts[absorbing + 1 :] for fact in batch]
    if here.merged_into != survivor or there.merged_into is not None or any(isinstance(f, _GOES_ON) for f in since):
        return f"{stays}, which has gone on since"
    ended_act = _act(here, ended_acts, merging, act.lookups, act.at)
    survivor_act = _act(there, survivor_acts, absorbing, act.lookups, act.at)
    back: tuple[Event, ...] = (events.Merged(at=act.at, into=None), *_status_back(ended_act).facts)
    freed: tuple[Event, ...] = _added_back(survivor_act).facts
    if ended not in survivor_act.before.links:
        freed = (*freed, events.Unlinked(at=act.at, ticket=ended))
    if act.now.number != ended:
        back = (*back, events.Undone(at=act.at, first=ended_act.first, last=ended_act.last))
    if act.now.number != survivor:
        freed = (*freed, events.Undone(at=act.at, first=survivor_act.first, last=survivor_act.last))
    return back, freed


def _goes_with_merge(kind: type[Event], act: _Act) -> bool:
    """Is it taken back, or left, together with the merge that it was a part of?"""
    with_merged = kind is events.StatusChanged and any(fact.into is not None for fact in act.of(events.Merged))
    return with_merged or (kind is events.ParticipantAdded and bool(act.of(events.Absorbed)))


def _newest_with(batches: Sequence[Batch], wanted: Callable[[Event], bool]) -> int | None:
    found = [index for index, (_, facts) in enumerate(batches) if any(map(wanted, facts))]
    return found[-1] if found else None


def _numbered(batches: Sequence[Batch]) -> Iterator[tuple[int, Event]]:
    for first, facts in batches:
        yield from enumerate(facts, first)


def _folded(number: int, batches: Sequence[Batch]) -> Ticket:
    return fold(number, tuple(fact for _, facts in batches for fact in facts))


# -- words ------------------------------------------------------------------------------------------------------


def _replied_back(act: _Act) -> _Back:
    back = _Back()
    for fact in act.of(events.Replied):
        if fact.entry is not None and not fact.outside and act.lookups.stoppable(fact.entry):
            withdrawn = events.ReplyWithdrawn(at=act.at, reply=fact.entry)
            told = "your answer was stopped before it left"
            back = replace(
                back,
                facts=(*back.facts, withdrawn),
                withdraws=(*back.withdraws, fact.entry),
                told=(*back.told, told),
            )
        else:
            back = replace(back, told=(*back.told, "your answer has left: it cannot be called back"))
    return back


def _said(sentence: str) -> Callable[[_Act], _Back]:
    return lambda act: _Back(told=(sentence,))


_BACK: Mapping[type[Event], Callable[[_Act], _Back]] = {
    **{kind: _value_back(kind) for kind in _FIELDS},
    events.StatusChanged: _status_back,
    events.Tagged: _tags_back,
    events.ParticipantAdded: _added_back,
    events.ParticipantRemoved: _removed_back,
    events.Followed: _followed_back,
    events.Linked: _linked_back,
    events.Unlinked: _unlinked_back,
    events.Split: _split_back,
    events.Merged: _merged_back,
    events.Absorbed: _absorbed_back,
    events.Replied: _replied_back,
    events.Noted: _said("your note stays in the thread"),
    events.MessageReceived: _said("what was written from outside stays"),
    events.Escalated: _said("an escalation stays told"),
}
