"""Statistics as data: the JSON document and the one long table of `maild stats`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import timedelta
from typing import Any

from maild.domain.reports.statistics import Kept, PeriodStatistics, Times
from maild.domain.sla.clocks import Target
from maild.services.queries.documents import moment

Line = tuple[str, str, str, str, str]  # (section, group, key, value, unit)
HEAD: Line = ("section", "group", "key", "value", "unit")


def statistics_document(statistics: PeriodStatistics) -> dict[str, Any]:
    """Return all statistics. Spans are business time in whole seconds, null where there is none; nobody is ""."""
    return {
        "since": moment(statistics.period.since),
        "until": moment(statistics.period.until),
        "at": moment(statistics.at),
        "volumes": {what.value: count for what, count in statistics.totals.items()},
        "days": [
            {"day": day.day.isoformat()}
            | {what.value: count for what, count in day.counts.items()}
            | {"backlog": day.backlog}
            for day in statistics.days
        ],
        "agents": {
            name: {what.value: count for what, count in counts.items()} for name, counts in statistics.agents.items()
        },
        "times": {target.value: _times(each) for target, each in statistics.times.items()},
        "promises": {
            "all": _by_target(statistics.promises),
            **{
                by.value: {name: _by_target(targets) for name, targets in groups.items()}
                for by, groups in statistics.kept.items()
            },
        },
        "backlog": {"total": statistics.backlog, "ages": dict(statistics.ages), "statuses": dict(statistics.statuses)},
        "ratings": {
            "all": {word.value: count for word, count in statistics.ratings.items()},
            "agent": _words(statistics.rated.by_agent),
            "department": _words(statistics.rated.by_department),
        },
        "not_counted": {"merged": statistics.merged, "spam": statistics.spam},
    }


def _times(each: Times) -> dict[str, Any]:
    return {"count": each.count, "median_seconds": _seconds(each.median), "p90_seconds": _seconds(each.p90)}


def _seconds(span: timedelta | None) -> int | None:
    return None if span is None else int(span.total_seconds())


def _by_target(targets: Mapping[Target, Kept]) -> dict[str, Any]:
    return {target.value: {"met": kept.met, "breached": kept.missed} for target, kept in targets.items()}


def _words(groups: Mapping[str, Mapping[Any, int]]) -> dict[str, Any]:
    return {name: {word.value: count for word, count in counts.items()} for name, counts in sorted(groups.items())}


def statistics_lines(statistics: PeriodStatistics) -> Iterator[Line]:
    """Return all statistics, one a line. A span that does not exist has no line."""
    yield from (("volume", "", what.value, str(count), "count") for what, count in statistics.totals.items())
    for day in statistics.days:
        name = day.day.isoformat()
        yield from (("day", name, what.value, str(count), "count") for what, count in day.counts.items())
        if day.backlog is not None:
            yield ("day", name, "backlog", str(day.backlog), "tickets")
    for name, counts in statistics.agents.items():
        yield from (("agent", name, what.value, str(count), "count") for what, count in counts.items())
    for target, each in statistics.times.items():
        yield ("time", target.value, "count", str(each.count), "count")
        for key, span in (("median", each.median), ("p90", each.p90)):
            if span is not None:
                yield ("time", target.value, key, str(_seconds(span)), "seconds of business time")
    yield from _kept_lines("promise", "", statistics.promises)
    for by, groups in statistics.kept.items():
        for name, targets in groups.items():
            yield from _kept_lines(f"promise by {by.value}", name, targets)
    yield from (("backlog", "age", name, str(count), "tickets") for name, count in statistics.ages.items())
    yield from (("backlog", "status", name, str(count), "tickets") for name, count in statistics.statuses.items())
    yield from (("rating", "", word.value, str(count), "count") for word, count in statistics.ratings.items())
    for section, rated in (("agent", statistics.rated.by_agent), ("department", statistics.rated.by_department)):
        for name, words in sorted(rated.items()):
            yield from ((f"rating by {section}", name, word.value, str(n), "count") for word, n in words.items())
    yield ("not counted", "", "merged", str(statistics.merged), "tickets")
    yield ("not counted", "", "spam", str(statistics.spam), "tickets")


def _kept_lines(section: str, name: str, targets: Mapping[Target, Kept]) -> Iterator[Line]:
    for target, kept in targets.items():
        yield (section, name, f"{target.value} met", str(kept.met), "count")
        yield (section, name, f"{target.value} breached", str(kept.missed), "count")
