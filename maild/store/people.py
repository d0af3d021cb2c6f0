"""Stores contacts with the number and epoch that seal their reply addresses, and absences and signatures of agents."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from maild.domain.agent_mail.signature import SIGNATURE_MAILS, looks_like_signature, remembered
from maild.domain.people.directory import Agent, Person
from maild.ports import Contact
from maild.store import rows
from maild.store.agent_tables import acquaintance
from maild.store.insert_once import insert_once
from maild.store.schema import absence, contact

_BY_ADDRESS = sa.select(contact).where(contact.c.address_key == sa.bindparam("key"))
_NOW = sa.bindparam("now", type_=absence.c.since.type)
_ABSENT = sa.select(absence.c.agent, absence.c.until).where(absence.c.since <= _NOW, absence.c.until > _NOW)
_BY_AGENT = sa.select(contact).where(contact.c.agent == sa.bindparam("key"))


class SqlPeople:
    """Implements ports.People."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def contact(self, person: Person) -> Contact:
        """Return the contact of an address and create it when needed. A missing name is filled in."""
        found = self._one(_BY_ADDRESS, person.address.key)
        if found is None:
            values = {"address_key": person.address.key, "address": str(person.address), "name": person.name}
            found = self._made(values, _BY_ADDRESS, person.address.key)
        elif person.name and not found.person.name:
            self._connection.execute(sa.update(contact).where(contact.c.id == found.number).values(name=person.name))
        return found

    def agent(self, agent: Agent) -> Contact:
        """Return the contact of an agent; create it when needed."""
        found = self._one(_BY_AGENT, agent.name)
        if found is not None:
            return found
        values = {"agent": agent.name, "address": str(agent.person.address), "name": agent.shown}
        return self._made(values, _BY_AGENT, agent.name)

    def revoke(self, agent: str, mails_before: int) -> bool:
        """Raise the epoch of an agent. Returns False when the agent has no contact."""
        values = {"epoch": contact.c.epoch + 1, "revoked_before": mails_before}
        step = sa.update(contact).where(contact.c.agent == agent).values(values)
        return self._connection.execute(step).rowcount == 1

    def by_numbers(self, numbers: Sequence[int]) -> Mapping[int, Contact]:
        """Return number -> contact, for those of these numbers that exist."""
        if not numbers:
            return {}
        found = self._connection.execute(sa.select(contact).where(contact.c.id.in_(list(numbers)))).mappings()
        return {row["id"]: rows.read_contact(row) for row in found}

    def signature(self, agent: Agent) -> str:
        """Return the signature that was learned from an agent's mails; "" when there is none."""
        return self.signatures([agent])[agent.name]

    def signatures(self, agents: Sequence[Agent]) -> Mapping[str, str]:
        """Return the signatures that were learned from mails of these agents, by name; "" when there is none."""
        names = [agent.name for agent in agents]
        query = sa.select(contact.c.agent, contact.c.signature).where(contact.c.agent.in_(names))
        kept = {row.agent: row.signature or "" for row in self._connection.execute(query)} if names else {}
        # Older versions stored as a signature whatever several mails ended with, commands too.
        found = {a.name: a for a in agents if looks_like_signature(kept.get(a.name, "").split("\n"), a)}
        return {name: kept[name] if name in found else "" for name in names}

    def learn_signature(self, agent: Agent, tail: str) -> str:
        """Store how an agent's mail ended and return their signature."""
        row = self._connection.execute(_BY_AGENT, {"key": agent.name}).mappings().first()
        if row is None:
            self.agent(agent)
            row = self._connection.execute(_BY_AGENT, {"key": agent.name}).mappings().one()
        tails = [*row["tails"], tail][-SIGNATURE_MAILS:]
        signature = remembered(row["signature"], tails, agent)
        values = {"tails": tails, "signature": signature}
        self._connection.execute(sa.update(contact).where(contact.c.id == row["id"]).values(values))
        return signature

    def record_contact(self, agent: str, domain: str) -> None:
        """Remember that an agent has written to a domain."""
        self._connection.execute(insert_once(self._connection, acquaintance, {"agent": agent, "domain": domain}))

    def contacted(self, agent: str, domains: Collection[str]) -> frozenset[str]:
        """Return those of these domains that an agent has written to before."""
        here = sa.and_(acquaintance.c.agent == agent, acquaintance.c.domain.in_(sorted(domains)))
        return frozenset(self._connection.scalars(sa.select(acquaintance.c.domain).where(here)))

    def set_absence(self, agent: str, since: datetime, until: datetime) -> None:
        """Store when an agent is away; an earlier absence is replaced."""
        values = {"since": since, "until": until}
        self._connection.execute(insert_once(self._connection, absence, {"agent": agent} | values))
        self._connection.execute(sa.update(absence).where(absence.c.agent == agent).values(values))

    def clear_absence(self, agent: str) -> None:
        """Remove the absence of an agent."""
        self._connection.execute(sa.delete(absence).where(absence.c.agent == agent))

    def absent(self, now: datetime) -> Mapping[str, datetime]:
        """Return the names of the agents who are away, and until when."""
        return {row.agent: row.until for row in self._connection.execute(_ABSENT, {"now": now})}

    def _made(self, values: dict[str, Any], query: Any, key: str) -> Contact:
        insert = insert_once(self._connection, contact, values | {"epoch": 1}).returning(*contact.c)
        row = self._connection.execute(insert).mappings().first()
        made = rows.read_contact(row) if row else self._one(query, key)
        if made is None:
            raise LookupError("a contact disappeared right after it was stored")
        return made

    def _one(self, query: Any, key: str) -> Contact | None:
        row = self._connection.execute(query, {"key": key}).mappings().first()
        return rows.read_contact(row) if row else None
