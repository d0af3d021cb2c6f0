"""Who is on duty: by hours of the week, or in turns of some days. Single days can be given to others."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, time, timedelta

from maild.domain.times.calendars import Calendar, is_open, zone_named

_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Turn:
    """Some agents, by name, and the hours of the week when they are on duty."""

    agents: tuple[str, ...]
    hours: Calendar


@dataclass(frozen=True, slots=True, kw_only=True)
class Rota:
    """One duty plan on the wall clock of `zone`. It covers the tickets of a team, of a department, or all tickets.

    Either `turns` say who is on duty, or `order` does: one agent after the other, each for `every` (whole days)
    from `start` on, in the hours of `hours` (None: around the clock). Their day begins at the time of `start`.
    `days` give single days to others. They win over everything else, from the beginning of that day to the
    beginning of the next."""

    name: str
    zone: str
    department: str = ""
    team: str = ""
    turns: tuple[Turn, ...] = ()
    order: tuple[str, ...] = ()
    start: datetime | None = None  # naive: wall clock
    every: timedelta = _DAY * 7
    hours: Calendar | None = None
    days: tuple[tuple[date, tuple[str, ...]], ...] = ()

    @property
    def names(self) -> tuple[str, ...]:
        """Everybody who is ever on duty, each once."""
        turns = [name for turn in self.turns for name in turn.agents]
        return tuple(dict.fromkeys((*turns, *self.order, *(name for _, names in self.days for name in names))))


def on_duty(rota: Rota, now: datetime) -> tuple[str, ...]:
    """Return the names of the agents on duty at `now` (UTC), in the order of the configuration; () when nobody is."""
    local = now.astimezone(zone_named(rota.zone)).replace(tzinfo=None)
    begins = rota.start.time() if rota.start is not None else time()
    given = dict(rota.days).get((local - timedelta(hours=begins.hour, minutes=begins.minute)).date())
    if given is not None:
        return given
    if rota.turns:
        return tuple(dict.fromkeys(name for turn in rota.turns if is_open(turn.hours, now) for name in turn.agents))
    if rota.start is None or local < rota.start or not rota.order:
        return ()
    if rota.hours is not None and not is_open(rota.hours, now):
        return ()
    # Wall clock minus wall clock: the handover stays at its hour when the clocks change.
    return (rota.order[(local - rota.start) // rota.every % len(rota.order)],)
