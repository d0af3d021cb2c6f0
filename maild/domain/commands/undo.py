"""Takes back what an agent did last: from the acts of a ticket to the inverse events.

Only what is still as the act left it is taken back. What somebody changed since stays, and the agent is told.
Whether an answer has left was looked up before."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from maild.domain.commands.undo_batch import NO_ACT, Back, UndoBatch, act_at
from maild.domain.commands.undo_other_tickets import (
    absorbed_back,
    goes_with_merge,
    linked_back,
    merged_back,
    split_back,
    unlinked_back,
)
from maild.domain.commands.undo_ticket import (
    FIELDS,
    added_back,
    followed_back,
    removed_back,
    replied_back,
    said,
    status_back,
    tags_back,
    value_back,
)
from maild.domain.effects import Effect
from maild.domain.lookups import Batch, Lookups, Needs
from maild.domain.people.directory import Role
from maild.domain.tickets import events
from maild.domain.tickets.events import Event
from maild.domain.tickets.ticket import Ticket


@dataclass(frozen=True, slots=True)
class Undoing:
    """The events that take an act back, here and in other tickets. The caller sets their time and actor.

    `receipts` says what was not or cannot be taken back, and what was stopped in time."""

    events: tuple[Event, ...]
    others: tuple[tuple[int, tuple[Event, ...]], ...] = ()
    effects: tuple[Effect, ...] = ()  # mails that must not leave
    receipts: tuple[str, ...] = ()


def undoing(ticket: Ticket, agent: str, lookups: Lookups, at: datetime) -> Undoing | str:
    """Return what takes back an agent's newest act that still stands; a reason in words when nothing does."""
    batches = _opening_apart(lookups.batches(ticket.number))
    found = _newest(batches, agent)
    if found is None:
        return "you have done nothing on this ticket that could be taken back"
    if found == 0:
        return "your last act opened this ticket, which cannot be taken back: close it, or say that it is spam"
    reached = _reached(batches[found][1])
    lookups.require(Needs(tickets=reached, leaving=reached | {ticket.number}))
    act = act_at(ticket, batches, found, lookups, at)
    kinds = dict.fromkeys(type(event) for event in reversed(act.events))
    backs = [back(act) for kind in kinds if (back := _BACK.get(kind)) and not goes_with_merge(kind, act)]
    happened = tuple(event for back in backs for event in back.events)
    others = tuple(other for back in backs for other in back.others)
    receipts = tuple(line for back in backs for line in back.receipts)
    if receipts and not happened and not others:
        return "; ".join(receipts)
    if not happened and not others:  # done and reverted by hand: the next undo looks behind it
        receipts = ("your last act had left nothing behind that could be taken back",)
    effects = tuple(effect for back in backs for effect in back.effects)
    undone = events.Undone(at=at, first=act.first, last=act.last)
    return Undoing((*happened, undone), others, effects, receipts)


def _reached(happened: Sequence[Event]) -> frozenset[int]:
    """Return the other tickets that an act reached."""
    linked = {event.ticket for event in happened if isinstance(event, events.Linked | events.Absorbed)}
    led = {event.into for event in happened if isinstance(event, events.Merged | events.Split) and event.into}
    return frozenset(linked | led)


def _opening_apart(batches: Sequence[Batch]) -> Sequence[Batch]:
    """Return the acts with the opening as its own act. It stays; what the mail did besides opening can be taken
    back."""
    if not batches or len(batches[0][1]) < 2:
        return batches
    first, happened = batches[0]
    return ((first, happened[:1]), (first + 1, happened[1:]), *batches[1:])


# -- which act --------------------------------------------------------------------------------------------------


def _newest(batches: Sequence[Batch], agent: str) -> int | None:
    """Return the place of an agent's newest act that still counts."""
    taken_back = _taken_back(batches)
    for index in reversed(range(len(batches))):
        first, happened = batches[index]
        acts = [event for event in happened if not isinstance(event, NO_ACT)]
        if not any(event.by.role is Role.AGENT and event.by.name == agent for event in acts):
            continue
        if any(isinstance(event, events.Undone) for event in happened):
            continue  # what an undo brought back is not taken away again
        if not any(number in taken_back for number in range(first, first + len(happened))):
            return index
    return None


def _taken_back(batches: Sequence[Batch]) -> set[int]:
    ranges = [event for _, happened in batches for event in happened if isinstance(event, events.Undone)]
    return {number for undone in ranges for number in range(undone.first, undone.last + 1)}


_BACK: Mapping[type[Event], Callable[[UndoBatch], Back]] = {
    **{kind: value_back(kind) for kind in FIELDS},
    events.StatusChanged: status_back,
    events.Tagged: tags_back,
    events.ParticipantAdded: added_back,
    events.ParticipantRemoved: removed_back,
    events.Followed: followed_back,
    events.Linked: linked_back,
    events.Unlinked: unlinked_back,
    events.Split: split_back,
    events.Merged: merged_back,
    events.Absorbed: absorbed_back,
    events.Replied: replied_back,
    events.Noted: said("your note stays in the thread"),
    events.MessageReceived: said("what was written from outside stays"),
    events.Escalated: said("an escalation stays told"),
}
