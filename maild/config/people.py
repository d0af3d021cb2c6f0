"""Builds departments, teams and agents from their tables, and resolves references between them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from maild.config.decode import ParsedTable
from maild.config.problems import Diagnostics, Place
from maild.config.references import Names
from maild.config.settings import HelpdeskSettings
from maild.config.tables import AgentTable, DepartmentTable, TeamTable, TopicTable
from maild.domain.people.directory import Address, Agent, AgentRole, Department, Directory, Team

BUILT_IN_DEPARTMENT = "support"
# RFC 5321 4.5.3.1.1 allows 64 octets before the @. The suffix +T1000000r12345s1234.resolve.<16 characters> takes 44.
_LONGEST_LOCAL_PART = 20


@dataclass(frozen=True, slots=True)
class KnownNames:
    """The names that other tables may refer to."""

    agents: Names
    teams: Names
    departments: Names
    topics: Names
    plans: Names
    calendars: Names
    rotas: Names
    relays: Names
    mailboxes: Names
    organisations: Names


def build_directory(
    helpdesk: ParsedTable[HelpdeskSettings] | None,
    departments: Sequence[ParsedTable[DepartmentTable]],
    teams: Sequence[ParsedTable[TeamTable]],
    agents: Sequence[ParsedTable[AgentTable]],
    topics: Sequence[ParsedTable[TopicTable]],
    known: KnownNames,
    diagnostics: Diagnostics,
) -> Directory:
    """Return the directory of people.

    Without a department there is one called "support". An agent without departments belongs to the first one."""
    built = [_department(parsed, known) for parsed in departments] or [Department(BUILT_IN_DEPARTMENT)]
    people = [_agent(parsed, known, built[0].name) for parsed in agents]
    owned = _own_addresses(helpdesk, departments, topics)
    directory = Directory(
        agents=tuple(people),
        teams=tuple(_team(parsed, known) for parsed in teams),
        departments=tuple(built),
        own_addresses=frozenset(own.address for own in owned),
    )
    _check_departments_differ(departments, diagnostics)
    _check_private(departments, directory, diagnostics)
    _check_agents(agents, {own.address: own.what for own in reversed(owned)}, diagnostics)
    if helpdesk is None or helpdesk.table.plus_addressing:
        _warn_of_long_addresses(owned, diagnostics)
    _warn_of_missing_people(agents, diagnostics)
    return directory


def _department(parsed: ParsedTable[DepartmentTable], known: KnownNames) -> Department:
    table = parsed.table
    return Department(
        name=table.name,
        address=table.address,
        manager=known.agents.resolve(table.manager, parsed.at("manager"), "manager"),
        sla_plan=known.plans.resolve(table.sla_plan, parsed.at("sla_plan"), "sla_plan"),
        calendar=known.calendars.resolve(table.calendar, parsed.at("calendar"), "calendar"),
        signature=table.signature,
        relay=known.relays.resolve(table.relay, parsed.at("relay"), "relay"),
        private=table.private,
    )


def _team(parsed: ParsedTable[TeamTable], known: KnownNames) -> Team:
    table = parsed.table
    return Team(
        name=table.name,
        members=_each(known.agents, table.members, parsed, "members"),
        lead=known.agents.resolve(table.lead, parsed.at("lead"), "lead"),
    )


def _agent(parsed: ParsedTable[AgentTable], known: KnownNames, first_department: str) -> Agent:
    table = parsed.table
    return Agent(
        name=table.name,
        addresses=table.addresses,
        display=table.display,
        departments=_each(known.departments, table.departments, parsed, "departments")
        if "departments" in (parsed.node.table or {})
        else (first_department,),
        role=table.role,
        timezone=table.timezone,
        quiet=table.quiet,
        pager=table.pager,
    )


def _each(
    names: Names, words: Sequence[str], parsed: ParsedTable[AgentTable] | ParsedTable[TeamTable], key: str
) -> tuple[str, ...]:
    """Return the names of a list that exist; others are reported."""
    found = (names.resolve(word, parsed.at(key, index), key) for index, word in enumerate(words))
    return tuple(dict.fromkeys(name for name in found if name))


# -- addresses ----------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _OwnAddress:
    """An address that belongs to the helpdesk."""

    address: Address
    place: Place
    what: str


def _own_addresses(
    helpdesk: ParsedTable[HelpdeskSettings] | None,
    departments: Iterable[ParsedTable[DepartmentTable]],
    topics: Iterable[ParsedTable[TopicTable]],
) -> list[_OwnAddress]:
    """Return all addresses at which mail reaches us: of the helpdesk, of departments and of topics."""
    own: list[_OwnAddress] = []
    if helpdesk is not None:
        own.append(_OwnAddress(helpdesk.table.address, helpdesk.at("address"), "the helpdesk's address"))
        own += [
            _OwnAddress(alias, helpdesk.at("aliases", index), "an alias of the helpdesk")
            for index, alias in enumerate(helpdesk.table.aliases)
        ]
    for department in departments:
        if (address := department.table.address) is not None:
            own.append(_OwnAddress(address, department.at("address"), f"the address of {department.table.name!r}"))
    for topic in topics:
        if (address := topic.table.match.address) is not None:
            own.append(_OwnAddress(address, topic.at("match", "address"), f"the address of topic {topic.table.name!r}"))
    return own


def _check_agents(
    agents: Iterable[ParsedTable[AgentTable]], own: Mapping[Address, str], diagnostics: Diagnostics
) -> None:
    """Report agents with a wrong address.

    Mail to an agent at one of our addresses would come back to us. An agent with another agent's address could act for
    them."""
    taken: dict[Address, str] = {}
    for parsed in agents:
        if not parsed.table.addresses:
            diagnostics.problem(parsed.at("addresses"), f"agent {parsed.table.name!r} has no address", "add one")
        pager = parsed.table.pager
        if pager is not None and pager in own:
            remedy = "name the pager's own address, otherwise each page would open a ticket"
            diagnostics.problem(parsed.at("pager"), f"pager: {pager} is {own[pager]}", remedy)
        for index, address in enumerate(parsed.table.addresses):
            place = parsed.at("addresses", index)
            if address in own:
                remedy = "give the agent an address of their own, otherwise mail would loop"
                diagnostics.problem(place, f"{address} is {own[address]}", remedy)
            elif address in taken:
                message = f"{address} belongs to agent {taken[address]!r} already"
                diagnostics.problem(place, message, "give each agent an address of their own")
            else:
                taken[address] = parsed.table.name


def _warn_of_long_addresses(owned: Iterable[_OwnAddress], diagnostics: Diagnostics) -> None:
    for own in owned:
        if len(own.address.local) > _LONGEST_LOCAL_PART:
            diagnostics.warning(
                own.place,
                f"{own.what} has over {_LONGEST_LOCAL_PART} characters before the @: reply addresses may be too long",
                "use a shorter address, or plus_addressing = false",
            )


def _check_departments_differ(departments: Sequence[ParsedTable[DepartmentTable]], diagnostics: Diagnostics) -> None:
    """Report two departments with the same address."""
    taken: dict[Address, str] = {}
    for parsed in departments:
        address = parsed.table.address
        if address in taken:
            diagnostics.problem(
                parsed.at("address"),
                f"{address} belongs to department {taken[address]!r} already",
                "give each department its own address, or leave it out and sort mail with topics and rules",
            )
        elif address is not None:
            taken[address] = parsed.table.name


def _check_private(
    departments: Sequence[ParsedTable[DepartmentTable]], directory: Directory, diagnostics: Diagnostics
) -> None:
    """Report a private department without people: nobody could see its tickets."""
    for parsed in departments:
        table = parsed.table
        if table.private and not table.manager and not directory.agents_of(table.name):
            message = f"the private department {table.name!r} has no people, so nobody could see its tickets"
            diagnostics.problem(parsed.at("private"), message, "name a manager, or add agents")


def _warn_of_missing_people(agents: Sequence[ParsedTable[AgentTable]], diagnostics: Diagnostics) -> None:
    if not agents:
        diagnostics.warning(
            diagnostics.top, "no [[agent]]: nobody is notified of tickets", "add an [[agent]] with name and addresses"
        )
    elif not any(parsed.table.role is AgentRole.ADMIN for parsed in agents):
        diagnostics.warning(
            agents[0].at(),
            "no agent is an admin, so an escalation without other recipients reaches nobody",
            'give one agent role = "admin"',
        )
