"""From a ticket's events to its clocks: when each SLA target was running.

What starts, stops and ends each target:

* first response: from arrival to the first public reply. A ticket that a machine opened has none: nobody waits for it.
* next response: from the oldest unanswered message of the last run of customer messages to the next public reply.
  Before the first reply, the first response covers all messages.
* resolution: from arrival or a reopening to resolved or closed.
* While the status is waiting (for the customer) every clock stands still. Notes, automatic mail and thanks move none.
* Ending a ticket without a reply ends the response targets. They are then neither met nor breached, but not needed.
  Reopening starts a new target for what was unanswered. Spam ends everything.
* A reply did not happen when its delivery failed for good or it was stopped before it left. Its target then runs on
  from the original start. A status that was undone did not happen either.
* The targets of a ticket that was merged into another one are not needed.
* A due time that somebody set by hand is the due time of the resolution in the present cycle, also while the ticket
  waits for the customer.

Events count in the order of `at`. Those of the same second keep their order. Nothing lies before the opening.
Status changes keep the order in which they were recorded, because people see the last status. Instants are cut
to whole seconds, so that every deadline can be recomputed from what lists and mails show."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum

from maild.domain.tickets import events
from maild.domain.tickets.ticket import Status


class Target(StrEnum):
    """What the helpdesk promises, in the order of reports."""

    FIRST_RESPONSE = "first-response"
    NEXT_RESPONSE = "next-response"
    RESOLUTION = "resolution"


@dataclass(frozen=True, slots=True)
class Run:
    """A stretch in which a target's clock was running. `end` is None while it still runs."""

    start: datetime
    end: datetime | None


@dataclass(frozen=True, slots=True)
class Mark:
    """Something that moved the clock, in words."""

    at: datetime
    text: str


@dataclass(frozen=True, slots=True)
class ByHand:
    """A due time that somebody set, and since when it holds."""

    due_at: datetime
    since: datetime


@dataclass(frozen=True, slots=True)
class Cycle:
    """One promise: a target from its start until it was met or no longer needed. `runs` may touch but never
    overlap.

    (target, number) stays the same whatever is learned later, even a bounce. Numbers grow and may have gaps."""

    target: Target
    number: int
    started_at: datetime
    runs: tuple[Run, ...]
    met_at: datetime | None
    ended_at: datetime | None  # not needed any more
    running_last: bool  # was the clock running when the target was met or ended, or is it now
    marks: tuple[Mark, ...]
    by_hand: ByHand | None = None  # a due in place of the one that the plan says

    @property
    def pending(self) -> bool:
        """Tell whether somebody still waits for it."""
        return self.met_at is None and self.ended_at is None


def cycles(history: Sequence[events.Event]) -> tuple[Cycle, ...]:
    """Return every cycle of a ticket by start; () without events. Raises ValueError when the first event is not
    Opened."""
    if not history:
        return ()
    walk = _Walk(undelivered(history))
    for at, event in _in_order(_without_undone(history)):
        walk.take(at, event)
    return tuple(clock.cycle() for clock in walk.clocks)


def undelivered(history: Sequence[events.Event]) -> Mapping[int | None, str]:
    """Return the entries of replies that did not happen, with the reason: the mail bounced for good or was stopped."""
    found: dict[int | None, str] = {
        event.reply: "reply bounced later: it did not happen"
        for event in history
        if isinstance(event, events.Bounced) and event.permanent and event.reply is not None
    }
    for event in history:
        if isinstance(event, events.ReplyWithdrawn):
            found[event.reply] = "reply stopped before it left: it did not happen"
    return found


def whole_second(instant: datetime) -> datetime:
    """Return `instant` in UTC, cut to the whole second. Raises ValueError for a naive time."""
    if instant.tzinfo is None:
        raise ValueError(f"{instant.isoformat()} has no time zone: pass an aware time")
    return instant.astimezone(UTC).replace(microsecond=0)


def _without_undone(history: Sequence[events.Event]) -> list[events.Event]:
    """Return the events without what an undo took back: a status or merge, and the event that brought the former
    one back."""
    kept: list[events.Event] = []
    for event in history:
        if isinstance(event, events.StatusChanged) and event.reason == events.UNDO:
            begun = next((index for index, earlier in _statuses(kept) if earlier.previous == event.status), None)
            if begun is not None:
                kept = [earlier for index, earlier in enumerate(kept) if index < begun or not _is_status(earlier)]
                continue
        if isinstance(event, events.Merged) and event.into is None:
            merged = [index for index, earlier in enumerate(kept) if isinstance(earlier, events.Merged)]
            if merged:
                del kept[merged[-1]]
                continue
        kept.append(event)
    return kept


def _statuses(kept: Sequence[events.Event]) -> Iterator[tuple[int, events.StatusChanged]]:
    """Return the changes of status, the newest first."""
    for index in reversed(range(len(kept))):
        event = kept[index]
        if isinstance(event, events.StatusChanged):
            yield index, event


def _is_status(event: events.Event) -> bool:
    return isinstance(event, events.StatusChanged)


def _in_order(history: Sequence[events.Event]) -> list[tuple[datetime, events.Event]]:
    opened = history[0]
    if not isinstance(opened, events.Opened):
        raise ValueError(f"the first event of a ticket is opened, not {opened.kind}")
    earliest = last_status = whole_second(opened.at)
    timed = [(earliest, history[0])]
    for event in history[1:]:
        at = max(whole_second(event.at), earliest)
        if isinstance(event, events.StatusChanged):
            at = last_status = max(at, last_status)
        timed.append((at, event))
    timed.sort(key=lambda pair: pair[0])
    return timed


class _Clock:
    """Builds one cycle."""

    __slots__ = ("by_hand", "ended_at", "marks", "met_at", "number", "runs", "since", "started_at", "target")

    def __init__(self, target: Target, number: int, at: datetime, text: str, running: bool) -> None:
        self.target = target
        self.number = number
        self.started_at = at
        self.since: datetime | None = at if running else None
        self.runs: list[Run] = []
        self.met_at: datetime | None = None
        self.ended_at: datetime | None = None
        self.by_hand: ByHand | None = None
        self.marks = [Mark(at, text if running else f"{text} (waiting)")]

    @property
    def pending(self) -> bool:
        return self.met_at is None and self.ended_at is None

    def run(self, at: datetime, text: str) -> None:
        self.since = at
        self.marks.append(Mark(at, text))

    def pause(self, at: datetime, text: str) -> None:
        if self.since is not None:
            self.runs.append(Run(self.since, at))
            self.since = None
        self.marks.append(Mark(at, text))

    def meet(self, at: datetime, text: str) -> None:
        self.met_at, self.ended_at = at, None
        self.marks.append(Mark(at, text))

    def end(self, at: datetime, text: str) -> None:
        self.ended_at = at
        self.marks.append(Mark(at, text))

    def cycle(self) -> Cycle:
        runs = (*self.runs, Run(self.since, self.met_at or self.ended_at)) if self.since is not None else self.runs
        return Cycle(
            target=self.target,
            number=self.number,
            started_at=self.started_at,
            runs=tuple(runs),
            met_at=self.met_at,
            ended_at=self.ended_at,
            running_last=self.since is not None,
            marks=tuple(self.marks),
            by_hand=self.by_hand,
        )


class _Walk:
    """One pass over the events of a ticket."""

    def __init__(self, undelivered: Mapping[int | None, str]) -> None:
        self.clocks: list[_Clock] = []
        self._undelivered = undelivered
        self._status = Status.OPEN
        self._answered = False  # somebody replied in public, or nobody waits for it
        self._asked = False  # a message came that no reply has answered
        self._reopenings = 0
        # For numbers that no bounce can change, whatever comes back later: they count all replies, delivered or not.
        self._turn = 0
        self._customer_spoke_last = False
        self._wrote_since_ending = False

    def take(self, at: datetime, event: events.Event) -> None:
        if isinstance(event, events.MessageReceived):
            self._message(at, event)
        elif isinstance(event, events.Replied):
            self._reply(at, event)
        elif isinstance(event, events.StatusChanged):
            self._status_change(at, event)
        elif isinstance(event, events.Opened):
            self._opened(at, event)
        elif isinstance(event, events.DueSet):
            self._due_set(at, event)
        elif isinstance(event, events.Merged) and event.into is not None:
            for clock in self._pending():
                clock.end(at, f"merged into ticket {event.into}: not needed any more")

    def _opened(self, at: datetime, event: events.Opened) -> None:
        self._answered = event.automatic
        self._customer_spoke_last = not event.automatic
        self._turn = 1 if event.automatic else 0
        if not event.automatic:
            self._start(Target.FIRST_RESPONSE, 1, at, "ticket opened")
        self._start(Target.RESOLUTION, 1, at, "ticket opened")

    def _message(self, at: datetime, event: events.MessageReceived) -> None:
        if event.automatic or event.courtesy:
            return
        self._customer_spoke_last = self._wrote_since_ending = True
        if not self._answered or self._asked:
            return  # the first response covers it, or it only repeats the question
        self._asked = True
        if not self._status.ended:
            self._start(Target.NEXT_RESPONSE, self._turn, at, "customer wrote")

    def _reply(self, at: datetime, event: events.Replied) -> None:
        if self._customer_spoke_last:
            self._turn += 1
            self._customer_spoke_last = False
        responses = [clock for clock in self.clocks if clock.target is not Target.RESOLUTION and clock.met_at is None]
        if event.entry in self._undelivered:
            for clock in responses:
                if clock.pending:
                    clock.marks.append(Mark(at, self._undelivered[event.entry]))
            return
        self._answered, self._asked = True, False
        for clock in responses:
            if clock.ended_at in (None, at):  # answered and ended in one stroke is answered
                clock.meet(at, "public reply")

    def _status_change(self, at: datetime, event: events.StatusChanged) -> None:
        before, after = self._status, Status(event.status)
        self._status = after
        if after.ended and not before.ended:
            self._ended(at)
        elif before.ended and not after.ended:
            self._reopened(at)
        elif not after.ended and after is not before:
            for clock in self._pending():
                if after is Status.WAITING:
                    clock.pause(at, "waiting: the clock stops")
                else:
                    clock.run(at, "open again: the clock runs on")

    def _due_set(self, at: datetime, event: events.DueSet) -> None:
        for clock in self._pending():
            if clock.target is Target.RESOLUTION and event.due_at is not None:
                clock.by_hand = ByHand(whole_second(event.due_at), at)
                clock.marks.append(Mark(at, "due set by hand"))
            elif clock.target is Target.RESOLUTION:
                clock.by_hand = None
                clock.marks.append(Mark(at, "due as the plan says again"))

    def _ended(self, at: datetime) -> None:
        self._turn += self._customer_spoke_last
        self._wrote_since_ending = False
        for clock in self._pending():
            if clock.target is Target.RESOLUTION and self._status is not Status.SPAM:
                clock.meet(at, f"ticket {self._status.value}")
            else:
                clock.end(at, f"ticket {self._status.value}: not needed any more")

    def _reopened(self, at: datetime) -> None:
        self._reopenings += 1
        self._turn += not self._wrote_since_ending
        number = 1 + self._reopenings
        if not self._answered:
            self._start(Target.FIRST_RESPONSE, number, at, "reopened, never answered")
        elif self._asked:
            self._start(Target.NEXT_RESPONSE, self._turn, at, "reopened, message unanswered")
        self._start(Target.RESOLUTION, number, at, "reopened")

    def _start(self, target: Target, number: int, at: datetime, text: str) -> None:
        self.clocks.append(_Clock(target, number, at, text, self._status is Status.OPEN))

    def _pending(self) -> list[_Clock]:
        return [clock for clock in self.clocks if clock.pending]
