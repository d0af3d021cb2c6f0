"""When a digest is due: the newest period that has begun by the reader's wish, on the reader's clock.

A period has a key that stays the same for ever, so that each is made once, whoever ticks and however late."""

from __future__ import annotations

from datetime import datetime, timedelta, tzinfo

from maild.domain.calendars import WEEKDAYS
from maild.domain.wishes import DigestWish


def period_of(wish: DigestWish, now: datetime, zone: tzinfo) -> str:
    """The key of the newest period that began by `now`: 2026-05-04 for a day or the first day of a week, 2026-05-04T09
    for an hour (in UTC: an hour that a clock repeats is two). "" when no digest is wished."""
    if wish.every == "hourly":
        return f"{now:%Y-%m-%dT%H}"
    if wish.every not in ("daily", "weekly"):
        return ""
    local = now.astimezone(zone).replace(tzinfo=None)
    day = local.date() if local.time() >= wish.at else local.date() - timedelta(days=1)
    if wish.every == "weekly":
        day -= timedelta(days=(day.weekday() - list(WEEKDAYS).index(wish.day)) % 7)
    return day.isoformat()
