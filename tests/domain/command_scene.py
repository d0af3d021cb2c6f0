"""The office that the command tests play in: its people, plans and clock, and a ticket on somebody's desk."""

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from maild.domain.commands.apply import VERBS, Applied, Interpreted, Surroundings, Verb, apply_intents, judge, parse
from maild.domain.decision import EntryDraft
from maild.domain.lookups import Leaving, Written
from maild.domain.people.directory import Address, Agent, AgentRole, Department, Directory, Person, Role, Team
from maild.domain.tickets.events import Actor, Opened, Replied
from maild.domain.tickets.ticket import EntryKind, Ticket, fold
from maild.domain.times.calendars import Calendar, Span
from tests.domain.known import Canned, Else, lookups, record

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
    own_addresses=frozenset({Address.of("support@acme.example")}),
)
OFFICE = Calendar("office", "Europe/Berlin", ((Span(540, 1020),),) * 5 + ((), ()))  # Monday to Friday 09:00-17:00
KAREN = Person(Address.of("karen@client.example"), "Karen")
BOB = Person(Address.of("bob@client.example"), "Bob")
EVE = Person(Address.of("eve@client.example"), "Eve")
BY_KAREN = Actor(Role.REQUESTER, address="karen@client.example")
BY_JOHN = Actor(Role.AGENT, "john", "john@acme.example")
BY_JANE = Actor(Role.AGENT, "jane", "jane@acme.example")

OPENED = Opened(
    at=NOW,
    requester=KAREN,
    subject="The banking system is down",
    department="support",
    sla_plan="default",
    plan_source="default",
)
OPENED_BY_BOB = replace(OPENED, requester=BOB, subject="Nobody can pay")
LAST_WORDS = EntryDraft(
    kind=EntryKind.MESSAGE,
    author=BY_KAREN,
    author_name="Karen",
    text="And the second printer smokes.",
    message_id="<1@client.example>",
    inbound=9,
)
CANNED = {"reboot": "Please start {host} again.", "thanks": "Thank you for the hint."}


def ticket(**changes: Any) -> Ticket:
    """An open ticket of Karen's, new and nobody's, with some fields otherwise."""
    return replace(fold(42, (OPENED,)), **changes)


RECORDS = {
    17: record(17, (1, (OPENED_BY_BOB,))),
    42: record(42, (1, (OPENED,)), (2, (Replied(at=NOW, by=BY_JOHN, entry=5),))),
}
LOOKUPS = lookups(
    records=Else(None, RECORDS),
    threads=Else(Written(last_message=LAST_WORDS)),
    mails=Else(Leaving(stoppable=frozenset({5}))),
    texts=Canned(CANNED, host="it"),
    derivations=Else(("Plan default", "due on Friday")),
)
SURROUNDINGS = Surroundings(
    DIRECTORY,
    ("sev-a", "sev-b", "sev-c", "default"),
    "Europe/Berlin",
    NOW,
    speaker=JOHN,
    ticket=ticket(),
    lookups=LOOKUPS,
    calendar=OFFICE,
)
FRESH = replace(SURROUNDINGS, ticket=None)  # a mail that answers nothing


def home_of(verb: Verb[Any]) -> Surroundings:
    """Surroundings in which a verb makes sense."""
    return SURROUNDINGS if verb.where.fits(SURROUNDINGS.ticket) else FRESH


# Every example of every verb that can be said of a ticket.
LINES = [
    f"!{verb.name} {example}".rstrip() for verb in VERBS if home_of(verb) is SURROUNDINGS for example in verb.examples
]


def judged(text: str, surroundings: Surroundings = SURROUNDINGS) -> Interpreted:
    """A mail's commands, read and resolved."""
    return judge(parse(text), surroundings)


def done(text: str, on: Ticket | None = None, surroundings: Surroundings = SURROUNDINGS) -> Applied:
    """What a mail without a problem does to a ticket."""
    if surroundings.ticket is not None:
        surroundings = replace(surroundings, ticket=on or ticket())
    found = judged(text, surroundings)
    assert found.problems == ()
    return apply_intents(on or ticket(), found.intents, BY_JOHN, NOW, surroundings)
