"""Builds organisations from their tables. Reports domains that would put strangers into one organisation."""

from __future__ import annotations

from collections.abc import Iterable

from maild.config.decode import ParsedTable
from maild.config.people import KnownNames
from maild.config.problems import Diagnostics, Place
from maild.config.tables import OrganisationTable
from maild.config.values import DomainMask, read_address
from maild.domain.people.directory import Address, Directory, Organisation

# Mail providers where anybody can have an address. People with such a domain do not belong together.
FREE_MAIL = frozenset(
    (
        "aol.com bluewin.ch btinternet.com comcast.net email.com fastmail.com free.fr freenet.de gmail.com gmx.at"
        " gmx.ch gmx.com gmx.de gmx.net googlemail.com hey.com hotmail.com hotmail.co.uk hotmail.de hotmail.fr"
        " icloud.com laposte.net libero.it live.com mac.com mail.com mail.ru mailbox.org me.com msn.com naver.com o2.pl"
        " orange.fr outlook.com outlook.de pm.me posteo.de proton.me protonmail.com qq.com rediffmail.com seznam.cz"
        " t-online.de tutanota.com wanadoo.fr web.de wp.pl yahoo.co.uk yahoo.com yahoo.de yahoo.fr yandex.ru ymail.com"
        " zoho.com 126.com 163.com"
    ).split()
)


def build_organisations(
    tables: Iterable[ParsedTable[OrganisationTable]], known: KnownNames, directory: Directory, diagnostics: Diagnostics
) -> tuple[Organisation, ...]:
    """Return the organisations in their order. A domain belongs to one organisation only."""
    taken: dict[str, Place] = {}
    built = []
    for parsed in tables:
        if not parsed.node.has_value("domains"):
            diagnostics.problem(parsed.at(), "[[organisation]] has no domains", 'add domains = ["client.example"]')
        domains = [_domain(domain, parsed.at("domains", i), taken, diagnostics) for i, domain in _domains(parsed)]
        built.append(_organisation(parsed, tuple(filter(None, domains)), known, directory, diagnostics))
    return tuple(built)


def _domains(parsed: ParsedTable[OrganisationTable]) -> Iterable[tuple[int, DomainMask]]:
    return enumerate(parsed.table.domains)


def _domain(domain: DomainMask, place: Place, taken: dict[str, Place], diagnostics: Diagnostics) -> str:
    """Return the domain; "" after reporting one that no organisation can have."""
    if domain.removeprefix("*.") in FREE_MAIL:
        remedy = "remove it, otherwise strangers would see each other's tickets"
        diagnostics.problem(place, f"domains: anybody can have an address at {domain}", remedy)
        return ""
    if domain in taken:
        message = f"domains: {domain} belongs to the organisation at {taken[domain]} already"
        diagnostics.problem(place, message, "name each domain once")
        return ""
    taken[domain] = place
    return domain


def _organisation(
    parsed: ParsedTable[OrganisationTable],
    domains: tuple[str, ...],
    known: KnownNames,
    directory: Directory,
    diagnostics: Diagnostics,
) -> Organisation:
    table = parsed.table
    contacts: list[Address] = []
    followers: list[str] = []
    for index, word in enumerate(table.contacts):
        place = parsed.at("contacts", index)
        contact = _contact(word, place, known, directory, diagnostics)
        if isinstance(contact, Address):
            contacts.append(contact)
        elif contact:
            followers.append(contact)
    return Organisation(
        name=table.name,
        domains=domains,
        sla_plan=known.plans.resolve(table.sla_plan, parsed.at("sla_plan"), "sla_plan"),
        department=known.departments.resolve(table.department, parsed.at("department"), "department"),
        contacts=tuple(dict.fromkeys(contacts)),
        followers=tuple(dict.fromkeys(followers)),
        monthly_report=table.monthly_report,
    )


def _contact(
    word: str, place: Place, known: KnownNames, directory: Directory, diagnostics: Diagnostics
) -> Address | str:
    """Return the address of somebody outside or the name of an agent; "" after reporting neither."""
    if "@" not in word:
        return known.agents.resolve(word, place, "contacts")
    try:
        address = read_address(word)
    except ValueError as error:
        diagnostics.problem(place, f"contacts: {error}")
        return ""
    if directory.is_own(address):
        diagnostics.problem(place, f"contacts: {address} is our own address", "name a person's address")
        return ""
    agent = directory.agent_at(address)
    return agent.name if agent else address
