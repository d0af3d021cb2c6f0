"""One fact of every kind with the record that it has in databases, and a ticket's life made of such facts."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from maild.domain.people.directory import Address, Person, Role
from maild.domain.tickets import events
from maild.domain.tickets.events import Actor, Event

START = datetime(2026, 5, 4, 9, 0, tzinfo=UTC)
KAREN = Person(Address.of("karen@client.example"), "Karen Hill")
EVE = Person(Address.of("eve@client.example"))
BOSS = Person(Address.of("boss@client.example"))
BY_KAREN = Actor(Role.REQUESTER, address="karen@client.example")
BY_JANE = Actor(Role.AGENT, "jane", "jane@acme.example")
_KAREN = {"address": "karen@client.example", "name": "Karen Hill"}
_EVE = {"address": "eve@client.example", "name": ""}


def at(minutes: float) -> datetime:
    return START + timedelta(minutes=minutes)


OPENED = events.Opened(
    at=START,
    by=BY_KAREN,
    entry=1,
    requester=KAREN,
    subject="Printer on fire",
    department="support",
    priority="high",
    sla_plan="sev-b",
    plan_source="topic",
    team="banking",
    assignee="jane",
    topic="hardware",
    tags=("vip",),
    links=(7,),
    participants=(EVE,),
    automatic=True,
)

EXAMPLES: dict[str, tuple[Event, dict[str, Any]]] = {
    "opened": (
        replace(OPENED, contacts=(BOSS,), watchers=("mary",)),
        {
            "requester": _KAREN,
            "subject": "Printer on fire",
            "department": "support",
            "priority": "high",
            "sla_plan": "sev-b",
            "plan_source": "topic",
            "team": "banking",
            "assignee": "jane",
            "topic": "hardware",
            "tags": ["vip"],
            "links": [7],
            "participants": [_EVE],
            "automatic": True,
            "join_key": "",
            "contacts": [{"address": "boss@client.example", "name": ""}],
            "watchers": ["mary"],
        },
    ),
    "message-received": (
        events.MessageReceived(at=at(1), by=BY_KAREN, entry=2, automatic=True),
        {"automatic": True, "courtesy": False},
    ),
    "replied": (events.Replied(at=at(2), by=BY_JANE, entry=3), {"outside": False}),
    "noted": (events.Noted(at=at(3), by=BY_JANE, entry=4, mentions=("john",)), {"mentions": ["john"]}),
    "status-changed": (
        events.StatusChanged(at=at(4), by=BY_JANE, status="waiting", previous="open", reason="command", until=at(64)),
        {"status": "waiting", "previous": "open", "reason": "command", "until": "2026-05-04T10:04:00+00:00"},
    ),
    "assigned": (events.Assigned(at=at(5), by=BY_JANE, assignee="joe", team=""), {"assignee": "joe", "team": ""}),
    "transferred": (
        events.Transferred(at=at(6), by=BY_JANE, department="sysadmins", previous="support"),
        {"department": "sysadmins", "previous": "support"},
    ),
    "priority-changed": (
        events.PriorityChanged(at=at(7), by=BY_JANE, priority="emergency", previous="high", reason="command"),
        {"priority": "emergency", "previous": "high", "reason": "command"},
    ),
    "plan-changed": (
        events.PlanChanged(at=at(8), by=BY_JANE, sla_plan="sev-a", previous="sev-b", source="priority"),
        {"sla_plan": "sev-a", "previous": "sev-b", "source": "priority"},
    ),
    "participant-added": (
        events.ParticipantAdded(at=at(9), by=BY_JANE, person=EVE, role="third-party", history=True),
        {"person": _EVE, "role": "third-party", "history": True},
    ),
    "requester-changed": (
        events.RequesterChanged(at=at(9), by=BY_JANE, requester=EVE, previous="karen@client.example"),
        {"requester": _EVE, "previous": "karen@client.example"},
    ),
    "linked": (events.Linked(at=at(10), by=BY_JANE, ticket=3), {"ticket": 3}),
    "escalated": (
        events.Escalated(
            at=at(11),
            by=Actor(Role.SYSTEM, "SLA"),
            target="resolution",
            cycle=2,
            step="75%",
            instant=at(10),
            notified=("jane", "mary"),
            breach=True,
        ),
        {
            "target": "resolution",
            "cycle": 2,
            "step": "75%",
            "instant": "2026-05-04T09:10:00+00:00",
            "notified": ["jane", "mary"],
            "breach": True,
        },
    ),
    "bounced": (
        events.Bounced(at=at(12), recipient="karen@client.example", permanent=True, diagnostic="no such user", reply=3),
        {"recipient": "karen@client.example", "permanent": True, "diagnostic": "no such user", "reply": 3}
        | {"passed_to": []},
    ),
    "mail-held": (
        events.MailHeld(at=at(13), entry=5, sender="bob@evil.example", reason="token-from-another-address", inbound=9),
        {"sender": "bob@evil.example", "reason": "token-from-another-address", "inbound": 9},
    ),
    "participant-removed": (
        events.ParticipantRemoved(at=at(14), by=BY_JANE, person=Person(Address.of("eve@client.example"), "Eve")),
        {"person": {"address": "eve@client.example", "name": "Eve"}, "role": "cc"},
    ),
    "retitled": (
        events.Retitled(at=at(15), by=BY_JANE, subject="Fuser broken", previous="Printer on fire"),
        {"subject": "Fuser broken", "previous": "Printer on fire"},
    ),
    "tagged": (
        events.Tagged(at=at(16), by=BY_JANE, added=("printer", "fuser"), removed=("paper",)),
        {"added": ["printer", "fuser"], "removed": ["paper"]},
    ),
    "absorbed": (events.Absorbed(at=at(17), by=BY_JANE, ticket=12), {"ticket": 12}),
    "split": (events.Split(at=at(18), by=BY_JANE, into=19), {"into": 19}),
    "unlinked": (events.Unlinked(at=at(19), by=BY_JANE, ticket=12), {"ticket": 12}),
    "snoozed": (events.Snoozed(at=at(20), by=BY_JANE, until=at(90)), {"until": "2026-05-04T10:30:00+00:00"}),
    "due-set": (
        events.DueSet(at=at(21), by=BY_JANE, due_at=at(120), previous=at(60)),
        {"due_at": "2026-05-04T11:00:00+00:00", "previous": "2026-05-04T10:00:00+00:00"},
    ),
    "deadline-moved": (
        events.DeadlineMoved(at=at(30), target="resolution", due_at=at(60), previous=at(90), reason="priority"),
        {
            "target": "resolution",
            "due_at": "2026-05-04T10:00:00+00:00",
            "previous": "2026-05-04T10:30:00+00:00",
            "reason": "priority",
        },
    ),
    "customer-reminded": (
        events.CustomerReminded(at=at(31), ends_at=at(60)),
        {"ends_at": "2026-05-04T10:00:00+00:00"},
    ),
    "followed": (
        events.Followed(at=at(22), by=BY_JANE, agent="jane", level="watch"),
        {"agent": "jane", "level": "watch"},
    ),
    "text-held": (
        events.TextHeld(at=at(23), by=BY_JANE, draft=4, agent="jane", reason="John answered meanwhile"),
        {"draft": 4, "agent": "jane", "reason": "John answered meanwhile"},
    ),
    "text-settled": (
        events.TextSettled(at=at(24), by=BY_JANE, draft=4, settled_as="sent"),
        {"draft": 4, "settled_as": "sent"},
    ),
    "reply-withdrawn": (events.ReplyWithdrawn(at=at(25), by=BY_JANE, reply=3), {"reply": 3}),
    "undone": (events.Undone(at=at(26), by=BY_JANE, first=5, last=7), {"first": 5, "last": 7}),
    "rated": (events.Rated(at=at(27), rating="good"), {"rating": "good"}),
    "acknowledged": (
        events.Acknowledged(at=at(27), by=BY_JANE, target="resolution", cycle=1, agent="jane"),
        {"target": "resolution", "cycle": 1, "agent": "jane"},
    ),
    "merged": (events.Merged(at=at(28), by=BY_JANE, into=12), {"into": 12}),
}
LIFE = tuple(event for event, _ in EXAMPLES.values())
