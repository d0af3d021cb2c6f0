"""Counts automatic answers to people outside, for many addresses in one statement."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

import sqlalchemy as sa

from maild.domain.messages.outbox import OutboxState
from maild.domain.people.directory import Address, ascii_lower
from maild.ports import AnswerCounts, AnswerWindows, OutboxRow
from maild.store.schema import outbox
from maild.store.transaction.session import Session

_FILLED = outbox.c.counted != sa.literal("", literal_execute=True)  # repeats the condition of the partial indexes
_KEYS = outbox.c.to_key.in_(sa.bindparam("keys", expanding=True))
_DOMAINS = outbox.c.to_domain.in_(sa.bindparam("domains", expanding=True))


# Without statistics SQLite would use the index of the kind and read a day's answers for one address. Inside a function
# the kind cannot use that index, so SQLite uses the index of the address.
_KIND = sa.func.coalesce(outbox.c.counted, sa.literal("", literal_execute=True))


def _queued(counted: str, since: str, kind: Any = outbox.c.counted) -> sa.ColumnElement[bool]:
    """Match mails that are counted as this and were queued after the parameter `since`."""
    after = outbox.c.queued_at > sa.bindparam(since, type_=outbox.c.queued_at.type)
    return sa.and_(_FILLED, kind == sa.literal(counted, literal_execute=True), after)


def _part(name: str, key: Any, ticket: Any, *conditions: sa.ColumnElement[bool]) -> sa.Select[Any]:
    columns = (sa.literal(name, literal_execute=True).label("part"), key.label("key"), ticket.label("ticket"))
    return sa.select(*columns, sa.func.count().label("number")).where(*conditions)


def _answered(name: str, since: str, key: Any, *conditions: sa.ColumnElement[bool], ticket: Any = None) -> Any:
    """Count the answers for each key, and for each ticket when one is given."""
    named = _NO_TICKET if ticket is None else ticket
    counted = _part(name, key, named, _queued("answer", since, _KIND), _LEFT, *conditions)
    return counted.group_by(key) if ticket is None else counted.group_by(key, ticket)


_LEFT = outbox.c.state != sa.literal(OutboxState.DROPPED.value, literal_execute=True)
_NO_KEY, _NO_TICKET = sa.literal("", literal_execute=True), sa.literal(0, literal_execute=True)
_TEMPLATE = outbox.c.template == sa.bindparam("state_template")
_COUNTS = sa.union_all(
    _answered("address", "a_day_ago", outbox.c.to_key, _KEYS),
    _answered("domain", "an_hour_ago", outbox.c.to_domain, _DOMAINS),
    _answered("state", "an_hour_ago", outbox.c.to_key, _KEYS, _TEMPLATE, ticket=outbox.c.ticket),
    _part("all", _NO_KEY, _NO_TICKET, _queued("answer", "a_minute_ago"), _LEFT),
    _part("flood", _NO_KEY, _NO_TICKET, _queued("alarm", "stopped_since")),
)


class AnswerCounter:
    """Counts automatic answers, and remembers the counts within a writing transaction."""

    def __init__(self, session: Session, *, reading: bool) -> None:
        self._session = session
        self._reading = reading
        self._addresses: set[str] = set()  # whose counts are remembered
        self._known: dict[tuple[str, str, int], int] = {}  # (part, key, ticket) -> number
        self._state_template = ""
        session.at_forget(self.clear)

    def counts(self, to: Sequence[Address], since: AnswerWindows, state_template: str) -> AnswerCounts:
        """Count the automatic answers to these people outside; dropped ones do not count."""
        addresses = {each.key: ascii_lower(each.domain) for each in to}
        if self._reading or state_template != self._state_template:
            self.clear()
        self._state_template = state_template
        if not self._addresses.issuperset(addresses) or not self._addresses:
            self._read(addresses, since, state_template)
        counted = self._known.items()
        domains = set(addresses.values())
        return AnswerCounts(
            to_address={key: count for (part, key, _), count in counted if part == "address" and key in addresses},
            to_domain={key: count for (part, key, _), count in counted if part == "domain" and key in domains},
            states={(key, on): count for (part, key, on), count in counted if part == "state" and key in addresses},
            to_all=self._known.get(("all", "", 0), 0),
            flood_reported=bool(self._known.get(("flood", "", 0))),
        )

    def _read(self, addresses: Mapping[str, str], since: AnswerWindows, state_template: str) -> None:
        unknown = {key: domain for key, domain in addresses.items() if key not in self._addresses}
        asked = {"keys": sorted(unknown), "domains": sorted(set(unknown.values())), "state_template": state_template}
        for row in self._session.execute(_COUNTS, asked | asdict(since)):
            self._known[row.part, row.key, row.ticket or 0] = row.number
        self._addresses.update(unknown)

    def add(self, row: OutboxRow) -> None:
        """Count a mail that was queued in this transaction."""
        if not row.counted or not self._addresses:
            return
        key, domain = row.to.address.key, ascii_lower(row.to.address.domain)
        parts = [("flood", "", 0)] if row.counted == "alarm" else [("all", "", 0), ("domain", domain, 0)]
        if row.counted == "answer":
            parts.append(("address", key, 0))
            if row.template == self._state_template:
                parts.append(("state", key, row.ticket or 0))
        for part in parts:
            self._known[part] = self._known.get(part, 0) + 1

    def clear(self) -> None:
        """Forget the counts: they are read again when they are asked for."""
        self._addresses.clear()
        self._known.clear()
