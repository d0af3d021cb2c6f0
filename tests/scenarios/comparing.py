"""Words of a scenario against what is there: compared by meaning, not by bytes."""

from __future__ import annotations

from typing import Any


class Differs(AssertionError):
    """The scenario went another way than it tells."""


def contains(block: str, text: str, where: str, also_lacks: str = "") -> None:
    """Each line `+ words` stands in the text, each `- words` does not (nor in `also_lacks`). Blanks count as one,
    and capitals as small letters."""
    said, hidden = _flat(text), _flat(also_lacks)
    for line in filter(None, block.splitlines()):
        sign, _, words = line.partition(" ")
        wanted = _flat(words)
        if sign not in {"+", "-"} or not wanted:
            raise ValueError(f"{line!r}: expected + or - and words")
        if sign == "+" and wanted not in said:
            raise Differs(f"{where} lacks {words!r}:\n{text}")
        if sign == "-" and (wanted in said or wanted in hidden):
            raise Differs(f"{where} has {words!r}:\n{text if wanted in said else also_lacks}")


def _flat(text: str) -> str:
    return " ".join(text.split()).casefold()


_NAMES = {"plan": "sla_plan", "merged": "merged_into", "due": "due_at"}


def shown_field(ticket: dict[str, Any], name: str) -> str:
    """A field of a ticket in one word: "none" for nothing, members joined by "+"."""
    if name == "requester":
        return str(ticket["requester"]["address"])
    if name == "participants":
        people = [p["address"] if p["role"] == "cc" else f"{p['address']} ({p['role']})" for p in ticket[name]]
        return "+".join(people) or "none"
    key = _NAMES.get(name, name)
    if key not in ticket:
        raise ValueError(f"a ticket has no {name}: {', '.join(sorted(ticket))}")
    value = ticket[key]
    return plain(value) if value not in (None, [], "") else "none"


def plain(value: Any) -> str:
    """A JSON value as a scenario writes it."""
    if isinstance(value, list):
        return "+".join(map(plain, value))
    if isinstance(value, dict):
        return str(value.get("address", value))
    return "none" if value is None else str(value).lower() if isinstance(value, bool) else str(value)


_BESIDE = {"mail-held", "text-held", "text-settled"}  # they tell of a mail, and change nothing that was there
_STAMPS = {"updated_at", "overdue", "sla", "due_at"}  # they move with the clock


def essence(ticket: dict[str, Any]) -> dict[str, Any]:
    """What a mail that changes nothing must leave as it was."""
    kept = {key: value for key, value in ticket.items() if key not in _STAMPS | {"entries", "events"}}
    said = [(e["kind"], e["text"]) for e in ticket["entries"] if e["author"]["role"] != "system"]
    facts = [event["kind"] for event in ticket["events"] if event["kind"] not in _BESIDE]
    return {**kept, "said": said, "facts": facts}
