"""The keys of escalation steps in the ledger. A step comes once for each promise.

When its deadline moves to later, it comes again. "100%" is the step of the first promise,
"100%@2026-05-04T19:00:00Z" that of a due time which was set or moved since, and "#3" after either is its third
time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from maild.domain.sla.meter import HandMeter, Meter, promise_of
from maild.domain.tickets.events import Escalated, Event

StepKey = tuple[str, int, str]  # (target, cycle, key of the step): with the ticket, what the ledger holds once

_PROMISE, _REPEAT = "@", "#"
_SAME = timedelta(minutes=1)  # what moves by less is the same deadline, computed a little differently


@dataclass(frozen=True, slots=True)
class Firing:
    """The newest time that a step came, under any promise: its key without the repeat number, and when it was told."""

    key: str
    at: datetime


def firings(history: Sequence[Event]) -> dict[StepKey, Firing]:
    """Return the newest time of each step that came, by the key of its first promise."""
    found: dict[StepKey, Firing] = {}
    for event in history:
        if isinstance(event, Escalated):
            key = first_of(event.step)
            step = (event.target, event.cycle, key.partition(_PROMISE)[0])
            if step not in found or found[step].at <= event.at:
                found[step] = Firing(key, event.at)
    return found


def key_of(
    meter: Meter | HandMeter,
    name: str,
    threshold: timedelta,
    fired: Mapping[StepKey, Firing],
    already: AbstractSet[StepKey],
) -> str:
    """Return the key of a step, by name, in the promise of now.

    A step is armed again when it would now come later than it was told, because its deadline moved. A step that
    would have come earlier stays told."""
    if meter.promise:
        return name + meter.promise
    step = (meter.cycle.target.value, meter.cycle.number, name)
    last = fired.get(step)
    if last is None or step not in already:
        return name
    instant = meter.instant_of(threshold)
    if instant is not None and instant >= last.at + _SAME:
        return name + promise_of(meter.instant_of(meter.goal) or instant)
    return last.key


def first_of(step: str) -> str:
    """Return "+30m" for the key "+30m#3" of its third time."""
    base, mark, number = step.rpartition(_REPEAT)
    return base if mark and number.isdecimal() else step


def repeat_of(fired: str, key: str) -> int:
    """Return 3 for the ledger key "+30m#3" of the step "+30m"; 1 for keys of other steps."""
    base, mark, number = fired.rpartition(_REPEAT)
    return int(number) if mark and base == key and number.isdecimal() else 1


def shown_step(key: str) -> str:
    """Return a key for people: "100%, due 2026-05-04 19:00 UTC" where the deadline was set or moved, else as it is."""
    base = first_of(key)
    name, mark, promise = base.partition(_PROMISE)
    if not mark:
        return key
    due = datetime.fromisoformat(promise).astimezone(UTC)
    return f"{name}{key.removeprefix(base)}, due {due:%Y-%m-%d %H:%M} UTC"
