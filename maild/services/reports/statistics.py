"""Statistics of a period, read in batches. Only tickets worked on in it, or with an event since, are looked at."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, tzinfo

from maild.domain.people.directory import ascii_lower
from maild.domain.reports.statistics import Period, PeriodStatistics, Tally
from maild.domain.reports.ticket_measures import COUNTED_KINDS, Measured, measured
from maild.domain.tickets.visibility import Sight
from maild.ports import Listing, OpenUnitOfWork
from maild.services.helpdesk import Helpdesk
from maild.services.work import Work

BATCH = 500  # tickets whose events are held at a time


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """Which statistics are wanted: of a period, a department's present tickets, an agent's work, or some customers.

    Customers are those at some domains (lower case, "*." before one for all below it; None: all) or of an
    organisation. A sight limits it to what somebody may see."""

    period: Period
    department: str = ""
    agent: str = ""
    domains: tuple[str, ...] | None = None
    organisation: str = ""
    sight: Sight | None = None


def statistics_of(work: Work, wanted: Wanted, zone: tzinfo) -> PeriodStatistics:
    """Return the statistics as of the moment of the work, by the days of `zone`."""
    tally = Tally(wanted.period, work.now, zone, wanted.agent, wanted.department)
    for ticket in measure(work, wanted):
        tally.add(ticket)
    return tally.statistics()


def statistics_by_department(
    work: Work, wanted: Wanted, departments: tuple[str, ...], zone: tzinfo
) -> dict[str, PeriodStatistics]:
    """Return the statistics of each of these departments with one reading."""
    tallies = {name: Tally(wanted.period, work.now, zone, wanted.agent, name) for name in departments}
    for ticket in measure(work, wanted):
        if ticket.department in tallies:
            tallies[ticket.department].add(ticket)
    return {name: tally.statistics() for name, tally in tallies.items()}


def compute_statistics(
    open_unit: OpenUnitOfWork, helpdesk: Helpdesk, wanted: Wanted, now: datetime
) -> PeriodStatistics:
    """Return the statistics on the helpdesk's clock, for the admin."""
    with open_unit(reading=True) as unit:
        return statistics_of(Work(unit, helpdesk, now), wanted, helpdesk.zone)


def measure(work: Work, wanted: Wanted) -> Iterator[Measured]:
    """Yield every ticket that the statistics may be about, measured."""
    unit, helpdesk, now = work.unit, work.helpdesk, work.now
    directory = helpdesk.policy.directory
    theirs = next((each for each in directory.organisations if each.name == wanted.organisation), None)
    domains = tuple(ascii_lower(name) for name in theirs.domains) if theirs else wanted.domains
    listing = Listing(department=wanted.department or None, domains=domains, sight=wanted.sight)
    numbers = unit.tickets.active_between(wanted.period.since, wanted.period.until, listing)
    for begin in range(0, len(numbers), BATCH):
        for history in unit.tickets.histories(numbers[begin : begin + BATCH], COUNTED_KINDS):
            ticket = history.listed.ticket
            events = tuple(event for event in history.events if event.at <= now)  # `now` may be a moment of the past
            others = theirs is not None and directory.organisation_of(ticket.requester.address) != theirs
            if events and not others:  # a narrower domain may be another organisation's
                yield measured(ticket, events, helpdesk.plan_of(ticket), helpdesk.calendar_of(ticket), now)
