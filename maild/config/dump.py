"""Shows settings as plain data for people and programs. A secret shows where it comes from, never its value."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from datetime import date, timedelta
from enum import Enum
from importlib.resources import files
from pathlib import Path
from typing import Any

from msgspec import NODEFAULT, Struct
from msgspec.structs import fields

from maild.config.expressions import Pattern
from maild.config.plans import SHIPPED_PLANS, built_in_calendars
from maild.config.secrets import Secret
from maild.config.settings import Settings
from maild.config.values import Endpoint, Size, show_duration, show_size
from maild.domain.intake.rules import Match, Rule
from maild.domain.intake.spam_and_robots import HeaderMark
from maild.domain.people.directory import Address, Organisation
from maild.domain.people.rotas import Rota
from maild.domain.sla.standing import EscalationStep, Plan
from maild.domain.times.calendars import WEEKDAYS, Calendar

HIDDEN = "(hidden)"


def example() -> str:
    """Return the commented reference: a maild.toml with every key, its default and its meaning."""
    return files("maild.config").joinpath("reference.toml").read_text(encoding="utf-8")


def describe(settings: Settings, changed_only: bool = False) -> dict[str, Any]:
    """Return the effective settings as dicts and lists in the shape of maild.toml.

    With `changed_only` defaults are left out. A secret shows as the table that names it; one that is written in the
    file shows as "(hidden)". No secret is read."""
    built_in = built_in_calendars(settings.helpdesk.timezone)
    calendars = [each for each in settings.calendars.values() if not changed_only or each not in built_in]
    plans = [plan for plan in settings.plans.values() if not changed_only or plan not in SHIPPED_PLANS]
    shown: dict[str, Any] = {
        "helpdesk": _struct(settings.helpdesk, changed_only),
        "state": {"folder": str(settings.state_folder)},
        "store": _struct(settings.store, changed_only),
        "mailbox": [_struct(mailbox, changed_only) for mailbox in settings.mailboxes],
        "listener": _struct(settings.listener, changed_only) if settings.listener is not None else {},
        "relay": [_struct(relay, changed_only) for relay in settings.relays],
        "department": [_dataclass(department, changed_only) for department in settings.directory.departments],
        "team": [_dataclass(team, changed_only) for team in settings.directory.teams],
        "agent": [_dataclass(agent, changed_only) for agent in settings.directory.agents],
        "rota": [_rota(rota) for rota in settings.directory.rotas],
        "organisation": [_organisation(each, changed_only) for each in settings.directory.organisations],
        "topic": [_dataclass(topic, changed_only) for topic in settings.topics],
        "rule": [_rule(rule, changed_only) for rule in settings.rules],
        "ban": [_dataclass(ban, True) for ban in settings.bans],
        "list": [_dataclass(each, True) for each in settings.lists],
        "spam": _dataclass(settings.spam, changed_only),
        "robots": _dataclass(settings.robots, changed_only),
        "calendar": [_calendar(calendar) for calendar in calendars],
        "sla_plan": [_plan(plan) for plan in plans],
        "priority_plan": dict(settings.priority_plans),
    }
    for name in _SINGLE_TABLES:
        shown[name] = _struct(getattr(settings, name), changed_only)
    return {table: value for table, value in shown.items() if value or not changed_only}


_SINGLE_TABLES = (
    "importance",
    "attachments",
    "acknowledge",
    "satisfaction",
    "outbox",
    "notices",
    "security",
    "limits",
    "closing",
    "retention",
    "digest",
    "templates",
    "metrics",
    "log",
)


def _struct(table: Struct, changed_only: bool) -> dict[str, Any]:
    """Return a table whose struct has the same shape as in the file."""
    shown = {}
    for field in fields(table):
        value = getattr(table, field.name)
        default = field.default if field.default_factory is NODEFAULT else field.default_factory()
        if value is None or (changed_only and value == default):
            continue
        shown[field.encode_name] = show_size(value) if field.type is Size else _plain(value)
    return shown


def _dataclass(thing: Any, changed_only: bool) -> dict[str, Any]:
    """Return a dataclass of the domain, whose public fields are named as in the file."""
    shown = {}
    for field in dataclasses.fields(thing):
        value = getattr(thing, field.name)
        if value is None or field.name.startswith("_") or (changed_only and value == field.default):
            continue
        shown[field.name.rstrip("_")] = _plain(value)
    return shown


def _rule(rule: Rule, changed_only: bool) -> dict[str, Any]:
    then = _dataclass(rule, changed_only)
    return {"when": then.pop("match", {}), "then": then}


def _match(match: Match) -> dict[str, Any]:
    shown = {key: value for key, value in _dataclass(match, True).items() if value}
    return {**shown, "header": dict(match.header)} if match.header else shown


def _organisation(organisation: Organisation, changed_only: bool) -> dict[str, Any]:
    """Return an organisation. In the file, people outside and agents are in one list of contacts."""
    shown = _dataclass(organisation, changed_only)
    contacts = [*shown.pop("contacts", ()), *shown.pop("followers", ())]
    return {**shown, "contacts": contacts} if contacts or not changed_only else shown


def _calendar(calendar: Calendar) -> dict[str, Any]:
    week = zip(WEEKDAYS, calendar.week, strict=True)
    shown: dict[str, Any] = {
        "name": calendar.name,
        "timezone": calendar.zone,
        "open": {day: [span.shown for span in spans] for day, spans in week if spans},
    }
    if calendar.holidays is not None:
        shown["holidays"] = calendar.holidays.name.split("+")
    if calendar.closed:
        shown["closed"] = _plain(sorted(calendar.closed))
    if calendar.special:
        shown["special"] = {day.isoformat(): [span.shown for span in spans] for day, spans in calendar.special}
    return shown


def _rota(rota: Rota) -> dict[str, Any]:
    """Return a rota without the keys that do not apply to it."""
    shown: dict[str, Any] = {"name": rota.name, "timezone": rota.zone}
    shown |= {key: value for key, value in (("department", rota.department), ("team", rota.team)) if value}
    if rota.turns:
        shown["turn"] = [{"agents": list(turn.agents), "open": _calendar(turn.hours)["open"]} for turn in rota.turns]
    if rota.start is not None:
        shown |= {"order": list(rota.order), "start": rota.start.date().isoformat()}
        shown |= {"every": show_duration(rota.every), "handover": f"{rota.start:%H:%M}"}
    if rota.hours is not None:
        shown["open"] = _calendar(rota.hours)["open"]
    return shown | ({"days": {day.isoformat(): list(names) for day, names in rota.days}} if rota.days else {})


def _plan(plan: Plan) -> dict[str, Any]:
    goals = {target.value.replace("-", "_"): show_duration(goal) for target, goal in plan.goals}
    return {"name": plan.name, "calendar": plan.calendar, **goals, "step": [_step(step) for step in plan.steps]}


def _step(step: EscalationStep) -> dict[str, Any]:
    rest = _dataclass(step, changed_only=True)
    return {"at": step.key, **{key: value for key, value in rest.items() if key not in ("at_share", "offset")}}


def _secret(secret: Secret) -> dict[str, str] | str:
    return {secret.kind: secret.name} if secret.kind else HIDDEN


_SHOWN: tuple[tuple[type | tuple[type, ...], Callable[[Any], Any]], ...] = (
    (Secret, _secret),
    (timedelta, show_duration),
    (Enum, lambda member: member.value),
    ((Address, Endpoint, Path, Pattern), str),
    (date, lambda day: day.isoformat()),  # datetimes are dates
    ((tuple, list), lambda many: [_plain(each) for each in many]),
    (Match, _match),
    (HeaderMark, lambda mark: {"name": mark.name, "match": _plain(mark.match)}),
)


def _plain(value: Any) -> Any:
    """Return a value in the form that JSON and the file have."""
    show = next((show for kind, show in _SHOWN if isinstance(value, kind)), None)
    return show(value) if show else value
