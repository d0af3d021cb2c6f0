"""Chooses when the tickets of a measurement ended: some are open or ended recently, most ended long ago."""

from __future__ import annotations

import random
from datetime import datetime, timedelta


def ends_of(count: int, still_open: int, recent: int, now: datetime, chance: random.Random) -> list[datetime | None]:
    """Return when each of `count` tickets ended, in the order of their numbers; None for an open one.

    First come those that ended over ten years, one after the other. After them, shuffled, come the open ones and those
    that ended within thirty days."""
    newest: list[datetime | None] = [None] * still_open
    newest += [now - timedelta(minutes=chance.randrange(30 * 1440)) for _ in range(recent)]
    chance.shuffle(newest)
    others = count - still_open - recent
    past = [now - timedelta(days=31) - timedelta(hours=24 * 3600 * (others - n) / others) for n in range(others)]
    return [*past, *newest]
