"""Figures of a period, read in batches: only tickets that were worked on in it, or had a fact since, are looked at."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, tzinfo

from maild.domain.people.directory import ascii_lower
from maild.domain.reports.statistics import Figures, Period, Tally
from maild.domain.reports.ticket_measures import COUNTED_KINDS, Measured, measured
from maild.domain.tickets.visibility import Sight
from maild.ports import Listing, OpenUnitOfWork, UnitOfWork
from maild.services.helpdesk import Helpdesk

BATCH = 500  # tickets whose facts are held at a time


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """Which figures: of a period, of the tickets that one department has now, of one agent's work, of the customers at
    some domains (lower case, "*." before one for all below it; None: of all), of an organisation, of what somebody may
    see."""

    period: Period
    department: str = ""
    agent: str = ""
    domains: tuple[str, ...] | None = None
    organisation: str = ""
    sight: Sight | None = None


def figures_of(unit: UnitOfWork, helpdesk: Helpdesk, wanted: Wanted, now: datetime, zone: tzinfo) -> Figures:
    """The figures as of `now`, by the days of `zone`."""
    tally = Tally(wanted.period, now, zone, wanted.agent, wanted.department)
    for ticket in measure(unit, helpdesk, wanted, now):
        tally.add(ticket)
    return tally.figures()


def figures_by_department(
    unit: UnitOfWork, helpdesk: Helpdesk, wanted: Wanted, departments: tuple[str, ...], now: datetime, zone: tzinfo
) -> dict[str, Figures]:
    """The figures of each of these departments, read once."""
    tallies = {name: Tally(wanted.period, now, zone, wanted.agent, name) for name in departments}
    for ticket in measure(unit, helpdesk, wanted, now):
        if ticket.department in tallies:
            tallies[ticket.department].add(ticket)
    return {name: tally.figures() for name, tally in tallies.items()}


def figures(open_unit: OpenUnitOfWork, helpdesk: Helpdesk, wanted: Wanted, now: datetime) -> Figures:
    """The figures on the helpdesk's clock, for the admin."""
    with open_unit(reading=True) as unit:
        return figures_of(unit, helpdesk, wanted, now, helpdesk.zone)


def measure(unit: UnitOfWork, helpdesk: Helpdesk, wanted: Wanted, now: datetime) -> Iterator[Measured]:
    """Every ticket that the figures may be about, measured."""
    directory = helpdesk.policy.directory
    theirs = next((each for each in directory.organisations if each.name == wanted.organisation), None)
    domains = tuple(ascii_lower(name) for name in theirs.domains) if theirs else wanted.domains
    listing = Listing(department=wanted.department or None, domains=domains, sight=wanted.sight)
    numbers = unit.tickets.active_between(wanted.period.since, wanted.period.until, listing)
    for begin in range(0, len(numbers), BATCH):
        for course in unit.tickets.histories(numbers[begin : begin + BATCH], COUNTED_KINDS):
            ticket = course.listed.ticket
            facts = tuple(fact for fact in course.facts if fact.at <= now)  # `now` may be a moment of the past
            others = theirs is not None and directory.organisation_of(ticket.requester.address) != theirs
            if facts and not others:  # a narrower domain may be another organisation's
                yield measured(ticket, facts, helpdesk.plan_of(ticket), helpdesk.calendar_of(ticket), now)
