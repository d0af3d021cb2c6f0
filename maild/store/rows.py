"""Converts between database rows and the records of domain and ports."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from sqlalchemy.engine import RowMapping

from maild.domain.decision import TraceStep
from maild.domain.messages.attachment import Attachment
from maild.domain.messages.message import Envelope
from maild.domain.messages.outbox import OutboxState
from maild.domain.people.directory import Address, Person, Role, ascii_lower
from maild.domain.tickets.event_records import from_detail, to_detail
from maild.domain.tickets.events import Actor, Event
from maild.domain.tickets.ticket import Participant, Priority, Status, Ticket
from maild.ports import Contact, InboundState, IncomingMail, KeptMail, ListedTicket, OutboxRow, StoredEntry
from maild.store.columns import clean, is_clean


def person(address: str, name: str) -> Person:
    """Return the person with this address and name."""
    return Person(Address.of(address), name)


def ticket_values(ticket: Ticket) -> dict[str, Any]:
    """Return the columns of a ticket row that are computed from its events."""
    return {
        "number": ticket.number,
        "seq": ticket.seq,
        "subject": ticket.subject,
        "thread_subject": ticket.thread_subject,
        "requester_address": str(ticket.requester.address),
        "requester_name": ticket.requester.name,
        "department": ticket.department,
        "team": ticket.team,
        "assignee": ticket.assignee,
        "status": ticket.status.value,
        "priority": ticket.priority.value,
        "sla_plan": ticket.sla_plan,
        "plan_source": ticket.plan_source,
        "topic": ticket.topic,
        "language": ticket.language,
        "tags": list(ticket.tags),
        "links": list(ticket.links),
        "merged_into": ticket.merged_into,
        "join_key": ticket.join_key,
        "snoozed_until": ticket.snoozed_until,
        "due_by_hand": ticket.due_by_hand,
        "watchers": list(ticket.watchers),
        "muted_by": list(ticket.muted_by),
        "mentioned": list(ticket.mentioned),
        "rating": ticket.rating,
        "created_at": ticket.created_at,
        "updated_at": ticket.updated_at,
        "status_since": ticket.status_since,
        "wake_at": ticket.wake_at,
        "reminded_at": ticket.reminded_at,
        "ended_at": ticket.ended_at,
        "closed_at": ticket.closed_at,
    }


def read_ticket(row: RowMapping, participants: Iterable[RowMapping]) -> Ticket:
    """Return the ticket of a row and its participant rows."""
    return Ticket(
        number=row["number"],
        seq=row["seq"],
        subject=row["subject"],
        thread_subject=row["thread_subject"],
        requester=person(row["requester_address"], row["requester_name"]),
        department=row["department"],
        team=row["team"],
        assignee=row["assignee"],
        status=Status(row["status"]),
        priority=Priority(row["priority"]),
        sla_plan=row["sla_plan"],
        plan_source=row["plan_source"],
        topic=row["topic"],
        language=row["language"],
        tags=tuple(row["tags"]),
        links=tuple(row["links"]),
        merged_into=row["merged_into"],
        join_key=row["join_key"],
        snoozed_until=row["snoozed_until"],
        due_by_hand=row["due_by_hand"],
        watchers=tuple(row["watchers"]),
        muted_by=tuple(row["muted_by"]),
        mentioned=tuple(row["mentioned"]),
        rating=row["rating"],
        created_at=row["created_at"],
        updated_at=row["updated_at"],
        status_since=row["status_since"],
        wake_at=row["wake_at"],
        reminded_at=row["reminded_at"],
        ended_at=row["ended_at"],
        closed_at=row["closed_at"],
        participants=tuple(Participant(person(p["address"], p["name"]), p["role"]) for p in participants),
    )


def cleaned_ticket(ticket: Ticket) -> Ticket:
    """Return a ticket as it will be read from its row: participants in order, texts that every database accepts."""
    return replace(
        ticket,
        subject=clean(ticket.subject),
        thread_subject=clean(ticket.thread_subject),
        requester=_cleaned_person(ticket.requester),
        participants=tuple(
            replace(each, person=_cleaned_person(each.person))
            for each in sorted(ticket.participants, key=lambda each: each.person.address.key)
        ),
        tags=tuple(map(clean, ticket.tags)),
        join_key=clean(ticket.join_key),
    )


def _cleaned_person(person: Person) -> Person:
    return person if is_clean(person.name) else replace(person, name=clean(person.name))


def cleaned_entry(entry: StoredEntry) -> StoredEntry:
    """Return an entry as it will be read from its row."""
    files = tuple(sorted(entry.attachments, key=lambda file: file.part))
    return replace(
        entry,
        kind=str(entry.kind),
        trust=str(entry.trust),
        author_name=clean(entry.author_name),
        text=clean(entry.text),
        html=clean(entry.html),
        message_id=clean(entry.message_id),
        attachments=tuple(replace(file, name=clean(file.name), content_id=clean(file.content_id)) for file in files),
    )


def read_listed(row: RowMapping) -> ListedTicket:
    """Return a ticket as lists show it, without participants."""
    return ListedTicket(read_ticket(row, ()), row["due_at"])


def event_values(ticket: int, seq: int, event: Event, batch: int) -> dict[str, Any]:
    """Return the columns of an event. `batch` is the number of the first event of the same mail or tick."""
    return {
        "batch": batch,
        "ticket": ticket,
        "seq": seq,
        "kind": event.kind,
        "at": event.at,
        "by_role": event.by.role.value,
        "by_name": event.by.name,
        "by_address": event.by.address,
        "entry": event.entry,
        "detail": to_detail(event),
    }


def read_event(row: RowMapping) -> Event:
    """Return the event of a row. Raises ValueError for a kind that this version does not have."""
    by = Actor(Role(row["by_role"]), row["by_name"], row["by_address"])
    return from_detail(row["kind"], row["detail"], at=row["at"], by=by, entry=row["entry"])


def entry_values(entry: StoredEntry) -> dict[str, Any]:
    """Return the columns of an entry."""
    return {
        "ticket": entry.ticket,
        "kind": entry.kind,
        "author_role": entry.author.role.value,
        "author_agent": entry.author.name,
        "author_address": entry.author.address,
        "author_name": entry.author_name,
        "at": entry.at,
        "text": entry.text,
        "html": entry.html,
        "folded_lines": entry.folded_lines,
        "message_id": entry.message_id,
        "trust": entry.trust,
        "may_leave": entry.may_leave,
        "inbound_id": entry.inbound,
    }


def read_entry(row: RowMapping, attachments: Sequence[RowMapping]) -> StoredEntry:
    """Return the entry of a row and its attachment rows."""
    return StoredEntry(
        id=row["id"],
        ticket=row["ticket"],
        kind=row["kind"],
        author=Actor(Role(row["author_role"]), row["author_agent"], row["author_address"]),
        author_name=row["author_name"],
        at=row["at"],
        text=row["text"],
        html=row["html"],
        folded_lines=row["folded_lines"],
        message_id=row["message_id"],
        trust=row["trust"],
        may_leave=row["may_leave"],
        inbound=row["inbound_id"],
        attachments=tuple(read_attachment(a) for a in attachments),
    )


_ATTACHMENT = ("part", "name", "content_type", "size", "sha256", "inline", "content_id")


def attachment_values(entry: int, attachment: Attachment) -> dict[str, Any]:
    """Return the columns of an attachment of an entry."""
    return {"entry": entry} | {name: getattr(attachment, name) for name in _ATTACHMENT}


def read_attachment(row: RowMapping) -> Attachment:
    """Return the attachment of a row."""
    return Attachment(**{name: row[name] for name in _ATTACHMENT})


def read_contact(row: Mapping[str, Any] | RowMapping) -> Contact:
    """Return the contact of a row."""
    who = person(row["address"], row["name"])
    return Contact(row["id"], who, row["epoch"], row["agent"] or "", row["revoked_before"])


def step_values(steps: Sequence[TraceStep]) -> list[list[str]]:
    """Return trace steps as JSON lists: stop, verdict, reason."""
    return [[step.stop, step.verdict, step.reason] for step in steps]


def read_kept(row: RowMapping, raw: bytes) -> KeptMail:
    """Return the kept mail of a row with these bytes."""
    mail = IncomingMail(
        raw=raw,
        source=row["source"],
        arrived_at=row["arrived_at"],
        envelope=Envelope(row["envelope_sender"], tuple(row["envelope_recipients"])),
        mailbox=row["mailbox"],
        uidvalidity=row["uidvalidity"],
        uid=row["uid"],
        peer=row["peer"],
        truncated=row["truncated"],
    )
    return KeptMail(
        id=row["id"],
        mail=mail,
        attempts=row["attempts"],
        state=InboundState(row["state"]),
        outcome=row["outcome"],
        reason=row["reason"],
        ticket=row["ticket"],
        steps=tuple(TraceStep(*step) for step in row["steps"]),
        sender=row["sender"],
        subject=row["subject"],
        judged_at=row["judged_at"],
        released=row["released"],
        proven=row["proven"],
        released_as=row["released_as"],
    )


def outbox_values(row: OutboxRow) -> dict[str, Any]:
    """Return the columns of an outgoing mail."""
    return {
        "id": row.id,
        "ticket": row.ticket,
        "entry": row.entry,
        "template": row.template,
        "to_key": row.to.address.key,
        "to_address": str(row.to.address),
        "to_name": row.to.name,
        "envelope_from": row.envelope_from,
        "subject": row.subject,
        "message_id": row.message_id,
        "context": dict(row.context),
        "relay": row.relay,
        "state": row.state.value,
        "attempts": row.attempts,
        "next_at": row.next_at,
        "last_answer": row.last_answer,
        "queued_at": row.queued_at,
        "raw": row.raw,
        "to_domain": ascii_lower(row.to.address.domain),
        "counted": row.counted,
        "agent": row.agent or None,
        "leaves_at": row.leaves_at,
        "since": row.since,
        "first_at": row.first_at,
        "tried_since": row.tried_since,
    }


def read_outbox(row: RowMapping) -> OutboxRow:
    """Return the outgoing mail of a row."""
    return OutboxRow(
        id=row["id"],
        ticket=row["ticket"],
        entry=row["entry"],
        template=row["template"],
        to=person(row["to_address"], row["to_name"]),
        envelope_from=row["envelope_from"],
        subject=row["subject"],
        message_id=row["message_id"],
        context=_document(row["context"]),
        relay=row["relay"],
        state=OutboxState(row["state"]),
        attempts=row["attempts"],
        next_at=row["next_at"],
        last_answer=row["last_answer"],
        queued_at=row["queued_at"],
        raw=row["raw"],
        counted=row["counted"],
        agent=row["agent"] or "",
        leaves_at=row["leaves_at"],
        since=row["since"],
        first_at=row["first_at"],
        tried_since=row["tried_since"],
    )


def _document(value: Any) -> Mapping[str, Any]:
    return dict(value)


def earliest(*instants: datetime | None) -> datetime | None:
    """Return the earliest of the instants that are not None; None when there is none."""
    return min((instant for instant in instants if instant is not None), default=None)
