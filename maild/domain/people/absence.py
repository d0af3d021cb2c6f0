"""Reads absence notices: how their subjects begin, and when an agent who is away comes back."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta

UNSTATED = timedelta(days=1)  # a notice without a date counts so long; the next notice renews it
LONGEST = timedelta(days=120)  # a date further away is about something else
_READ_AT_MOST = 4000  # characters

# How the subjects of absence notices begin; they prove nothing alone, for people write about their holidays too.
SUBJECTS_OF_NOTICES = (
    "abwesend",
    "abwesenheit",
    "afwezig",
    "auto reply",
    "auto response",
    "auto-reply",
    "autoreply",
    "autosvar",
    "automatic reply",
    "automatisch antwoord",
    "automatische antwort",
    "automatiskt svar",
    "automatyczna odpowiedź",
    "away from my",
    "away from the office",
    "fuera de la oficina",
    "out of office",
    "out of the office",
    "respuesta automática",
    "resposta automática",
    "risposta automatica",
    "réponse automatique",
    "vacation notice",
    "vacation reply",
    "vacation response",
    "автоматический ответ",
    "自动答复",
    "自动回复",
    "自動応答",
    "自動返信",
)

# English and German month names by their first three letters, umlauts folded.
_MONTHS = {
    name: number
    for number, names in enumerate(
        (
            ("jan",), ("feb",), ("mar", "mär"), ("apr",), ("may", "mai"), ("jun",),
            ("jul",), ("aug",), ("sep",), ("oct", "okt"), ("nov",), ("dec", "dez"),
        ),
        1,
    )
    for name in names
}  # fmt: skip
_WORD = r"([A-Za-zä]{3,9})\.?"
_YEAR = r"(?:,?\s+(\d{4}))?"
_ISO = re.compile(r"\b(\d{4})-(\d{2})-(\d{2})\b")
_DOTTED = re.compile(r"\b(\d{1,2})\.\s?(\d{1,2})\.\s?(\d{4})?")
_DAY_FIRST = re.compile(rf"\b(\d{{1,2}})(?:st|nd|rd|th|\.)?\s+{_WORD}{_YEAR}")
_MONTH_FIRST = re.compile(rf"\b{_WORD}\s+(\d{{1,2}})(?:st|nd|rd|th)?\b{_YEAR}")


@dataclass(frozen=True, slots=True)
class Absence:
    """An agent is away from `since` until `until` (UTC)."""

    agent: str
    since: datetime
    until: datetime


def absent_until(text: str, now: datetime) -> datetime:
    """Return the end of the last day that a notice names within LONGEST; a day from now when it names none."""
    named = [day for day in _dates(text[:_READ_AT_MOST], now.date()) if now.date() <= day <= (now + LONGEST).date()]
    if not named:
        return now + UNSTATED
    return datetime.combine(max(named), time.max, UTC).replace(microsecond=0)


def _dates(text: str, today: date) -> list[date]:
    found = [(y, m, d) for y, m, d in _ISO.findall(text)]
    found += [(y, m, d) for d, m, y in _DOTTED.findall(text)]
    found += [(y, _month(name), d) for d, name, y in _DAY_FIRST.findall(text)]
    found += [(y, _month(name), d) for name, d, y in _MONTH_FIRST.findall(text)]
    return [day for parts in found if (day := _day(*parts, today))]


def _month(name: str) -> str:
    return str(_MONTHS.get(name[:3].lower(), 0))


def _day(year: str, month: str, day: str, today: date) -> date | None:
    """Return a date. Without a year it is the next such day. None when there is no such date."""
    try:
        if year:
            return date(int(year), int(month), int(day))
        this = date(today.year, int(month), int(day))
        return this if this >= today else date(today.year + 1, int(month), int(day))
    except ValueError:
        return None
