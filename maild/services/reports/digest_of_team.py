"""The digest of a team for its lead: what is overdue, what has no owner, who has what, and how the backlog went."""

from __future__ import annotations

from maild.domain.people.directory import Agent, Team, name_key
from maild.domain.reports.statistics import PeriodStatistics, Tally, last_days
from maild.domain.reports.ticket_measures import COUNTED_KINDS, measured
from maild.ports import ListedTicket, Listing, UnitOfWork
from maild.services.helpdesk import Helpdesk
from maild.services.reports.charts import Chart, backlog_line, bar_row, bars
from maild.services.reports.digest_parts import (
    LOOK_BACK,
    Contents,
    DigestReader,
    by_due,
    is_asleep,
    is_overdue,
    section,
)
from maild.services.reports.statistics import BATCH

_MOST_ROWS = 20  # of one section


def teams_of(agent: Agent, helpdesk: Helpdesk) -> tuple[Team, ...]:
    """Return the teams that an agent leads."""
    teams = helpdesk.policy.directory.teams
    return tuple(team for team in teams if team.lead and name_key(team.lead) == name_key(agent.name))


def of_team(unit: UnitOfWork, reader: DigestReader) -> Contents | None:
    """Return the digest of a lead's teams; None when they have nothing to do and had nothing in two weeks."""
    contents, told = Contents(), []
    teams = teams_of(reader.agent, reader.helpdesk)
    for team in teams:
        numbers, statistics = _looked_at(unit, team, reader)
        if not numbers and not any(day.backlog for day in statistics.days):
            continue
        late = [each for each in numbers if is_overdue(each, reader.now)]
        free = [each for each in numbers if not each.ticket.assignee and not is_asleep(each, reader.now)]
        prefix = f"{team.name}: " if len(teams) > 1 else ""
        contents.add_rows(f"{prefix}Overdue", by_due(late), reader, _MOST_ROWS)
        contents.add_rows(f"{prefix}Nobody's", by_due(free), reader, _MOST_ROWS)
        charts = [*_who_has_what(unit, team, numbers, reader), backlog_line(statistics)]
        contents.sections.append(section(f"{prefix}The team", charts=charts))
        counts = ((len(numbers), "open or waiting"), (len(late), "overdue"), (len(free), "nobody's"))
        told.append(f"{team.name}: {', '.join(f'{many} {what}' for many, what in counts if many) or 'nothing left'}")
    contents.subject = f"Your team {'; '.join(told)}"
    return contents if contents.sections else None


def _looked_at(unit: UnitOfWork, team: Team, reader: DigestReader) -> tuple[list[ListedTicket], PeriodStatistics]:
    """Return what the team is to work on, and how much it was in the last two weeks.

    That is what was given to the team or to one of its members, as far as its lead may see it."""
    helpdesk, now = reader.helpdesk, reader.now
    tally = Tally(last_days(LOOK_BACK.days, now, reader.zone), now, reader.zone)
    theirs = [Listing(team=team.name, sight=reader.sight)]
    theirs += [Listing(assignee=name, sight=reader.sight) for name in team.members]
    numbers = sorted(
        {n for each in theirs for n in unit.tickets.active_between(tally.period.since, tally.period.until, each)}
    )
    found = []
    for begin in range(0, len(numbers), BATCH):
        for history in unit.tickets.histories(numbers[begin : begin + BATCH], COUNTED_KINDS):
            ticket = history.listed.ticket
            tally.add(measured(ticket, history.events, helpdesk.plan_of(ticket), helpdesk.calendar_of(ticket), now))
            if not ticket.status.ended and ticket.merged_into is None:
                found.append(history.listed)
    return found, tally.statistics()


def _who_has_what(unit: UnitOfWork, team: Team, found: list[ListedTicket], reader: DigestReader) -> list[Chart]:
    away = unit.people.absent(reader.now)
    people = [(agent.name, agent.shown) for agent in reader.helpdesk.policy.directory.members(team.name)]
    held = {name: [each for each in found if each.ticket.assignee == name] for name, _ in (*people, ("", ""))}
    most = max(map(len, held.values()), default=0)
    rows = []
    for name, shown in (*people, ("", "Nobody")):
        late = sum(is_overdue(each, reader.now) for each in held[name])
        count = len(held[name])
        share = round(100 * count / most) if most else 0
        overdue = round(100 * late / most) if most else 0
        told = f"{count}, {late} late" if late else f"{count}"
        rows.append(bar_row(f"{shown} (away)" if name in away else shown, told, share - overdue, overdue))
    return [bars("Who has what", ("Agent", "Open or waiting"), rows)] if most else []
