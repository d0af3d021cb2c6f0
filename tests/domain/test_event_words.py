"""Every kind of event can be said in words; receipts, notices and threads say it alike."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from maild.domain.people.directory import Address, Agent, Department, Directory, Person, Role
from maild.domain.tickets import events
from maild.domain.tickets.event_words import notice_line, receipt_lines, thread_line
from maild.domain.tickets.events import KINDS, Actor, Event
from tests.domain.command_scene import ticket

AT = datetime(2026, 5, 4, 9, 0, tzinfo=UTC)
JANE = Agent("jane", (Address.of("jane@acme.example"),), display="Jane Doe")
PEOPLE = Directory((JANE,), (Department("support"),))
LOST = "a mail to bob@client.example could not be delivered"
BOB = Person(Address.of("bob@client.example"), "Bob")

FIELDS: dict[str, Any] = {
    "requester": BOB,
    "person": BOB,
    "subject": "Printer",
    "department": "support",
    "status": "waiting",
    "previous": "open",
    "assignee": "jane",
    "team": "hardware",
    "priority": "high",
    "sla_plan": "sev-a",
    "ticket": 7,
    "into": 8,
    "until": AT + timedelta(days=1),
    "due_at": AT,
    "target": "first-response",
    "ends_at": AT,
    "agent": "jane",
    "level": "watch",
    "draft": 3,
    "reason": "somebody answered meanwhile",
    "settled_as": "sent",
    "reply": 4,
    "first": 1,
    "last": 2,
    "rating": "good",
    "cycle": 0,
    "step": "50%",
    "instant": AT,
    "recipient": "bob@client.example",
    "permanent": True,
    "sender": "eve@elsewhere.example",
    "inbound": 5,
}


def made(kind: type[Event], **own: Any) -> Event:
    known = {name: FIELDS[name] for name in kind.__dataclass_fields__ if name in FIELDS} | own
    if kind is events.DueSet or kind is events.DeadlineMoved:
        known["previous"] = None
    return kind(at=AT, by=Actor(Role.AGENT, "jane"), **known)


def test_every_kind_of_event_is_a_line_of_words_and_no_record():
    wrong = []
    for kind in KINDS.values():
        line = thread_line(made(kind), PEOPLE, UTC)
        if (
            not line.startswith("Mon 2026-05-04 09:00 UTC  ")
            or not line.endswith(" (jane)")
            or "'" in line
            or "None" in line
        ):
            wrong.append(line)
    assert wrong == []


def test_every_kind_has_words_of_its_own_but_the_undo():
    without = {
        name for name, kind in KINDS.items() if f"  {name.replace('-', ' ')} (" in thread_line(made(kind), PEOPLE, UTC)
    }
    assert without == {"undone"}


@pytest.mark.parametrize(
    ("event", "receipt", "notice"),
    [
        (made(events.PriorityChanged, previous="low"), ["priority: low -> high"], "priority low -> high"),
        (
            made(events.StatusChanged, until=None),
            ["status: open -> waiting"],
            "status open -> waiting",
        ),
        (
            made(events.Assigned),
            ["team: none -> hardware", "assignee: nobody -> Jane Doe"],
            "assigned to Jane Doe, team hardware",
        ),
        (
            made(events.Bounced),
            ["a mail to bob@client.example could not be delivered"],
            "a mail to bob@client.example could not be delivered",
        ),
        (made(events.PlanChanged, previous="sev-a"), ["SLA plan: sev-a, now fixed by command"], ""),
        (made(events.Linked), ["links: +7"], ""),
        (made(events.Undone), [], ""),
    ],
)
def test_receipts_and_notices_tell_the_same_change(event: Event, receipt: list[str], notice: str):
    assert receipt_lines(event, ticket(), PEOPLE, UTC) == receipt
    assert notice_line(event, PEOPLE, UTC) == notice
