"""Stores what is kept about agents: held replies, mailed lists, preferences and digests."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import RowMapping

from maild.domain.tickets.held_replies import HeldReply, HeldReplyKind
from maild.ports import Snapshot
from maild.store.agent_tables import digest_run, held_reply, preference, snapshot
from maild.store.transaction.identity_map import among
from maild.store.transaction.insert_once import insert_once
from maild.store.transaction.read_cache import ReadCache
from maild.store.transaction.session import Session

# The value is written into the SQL, because a bound parameter would hide the partial index.
_WAITS = held_reply.c.settled_as == sa.literal("", literal_execute=True)
_OF_AGENTS = sa.select(held_reply).where(among(held_reply.c.agent, "agents"), _WAITS)
_BY_NUMBER = sa.select(held_reply).where(among(held_reply.c.id))


class SqlHeldReplies:
    """Implements ports.HeldReplies."""

    def __init__(self, session: Session, *, reading: bool) -> None:
        self._session = session
        self._of_agents: ReadCache[str, tuple[HeldReply, ...]] = ReadCache(session, reading=reading)

    def add(self, new: HeldReply) -> int:
        """Store a held reply, settle an older one of the same mail as "replaced", and return the new id."""
        values = {
            "inbound": new.inbound,
            "ticket": new.ticket,
            "agent": new.agent,
            "kind": new.kind.value,
            "reason": new.reason,
            "text": new.text,
            "created_at": new.created_at,
            "remind_at": new.remind_at,
            "reminders": 0,
            "settled_as": "",
        }
        self._of_agents.clear()
        before = sa.update(held_reply).where(held_reply.c.inbound == new.inbound, _WAITS)
        replaced = {"settled_as": "replaced", "settled_at": new.created_at, "remind_at": None}
        self._session.execute(before.values(replaced))
        return int(self._session.scalar(sa.insert(held_reply).values(values).returning(held_reply.c.id)) or 0)

    def get(self, number: int) -> HeldReply | None:
        """Return a held reply by its id; None when there is none."""
        row = self._session.execute(sa.select(held_reply).where(held_reply.c.id == number)).mappings().first()
        return _read(row) if row else None

    def waiting(self, *, ticket: int | None = None, agent: str | None = None) -> tuple[HeldReply, ...]:
        """Return the replies that are not settled, oldest first: of a ticket, of an agent, or all."""
        query = sa.select(held_reply).where(_WAITS).order_by(held_reply.c.id)
        if ticket is not None:
            query = query.where(held_reply.c.ticket == ticket)
        if agent is not None:
            query = query.where(held_reply.c.agent == agent)
        return tuple(_read(row) for row in self._session.execute(query).mappings())

    def for_agents(self, agents: Sequence[str], numbers: Sequence[int]) -> tuple[HeldReply, ...]:
        """Return the replies of these agents that are not settled, and those with these ids, oldest first."""

        def read(unknown: list[str]) -> Mapping[str, tuple[HeldReply, ...]]:
            found: dict[str, list[HeldReply]] = {}
            for row in self._session.rows(_OF_AGENTS, {"agents": unknown}):
                found.setdefault(row["agent"], []).append(_read(row))
            return {agent: tuple(replies) for agent, replies in found.items()}

        found = {each.id: each for replies in self._of_agents.get_many(agents, read, ()).values() for each in replies}
        if others := [number for number in numbers if number not in found]:
            found |= {row["id"]: _read(row) for row in self._session.rows(_BY_NUMBER, {"numbers": others})}
        return tuple(found[number] for number in sorted(found))

    def settle(self, number: int, settled_as: str, now: datetime) -> bool:
        """Settle a held reply. Returns False when it was settled before."""
        self._of_agents.clear()
        values = {"settled_as": settled_as, "settled_at": now, "remind_at": None}
        ended = sa.update(held_reply).where(held_reply.c.id == number, _WAITS).values(values)
        return self._session.execute(ended).rowcount == 1

    def settle_from_mail(self, inbound: int, settled_as: str, now: datetime) -> None:
        """Settle the held reply that came with this mail, if it still waits."""
        self._of_agents.clear()
        values = {"settled_as": settled_as, "settled_at": now, "remind_at": None}
        self._session.execute(sa.update(held_reply).where(held_reply.c.inbound == inbound, _WAITS).values(values))

    def due(self, now: datetime, limit: int) -> tuple[HeldReply, ...]:
        """Return held replies whose next reminder is due, and lock them against other nodes."""
        query = sa.select(held_reply).where(held_reply.c.remind_at <= now).order_by(held_reply.c.remind_at).limit(limit)
        query = query.with_for_update(skip_locked=True)  # another node is sending the reminders of the locked rows
        return tuple(_read(row) for row in self._session.execute(query).mappings())

    def set_reminder(self, number: int, at: datetime) -> None:
        """Move the next reminder of a held reply to `at`."""
        self._of_agents.clear()
        self._session.execute(sa.update(held_reply).where(held_reply.c.id == number, _WAITS).values(remind_at=at))

    def record_reminder(self, number: int, reminders: int, at: datetime) -> bool:
        """Count one more reminder. Returns False when another process did so meanwhile."""
        self._of_agents.clear()
        here = sa.update(held_reply).where(held_reply.c.id == number, _WAITS, held_reply.c.reminders == reminders)
        step = here.values(reminders=reminders + 1, remind_at=at)
        return self._session.execute(step).rowcount == 1


def _read(row: RowMapping) -> HeldReply:
    return HeldReply(
        id=row["id"],
        inbound=row["inbound"],
        ticket=row["ticket"],
        agent=row["agent"],
        kind=HeldReplyKind(row["kind"]),
        reason=row["reason"],
        text=row["text"],
        created_at=row["created_at"],
        remind_at=row["remind_at"],
        reminders=row["reminders"],
        settled_as=row["settled_as"],
    )


def _read_snapshot(row: RowMapping) -> Snapshot:
    return Snapshot(
        id=row["id"],
        agent=row["agent"],
        kind=row["kind"],
        asked=row["asked"],
        made_at=row["made_at"],
        tickets=tuple(row["tickets"]),
    )


class SqlSnapshots:
    """Implements ports.Snapshots."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def add(self, new: Snapshot) -> int:
        """Store a list and return its new id."""
        values = {
            "agent": new.agent,
            "kind": new.kind,
            "asked": new.asked,
            "made_at": new.made_at,
            "tickets": list(new.tickets),
        }
        return int(self._session.scalar(sa.insert(snapshot).values(values).returning(snapshot.c.id)) or 0)

    def get(self, number: int) -> Snapshot | None:
        """Return a list by its id; None when there is none."""
        return self.get_many([number]).get(number)

    def get_many(self, numbers: Sequence[int]) -> Mapping[int, Snapshot]:
        """Return those of these lists that there are, by id."""
        if not numbers:
            return {}
        query = sa.select(snapshot).where(snapshot.c.id.in_(list(numbers)))
        return {row["id"]: _read_snapshot(row) for row in self._session.execute(query).mappings()}

    def change(self, number: int, tickets: Sequence[int]) -> None:
        """Replace the rows of a list."""
        self._session.update(snapshot, (number,), {"tickets": list(tickets)})


_PREFERENCES = sa.select(preference)


class SqlPreferences:
    """Implements ports.Preferences."""

    def __init__(self, session: Session, *, reading: bool) -> None:
        self._session = session
        self._all: ReadCache[None, Mapping[str, Mapping[str, Any]]] = ReadCache(session, reading=reading)

    def of(self, agent: str) -> Mapping[str, Any]:
        """Return the preferences of one agent."""
        known = self._all.peek(None)
        return self._stored(agent) if known is None else known.get(agent, {})

    def _stored(self, agent: str) -> Mapping[str, Any]:
        found = self._session.scalar(sa.select(preference.c.wishes).where(preference.c.agent == agent))
        return dict(found or {})

    def all(self) -> Mapping[str, Mapping[str, Any]]:
        """Return the preferences of every agent who has set some."""
        return self._all.get(None, self._read)

    def _read(self) -> Mapping[str, Mapping[str, Any]]:
        return {row.agent: dict(row.wishes) for row in self._session.execute(_PREFERENCES)}

    def change(self, agent: str, preferences: Mapping[str, Any], now: datetime) -> None:
        """Merge these preferences into the stored ones; None removes a preference."""
        self._session.execute(
            insert_once(self._session.connection, preference, {"agent": agent, "wishes": {}, "changed_at": now})
        )
        # The stored preferences are read again, so that a change by another node meanwhile is not lost.
        merged = {key: value for key, value in {**self._stored(agent), **preferences}.items() if value is not None}
        self._all.clear()
        step = sa.update(preference).where(preference.c.agent == agent)
        self._session.execute(step.values(wishes=merged, changed_at=now))


_MADE_AMONG = sa.select(digest_run).where(
    digest_run.c.reader.in_(sa.bindparam("readers", expanding=True)),
    digest_run.c.kind.in_(sa.bindparam("kinds", expanding=True)),
    digest_run.c.period.in_(sa.bindparam("periods", expanding=True)),
)


class SqlDigests:
    """Implements ports.Digests."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def begin(self, reader: str, kind: str, period: str, now: datetime) -> bool:
        """Record that a digest is made. Returns False when it was made before."""
        values = {"reader": reader, "kind": kind, "period": period, "made_at": now}
        made = insert_once(self._session.connection, digest_run, values).returning(digest_run.c.reader)
        return self._session.scalar(made) is not None

    def made_among(
        self, readers: Sequence[str], kinds: Sequence[str], periods: Sequence[str]
    ) -> Mapping[tuple[str, str, str], datetime]:
        """Return (reader, kind, period) -> when it was made, for those of these digests that were made."""
        asked = {"readers": list(readers), "kinds": list(kinds), "periods": list(periods)}
        found = self._session.execute(_MADE_AMONG, asked)
        return {(row.reader, row.kind, row.period): row.made_at for row in found}

    def last(self, kind: str, readers: Sequence[str]) -> Mapping[str, datetime]:
        """Return for each of these readers when the last digest of this kind was made."""
        newest = sa.func.max(digest_run.c.made_at, type_=digest_run.c.made_at.type).label("newest")
        query = sa.select(digest_run.c.reader, newest).where(
            digest_run.c.kind == kind, digest_run.c.reader.in_(list(readers))
        )
        query = query.group_by(digest_run.c.reader)
        return {row.reader: row.newest for row in self._session.execute(query)}
