"""Takes back what reached other tickets: links, parts that were split off, merges."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from maild.domain.commands.undo_batch import NO_ACT, Back, UndoBatch, act_at, folded, numbered
from maild.domain.commands.undo_ticket import added_back, status_back
from maild.domain.lookups import Batch
from maild.domain.tickets import events
from maild.domain.tickets.events import Event
from maild.domain.tickets.ticket import Status

# After these a ticket that absorbed another one has gone on: who wrote to whom cannot be told apart any more.
_GOES_ON: tuple[type[Event], ...] = (events.MessageReceived, events.Replied, events.Merged, events.Split)


def linked_back(act: UndoBatch) -> Back:
    """Take back a link."""
    happened: list[Event] = []
    others: list[tuple[int, tuple[Event, ...]]] = []
    for event in act.of(events.Linked):
        if event.ticket in act.now.links and event.ticket not in act.before.links:
            happened.append(events.Unlinked(at=act.at, ticket=event.ticket))
            others += _unlinked_there(act, event.ticket)
    return Back(tuple(happened), tuple(others))


def _unlinked_there(act: UndoBatch, there: int) -> Iterator[tuple[int, tuple[Event, ...]]]:
    """Return the other end of a link, where the same act made one."""
    batches = act.lookups.batches(there)
    here = act.now.number
    ends = [
        number
        for number, event in numbered(batches)
        if isinstance(event, events.Linked) and event.ticket == here and event.at == act.events[0].at
    ]
    if ends and here in folded(there, batches).links:
        undone = events.Undone(at=act.at, first=ends[-1], last=ends[-1])
        yield there, (events.Unlinked(at=act.at, ticket=here), undone)


def unlinked_back(act: UndoBatch) -> Back:
    """Take back the removal of a link."""
    numbers = {event.ticket for event in act.of(events.Unlinked)} & set(act.before.links) - set(act.now.links)
    return Back(tuple(events.Linked(at=act.at, ticket=number) for number in sorted(numbers)))


def split_back(act: UndoBatch) -> Back:
    """Merge a part back into the ticket that it was split off from, if nobody has worked on it."""
    happened: list[Event] = []
    others: list[tuple[int, tuple[Event, ...]]] = []
    receipts: list[str] = []
    for into in dict.fromkeys(event.into for event in act.of(events.Split)):
        batches = act.lookups.batches(into)
        if not batches or any(not isinstance(event, NO_ACT[:-1]) for _, batch in batches[1:] for event in batch):
            receipts.append(f"ticket {into} has gone on by itself and stays")
            continue
        status = folded(into, batches).status.value
        merged = events.Merged(at=act.at, into=act.now.number)
        closed = events.StatusChanged(at=act.at, status=Status.CLOSED.value, previous=status, reason="merged")
        others.append((into, (merged, closed)))
        if into not in act.before.links:
            happened.append(events.Unlinked(at=act.at, ticket=into))
    return Back(tuple(happened), tuple(others), receipts=tuple(receipts))


def merged_back(act: UndoBatch) -> Back:
    """Take back a merge, seen from the ticket that ended in another one."""
    into = act.of(events.Merged)[-1].into
    if into is None or act.now.merged_into != into:
        return Back()
    parted = _parted(act.now.number, into, act)
    if isinstance(parted, str):
        return Back(receipts=(parted,))
    ours, theirs = parted
    return Back(ours, ((into, theirs),))


def absorbed_back(act: UndoBatch) -> Back:
    """Take back a merge, seen from the ticket that got the other one's mail."""
    happened: list[Event] = []
    others: list[tuple[int, tuple[Event, ...]]] = []
    receipts: list[str] = []
    for event in act.of(events.Absorbed):
        parted = _parted(event.ticket, act.now.number, act)
        if isinstance(parted, str):
            receipts.append(parted)
            continue
        theirs, ours = parted
        happened += ours
        others.append((event.ticket, theirs))
    return Back(tuple(happened), tuple(others), receipts=tuple(receipts))


def _parted(ended: int, survivor: int, act: UndoBatch) -> tuple[tuple[Event, ...], tuple[Event, ...]] | str:
    """Return (what brings the ended ticket back, what frees the other one of it), or why they cannot be parted.

    For the ticket that is not at hand, the events say that its part of the act was undone."""
    ended_acts, survivor_acts = act.lookups.batches(ended), act.lookups.batches(survivor)
    merging = _newest_with(ended_acts, lambda event: isinstance(event, events.Merged) and event.into == survivor)
    absorbing = _newest_with(survivor_acts, lambda event: isinstance(event, events.Absorbed) and event.ticket == ended)
    stays = f"ticket {ended} stays merged into ticket {survivor}"
    if merging is None or absorbing is None:
        return stays
    here, there = folded(ended, ended_acts), folded(survivor, survivor_acts)
    since = [event for _, batch in survivor_acts[absorbing + 1 :] for event in batch]
    if here.merged_into != survivor or there.merged_into is not None or any(isinstance(f, _GOES_ON) for f in since):
        return f"{stays}, which has gone on since"
    ended_act = act_at(here, ended_acts, merging, act.lookups, act.at)
    survivor_act = act_at(there, survivor_acts, absorbing, act.lookups, act.at)
    back: tuple[Event, ...] = (events.Merged(at=act.at, into=None), *status_back(ended_act).events)
    freed: tuple[Event, ...] = added_back(survivor_act).events
    if ended not in survivor_act.before.links:
        freed = (*freed, events.Unlinked(at=act.at, ticket=ended))
    if act.now.number != ended:
        back = (*back, events.Undone(at=act.at, first=ended_act.first, last=ended_act.last))
    if act.now.number != survivor:
        freed = (*freed, events.Undone(at=act.at, first=survivor_act.first, last=survivor_act.last))
    return back, freed


def goes_with_merge(kind: type[Event], act: UndoBatch) -> bool:
    """Tell whether this event is taken back, or left, together with the merge that it was part of."""
    with_merged = kind is events.StatusChanged and any(event.into is not None for event in act.of(events.Merged))
    return with_merged or (kind is events.ParticipantAdded and bool(act.of(events.Absorbed)))


def _newest_with(batches: Sequence[Batch], wanted: Callable[[Event], bool]) -> int | None:
    found = [index for index, (_, happened) in enumerate(batches) if any(map(wanted, happened))]
    return found[-1] if found else None
