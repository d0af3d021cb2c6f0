"""The office that mails are judged in: its people, one ticket of Karen's, and the marks that were given out for it."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from maild.domain.intake.classify import Classification, MailClass
from maild.domain.intake.decide import Case
from maild.domain.intake.route import Carrier, Facts, Holder, Route, RouteKind
from maild.domain.intake.rules import Filing
from maild.domain.messages.message import Envelope, Evidence, InboundMessage
from maild.domain.messages.reply_tokens import Key, KeyRing, Scope, Sealed, message_id, root_id, seal, subject_token
from maild.domain.people.directory import Address, Agent, AgentRole, Department, Directory, Person, Role, Team, Trust
from maild.domain.policy import Policy
from maild.domain.sla.standing import Plan
from maild.domain.tickets import events
from maild.domain.tickets.events import Actor, Opened
from maild.domain.tickets.ticket import Participant, Ticket, fold
from tests.domain.known import NOTHING_FOUND

NOW = datetime(2026, 5, 4, 9, 30, tzinfo=UTC)
RING = KeyRing((Key("a", b"a secret of at least sixteen characters"),))
BASE = Address.of("support@acme.example")
DOMAIN = "acme.example"


def person(text: str, name: str = "") -> Person:
    return Person(Address.of(text), name)


KAREN = person("karen@client.example", "Karen Hill")
EVE = person("eve@client.example", "Eve")  # takes part in Karen's ticket
MALLORY = person("mallory@evil.example", "Mallory")
WATCHER = person("pager@client.example")  # an address that SLA steps name


def agent(name: str, *departments: str, role: AgentRole = AgentRole.AGENT, display: str = "") -> Agent:
    return Agent(name, (Address.of(f"{name}@acme.example"),), display, departments, role)


JANE = agent("jane", "support", display="Jane Doe")
JOHN = agent("john", "support")
JOE = agent("joe", "sysadmins")
MARY = agent("mary", role=AgentRole.ADMIN)
DIRECTORY = Directory(
    agents=(JANE, JOHN, JOE, MARY),
    teams=(Team("banking", ("jane", "joe"), "jane"),),
    departments=(
        Department("support", manager="mary"),
        Department("sysadmins", Address.of("sysadmins@acme.example"), sla_plan="sev-c"),
    ),
    own_addresses=frozenset({BASE, Address.of("sysadmins@acme.example")}),
)
POLICY = Policy(
    helpdesk_name="Acme Support",
    directory=DIRECTORY,
    plans={name: Plan(name) for name in ("sev-a", "sev-b", "sev-c", "default")},
    default_department="support",
    priority_plans={"emergency": "sev-a"},
)

OPENED = Opened(
    at=NOW - timedelta(hours=1),
    by=Actor(Role.REQUESTER, address="karen@client.example"),
    entry=1,
    requester=KAREN,
    subject="Printer on fire",
    department="support",
    sla_plan="default",
    plan_source="default",
)


def ticket(number: int = 42, **changes: Any) -> Ticket:
    """Karen's open ticket, in which Eve takes part, with some fields otherwise."""
    return replace(fold(number, (OPENED,)), **({"participants": (Participant(EVE, "cc"),)} | changes))


HOLDERS = {
    1: Holder(KAREN.address, 1),
    2: Holder(JANE.addresses[0], 1, "jane"),
    3: Holder(JOHN.addresses[0], 1, "john"),
    4: Holder(EVE.address, 1),
    5: Holder(WATCHER.address, 1),
    6: Holder(Address.of("gone@acme.example"), 1, "gone"),  # an agent who left
}
TICKETS = {42: ticket(), 43: ticket(43, requester=MALLORY, participants=())}
FACTS = Facts(tickets=TICKETS, holders=HOLDERS, tickets_of_ids={"<karens@client.example>": 42})


def reply_address(scope: Scope, recipient: int, number: int = 42, seq: int = 1, epoch: int = 1) -> Address:
    return seal(RING, BASE, Sealed("", number, scope, recipient, seq), epoch)


def own_id(scope: Scope, recipient: int, number: int = 42, seq: int = 1) -> str:
    return message_id(RING, Sealed("", number, scope, recipient, seq), 7, DOMAIN)


ROOT = root_id(RING, 42, DOMAIN)
TOKEN = f"[#{subject_token(RING, 42)}]"


def mail(sender: Person | Agent | None = KAREN, text: str = "It burns.", **fields: Any) -> InboundMessage:
    """A mail as it was read. `to` may hold addresses."""
    who = sender.person if isinstance(sender, Agent) else sender
    to = fields.pop("to", (BASE,))
    values: dict[str, Any] = {
        "sha256": "0" * 64,
        "size": 100,
        "from_header": f"{who.name} <{who.address}>" if who else "",
        "to": tuple(p if isinstance(p, Person) else Person(p) for p in to),
        "subject": "Printer on fire",
        "message_id": "<new@client.example>",
        "text": text,
        "new_text": text,
        "sameness": "1" * 64,
    }
    return InboundMessage(sender=who, **(values | fields))


ENVELOPE = Envelope()
NOTHING_KNOWN = Route(RouteKind.NEW, "nothing in the mail leads to a ticket")


def led(
    scope: Scope | None,
    carrier: Carrier = Carrier.REPLY_ADDRESS,
    verdict: RouteKind = RouteKind.REPLY,
    number: int = 42,
) -> Route:
    """A route to Karen's ticket."""
    reason = "token-from-another-address" if verdict is RouteKind.HELD else "the mark was given to this sender"
    return Route(verdict, reason, carrier, number, scope, 1)


def kind(mail_class: MailClass = MailClass.PERSON, answerable: bool | None = None) -> Classification:
    able = mail_class is MailClass.PERSON if answerable is None else answerable
    return Classification(mail_class, "a-rule", f"it is {mail_class}", able)


def case(
    message: InboundMessage | None = None,
    route: Route = NOTHING_KNOWN,
    mail_class: MailClass = MailClass.PERSON,
    trust: Trust = Trust.VERIFIED,
    **more: Any,
) -> Case:
    """What is known of a mail when it is decided; the ticket follows from the route."""
    values: dict[str, Any] = {
        "inbound": 9,
        "message": message or mail(),
        "classification": kind(mail_class),
        "evidence": Evidence(trust, f"the sender is {trust}"),
        "route": route,
        "filing": Filing(),
        "policy": POLICY,
        "now": NOW,
        "at": NOW,
        "ticket": TICKETS.get(route.ticket or 0),
        "lookups": NOTHING_FOUND,
    }
    return Case(**(values | more))


def kinds(facts: tuple[events.Event, ...]) -> list[str]:
    return [fact.kind for fact in facts]
