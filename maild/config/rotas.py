"""Builds rotas from their tables, and reports everything that would leave nobody on duty."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import datetime, time, timedelta

from maild.config.decode import ParsedTable
from maild.config.people import KnownNames
from maild.config.problems import Diagnostics, Place
from maild.config.tables import OpenTable, RotaTable
from maild.domain.people.directory import Directory, name_key
from maild.domain.people.rotas import Rota, Turn
from maild.domain.tickets.visibility import sight_of
from maild.domain.times.calendars import WEEKDAYS, Calendar, never_open, overlaps

_DAY = timedelta(days=1)


def with_rotas(
    people: Directory, tables: Iterable[ParsedTable[RotaTable]], known: KnownNames, zone: str, diagnostics: Diagnostics
) -> Directory:
    """Return the directory with its rotas. `zone` is the helpdesk's, for rotas without a time zone."""
    rotas = tuple(_rota(parsed, people, known, zone, diagnostics) for parsed in tables)
    return replace(people, rotas=rotas)


def _rota(
    parsed: ParsedTable[RotaTable], people: Directory, known: KnownNames, zone: str, diagnostics: Diagnostics
) -> Rota:
    table = parsed.table
    zone = table.timezone or zone
    _check_shape(parsed, diagnostics)
    rota = Rota(
        name=known.rotas.resolve(table.name, parsed.at("name"), "name"),
        zone=zone,
        department=known.departments.resolve(table.department, parsed.at("department"), "department"),
        team=known.teams.resolve(table.team, parsed.at("team"), "team"),
        turns=tuple(
            Turn(
                _agents(turn.agents, parsed, ("turn", index, "agents"), known, diagnostics),
                _hours(turn.open, zone, parsed.at("turn", index, "open"), table.name, diagnostics),
            )
            for index, turn in enumerate(table.turn)
        ),
        order=_agents(table.order, parsed, ("order",), known, diagnostics),
        start=_start(parsed, diagnostics),
        every=table.every,
        hours=_hours(table.open, zone, parsed.at("open"), table.name, diagnostics) if table.open else None,
        days=tuple(
            sorted(
                (day, _agents(names, parsed, ("days", day.isoformat()), known, diagnostics))
                for day, names in table.days.items()
            )
        ),
    )
    _check_sight(rota, parsed, people, diagnostics)
    return rota


def _agents(
    names: Sequence[str],
    parsed: ParsedTable[RotaTable],
    path: tuple[str | int, ...],
    known: KnownNames,
    diagnostics: Diagnostics,
) -> tuple[str, ...]:
    if not names and path[0] != "order":
        diagnostics.problem(parsed.at(*path), f"{path[-1]}: is empty", "name at least one agent")
    found = (known.agents.resolve(name, parsed.at(*path, n), str(path[-1])) for n, name in enumerate(names))
    return tuple(name for name in found if name)


def _hours(week: OpenTable, zone: str, place: Place, name: str, diagnostics: Diagnostics) -> Calendar:
    calendar = Calendar(f"rota {name}", zone, tuple(tuple(sorted(getattr(week, day))) for day in WEEKDAYS))
    if never_open(calendar):
        diagnostics.problem(place, f"rota {name!r} has no hours here", 'write open = { mon = "18:00-22:00" }')
    for pair in overlaps(calendar):
        diagnostics.problem(place, f"rota {name!r}: {pair} overlap", "merge them into one span")
    return calendar


def _start(parsed: ParsedTable[RotaTable], diagnostics: Diagnostics) -> datetime | None:
    table = parsed.table
    hour, colon, minute = table.handover.partition(":")
    fits = colon and hour.isdecimal() and minute.isdecimal() and int(hour) < 24 and int(minute) < 60
    if not fits or len(minute) != 2:
        diagnostics.problem(parsed.at("handover"), f'handover: {table.handover!r} is not a time; write "08:00"')
        return None
    return datetime.combine(table.start, time(int(hour), int(minute))) if table.start is not None else None


def _check_shape(parsed: ParsedTable[RotaTable], diagnostics: Diagnostics) -> None:
    """Report a rota that mixes turns and an order, or lacks something that its form needs."""
    table, name = parsed.table, parsed.table.name
    if table.turn and table.order:
        diagnostics.problem(parsed.at("order"), f"rota {name!r} has turns and an order", "keep one of the two")
    elif not table.turn and not table.order and not (parsed.node.get("turn") or parsed.node.get("order")):
        remedy = 'add order = ["jane", "joe"] with start = 2026-01-05, or a [[rota.turn]] with agents and open'
        diagnostics.problem(parsed.at(), f"rota {name!r} has neither turns nor an order", remedy)
    if table.department and table.team:
        diagnostics.problem(parsed.at("team"), f"rota {name!r} has a department and a team", "make two rotas of it")
    if table.order and table.start is None and not parsed.node.get("start"):
        remedy = "write the first day: start = 2026-01-05"
        diagnostics.problem(parsed.at("order"), f"rota {name!r} has an order but no start", remedy)
    if table.every < _DAY or table.every % _DAY:
        diagnostics.problem(parsed.at("every"), "every: is not a number of whole days", 'write "1d" or "7d"')
    for key in ("start", "every", "handover", "open"):
        if table.turn and not table.order and parsed.node.get(key) is not None:
            diagnostics.problem(
                parsed.at(key), f"{key}: is used only with an order, but this rota has turns", "remove it"
            )


def _check_sight(rota: Rota, parsed: ParsedTable[RotaTable], people: Directory, diagnostics: Diagnostics) -> None:
    """Report agents who may not see the tickets: they would be skipped while they are on duty."""
    key, place = ("team", rota.team) if rota.team else ("department", rota.department)
    for name in rota.names:
        agent = people.agent(name)
        if agent is None or not place:
            continue
        sight = sight_of(agent, people)
        seen = sight.teams if rota.team else sight.departments
        department = people.department(rota.department)
        everything = sight.all_but is not None and not (department and department.name in sight.all_but)
        if not everything and name_key(place) not in {name_key(each) for each in seen}:
            message = f"agent {name} of rota {rota.name!r} may not see the tickets of {key} {place!r}"
            diagnostics.problem(parsed.at(key), message, f"add {name} to it, or name another agent")
