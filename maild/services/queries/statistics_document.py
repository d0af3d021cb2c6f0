"""Statistics as data: the JSON document and the one long table of `maild stats`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import timedelta
from typing import Any

from maild.domain.reports.statistics import Figures, Kept, Times
from maild.domain.sla.clocks import Target
from maild.services.queries.documents import moment

Line = tuple[str, str, str, str, str]  # (section, group, key, value, unit)
HEAD: Line = ("section", "group", "key", "value", "unit")


def figures_document(figures: Figures) -> dict[str, Any]:
    """Return all statistics. Spans are business time in whole seconds, null where there is none; nobody is ""."""
    return {
        "since": moment(figures.period.since),
        "until": moment(figures.period.until),
        "at": moment(figures.at),
        "volumes": {what.value: count for what, count in figures.totals.items()},
        "days": [
            {"day": day.day.isoformat()}
            | {what.value: count for what, count in day.counts.items()}
            | {"backlog": day.backlog}
            for day in figures.days
        ],
        "agents": {
            name: {what.value: count for what, count in counts.items()} for name, counts in figures.agents.items()
        },
        "times": {target.value: _times(each) for target, each in figures.times.items()},
        "promises": {
            "all": _by_target(figures.promises),
            **{
                by.value: {name: _by_target(targets) for name, targets in groups.items()}
                for by, groups in figures.kept.items()
            },
        },
        "backlog": {"total": figures.backlog, "ages": dict(figures.ages), "statuses": dict(figures.statuses)},
        "ratings": {
            "all": {word.value: count for word, count in figures.ratings.items()},
            "agent": _words(figures.rated.by_agent),
            "department": _words(figures.rated.by_department),
        },
        "not_counted": {"merged": figures.merged, "spam": figures.spam},
    }


def _times(each: Times) -> dict[str, Any]:
    return {"count": each.count, "median_seconds": _seconds(each.median), "p90_seconds": _seconds(each.p90)}


def _seconds(span: timedelta | None) -> int | None:
    return None if span is None else int(span.total_seconds())


def _by_target(targets: Mapping[Target, Kept]) -> dict[str, Any]:
    return {target.value: {"met": kept.met, "breached": kept.missed} for target, kept in targets.items()}


def _words(groups: Mapping[str, Mapping[Any, int]]) -> dict[str, Any]:
    return {name: {word.value: count for word, count in counts.items()} for name, counts in sorted(groups.items())}


def figures_lines(figures: Figures) -> Iterator[Line]:
    """Return all statistics, one a line. A span that does not exist has no line."""
    yield from (("volume", "", what.value, str(count), "count") for what, count in figures.totals.items())
    for day in figures.days:
        name = day.day.isoformat()
        yield from (("day", name, what.value, str(count), "count") for what, count in day.counts.items())
        if day.backlog is not None:
            yield ("day", name, "backlog", str(day.backlog), "tickets")
    for name, counts in figures.agents.items():
        yield from (("agent", name, what.value, str(count), "count") for what, count in counts.items())
    for target, each in figures.times.items():
        yield ("time", target.value, "count", str(each.count), "count")
        for key, span in (("median", each.median), ("p90", each.p90)):
            if span is not None:
                yield ("time", target.value, key, str(_seconds(span)), "seconds of business time")
    yield from _kept_lines("promise", "", figures.promises)
    for by, groups in figures.kept.items():
        for name, targets in groups.items():
            yield from _kept_lines(f"promise by {by.value}", name, targets)
    yield from (("backlog", "age", name, str(count), "tickets") for name, count in figures.ages.items())
    yield from (("backlog", "status", name, str(count), "tickets") for name, count in figures.statuses.items())
    yield from (("rating", "", word.value, str(count), "count") for word, count in figures.ratings.items())
    for section, rated in (("agent", figures.rated.by_agent), ("department", figures.rated.by_department)):
        for name, words in sorted(rated.items()):
            yield from ((f"rating by {section}", name, word.value, str(n), "count") for word, n in words.items())
    yield ("not counted", "", "merged", str(figures.merged), "tickets")
    yield ("not counted", "", "spam", str(figures.spam), "tickets")


def _kept_lines(section: str, name: str, targets: Mapping[Target, Kept]) -> Iterator[Line]:
    for target, kept in targets.items():
        yield (section, name, f"{target.value} met", str(kept.met), "count")
        yield (section, name, f"{target.value} breached", str(kept.missed), "count")
