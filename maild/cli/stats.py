"""maild stats: statistics of a period, as bars in the terminal, as JSON, or as one CSV table."""

from __future__ import annotations

import csv
import shutil
import sys
from datetime import datetime
from textwrap import fill
from typing import Any

import click

from maild.cli.agents import find_agent
from maild.cli.session import Session, at_option, json_option, print_json
from maild.domain.reports.statistics import Period, PeriodStatistics, last_days, whole_days
from maild.domain.reports.text_charts import bar, sparkline, split_bar
from maild.services.queries.statistics_document import HEAD, statistics_document, statistics_lines
from maild.services.reports.charts import agent_told, overview, period_told, remarks
from maild.services.reports.statistics import Wanted, compute_statistics

_DAYS = 30
_LONGEST_LABEL, _WIDEST_BAR = 34, 40  # columns
_DAY = click.DateTime(["%Y-%m-%d"])


@click.command()
@click.option("--days", type=click.IntRange(1, 3660), help=f"The last N days, including today. Default: {_DAYS}.")
@click.option("--from", "first", type=_DAY, metavar="DAY", help="First day, such as 2026-05-01.")
@click.option("--to", "last", type=_DAY, metavar="DAY", help="Last day. Default: today.")
@click.option("--department", metavar="NAME", help="Only tickets of this department.")
@click.option("--agent", metavar="NAME", help="Only the work of this agent.")
@click.option("--csv", "as_csv", is_flag=True, help="Print one CSV table: section, group, key, value, unit.")
@at_option
@json_option
@click.pass_obj
def stats(
    session: Session,
    days: int | None,
    first: datetime | None,
    last: datetime | None,
    department: str | None,
    agent: str | None,
    as_csv: bool,
    at: str | None,
    as_json: bool,
) -> None:
    """Show statistics of a period.

    They cover tickets opened and closed, response times in business hours, SLA targets met, and open tickets."""
    if as_csv and as_json:
        raise click.UsageError("use either --json or --csv, not both")
    now = session.clock(at).now()
    wanted = Wanted(
        period=_period(session, days, first, last, now),
        department=_department(session, department) if department else "",
        agent=find_agent(session, agent).name if agent else "",
    )
    made = compute_statistics(session.store, session.helpdesk, wanted, now)
    if as_json:
        print_json(statistics_document(made))
    elif as_csv:
        table = csv.writer(sys.stdout, lineterminator="\n")
        table.writerow(HEAD)
        table.writerows(statistics_lines(made))
    else:
        _print(session, made, wanted)


def _period(session: Session, days: int | None, first: datetime | None, last: datetime | None, now: datetime) -> Period:
    zone = session.helpdesk.zone
    if first is None:
        if last is not None:
            raise click.UsageError("--to needs --from; write --from 2026-05-01 --to 2026-05-31")
        return last_days(days or _DAYS, now, zone)
    if days is not None:
        raise click.UsageError("use either --days, or --from with --to")
    until = last.date() if last is not None else now.astimezone(zone).date()
    try:
        return whole_days(first.date(), until, zone)
    except ValueError as error:
        raise click.UsageError(f"--from {first:%Y-%m-%d} comes after the last day, {until}") from error


def _department(session: Session, name: str) -> str:
    directory = session.policy.directory
    place = directory.department(name)
    if place is None:
        names = ", ".join(each.name for each in directory.departments)
        raise click.UsageError(f"there is no department {name!r}; choose from: {names}")
    return place.name


# -- for people -------------------------------------------------------------------------------------------------


def _print(session: Session, made: PeriodStatistics, wanted: Wanted) -> None:
    whose = [f"department {wanted.department}"] if wanted.department else []
    whose += [f"work of {agent_told(wanted.agent, session.helpdesk)}"] if wanted.agent else []
    click.echo(", ".join([period_told(made), *whose]))
    width = max(50, min(shutil.get_terminal_size((80, 24)).columns, 140))
    plain = not _shows_blocks()
    before = ""
    for chart in overview(made, session.helpdesk, detailed=True):
        if not before == chart["kind"] == "columns":  # no blank line between sparklines
            click.echo("")
        before = chart["kind"]
        for line in _LAYOUTS[chart["kind"]](chart, width, plain):
            click.echo(line.rstrip())
    for remark in remarks(made):
        click.echo(f"\n{fill(remark, width)}")


def _shows_blocks() -> bool:
    """Say whether standard output can print block characters."""
    try:
        "█▏▁░".encode(sys.stdout.encoding or "ascii")
    except (UnicodeEncodeError, LookupError):
        return False
    return True


def _bars(chart: dict[str, Any], width: int, plain: bool) -> list[str]:
    rows = chart["rows"]
    label = min(_LONGEST_LABEL, max(len(row["label"]) for row in rows))
    value_width = max(len(row["told"]) for row in rows)
    room = max(8, min(_WIDEST_BAR, width - label - value_width - 6))
    lines = [_caption(chart, width)]
    for row in rows:
        share, rest = row["share"], row["rest"]
        drawn = split_bar(share, rest, room, plain) if rest else bar(share, room, plain)
        lines.append(f"  {row['label'][:label]:{label}}  {drawn:{room}}  {row['told']:>{value_width}}")
    return lines


def _columns(chart: dict[str, Any], width: int, plain: bool) -> list[str]:
    drawn = sparkline([point["share"] if point["value"] else None for point in chart["points"]], plain)
    return [f"{chart['caption']:18} {drawn}  {chart['note']}"[:width]]


def _table(chart: dict[str, Any], width: int, plain: bool) -> list[str]:
    rows = [chart["head"], *chart["rows"]]
    widths = [max(len(row[place]) for row in rows) for place in range(len(chart["head"]))]
    lines = [_caption(chart, width)]
    for row in rows:
        first, *others = (cell.ljust(size) for cell, size in zip(row, widths, strict=True))
        lines.append("  ".join(["", first, *(cell.strip().rjust(len(cell)) for cell in others)]))
    return lines


def _caption(chart: dict[str, Any], width: int) -> str:
    return fill(f"{chart['caption']}: {chart['note']}" if chart["note"] else str(chart["caption"]), width)


_LAYOUTS = {"bars": _bars, "columns": _columns, "table": _table}
