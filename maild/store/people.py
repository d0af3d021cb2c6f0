"""Stores contacts with the number and epoch that seal their reply addresses, and absences and signatures of agents."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import RowMapping

from maild.domain.agent_mail.signature import SIGNATURE_MAILS, looks_like_signature, remembered
from maild.domain.people.directory import Address, Agent, Person
from maild.ports import Contact
from maild.store import rows
from maild.store.agent_tables import acquaintance
from maild.store.columns import clean
from maild.store.schema import absence, contact
from maild.store.transaction.identity_map import among
from maild.store.transaction.insert_once import insert_once
from maild.store.transaction.numbers import CONTACT, Numbers
from maild.store.transaction.read_cache import ReadCache
from maild.store.transaction.session import Session

_BY_ADDRESS = sa.select(contact).where(among(contact.c.address_key, "keys"))
_BY_AGENT = sa.select(contact).where(among(contact.c.agent, "keys"))
_BY_NUMBER = sa.select(contact).where(among(contact.c.id))
_CONTACTED = sa.select(acquaintance.c.domain).where(
    acquaintance.c.agent == sa.bindparam("agent"), among(acquaintance.c.domain, "domains")
)
_ABSENCES = sa.select(absence).where(absence.c.until > sa.bindparam("now", type_=absence.c.until.type))
_FRESH: dict[str, Any] = {"epoch": 1, "revoked_before": 0, "tails": [], "signature": ""}


class SqlPeople:
    """Implements ports.People."""

    def __init__(self, session: Session, numbers: Numbers, *, reading: bool) -> None:
        self._session = session
        self._numbers = numbers
        self._by_address: ReadCache[str, RowMapping | dict[str, Any] | None] = ReadCache(session, reading=reading)
        self._by_agent: ReadCache[str, RowMapping | dict[str, Any] | None] = ReadCache(session, reading=reading)
        self._by_number: ReadCache[int, Contact | None] = ReadCache(session, reading=reading)
        self._contacted: ReadCache[tuple[str, str], bool] = ReadCache(session, reading=reading)
        self._absences: ReadCache[None, Sequence[sa.Row[Any]]] = ReadCache(session, reading=reading)

    def contact(self, person: Person) -> Contact:
        """Return the contact of an address and create it when needed. A missing name is filled in."""
        key = person.address.key
        row = self._rows_by_address([key])[key]
        if row is None:
            values = {"address_key": key, "address": str(person.address), "name": clean(person.name)}
            return rows.read_contact(self._made(values, self._by_address, key, _BY_ADDRESS))
        if person.name and not row["name"]:
            row = {**row, "name": clean(person.name)}
            self._session.update(contact, (row["id"],), {"name": row["name"]})
            self._by_address.put(key, row)
            self._by_number.drop(row["id"])
        return rows.read_contact(row)

    def look_ahead(self, addresses: Sequence[Address]) -> None:
        """Read the contacts of these addresses with one statement, for `contact` to find them."""
        self._rows_by_address([address.key for address in addresses])

    def _rows_by_address(self, keys: Sequence[str]) -> Mapping[str, Any]:
        def read(unknown: list[str]) -> Mapping[str, RowMapping]:
            return {row["address_key"]: row for row in self._session.rows(_BY_ADDRESS, {"keys": unknown})}

        return self._by_address.get_many(keys, read, None)

    def agent(self, agent: Agent) -> Contact:
        """Return the contact of an agent; create it when needed."""
        return rows.read_contact(self._row_of_agent(agent))

    def _row_of_agent(self, agent: Agent) -> Any:
        row = self._rows_by_agent([agent.name])[agent.name]
        if row is not None:
            return row
        values = {"agent": agent.name, "address": str(agent.person.address), "name": agent.shown}
        return self._made(values, self._by_agent, agent.name, _BY_AGENT)

    def _rows_by_agent(self, names: Sequence[str]) -> Mapping[str, Any]:
        def read(unknown: list[str]) -> Mapping[str, RowMapping]:
            return {row["agent"]: row for row in self._session.rows(_BY_AGENT, {"keys": unknown})}

        return self._by_agent.get_many(names, read, None)

    def revoke(self, agent: str, mails_before: int) -> bool:
        """Raise the epoch of an agent. Returns False when the agent has no contact."""
        values = {"epoch": contact.c.epoch + 1, "revoked_before": mails_before}
        step = sa.update(contact).where(contact.c.agent == agent).values(values)
        self._by_agent.clear()
        self._by_number.clear()
        return self._session.execute(step).rowcount == 1

    def by_numbers(self, numbers: Sequence[int]) -> Mapping[int, Contact]:
        """Return number -> contact, for those of these numbers that exist."""

        def read(unknown: list[int]) -> Mapping[int, Contact]:
            return {row["id"]: rows.read_contact(row) for row in self._session.rows(_BY_NUMBER, {"numbers": unknown})}

        found = self._by_number.get_many(numbers, read, None)
        return {number: each for number, each in found.items() if each is not None}

    def signature(self, agent: Agent) -> str:
        """Return the signature that was learned from an agent's mails; "" when there is none."""
        return self.signatures([agent])[agent.name]

    def signatures(self, agents: Sequence[Agent]) -> Mapping[str, str]:
        """Return the signatures that were learned from mails of these agents, by name; "" when there is none."""
        found = self._rows_by_agent([agent.name for agent in agents])
        kept = {name: str(row["signature"] or "") if row is not None else "" for name, row in found.items()}
        # Older versions stored as a signature whatever several mails ended with, commands too.
        true = {a.name for a in agents if looks_like_signature(kept[a.name].split("\n"), a)}
        return {name: text if name in true else "" for name, text in kept.items()}

    def learn_signature(self, agent: Agent, tail: str) -> str:
        """Store how an agent's mail ended and return their signature."""
        row = self._row_of_agent(agent)
        tails = [*row["tails"], clean(tail)][-SIGNATURE_MAILS:]
        signature = remembered(row["signature"], tails, agent)
        values = {"tails": tails, "signature": signature}
        self._session.update(contact, (row["id"],), values)
        self._by_agent.put(agent.name, {**row, **values})
        return signature

    def record_contact(self, agent: str, domain: str) -> None:
        """Remember that an agent has written to a domain."""
        if not self._contacted.peek((agent, domain)):
            self._session.insert_once(acquaintance, {"agent": agent, "domain": domain})
            self._contacted.put((agent, domain), True)

    def contacted(self, agent: str, domains: Collection[str]) -> frozenset[str]:
        """Return those of these domains that an agent has written to before."""

        def read(unknown: list[tuple[str, str]]) -> Mapping[tuple[str, str], bool]:
            asked = {"agent": agent, "domains": [domain for _, domain in unknown]}
            return {(agent, domain): True for domain in self._session.scalars(_CONTACTED, asked)}

        found = self._contacted.get_many([(agent, domain) for domain in sorted(domains)], read, False)
        return frozenset(domain for (_, domain), known in found.items() if known)

    def set_absence(self, agent: str, since: datetime, until: datetime) -> None:
        """Store when an agent is away; an earlier absence is replaced."""
        values = {"since": since, "until": until}
        self._session.execute(insert_once(self._session.connection, absence, {"agent": agent} | values))
        self._session.execute(sa.update(absence).where(absence.c.agent == agent).values(values))
        self._absences.clear()

    def clear_absence(self, agent: str) -> None:
        """Remove the absence of an agent."""
        self._session.execute(sa.delete(absence).where(absence.c.agent == agent))
        self._absences.clear()

    def absent(self, now: datetime) -> Mapping[str, datetime]:
        """Return the names of the agents who are away, and until when."""
        not_over = self._absences.get(None, lambda: self._session.execute(_ABSENCES, {"now": now}).all())
        return {row.agent: row.until for row in not_over if row.since <= now < row.until}

    def _made(self, values: dict[str, Any], cache: ReadCache[str, Any], key: str, query: Any) -> Any:
        """Store a contact and return its row."""
        new = values | {"id": self._numbers.next(CONTACT), **_FRESH}
        new = {column.name: new.get(column.name) for column in contact.c}
        if self._session.alone:  # another node may store the same person now: then that contact counts
            insert = insert_once(self._session.connection, contact, new)
            self._session.execute(insert)
            new = dict(self._session.rows(query, {"keys": [key]})[0])
        else:
            self._session.insert(contact, new)
        cache.put(key, new)
        return new
