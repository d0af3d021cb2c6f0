"""Rotas: from tables to who is on duty when, with everything that would leave nobody on duty told."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import datetime, time, timedelta

from maild.config.decode import Written
from maild.config.people import Known
from maild.config.problems import Findings, Place
from maild.config.tables import OpenTable, RotaTable
from maild.domain.people.directory import Directory, name_key
from maild.domain.people.rotas import Rota, Turn
from maild.domain.tickets.visibility import sight_of
from maild.domain.times.calendars import WEEKDAYS, Calendar, never_open, overlaps

_DAY = timedelta(days=1)


def with_rotas(
    people: Directory, tables: Iterable[Written[RotaTable]], known: Known, zone: str, findings: Findings
) -> Directory:
    """The directory with its rotas; `zone` is the helpdesk's, for those that state none."""
    rotas = tuple(_rota(written, people, known, zone, findings) for written in tables)
    return replace(people, rotas=rotas)


def _rota(written: Written[RotaTable], people: Directory, known: Known, zone: str, findings: Findings) -> Rota:
    table = written.table
    zone = table.timezone or zone
    _check_shape(written, findings)
    rota = Rota(
        name=known.rotas.resolve(table.name, written.at("name"), "name"),
        zone=zone,
        department=known.departments.resolve(table.department, written.at("department"), "department"),
        team=known.teams.resolve(table.team, written.at("team"), "team"),
        turns=tuple(
            Turn(
                _agents(turn.agents, written, ("turn", index, "agents"), known, findings),
                _hours(turn.open, zone, written.at("turn", index, "open"), table.name, findings),
            )
            for index, turn in enumerate(table.turn)
        ),
        order=_agents(table.order, written, ("order",), known, findings),
        start=_start(written, findings),
        every=table.every,
        hours=_hours(table.open, zone, written.at("open"), table.name, findings) if table.open else None,
        days=tuple(
            sorted(
                (day, _agents(names, written, ("days", day.isoformat()), known, findings))
                for day, names in table.days.items()
            )
        ),
    )
    _check_sight(rota, written, people, findings)
    return rota


def _agents(
    names: Sequence[str], written: Written[RotaTable], path: tuple[str | int, ...], known: Known, findings: Findings
) -> tuple[str, ...]:
    if not names and path[0] != "order":
        findings.problem(written.at(*path), f"{path[-1]}: nobody is named", "name at least one agent")
    found = (known.agents.resolve(name, written.at(*path, n), str(path[-1])) for n, name in enumerate(names))
    return tuple(name for name in found if name)


def _hours(week: OpenTable, zone: str, place: Place, name: str, findings: Findings) -> Calendar:
    calendar = Calendar(f"rota {name}", zone, tuple(tuple(sorted(getattr(week, day))) for day in WEEKDAYS))
    if never_open(calendar):
        findings.problem(place, f"rota {name!r} has no hours here", 'write open = { mon = "18:00-22:00" }')
    for pair in overlaps(calendar):
        findings.problem(place, f"rota {name!r}: {pair} overlap", "make them one span")
    return calendar


def _start(written: Written[RotaTable], findings: Findings) -> datetime | None:
    table = written.table
    hour, colon, minute = table.handover.partition(":")
    fits = colon and hour.isdecimal() and minute.isdecimal() and int(hour) < 24 and int(minute) < 60
    if not fits or len(minute) != 2:
        findings.problem(written.at("handover"), f'handover: {table.handover!r} is no time; write "08:00"')
        return None
    return datetime.combine(table.start, time(int(hour), int(minute))) if table.start is not None else None


def _check_shape(written: Written[RotaTable], findings: Findings) -> None:
    """One way of saying who it is, and all that this way needs."""
    table, name = written.table, written.table.name
    if table.turn and table.order:
        findings.problem(written.at("order"), f"rota {name!r} has turns and an order", "keep one of the two")
    elif not table.turn and not table.order and not (written.node.get("turn") or written.node.get("order")):
        remedy = 'add order = ["jane", "joe"] with start = 2026-01-05, or a [[rota.turn]] with agents and open'
        findings.problem(written.at(), f"rota {name!r} names nobody", remedy)
    if table.department and table.team:
        findings.problem(written.at("team"), f"rota {name!r} is for a department and a team", "make it two rotas")
    if table.order and table.start is None and not written.node.get("start"):
        remedy = "write the first day of the first one: start = 2026-01-05"
        findings.problem(written.at("order"), f"rota {name!r}: nobody can tell whose turn it is", remedy)
    if table.every < _DAY or table.every % _DAY:
        findings.problem(written.at("every"), "every: is not a number of whole days", 'write "1d" or "7d"')
    for key in ("start", "every", "handover", "open"):
        if table.turn and not table.order and written.node.get(key) is not None:
            findings.problem(written.at(key), f"{key}: belongs to an order, and this rota has turns", "leave it out")


def _check_sight(rota: Rota, written: Written[RotaTable], people: Directory, findings: Findings) -> None:
    """Whoever may not see the tickets would be passed over whenever they are on duty."""
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
            message = f"{name} of rota {rota.name!r} may not see the tickets of {key} {place!r}"
            findings.problem(written.at(key), message, f"put {name} into it, or name somebody else")
