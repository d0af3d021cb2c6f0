"""Who is who: addresses, people, agents, teams and departments, and how well a sender is authenticated."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from functools import lru_cache
from typing import TypeVar

from maild.domain.people.rotas import Rota

_ASCII_LOWER = {upper: upper + 32 for upper in range(ord("A"), ord("Z") + 1)}


def ascii_lower(text: str) -> str:
    """Return `text` with only A-Z in lower case. `str.lower` would turn U+212A into k, and two people into one."""
    return text.translate(_ASCII_LOWER)


@dataclass(frozen=True, slots=True, eq=False)
class Address:
    """An addr-spec (RFC 5322 3.4.1): the local part as written, the domain as A-label. Addresses with equal keys
    are equal."""

    local: str
    domain: str

    @property
    def key(self) -> str:
        """What identifies the mailbox: the local part with ASCII in lower case, and the domain in lower case."""
        return f"{ascii_lower(self.local)}@{ascii_lower(self.domain)}"

    @classmethod
    def of(cls, text: str) -> Address:
        """Return the address of an already checked `local@domain`. Raises ValueError without an @."""
        local, at, domain = text.strip().rpartition("@")
        if not at or not local or not domain:
            raise ValueError(f"{text!r} is not an address: expected local@domain")
        return cls(local, ascii_lower(domain))

    @classmethod
    def read(cls, text: str) -> Address | None:
        """Return the address in a text of any origin; None when the text is no address."""
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
    """An address and the name of its owner ("" when unknown)."""

    address: Address
    name: str = ""

    @property
    def shown(self) -> str:
        """The name; without one the address."""
        return self.name or str(self.address)


def belongs_to(address: Address, own: Collection[Address]) -> bool:
    """Tell whether it is one of these addresses, alone or with a subaddress after a plus (RFC 5233)."""
    local, plus, _ = address.local.rpartition("+")
    return address in own or (bool(plus) and Address(local, address.domain) in own)


class Role(StrEnum):
    """The part that somebody plays in a ticket."""

    REQUESTER = "requester"
    PARTICIPANT = "participant"
    AGENT = "agent"
    SYSTEM = "system"


class Trust(StrEnum):
    """How well the sender of a mail is authenticated."""

    VERIFIED = "verified"  # an aligned authentication result that we trust
    CLAIMED = "claimed"  # nothing speaks for or against the From
    FAILED = "failed"  # a trusted result says that the From is forged


class AgentRole(StrEnum):
    """What an agent may do: admins change the helpdesk, managers read reports of their departments."""

    AGENT = "agent"
    MANAGER = "manager"
    ADMIN = "admin"


@dataclass(frozen=True, slots=True)
class Agent:
    """Somebody who works on tickets. Mails of theirs come from one of `addresses`; notices go to the first one."""

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
        """The display name; without one the short name."""
        return self.display or self.name

    @property
    def person(self) -> Person:
        """The agent as a person at the address that notices go to: the first one on file."""
        return Person(self.addresses[0], self.shown)


@dataclass(frozen=True, slots=True)
class Team:
    """Agents who share tickets, by name. `lead` gets the team's digest."""

    name: str
    members: tuple[str, ...] = ()
    lead: str = ""


@dataclass(frozen=True, slots=True)
class Department:
    """A part of the helpdesk with its own address, people, SLA plan and calendar. "" means the helpdesk's default."""

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
    """A customer with several people: everybody with an address at one of its domains.

    A domain means only itself. "*.client.example" means every domain below client.example, but not
    client.example."""

    name: str
    domains: tuple[str, ...] = ()
    sla_plan: str = ""
    department: str = ""
    contacts: tuple[Address, ...] = ()  # people outside who read what is answered in all its tickets
    followers: tuple[str, ...] = ()  # agents who watch all its tickets
    monthly_report: bool = False


@lru_cache(maxsize=4096)
def name_key(name: str) -> str:
    """Return a name as it is compared: agents, teams and departments match without case, spaces, hyphens, _ and
    dots."""
    return "".join(letter for letter in name.casefold() if letter not in " -_.\u00a0")


_Named = TypeVar("_Named", Agent, Team, Department, Rota)


@dataclass(frozen=True, slots=True)
class Directory:
    """Everybody in the configuration. Look-ups return None when nobody fits."""

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
        """Return the agent of this name."""
        return _named(self.agents, name)

    def team(self, name: str) -> Team | None:
        """Return the team of this name."""
        return _named(self.teams, name)

    def department(self, name: str) -> Department | None:
        """Return the department of this name."""
        return _named(self.departments, name)

    def is_private(self, department: str) -> bool:
        """Tell whether the department of this name shows its tickets to its own people only."""
        found = self.department(department)
        return found is not None and found.private

    def agent_at(self, address: Address) -> Agent | None:
        """Return the agent who owns this address."""
        return self._by_address.get(address)

    def organisation_of(self, address: Address) -> Organisation | None:
        """Return the organisation of this address: by its own domain, else by the narrowest "*." above it."""
        if not self._by_domain or not self.is_outside(address):
            return None
        domain = ascii_lower(address.domain)
        labels = domain.split(".")
        above = (f"*.{'.'.join(labels[depth:])}" for depth in range(1, len(labels)))
        return next((self._by_domain[name] for name in (domain, *above) if name in self._by_domain), None)

    def is_own(self, address: Address) -> bool:
        """Tell whether it is one of the helpdesk's addresses."""
        return belongs_to(address, self.own_addresses)

    def is_outside(self, address: Address) -> bool:
        """Tell whether it is neither one of the helpdesk's addresses nor an agent's."""
        return not self.is_own(address) and self.agent_at(address) is None

    def rota(self, name: str) -> Rota | None:
        """Return the rota of this name."""
        return _named(self.rotas, name)

    def agents_matching(self, words: str) -> tuple[Agent, ...]:
        """Return everybody whom `words` may mean. An exact name, display name or address wins over a first name."""
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
        """Return the agents of a team in the order of the configuration; () for an unknown team."""
        found = self.team(team)
        return self._agents_named(found.members) if found else ()

    def agents_of(self, department: str) -> tuple[Agent, ...]:
        """Return the agents who work in a department."""
        wanted = name_key(department)
        return tuple(a for a in self.agents if any(name_key(name) == wanted for name in a.departments))

    def admins(self) -> tuple[Agent, ...]:
        """Return the agents with the role of admin."""
        return tuple(agent for agent in self.agents if agent.role is AgentRole.ADMIN)

    def _agents_named(self, names: Sequence[str]) -> tuple[Agent, ...]:
        return tuple(agent for name in names if (agent := self.agent(name)))


def _named(things: Iterable[_Named], name: str) -> _Named | None:
    wanted = name_key(name)
    return next((thing for thing in things if wanted and name_key(thing.name) == wanted), None)
