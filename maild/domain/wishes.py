"""What agents wish of their mail, said as a question: `digest daily 08:30`.

One row for each word that begins such a line. A reader gets the words behind it and answers what is to be kept (see
Decision.wishes) with the sentence that confirms it, or a Complaint."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from maild.domain.command_arguments import Complaint, Surroundings
from maild.domain.question import Wished

_CLOCK = re.compile(r"([01]?[0-9]|2[0-3])(?::([0-5][0-9]))?")
_USUAL = "08:30"


@dataclass(frozen=True, slots=True)
class Wish:
    """One row: how it is written, what it is for, and its reader."""

    usage: str
    summary: str
    read: Callable[[str, Surroundings], Wished | Complaint]


def _digest(words: str, surroundings: Surroundings) -> Wished | Complaint:
    how, _, clock = words.casefold().partition(" ")
    if how in ("off", "hourly") and not clock:
        told = "You get no digest any more." if how == "off" else "You get a digest every hour."
        return Wished({"digest": how}, told)
    if how == "daily":
        found = _CLOCK.fullmatch(clock or _USUAL)
        if found is None:
            return Complaint(f'"{clock[:20]}" is no time of day', f"daily {_USUAL}")
        at = f"{int(found[1]):02d}:{found[2] or '00'}"
        return Wished({"digest": f"daily {at}"}, f"You get a digest every day at {at} ({surroundings.zone}).")
    return Complaint("a digest is daily 08:30, hourly or off", f"daily {_USUAL}")


WISHES: Mapping[str, Wish] = {
    "digest": Wish("daily HH:MM|hourly|off", "When the summary of your tickets comes.", _digest),
}
