"""The read side: tickets, queues and mails as the documents of the command line's contract."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from maild.domain.commands.arguments import Surroundings
from maild.domain.commands.parsing import CommandProblem
from maild.domain.decision import QUEUED
from maild.domain.messages.outbox import OutboxState
from maild.domain.people.directory import Role
from maild.domain.queries.filters import written_token
from maild.domain.queries.parsing import read_question
from maild.domain.query import Asked, FindQuery, ListQuery
from maild.domain.sla.standing import Standing
from maild.domain.tickets.event_records import to_detail
from maild.domain.tickets.events import Bounced, Event
from maild.domain.tickets.ratings import rated
from maild.domain.tickets.ticket import Ticket
from maild.ports import InboundState, KeptMail, Listing, OpenUnitOfWork, OutboxRow, StoredEntry, UnitOfWork
from maild.services.helpdesk import Helpdesk
from maild.services.listing import found_by, listing_of, said_in
from maild.services.notices.overflow import with_notices
from maild.services.queries.escalation_ledger import escalation_documents
from maild.services.sla_index import sla_standing
from maild.services.work import Work

Document = dict[str, Any]

STATUS_LISTS: dict[str, tuple[str, ...] | None] = {
    "open": ("open",),
    "waiting": ("waiting",),
    "resolved": ("resolved",),
    "closed": ("closed",),
    "spam": ("spam",),
    "overdue": None,  # by the due instant, whatever the status
    "all": None,
}


def moment(instant: datetime | None) -> str | None:
    """Return RFC 3339 in UTC with whole seconds: 2026-11-21T09:00:00Z."""
    return None if instant is None else instant.strftime("%Y-%m-%dT%H:%M:%SZ")


# -- tickets ----------------------------------------------------------------------------------------------------


def ticket_list(
    open_unit: OpenUnitOfWork,
    helpdesk: Helpdesk,
    now: datetime,
    *,
    status: str = "open",
    assignee: str | None = None,
    department: str | None = None,
) -> list[Document]:
    """Return the tickets of a list, by number. Names are found as in mail commands."""
    directory = helpdesk.policy.directory
    agent = directory.agent(assignee) if assignee else None
    place = directory.department(department) if department else None
    wanted = Listing(
        statuses=STATUS_LISTS[status],
        assignee=agent.name if agent else assignee,
        department=place.name if place else department,
        overdue_at=now if status == "overdue" else None,
    )
    with open_unit(reading=True) as unit:
        found = unit.tickets.listing(wanted)
    return [ticket_document(listed.ticket, listed.due_at, helpdesk, now) for listed in found]


def asked_list(
    open_unit: OpenUnitOfWork, helpdesk: Helpdesk, words: Sequence[str], now: datetime
) -> list[Document] | CommandProblem:
    """Return all tickets that `list WORDS` asks for, as the admin; or why it is not understood."""
    asked = _asked("list", words, helpdesk, now)
    if isinstance(asked, CommandProblem) or not isinstance(asked, ListQuery):
        return asked if isinstance(asked, CommandProblem) else []
    with open_unit(reading=True) as unit:
        found = unit.tickets.listing(listing_of(asked.filter, now, None, None))
    return [ticket_document(listed.ticket, listed.due_at, helpdesk, now) for listed in found]


def searched(
    open_unit: OpenUnitOfWork, helpdesk: Helpdesk, words: Sequence[str], now: datetime, limit: int
) -> list[Document] | CommandProblem:
    """Return the tickets that `find WORDS` finds, each with the line it was found by; or why it is not understood."""
    asked = _asked("find", words, helpdesk, now)
    if isinstance(asked, CommandProblem) or not isinstance(asked, FindQuery):
        return asked if isinstance(asked, CommandProblem) else []
    with open_unit(reading=True) as unit:
        return [
            ticket_document(hit.ticket, hit.due_at, helpdesk, now)
            | {"line": said_in(unit, hit.ticket.number, asked.terms)}
            for hit in found_by(unit, asked, now, None, limit)
        ]


def _asked(word: str, words: Sequence[str], helpdesk: Helpdesk, now: datetime) -> Asked | CommandProblem:
    """Read a question as the admin types it. The shell has already split and unquoted its words."""
    policy = helpdesk.policy
    here = Surroundings(directory=policy.directory, plans=tuple(policy.plans), zone=policy.zone, now=now)
    found = read_question(" ".join((word, *map(written_token, words))), here)
    return found if isinstance(found, CommandProblem) else found.asked


def ticket_document(ticket: Ticket, due_at: datetime | None, helpdesk: Helpdesk, now: datetime) -> Document:
    """Return one ticket as a row of a list."""
    return {
        "number": ticket.number,
        "token": helpdesk.token(ticket.number),
        "subject": ticket.subject,
        "status": ticket.status.value,
        "priority": ticket.priority.value,
        "sla_plan": ticket.sla_plan,
        "department": ticket.department or None,
        "team": ticket.team or None,
        "assignee": ticket.assignee or None,
        "requester": {"address": str(ticket.requester.address), "name": ticket.requester.name},
        "created_at": moment(ticket.created_at),
        "updated_at": moment(ticket.updated_at),
        "due_at": moment(due_at),
        "overdue": due_at is not None and due_at <= now,
    }


def ticket_show(open_unit: OpenUnitOfWork, helpdesk: Helpdesk, number: int, now: datetime) -> Document | None:
    """Return one ticket with thread, events and SLA; None when there is no ticket of this number."""
    with open_unit(reading=True) as unit:
        ticket = unit.tickets.get(number)
        if ticket is None:
            return None
        standing = sla_standing(Work(unit, helpdesk, now), ticket)
        entries = unit.tickets.entries(number)
        deliveries = unit.outbox.delivery_states(number)
        history = unit.tickets.history(number)
        told = unit.sla_steps.lines_of_ticket(number)
    due_at = None if ticket.status.ended else standing.due_at
    lost = {event.reply for event in history if isinstance(event, Bounced)}
    return ticket_document(ticket, due_at, helpdesk, now) | {
        "participants": [
            {"address": str(p.person.address), "name": p.person.name, "role": p.role} for p in ticket.participants
        ],
        "tags": list(ticket.tags),
        "topic": ticket.topic or None,
        "closed_at": moment(ticket.closed_at),
        "links": list(ticket.links),
        "merged_into": ticket.merged_into,
        "rating": ticket.rating or None,
        "ratings": [
            {"rating": word.rating.value, "agent": word.agent or None, "department": word.department or None}
            | {"at": moment(word.at)}
            for word in rated(history)
        ],
        "sla": sla_document(standing),
        "escalations": escalation_documents(history, told),
        "entries": [entry_document(e, delivery_of(deliveries.get(e.id, ()), e.id in lost)) for e in entries],
        "events": [event_document(event) for event in history],
    }


def sla_document(standing: Standing) -> list[Document]:
    """Return the newest cycle of each target."""
    return [
        {
            "target": target.target.value,
            "cycle": target.cycle,
            "due_at": moment(target.due_at),
            "met_at": moment(target.met_at),
            "breached_at": moment(target.breached_at),
            "paused": target.paused,
        }
        for target in standing.targets
    ]


def entry_document(entry: StoredEntry, delivery: str) -> Document:
    """Return one entry of the thread."""
    return {
        "id": entry.id,
        "kind": entry.kind,
        "author": {
            "address": entry.author.address,
            "name": entry.author_name or entry.author.name,
            "role": Role(entry.author.role).value,
        },
        "at": moment(entry.at),
        "text": entry.text,
        "html": entry.html,
        "folded_lines": entry.folded_lines,
        "message_id": entry.message_id,
        "trust": entry.trust,
        "delivery": delivery,
        "attachments": [
            {
                "part": a.part,
                "name": a.name,
                "content_type": a.content_type,
                "size": a.size,
                "sha256": a.sha256,
                "inline": a.inline,
            }
            for a in entry.attachments
        ],
    }


# The worst of several deliveries is what somebody has to look at.
_WORST_FIRST = (
    (OutboxState.FAILED, "failed"),
    (OutboxState.HELD, "held"),
    (OutboxState.DEFERRED, "deferred"),
    (OutboxState.SENDING, "queued"),
    (OutboxState.QUEUED, "queued"),
    (OutboxState.SENT, "sent"),
)


def delivery_of(states: Sequence[OutboxState], bounced: bool) -> str:
    """Return one word for how far an entry's mails came; "none" when it sent none. What bounced was sent before."""
    word = next((word for state, word in _WORST_FIRST if state in states), "none")
    return "bounced" if bounced and word == "sent" else word


def event_document(event: Event) -> Document:
    """Return one event."""
    detail = {key: value for key, value in to_detail(event).items() if key != "v"}
    return {"at": moment(event.at), "kind": event.kind, "by": event.by.shown, "detail": detail}


def raw_of_entry(open_unit: OpenUnitOfWork, number: int, entry: int) -> bytes | None:
    """Return the untouched mail of an entry; None for entries without a mail."""
    with open_unit(reading=True) as unit:
        here = next((e for e in unit.tickets.entries(number) if e.id == entry), None)
        kept = unit.inbound.get(here.inbound) if here and here.inbound else None
    return kept.mail.raw if kept else None


# -- queues -----------------------------------------------------------------------------------------------------


def outbox_list(open_unit: OpenUnitOfWork, states: Sequence[OutboxState]) -> list[Document]:
    """Return the outgoing mails of some states."""
    with open_unit(reading=True) as unit:
        return [outbox_document(row) for row in with_notices(unit, unit.outbox.listed(states))]


def outbox_document(row: OutboxRow) -> Document:
    """Return one outgoing mail."""
    return {
        "id": row.id,
        "ticket": row.ticket,
        "template": row.template,
        "to": [str(row.to.address)],
        "envelope_from": row.envelope_from,
        "subject": row.subject,
        "message_id": row.message_id,
        "state": row.state.value,
        "attempts": row.attempts,
        "queued_at": moment(row.queued_at),
        "next_at": moment(row.next_at),
        "last_answer": row.last_answer,
    }


def inbound_list(open_unit: OpenUnitOfWork, state: InboundState, limit: int | None = None) -> list[Document]:
    """Return mails that are quarantined or held, oldest first; of more than `limit` the newest."""
    with open_unit(reading=True) as unit:
        return [inbound_document(kept) for kept in unit.inbound.listed(state, limit)]


def inbound_document(kept: KeptMail) -> Document:
    """Return one incoming mail."""
    return {
        "id": kept.id,
        "inbound": kept.id,
        "ticket": kept.ticket,
        "reason": kept.reason,
        "attempts": kept.attempts,
        "at": moment(kept.judged_at or kept.mail.arrived_at),
        "from": kept.sender or kept.mail.envelope.sender or "",
        "subject": kept.subject,
    }


def explained(unit: UnitOfWork, kept: KeptMail) -> Document:
    """Return what was recorded when this mail was judged."""
    steps = [{"stop": s.stop, "verdict": s.verdict, "reason": s.reason} for s in kept.steps]
    return {
        "inbound": kept.id,
        "ticket": kept.ticket,
        "outcome": kept.outcome or kept.state.value,
        "reason": kept.reason,
        "steps": steps,
        "effects": [step["reason"] for step in steps if step["verdict"] == QUEUED],
    }
