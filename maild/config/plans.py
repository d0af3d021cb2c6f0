"""Builds business calendars and SLA plans from their tables, together with the built-in ones."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from datetime import timedelta

from maild.config.decode import ParsedTable
from maild.config.holiday_dates import holidays_of
from maild.config.people import KnownNames
from maild.config.problems import Diagnostics, Place, suggestion
from maild.config.tables import CalendarTable, PlanTable, PriorityPlanTable, StepTable
from maild.config.values import read_address, read_duration
from maild.domain.escalation.step_recipients import ON_DUTY
from maild.domain.people.directory import Directory
from maild.domain.policy import OFFICE
from maild.domain.sla.standing import EscalationStep, Plan, Target
from maild.domain.times.calendars import ALWAYS, WEEKDAYS, Calendar, Span, never_open, overlaps, special_overlaps

BUILT_IN_CALENDARS = (ALWAYS.name, OFFICE)
_OFFICE_HOURS = (Span(8 * 60, 17 * 60),)
_OFFICE_WEEK = (_OFFICE_HOURS,) * 5 + ((),) * 2

_MINUTE = timedelta(minutes=1)
_HOUR = timedelta(hours=1)
SHIPPED_STEPS = (
    EscalationStep(at_share=0.75, notify=("assignee", "team")),  # the people who can still meet the target
    EscalationStep(at_share=1.0, notify=("assignee", "team-lead", "manager")),  # the people who are responsible
)


def _shipped(name: str, calendar: str, first: timedelta, following: timedelta, resolution: timedelta) -> Plan:
    goals = (
        (Target.FIRST_RESPONSE, first),
        (Target.NEXT_RESPONSE, following),
        (Target.RESOLUTION, resolution),
    )
    return Plan(name, calendar, goals, SHIPPED_STEPS)


# Name, calendar, first response, next response, resolution. The resolution times are those of osTicket's four plans.
SHIPPED_PLANS = (
    _shipped("sev-a", ALWAYS.name, 15 * _MINUTE, 30 * _MINUTE, 1 * _HOUR),
    _shipped("sev-b", ALWAYS.name, 30 * _MINUTE, 1 * _HOUR, 4 * _HOUR),
    _shipped("sev-c", OFFICE, 2 * _HOUR, 4 * _HOUR, 8 * _HOUR),
    _shipped("default", OFFICE, 4 * _HOUR, 8 * _HOUR, 18 * _HOUR),
)
SHIPPED_NAMES = tuple(plan.name for plan in SHIPPED_PLANS)

_SHARE = re.compile(r"[0-9]{1,4}(?:\.[0-9]{1,2})?%")
_ROLES = ("assignee", "team", "team-lead", "manager", "admins", ON_DUTY)
_AGENT = "agent:"
_ROTA = f"{ON_DUTY}:"


# -- calendars ----------------------------------------------------------------------------------------------------


def built_in_calendars(zone: str) -> tuple[Calendar, Calendar]:
    """Return the built-in calendars: "always", and "office" in the helpdesk's time zone."""
    return ALWAYS, Calendar(OFFICE, zone, _OFFICE_WEEK)


def build_calendars(
    tables: Iterable[ParsedTable[CalendarTable]], known: KnownNames, zone: str, diagnostics: Diagnostics
) -> Mapping[str, Calendar]:
    """Return all calendars by name. `zone` is the helpdesk's, for "office" and for calendars without a time zone."""
    calendars = {calendar.name: calendar for calendar in built_in_calendars(zone)}
    for parsed in tables:
        name = known.calendars.resolve(parsed.table.name, parsed.at("name"), "name")
        if name == ALWAYS.name:
            diagnostics.problem(
                parsed.at("name"), '"always" is built in and open around the clock', "choose another name"
            )
            continue
        calendar = _calendar(parsed, name, zone, diagnostics)
        if never_open(calendar) and not _has_hours(parsed):
            remedy = 'write open = { mon = "08:00-17:00" }'
            diagnostics.problem(parsed.at("open"), f"calendar {calendar.name!r} is never open", remedy)
        for pair in overlaps(calendar):
            diagnostics.problem(
                parsed.at("open"), f"calendar {calendar.name!r}: {pair} overlap", "merge them into one span"
            )
        _check_days(parsed, calendar, diagnostics)
        calendars[calendar.name] = calendar
    return calendars


def _check_days(parsed: ParsedTable[CalendarTable], calendar: Calendar, diagnostics: Diagnostics) -> None:
    """Report single days with contradictory settings."""
    for day, pair in special_overlaps(calendar):
        message = f"calendar {calendar.name!r}: on {day} {pair} overlap"
        diagnostics.problem(parsed.at("special", day.isoformat()), message, "merge them into one span")
    for index, day in enumerate(parsed.table.closed):
        if day in parsed.table.special:
            message = f"calendar {calendar.name!r}: {day} is in closed and in special"
            diagnostics.problem(parsed.at("closed", index), message, "keep one of the two")
        elif day in parsed.table.closed[:index]:
            diagnostics.problem(
                parsed.at("closed", index), f"calendar {calendar.name!r}: {day} is listed twice", "remove one"
            )


def _has_hours(parsed: ParsedTable[CalendarTable]) -> bool:
    """Say whether hours are written. Hours that could not be read count too, because they were reported already."""
    week = parsed.node.get("open")
    return week is not None and any(week.has_value(day) for day in week.table or ())


def _calendar(parsed: ParsedTable[CalendarTable], name: str, zone: str, diagnostics: Diagnostics) -> Calendar:
    table = parsed.table
    known_places = []
    for index, code in enumerate(table.holidays):
        try:
            holidays_of(code)
        except ValueError as error:
            diagnostics.problem(parsed.at("holidays", index), f"holidays: {error}")
        else:
            known_places.append(code)
    return Calendar(
        name=name,
        zone=table.timezone or zone,
        week=tuple(tuple(sorted(getattr(table.open, day))) for day in WEEKDAYS),
        holidays=holidays_of(known_places),
        closed=frozenset(table.closed),
        special=tuple(sorted((day, tuple(sorted(spans))) for day, spans in table.special.items())),
    )


# -- plans --------------------------------------------------------------------------------------------------------


def build_plans(
    tables: Iterable[ParsedTable[PlanTable]], known: KnownNames, people: Directory, diagnostics: Diagnostics
) -> Mapping[str, Plan]:
    """Return all plans by name. A plan of the file replaces a built-in one of the same name."""
    plans = {plan.name: plan for plan in SHIPPED_PLANS}
    for parsed in tables:
        plan = _plan(parsed, known, people, diagnostics)
        plans[plan.name] = plan
    return plans


def build_priority_plans(mapping: ParsedTable[PriorityPlanTable], known: KnownNames) -> Mapping[str, str]:
    """Return priority -> plan, for the priorities that have one."""
    chosen = {
        priority: known.plans.resolve(getattr(mapping.table, priority), mapping.at(priority), priority)
        for priority in mapping.table.__struct_fields__
    }
    return {priority: plan for priority, plan in chosen.items() if plan}


def _plan(parsed: ParsedTable[PlanTable], known: KnownNames, people: Directory, diagnostics: Diagnostics) -> Plan:
    table = parsed.table
    goals: list[tuple[Target, timedelta]] = []
    for target in Target:
        key = target.value.replace("-", "_")
        goal = getattr(table, key)
        if goal is not None and goal < _MINUTE:
            diagnostics.problem(parsed.at(key), f"{key}: is shorter than a minute", 'write at least "1m"')
        elif goal is not None:
            goals.append((target, goal))
    if not any(parsed.node.get(target.value.replace("-", "_")) for target in Target):
        remedy = 'add resolution = "8h", first_response or next_response'
        diagnostics.problem(parsed.at(), f"sla_plan {table.name!r} has no target", remedy)
    steps = [_step(step, parsed, index, known, people, diagnostics) for index, step in enumerate(table.step)]
    calendar = known.calendars.resolve(table.calendar, parsed.at("calendar"), "calendar")
    name = known.plans.resolve(table.name, parsed.at("name"), "name")
    return Plan(name, calendar, tuple(goals), tuple(filter(None, steps)) if table.step else SHIPPED_STEPS)


def _step(
    table: StepTable,
    plan: ParsedTable[PlanTable],
    index: int,
    known: KnownNames,
    people: Directory,
    diagnostics: Diagnostics,
) -> EscalationStep | None:
    """Return a step; None after reporting one that cannot be used."""

    def at(*path: str | int) -> Place:
        return plan.at("step", index, *path)

    node = plan.node.items("step")[index]
    if not any(node.has_value(action) for action in ("notify", "page", "raise_priority", "reassign", "switch_plan")):
        diagnostics.problem(at(), "the step does nothing", 'add notify = ["assignee"]')
    notified, paged = (
        [_notified(word, at(key, n), key, known, people, diagnostics) for n, word in enumerate(getattr(table, key))]
        for key in ("notify", "page")
    )
    for number, word in enumerate(paged):
        agent = people.agent(word.removeprefix(_AGENT)) if word.startswith(_AGENT) else None
        if agent is not None and agent.pager is None:
            remedy = 'add pager = "…" to the agent, or write notify'
            diagnostics.problem(at("page", number), f"page: agent {agent.name!r} has no pager", remedy)
    try:
        share, offset = _moment(table.at)
    except ValueError as error:
        diagnostics.problem(at("at"), f"at: {error}")
        return None
    if table.every is not None and table.every < _MINUTE:
        diagnostics.problem(at("every"), "every: is shorter than a minute", 'write "30m"')
        return None
    return EscalationStep(
        at_share=share,
        offset=offset,
        target=table.target,
        notify=tuple(dict.fromkeys(word for word in notified if word)),
        page=tuple(dict.fromkeys(word for word in paged if word)),
        raise_priority=table.raise_priority,
        reassign=known.agents.resolve(table.reassign, at("reassign"), "reassign"),
        switch_plan=known.plans.resolve(table.switch_plan, at("switch_plan"), "switch_plan"),
        every=table.every,
    )


def _moment(text: str) -> tuple[float | None, timedelta | None]:
    """Return (share, None) for "75%", and (None, offset) for "+30m" and "-15m". Raises ValueError for anything else."""
    match = _SHARE.fullmatch(text)
    if match is not None:
        share = float(text.removesuffix("%")) / 100
        if share <= 0:
            raise ValueError("the share must be above 0%")
        return share, None
    if not text.startswith(("+", "-")):
        raise ValueError(
            f'{text!r} is not a moment of a step; write "75%" for a share of the target, or "+30m" for a time after it'
        )
    offset = read_duration(text[1:])
    return None, -offset if text.startswith("-") else offset


def _notified(word: str, place: Place, key: str, known: KnownNames, people: Directory, diagnostics: Diagnostics) -> str:
    """Return a recipient in the form that plans use; "" after reporting an unknown one."""
    if word == ON_DUTY and not people.rotas:
        diagnostics.problem(place, f'{key}: "on-duty" needs a rota', "add a [[rota]]")
        return ""
    if word in _ROLES:
        return word
    if word.startswith(_ROTA):
        rota = known.rotas.resolve(word.removeprefix(_ROTA).strip(), place, key)
        return f"{_ROTA}{rota}" if rota else ""
    if word.startswith(_AGENT):
        name = known.agents.resolve(word.removeprefix(_AGENT).strip(), place, key)
        return f"{_AGENT}{name}" if name else ""
    if "@" in word:
        try:
            return str(read_address(word))
        except ValueError as error:
            diagnostics.problem(place, f"{key}: {error}")
            return ""
    remedy = f'did you mean "agent:{word}"?' if word in known.agents else suggestion(word, _ROLES, kind="choose from")
    diagnostics.problem(place, f"{key}: unknown recipient {word!r}", remedy)
    return ""
