"""The office that the command tests play in: its people, plans and clock, and a ticket on somebody's desk."""

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from maild.domain.commands import Applied, Interpreted, Surroundings, apply_intents, judge, parse
from maild.domain.events import Actor, Opened
from maild.domain.people import Address, Agent, AgentRole, Department, Directory, Person, Role, Team
from maild.domain.ticket import Ticket, fold

# A Tuesday; in Berlin it is 10:30 in winter time.
NOW = datetime(2026, 11, 24, 9, 30, tzinfo=UTC)


def agent(name: str, display: str, role: AgentRole = AgentRole.AGENT) -> Agent:
    return Agent(name, (Address.of(f"{name}@acme.example"),), display, ("support",), role)


JANE = agent("jane", "Jane Doe")
JOHN = agent("john", "John Roe")
SAM_ODUYA = agent("samo", "Sam Oduya")
SAM_WEISS = agent("samw", "Sam Weiss")
BOOKER = agent("booker", "Booker Dean-DeWitt")

DIRECTORY = Directory(
    agents=(JANE, JOHN, SAM_ODUYA, SAM_WEISS, BOOKER),
    teams=(Team("online-banking", ("jane",), "jane"), Team("network", ("samo", "samw"))),
    departments=(Department("support"), Department("system-administrators"), Department("online-banking")),
)
SURROUNDINGS = Surroundings(DIRECTORY, ("sev-a", "sev-b", "sev-c", "default"), "Europe/Berlin", NOW, speaker=JOHN)
BY_JOHN = Actor(Role.AGENT, "john", "john@acme.example")


OPENED = Opened(
    at=NOW,
    requester=Person(Address.of("karen@client.example"), "Karen"),
    subject="The banking system is down",
    department="support",
    sla_plan="default",
    plan_source="default",
)


def ticket(**changes: Any) -> Ticket:
    """An open ticket of Karen's, new and nobody's, with some fields otherwise."""
    return replace(fold(42, (OPENED,)), **changes)


def judged(text: str, surroundings: Surroundings = SURROUNDINGS) -> Interpreted:
    """A mail's commands, read and resolved."""
    return judge(parse(text), surroundings)


def done(text: str, on: Ticket | None = None, surroundings: Surroundings = SURROUNDINGS) -> Applied:
    """What a mail without a problem does to a ticket."""
    found = judged(text, surroundings)
    assert found.problems == ()
    return apply_intents(on or ticket(), found.intents, BY_JOHN, NOW, surroundings)
