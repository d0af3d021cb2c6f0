"""Statistics as charts for mails and terminals: words and shares, laid out by whoever shows them.

A chart is a record of plain values, as templates take it (templates/README.md lists the keys): `bars`, `columns`
or `table`. Every number is in it as a word too; a bar only repeats it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import date, timedelta
from functools import partial
from typing import Any

from maild.domain.reports.statistics import By, Day, Kept, PeriodStatistics, Times
from maild.domain.reports.ticket_measures import What
from maild.domain.sla.clocks import Target
from maild.services.helpdesk import Helpdesk

Chart = dict[str, Any]

MOST_BARS = 120  # of one mail: about 650 bytes of HTML each, and mail programs cut what is longer than 100 KB
NOBODY = "nobody"
_MOST_GROUPS = 12  # plans, departments or agents of one chart
_WORDS: Mapping[What, str] = {
    What.OPENED: "New tickets",
    What.MESSAGES: "Customers' messages",
    What.REPLIES: "Answers",
    What.RESOLVED: "Resolved",
    What.REOPENED: "Reopened",
}
_TARGETS: Mapping[Target, str] = {
    Target.FIRST_RESPONSE: "First response",
    Target.NEXT_RESPONSE: "Next response",
    Target.RESOLUTION: "Resolution",
}
_GROUPS: Mapping[By, tuple[str, str]] = {
    By.PLAN: ("In time, by SLA plan", "Plan"),
    By.DEPARTMENT: ("In time, by department", "Department"),
    By.AGENT: ("In time, by agent", "Agent"),
    By.WEEK: ("In time, by week", "Week"),
}


def overview(statistics: PeriodStatistics, helpdesk: Helpdesk, *, detailed: bool = False) -> list[Chart]:
    """Return all charts of some statistics. `detailed` adds promises for each target of each group."""
    charts = [volumes(statistics), *by_day(statistics), times(statistics), promises(statistics)]
    charts += [kept_by(statistics, by, helpdesk, detailed=detailed) for by in By if _worth_it(statistics, by)]
    charts += [ages(statistics), ratings(statistics)]
    return [chart for chart in charts if chart is not None]


def of_department(statistics: PeriodStatistics, helpdesk: Helpdesk) -> list[Chart]:
    """Return the charts of a department for its manager."""
    groups = [kept_by(statistics, by, helpdesk) for by in (By.PLAN, By.AGENT)]
    made = [
        *by_day(statistics, What.OPENED, What.RESOLVED),
        times(statistics),
        *groups,
        ages(statistics),
        ratings(statistics),
    ]
    return [chart for chart in made if chart is not None]


def for_customers(statistics: PeriodStatistics) -> list[Chart]:
    """Return the charts for an organisation's contacts: their tickets, how fast and how punctual. Nobody is named."""
    shown = (volumes(statistics), *by_day(statistics), times(statistics), promises(statistics), ages(statistics))
    return [chart for chart in shown if chart is not None]


def _worth_it(statistics: PeriodStatistics, by: By) -> bool:
    """Tell whether groups say more than the whole does. Plans are always named."""
    return len(statistics.kept[by]) > 1 or (by is By.PLAN and bool(statistics.kept[by]))


# -- what came and went -----------------------------------------------------------------------------------------


def volumes(statistics: PeriodStatistics) -> Chart | None:
    """Return how much of everything there was."""
    if not any(statistics.totals.values()):
        return None
    most = max(statistics.totals.values())
    rows = [_bar(_WORDS[what], str(count), _share(count, most)) for what, count in statistics.totals.items()]
    return bars("What came and went", ("Counted", "Number"), rows)


def by_day(statistics: PeriodStatistics, *which: What) -> list[Chart]:
    """Return new and resolved tickets by day and, when nothing is filtered, what was left too."""
    wanted = which or (What.OPENED, What.RESOLVED)
    some = any(statistics.totals[what] for what in wanted)
    made = [_over_time(_WORDS[what], statistics.days, partial(_count, what), summed=True) for what in wanted if some]
    if not which and any(day.backlog for day in statistics.days):
        made.append(backlog_line(statistics))
    return made


def _count(what: What, day: Day) -> int:
    return day.counts[what]


def backlog_line(statistics: PeriodStatistics) -> Chart:
    """Return what was open or waiting at the end of each day."""
    return _over_time("Open or waiting", statistics.days, lambda day: day.backlog, summed=False)


def _over_time(caption: str, days: Sequence[Day], value: Callable[[Day], int | None], *, summed: bool) -> Chart:
    groups = _grouped(days)
    points = []
    for label, name, members in groups:
        known = [number for day in members if (number := value(day)) is not None]
        points.append((label, name, (sum(known) if summed else known[-1]) if known else None))
    numbers = [number for _, _, number in points if number is not None]
    most = max(numbers, default=0)
    peak = next((name for _, name, number in points if number == most), "")
    total = sum(numbers)
    if not total:
        note = "none"
    elif summed:
        note = f"{total}, most {most} {peak}" if len(numbers) > 1 else f"{total}"
    else:
        note = f"{numbers[-1]} at the end, most {most} {peak}"
    return {
        "kind": "columns",
        "caption": caption,
        "note": note,
        "points": [
            {"label": label, "value": "" if number is None else str(number), "share": _share(number or 0, most)}
            for label, _, number in points
        ],
    }


_GroupOfDays = tuple[str, str, list[Day]]  # (short label, its name in a sentence, the days)


def _grouped(days: Sequence[Day]) -> list[_GroupOfDays]:
    """Return single days for up to two weeks, weeks for up to a quarter, else months."""
    if len(days) <= 7:
        return [(f"{day.day:%a} {day.day.day}", f"on {_day(day.day)}", [day]) for day in days]
    if len(days) <= 14:
        return [(f"{day.day.day}", f"on {_day(day.day)}", [day]) for day in days]
    weekly = len(days) <= 92
    found: dict[date, list[Day]] = {}
    for day in days:
        start = day.day - timedelta(days=day.day.weekday()) if weekly else day.day.replace(day=1)
        found.setdefault(start, []).append(day)
    if weekly:
        return [
            (f"{members[0].day.day} {members[0].day:%b}", f"in the week of {_date(members[0].day)}", members)
            for members in found.values()
        ]
    return [(f"{start:%b}", f"in {start:%b %Y}", members) for start, members in found.items()]


def _day(day: date) -> str:
    return f"{day:%a} {_date(day)}"


def _date(day: date) -> str:
    return f"{day.day} {day:%b}"


def period_told(statistics: PeriodStatistics) -> str:
    """Return the days of the statistics: "Mon 27 Apr to Sun 3 May"."""
    first, last = statistics.days[0].day, statistics.days[-1].day
    year = "" if first.year == last.year else f" {first.year}"
    return _day(first) if first == last else f"{_day(first)}{year} to {_day(last)} {last.year}"


# -- how long, and how well -------------------------------------------------------------------------------------


def times(statistics: PeriodStatistics) -> Chart | None:
    """Return medians and 90th percentiles in business time."""
    if not any(each.count for each in statistics.times.values()):
        return None
    rows = [[_TARGETS[target], *_times_told(each)] for target, each in statistics.times.items()]
    return {
        "kind": "table",
        "caption": "How long it took, in business time",
        "head": ["Target", "Half within", "90 % within", "Number"],
        "rows": rows,
        "note": "",
    }


def _times_told(each: Times) -> list[str]:
    if each.median is None or each.p90 is None:
        return ["none came", "none came", "0"]
    return [span_told(each.median), span_told(each.p90), str(each.count)]


def span_told(span: timedelta) -> str:
    """Return business time: 0 min, 45 min, 26 h 10 min. No days: they have no fixed length."""
    minutes = round(span.total_seconds() / 60)
    hours, rest = divmod(minutes, 60)
    parts = (f"{hours} h" if hours else "", f"{rest} min" if rest or not hours else "")
    return " ".join(filter(None, parts))


def promises(statistics: PeriodStatistics) -> Chart | None:
    """Return kept and missed promises for each target."""
    rows = [_kept_row(_TARGETS[target], kept) for target, kept in statistics.promises.items() if kept.all]
    return bars("In time, by target", ("Target", "In time"), rows) if rows else None


def kept_by(statistics: PeriodStatistics, by: By, helpdesk: Helpdesk, *, detailed: bool = False) -> Chart | None:
    """Return kept and missed promises for each plan, department, agent or week: of all targets together, or of
    each."""
    groups = statistics.kept[by]
    caption, head = _GROUPS[by]
    if not groups:
        return None
    name_of = _namer(by, helpdesk)
    rows: list[dict[str, Any]] = []
    shown = sorted(groups, key=lambda name: (-sum(each.all for each in groups[name].values()), name))
    if by is By.WEEK:
        shown = sorted(groups)[-_MOST_GROUPS:]
    for name in shown[:_MOST_GROUPS]:
        targets = groups[name]
        if detailed:
            rows += [
                _kept_row(f"{name_of(name)}: {_TARGETS[target].lower()}", kept)
                for target, kept in targets.items()
                if kept.all
            ]
            continue
        rows.append(_kept_row(name_of(name), _together(targets.values())))
    more = len(groups) - len(shown[:_MOST_GROUPS])
    return bars(caption, (head, "In time"), rows, note=f"{more} more are not shown" if more > 0 else "")


def _namer(by: By, helpdesk: Helpdesk) -> Callable[[str], str]:
    if by is By.AGENT:
        return lambda name: agent_told(name, helpdesk)
    if by is By.WEEK:
        return lambda name: f"week of {_date(date.fromisocalendar(int(name[:4]), int(name[6:]), 1))}"
    return lambda name: name


def agent_told(name: str, helpdesk: Helpdesk) -> str:
    """Return an agent as people call them."""
    agent = helpdesk.policy.directory.agent(name)
    return agent.shown if agent else name or NOBODY


def _together(targets: Iterable[Kept]) -> Kept:
    each = list(targets)
    return Kept(sum(kept.met for kept in each), sum(kept.missed for kept in each))


def _kept_row(label: str, kept: Kept) -> dict[str, Any]:
    told = f"{kept.met} of {kept.all}"
    return _bar(label, told, _share(kept.met, kept.all), _share(kept.missed, kept.all))


# -- what is left -----------------------------------------------------------------------------------------------


def ages(statistics: PeriodStatistics) -> Chart | None:
    """Return the backlog by age, with its statuses."""
    if not statistics.backlog:
        return None
    most = max(statistics.ages.values())
    rows = [_bar(name, str(count), _share(count, most)) for name, count in statistics.ages.items()]
    note = f"{statistics.statuses['open']} open, {statistics.statuses['waiting']} waiting for the customer"
    return bars("What is left, by age", ("Age", "Number"), rows, note=note)


def ratings(statistics: PeriodStatistics) -> Chart | None:
    """Return what customers said of the help; None when nobody said anything."""
    total = sum(statistics.ratings.values())
    if not total:
        return None
    rows = [_bar(word.value, str(count), _share(count, total)) for word, count in statistics.ratings.items()]
    return bars("How customers found the help", ("Word", "Number"), rows)


def remarks(statistics: PeriodStatistics) -> list[str]:
    """Return remarks next to the charts: that there is nothing, and what was left out."""
    told = []
    if statistics.quiet:
        told.append("Nothing came in, went out or was decided in this time.")
    if not statistics.backlog:
        told.append("Nothing was left open or waiting at its end.")
    left_out = [
        f"{count} {word}"
        for count, word in (
            (statistics.merged, "merged ticket" if statistics.merged == 1 else "merged tickets"),
            (statistics.spam, "ticket of spam" if statistics.spam == 1 else "tickets of spam"),
        )
        if count
    ]
    if left_out:
        told.append(f"Not counted, for it is no work: {' and '.join(left_out)} of this time.")
    return told


# -- the shapes -------------------------------------------------------------------------------------------------


def bars(caption: str, head: tuple[str, str], rows: list[dict[str, Any]], note: str = "") -> Chart:
    """Return a bar for each row. `share` and `rest` are percent of the whole width; `told` says it in words."""
    return {"kind": "bars", "caption": caption, "head": list(head), "rows": rows, "note": note}


def weight(charts: Iterable[Chart]) -> int:
    """Return how many bars and lines the charts have, to compare with MOST_BARS."""
    return sum(len(chart.get("rows", ())) + len(chart.get("points", ())) for chart in charts)


def _bar(label: str, told: str, share: int, rest: int = 0) -> dict[str, Any]:
    return {"label": label, "told": told, "share": share, "rest": rest}


bar_row = _bar


def _share(part: int, whole: int) -> int:
    """Return percent. What is not zero is at least 1."""
    if part <= 0 or whole <= 0:
        return 0
    return max(1, round(100 * part / whole))
