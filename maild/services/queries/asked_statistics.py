"""Statistics that somebody asks for by mail. The message names them, and they are computed before its bytes are
made.

Computing them can take long when much is open, and nobody else can write while a mail is judged."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from maild.domain.people.directory import Agent
from maild.domain.query import StatsQuery
from maild.domain.reports.statistics import last_days
from maild.ports import OutboxRow, UnitOfWork
from maild.services.helpdesk import Helpdesk
from maild.services.listing import sight_for
from maild.services.reports.charts import MOST_BARS, agent_told, overview, period_told, remarks, weight
from maild.services.reports.statistics import Wanted, statistics_of
from maild.services.work import Work

_KEY = "figures"  # of a section: what is to be computed for it

Section = dict[str, Any]


def named(asked: StatsQuery, now: datetime) -> Section:
    """Return what a section says in place of statistics as of `now`: plain values, because they wait in the outbox."""
    wanted = {"days": asked.days, "department": asked.department, "agent": asked.agent, "at": now.isoformat()}
    return {_KEY: wanted}


def waits_for_statistics(row: OutboxRow) -> bool:
    """Tell whether a message names statistics that are to be computed."""
    return any(_KEY in section for section in row.context.get("sections", ()))


def with_statistics(unit: UnitOfWork, row: OutboxRow, helpdesk: Helpdesk) -> OutboxRow:
    """Return the message with the statistics that it names, as far as its reader may see them now."""
    agent = helpdesk.policy.directory.agent(row.agent)
    filling = _Filling(unit, helpdesk, agent)
    sections = [filling.filled(section) for section in row.context["sections"]]
    return replace(row, context={**row.context, "sections": sections})


@dataclass(slots=True)
class _Filling:
    """The statistics of one message, as long as it has room."""

    unit: UnitOfWork
    helpdesk: Helpdesk
    agent: Agent | None
    bars: int = 0  # of the charts so far

    def filled(self, section: Section) -> Section:
        if _KEY not in section:
            return section
        rest = {key: value for key, value in section.items() if key != _KEY}
        if self.agent is None:
            return rest | {"note": "figures are for agents, and you are none any more"}
        return rest | self._reckoned(self.agent, section[_KEY])

    def _reckoned(self, agent: Agent, asked: dict[str, Any]) -> Section:
        helpdesk, zone = self.helpdesk, ZoneInfo(self.helpdesk.clock_of(agent))
        now = datetime.fromisoformat(asked["at"])
        wanted = Wanted(
            period=last_days(asked["days"], now, zone),
            department=asked["department"],
            agent=asked["agent"],
            sight=sight_for(agent, helpdesk),
        )
        statistics = statistics_of(Work(self.unit, helpdesk, now), wanted, zone)
        whose = f"{agent_told(wanted.agent, helpdesk)}'s work, " if wanted.agent else ""
        note = f"{whose}{period_told(statistics)}, of all tickets that you may see"
        charts = overview(statistics, helpdesk)
        if self.bars and self.bars + weight(charts) > MOST_BARS:
            return {"note": "this mail has no room for more charts: ask once more"}
        self.bars += weight(charts)
        return {"note": note, "charts": charts, "lines": remarks(statistics)}
