"""Turns events into JSON records for the database, and back (VERSION in events)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import MISSING, fields
from datetime import datetime
from typing import Any

from maild.domain.people.directory import Address, Person
from maild.domain.tickets.events import KINDS, VERSION, Actor, Event

_HEAD: frozenset[str] = frozenset({"at", "by", "entry"})


def to_detail(event: Event) -> dict[str, Any]:
    """Return an event's own fields as JSON values: {"v": 1, "status": "open", …}."""
    return {"v": VERSION} | {f.name: _plain(getattr(event, f.name)) for f in fields(event) if f.name not in _HEAD}


def from_detail(kind: str, detail: Mapping[str, Any], *, at: datetime, by: Actor, entry: int | None) -> Event:
    """Return the event of a stored record. Raises ValueError for a kind or version that this program does not know."""
    event_class = KINDS.get(kind)
    if event_class is None or detail.get("v", VERSION) > VERSION:
        raise ValueError(f"event {kind!r} of version {detail.get('v')} is newer than this program: upgrade maild")
    own = [f for f in fields(event_class) if f.name not in _HEAD and (f.name in detail or f.default is MISSING)]
    values = {f.name: _typed(str(f.type), detail[f.name]) for f in own}
    return event_class(at=at, by=by, entry=entry, **values)


def _plain(value: Any) -> Any:
    if isinstance(value, Person):
        return {"address": str(value.address), "name": value.name}
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, tuple):
        return [_plain(item) for item in value]
    return value


def _typed(annotation: str, value: Any) -> Any:
    """Turn a JSON value back into what the dataclass declares. Annotations are strings here."""
    if value is None:
        return None
    if annotation.startswith("tuple["):
        inner = annotation.removeprefix("tuple[").partition(",")[0]
        return tuple(_typed(inner, item) for item in value)
    if annotation.startswith("Person"):
        return Person(Address.of(value["address"]), value["name"])
    if annotation.startswith("datetime"):
        return datetime.fromisoformat(value)
    return value
