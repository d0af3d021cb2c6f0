"""Departments, teams and agents: from tables to the words of the ground floor, references resolved."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from maild.config.decode import Written
from maild.config.problems import Findings, Place
from maild.config.references import Names
from maild.config.settings import HelpdeskSettings
from maild.config.tables import AgentTable, DepartmentTable, TeamTable, TopicTable
from maild.domain.people.directory import Address, Agent, AgentRole, Department, Directory, Team

BUILT_IN_DEPARTMENT = "support"
# RFC 5321 4.5.3.1.1 allows 64 octets before the @, of which +T1000000r12345s1234.resolve.<16 characters> takes 44.
_SEALABLE = 20


@dataclass(frozen=True, slots=True)
class Known:
    """Every name that something may refer to."""

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
    helpdesk: Written[HelpdeskSettings] | None,
    departments: Sequence[Written[DepartmentTable]],
    teams: Sequence[Written[TeamTable]],
    agents: Sequence[Written[AgentTable]],
    topics: Sequence[Written[TopicTable]],
    known: Known,
    findings: Findings,
) -> Directory:
    """Who is who. Without a department there is one called "support", and an agent who names none is in the first."""
    built = [_department(written, known) for written in departments] or [Department(BUILT_IN_DEPARTMENT)]
    people = [_agent(written, known, built[0].name) for written in agents]
    owned = _own_addresses(helpdesk, departments, topics)
    directory = Directory(
        agents=tuple(people),
        teams=tuple(_team(written, known) for written in teams),
        departments=tuple(built),
        own_addresses=frozenset(own.address for own in owned),
    )
    _check_departments_differ(departments, findings)
    _check_private(departments, directory, findings)
    _check_agents(agents, {own.address: own.what for own in reversed(owned)}, findings)
    if helpdesk is None or helpdesk.table.plus_addressing:
        _warn_of_long_ones(owned, findings)
    _warn_of_silence(agents, findings)
    return directory


def _department(written: Written[DepartmentTable], known: Known) -> Department:
    table = written.table
    return Department(
        name=table.name,
        address=table.address,
        manager=known.agents.resolve(table.manager, written.at("manager"), "manager"),
        sla_plan=known.plans.resolve(table.sla_plan, written.at("sla_plan"), "sla_plan"),
        calendar=known.calendars.resolve(table.calendar, written.at("calendar"), "calendar"),
        signature=table.signature,
        relay=known.relays.resolve(table.relay, written.at("relay"), "relay"),
        private=table.private,
    )


def _team(written: Written[TeamTable], known: Known) -> Team:
    table = written.table
    return Team(
        name=table.name,
        members=_each(known.agents, table.members, written, "members"),
        lead=known.agents.resolve(table.lead, written.at("lead"), "lead"),
    )


def _agent(written: Written[AgentTable], known: Known, first_department: str) -> Agent:
    table = written.table
    return Agent(
        name=table.name,
        addresses=table.addresses,
        display=table.display,
        departments=_each(known.departments, table.departments, written, "departments")
        if "departments" in (written.node.table or {})
        else (first_department,),
        role=table.role,
        timezone=table.timezone,
        quiet=table.quiet,
        pager=table.pager,
    )


def _each(
    names: Names, words: Sequence[str], written: Written[AgentTable] | Written[TeamTable], key: str
) -> tuple[str, ...]:
    """The known ones of a list of names."""
    found = (names.resolve(word, written.at(key, index), key) for index, word in enumerate(words))
    return tuple(dict.fromkeys(name for name in found if name))


# -- addresses ----------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Own:
    """An address that is us."""

    address: Address
    place: Place
    what: str


def _own_addresses(
    helpdesk: Written[HelpdeskSettings] | None,
    departments: Iterable[Written[DepartmentTable]],
    topics: Iterable[Written[TopicTable]],
) -> list[_Own]:
    """Everything that mail reaches us by: of the helpdesk, of departments, and those that a topic waits for."""
    own: list[_Own] = []
    if helpdesk is not None:
        own.append(_Own(helpdesk.table.address, helpdesk.at("address"), "the helpdesk's address"))
        own += [
            _Own(alias, helpdesk.at("aliases", index), "an alias of the helpdesk")
            for index, alias in enumerate(helpdesk.table.aliases)
        ]
    for department in departments:
        if (address := department.table.address) is not None:
            own.append(_Own(address, department.at("address"), f"the address of {department.table.name!r}"))
    for topic in topics:
        if (address := topic.table.match.address) is not None:
            own.append(_Own(address, topic.at("match", "address"), f"the address of topic {topic.table.name!r}"))
    return own


def _check_agents(agents: Iterable[Written[AgentTable]], own: Mapping[Address, str], findings: Findings) -> None:
    """An agent at one of our addresses would be mailed to and read again; one at another's would speak for them."""
    taken: dict[Address, str] = {}
    for written in agents:
        if not written.table.addresses:
            findings.problem(written.at("addresses"), f"agent {written.table.name!r} has no address", "add one")
        pager = written.table.pager
        if pager is not None and pager in own:
            remedy = "a page would become a ticket: name the pager's own address"
            findings.problem(written.at("pager"), f"pager: {pager} is {own[pager]}", remedy)
        for index, address in enumerate(written.table.addresses):
            place = written.at("addresses", index)
            if address in own:
                remedy = "an agent needs an address of their own, or mail would go round in circles"
                findings.problem(place, f"{address} is {own[address]}", remedy)
            elif address in taken:
                message = f"{address} belongs to agent {taken[address]!r} already"
                findings.problem(place, message, "one agent per address")
            else:
                taken[address] = written.table.name


def _warn_of_long_ones(owned: Iterable[_Own], findings: Findings) -> None:
    for own in owned:
        if len(own.address.local) > _SEALABLE:
            findings.warning(
                own.place,
                f"{own.what} has over {_SEALABLE} characters before the @: reply addresses may pass the 64 allowed",
                "use a shorter address, or plus_addressing = false",
            )


def _check_departments_differ(departments: Sequence[Written[DepartmentTable]], findings: Findings) -> None:
    """Mail to an address that two departments share could go to either."""
    taken: dict[Address, str] = {}
    for written in departments:
        address = written.table.address
        if address in taken:
            findings.problem(
                written.at("address"),
                f"{address} belongs to department {taken[address]!r} already",
                "give each its own, or leave it out: mail to the helpdesk is sorted by topics and rules",
            )
        elif address is not None:
            taken[address] = written.table.name


def _check_private(departments: Sequence[Written[DepartmentTable]], directory: Directory, findings: Findings) -> None:
    """Mail to a private department without people would be seen by nobody at all."""
    for written in departments:
        table = written.table
        if table.private and not table.manager and not directory.agents_of(table.name):
            message = f"the private department {table.name!r} has no people: nobody could see its tickets"
            findings.problem(written.at("private"), message, "name a manager, or put agents into it")


def _warn_of_silence(agents: Sequence[Written[AgentTable]], findings: Findings) -> None:
    if not agents:
        findings.warning(
            findings.top, "no [[agent]]: nobody hears of tickets", "add an [[agent]] with name and addresses"
        )
    elif not any(written.table.role is AgentRole.ADMIN for written in agents):
        findings.warning(
            agents[0].at(),
            "no agent is an admin: an escalation that finds nobody else would be heard by nobody",
            'give one agent role = "admin"',
        )
