"""The digest of departments for their manager: statistics and charts of the days before, and the worst tickets."""

from __future__ import annotations

from datetime import timedelta

from maild.domain.people.directory import Agent, AgentRole, name_key
from maild.domain.queries.filters import quoted
from maild.domain.reports.statistics import PeriodStatistics, whole_days
from maild.domain.reports.ticket_measures import What
from maild.domain.tickets.visibility import sight_of
from maild.ports import ListedTicket, Listing, Order, UnitOfWork
from maild.services.helpdesk import Helpdesk
from maild.services.reports.charts import MOST_BARS, of_department, period_told, remarks, weight
from maild.services.reports.digest_parts import Contents, DigestReader, by_due, section
from maild.services.reports.statistics import Wanted, statistics_by_department
from maild.services.work import Work

_WORST = 10  # tickets


def departments_of(agent: Agent, helpdesk: Helpdesk) -> tuple[str, ...]:
    """Return the departments that an agent manages. For a manager by role who is named in none, this is all that
    they see."""
    directory = helpdesk.policy.directory
    named = tuple(each.name for each in directory.departments if name_key(each.manager) == name_key(agent.name))
    if named or agent.role is not AgentRole.MANAGER:
        return named
    hidden = sight_of(agent, directory).all_but or ()
    return tuple(each.name for each in directory.departments if each.name not in hidden)


def of_manager(unit: UnitOfWork, reader: DigestReader) -> Contents | None:
    """Return the digest of a manager's departments for the week or day before; None when nothing happened and
    nothing is left."""
    today = reader.begun.astimezone(reader.zone).date()
    days = 7 if reader.wish.every == "weekly" else 1
    period = whole_days(today - timedelta(days=days), today - timedelta(days=1), reader.zone)
    names = departments_of(reader.agent, reader.helpdesk)
    wanted = Wanted(period=period, sight=reader.sight)
    made = statistics_by_department(Work(unit, reader.helpdesk, reader.now), wanted, names, reader.zone)
    busy = {name: each for name, each in made.items() if each.backlog or not each.quiet}
    worst = _worst(unit, names, reader)
    if not busy and not worst:
        return None
    contents = Contents(subject=_subject(made, busy))
    room, left_out = MOST_BARS, []
    for name, each in busy.items():
        shown = of_department(each, reader.helpdesk)
        room -= weight(shown)
        if room < 0 and contents.sections:
            left_out.append(f"{name}: {_told(each)} (stats week dept={quoted(name)})")
        else:
            contents.sections.append(section(name, _told(each), charts=shown, lines=remarks(each)))
    if left_out:
        contents.sections.append(section("Other departments", "ask for their charts by mail", lines=left_out))
    contents.add_rows("The worst now", worst, reader, _WORST)
    return contents


def _subject(made: dict[str, PeriodStatistics], busy: dict[str, PeriodStatistics]) -> str:
    when = period_told(next(iter(made.values())))
    if not busy:
        return f"{when}: overdue tickets"
    told = [f"{n} {each.totals[What.OPENED]} new, {each.totals[What.RESOLVED]} resolved" for n, each in busy.items()]
    return f"{when}: {'; '.join(told[:3])}{' and others' if len(told) > 3 else ''}"


def _told(statistics: PeriodStatistics) -> str:
    counts = statistics.totals
    return f"{counts[What.OPENED]} new, {counts[What.RESOLVED]} resolved, {statistics.backlog} left at the end"


def _worst(unit: UnitOfWork, names: tuple[str, ...], reader: DigestReader) -> list[ListedTicket]:
    """Return the tickets that are overdue the longest."""
    found: list[ListedTicket] = []
    for name in names:
        late = Listing(department=name, overdue_at=reader.now, sight=reader.sight, order=Order.DUE, limit=_WORST + 1)
        found += unit.tickets.listing(late)
    return by_due(found)
