"""Who is who: addresses, people, agents, teams, departments, and how far a sender is believed."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from functools import lru_cache
from typing import TypeVar

from maild.domain.people.rotas import Rota

_ASCII_LOWER = {upper: upper + 32 for upper in range(ord("A"), ord("Z") + 1)}


def ascii_lower(text: str) -> str:
    """`text` with A-Z alone lowered: `str.lower` would merge U+212A with k, and so two people into one."""
    return text.translate(_ASCII_LOWER)


@dataclass(frozen=True, slots=True, eq=False)
class Address:
    """An addr-spec (RFC 5322 3.4.1): local part as written, domain as A-label. Equal when the keys are equal."""

    local: str
    domain: str

    @property
    def key(self) -> str:
        """What identifies the mailbox: the local part with ASCII lowered, the domain in lower case."""
        return f"{ascii_lower(self.local)}@{ascii_lower(self.domain)}"

    @classmethod
    def of(cls, text: str) -> Address:
        """The address in an already checked `local@domain`; ValueError without an @."""
        local, at, domain = text.strip().rpartition("@")
        if not at or not local or not domain:
            raise ValueError(f"{text!r} is not an address: expected local@domain")
        return cls(local, ascii_lower(domain))

    @classmethod
    def read(cls, text: str) -> Address | None:
        """The address in a text of any origin; None when it is none."""
        try:
            return cls.of(text)
        except ValueError:
            return None

    def __str__(self) -> str:
        return f"{self.local}@{self.domain}"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Address) and self.key == other.key

    def __hash__(self) -> int:
        return hash(self.key)


@dataclass(frozen=True, slots=True)
class Person:
    """An address with the name its owner goes by (empty when unknown)."""

    address: Address
    name: str = ""

    @property
    def shown(self) -> str:
        """The name when there is one, else the address."""
        return self.name or str(self.address)


def belongs_to(address: Address, own: Collection[Address]) -> bool:
    """Is it one of these addresses, bare or with anything behind a plus (RFC 5233)?"""
    local, plus, _ = address.local.rpartition("+")
    return address in own or (bool(plus) and Address(local, address.domain) in own)


class Role(StrEnum):
    """The part somebody plays in a ticket."""

    REQUESTER = "requester"
    PARTICIPANT = "participant"
    AGENT = "agent"
    SYSTEM = "system"


class Trust(StrEnum):
    """How far the sender of a mail is proven."""

    VERIFIED = "verified"  # an aligned authentication result that we trust
    CLAIMED = "claimed"  # nothing speaks for or against the From
    FAILED = "failed"  # a trusted result says that the From is forged


class AgentRole(StrEnum):
    AGENT = "agent"
    MANAGER = "manager"
    ADMIN = "admin"


@dataclass(frozen=True, slots=True)
class Agent:
    name: str
    addresses: tuple[Address, ...]
    display: str = ""
    departments: tuple[str, ...] = ()
    role: AgentRole = AgentRole.AGENT
    timezone: str = ""
    quiet: str = ""  # "20:00-07:00" on their clock, "off", or "" for the helpdesk's
    pager: Address | None = None  # where a page of at most 160 characters reaches them

    @property
    def shown(self) -> str:
        return self.display or self.name

    @property
    def person(self) -> Person:
        """The agent at the address that notices go to: the first one on file."""
        return Person(self.addresses[0], self.shown)


@dataclass(frozen=True, slots=True)
class Team:
    name: str
    members: tuple[str, ...] = ()
    lead: str = ""


@dataclass(frozen=True, slots=True)
class Department:
    name: str
    address: Address | None = None
    manager: str = ""
    sla_plan: str = ""
    calendar: str = ""
    signature: str = ""
    relay: str = ""
    private: bool = False  # its tickets appear to its own people alone


@dataclass(frozen=True, slots=True)
class Organisation:
    """A customer with several people: everybody whose address is at one of its domains.

    A domain means itself alone; "*.client.example" means every domain below client.example, but not that one."""

    name: str
    domains: tuple[str, ...] = ()
    sla_plan: str = ""
    department: str = ""
    contacts: tuple[Address, ...] = ()  # people outside who read what is answered in all its tickets
    followers: tuple[str, ...] = ()  # agents who watch all its tickets
    monthly_report: bool = False


@lru_cache(maxsize=4096)
def name_key(name: str) -> str:
    """Names of agents, teams and departments match ignoring case, spaces, hyphens, underscores and dots."""
    return "".join(letter for letter in name.casefold() if letter not in " -_.\u00a0")


_Named = TypeVar("_Named", Agent, Team, Department, Rota)


@dataclass(frozen=True, slots=True)
class Directory:
    """Everybody the configuration names. Look-ups answer None when nobody fits."""

    agents: tuple[Agent, ...] = ()
    teams: tuple[Team, ...] = ()
    departments: tuple[Department, ...] = ()
    own_addresses: frozenset[Address] = frozenset()  # helpdesk.address, aliases, department addresses
    rotas: tuple[Rota, ...] = ()
    organisations: tuple[Organisation, ...] = ()
    _by_address: dict[Address, Agent] = field(init=False, repr=False, compare=False, default_factory=dict)
    _by_domain: dict[str, Organisation] = field(init=False, repr=False, compare=False, default_factory=dict)

    def __post_init__(self) -> None:
        for organisation in self.organisations:
            for domain in organisation.domains:
                self._by_domain.setdefault(ascii_lower(domain), organisation)
        for agent in self.agents:
            for address in agent.addresses:
                self._by_address.setdefault(address, agent)

    def agent(self, name: str) -> Agent | None:
        return _named(self.agents, name)

    def team(self, name: str) -> Team | None:
        return _named(self.teams, name)

    def department(self, name: str) -> Department | None:
        return _named(self.departments, name)

    def is_private(self, department: str) -> bool:
        """Is there a department of this name, and is what is in it for its own people alone?"""
        found = self.department(department)
        return found is not None and found.private

    def agent_at(self, address: Address) -> Agent | None:
        """The agent who owns this address."""
        return self._by_address.get(address)

    def organisation_of(self, address: Address) -> Organisation | None:
        """The organisation that this person belongs to: by the domain itself, else by the narrowest "*." above it."""
        if not self._by_domain or not self.is_outside(address):
            return None
        domain = ascii_lower(address.domain)
        labels = domain.split(".")
        above = (f"*.{'.'.join(labels[depth:])}" for depth in range(1, len(labels)))
        return next((self._by_domain[name] for name in (domain, *above) if name in self._by_domain), None)

    def is_own(self, address: Address) -> bool:
        """Is it one of our addresses?"""
        return belongs_to(address, self.own_addresses)

    def is_outside(self, address: Address) -> bool:
        """Is it neither ours nor an agent's?"""
        return not self.is_own(address) and self.agent_at(address) is None

    def rota(self, name: str) -> Rota | None:
        return _named(self.rotas, name)

    def agents_matching(self, words: str) -> tuple[Agent, ...]:
        """Everybody whom `words` may mean: an exact name, display name or address wins over a first name."""
        wanted = name_key(words)
        if not wanted:
            return ()
        exact = [
            agent
            for agent in self.agents
            if wanted in {name_key(agent.name), name_key(agent.display)}
            or words.strip().casefold() in {address.key for address in agent.addresses}
        ]
        if exact:
            return tuple(exact)
        return tuple(agent for agent in self.agents if wanted in {name_key(part) for part in agent.display.split()})

    def members(self, team: str) -> tuple[Agent, ...]:
        """The agents of a team, in the order of the configuration; empty for an unknown team."""
        found = self.team(team)
        return self._agents_named(found.members) if found else ()

    def agents_of(self, department: str) -> tuple[Agent, ...]:
        """The agents who work in a department."""
        wanted = name_key(department)
        return tuple(a for a in self.agents if any(name_key(name) == wanted for name in a.departments))

    def admins(self) -> tuple[Agent, ...]:
        return tuple(agent for agent in self.agents if agent.role is AgentRole.ADMIN)

    def _agents_named(self, names: Sequence[str]) -> tuple[Agent, ...]:
        return tuple(agent for name in names if (agent := self.agent(name)))


def _named(things: Iterable[_Named], name: str) -> _Named | None:
    wanted = name_key(name)
    return next((thing for thing in things if wanted and name_key(thing.name) == wanted), None)
