"""What only mails to customers say: who works on the ticket, how to leave it, how to rate the help."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from maild.domain.intake.decide.customers import LEAVE, RATE
from maild.domain.messages.reply_tokens import Scope
from maild.domain.notices.notice import Notice
from maild.domain.people.directory import Role
from maild.domain.tickets.events import CustomerReminded
from maild.domain.tickets.ratings import Rating
from maild.domain.tickets.ticket import EntryKind, Ticket
from maild.ports import StoredEntry
from maild.services.helpdesk import Helpdesk
from maild.services.notices.template_context import NoticeContext, Sealing, mailto

_SUBJECT_LENGTH = 120  # characters of a subject in a link


def customer_words(notice: Notice, occasion: NoticeContext, helpdesk: Helpdesk, sealing: Sealing) -> Mapping[str, Any]:
    """Return the part of the context that concerns customers; {} for an agent's mail."""
    if notice.agent or notice.scope is not Scope.USER:
        return {}
    ticket = occasion.ticket
    subject = f"Re: {ticket.thread_subject[:_SUBJECT_LENGTH]} [#{helpdesk.token(ticket.number)}]"
    words: dict[str, Any] = {"worker": worker(ticket, occasion.entries, helpdesk)}
    if reminded := [event for event in occasion.happened if isinstance(event, CustomerReminded)]:
        words["ends_at"] = reminded[-1].ends_at.isoformat()
    if notice.may_leave and helpdesk.settings.helpdesk.plus_addressing:
        address = sealing(Scope.USER, LEAVE)
        words["leave"] = {"address": str(address), "mailto": mailto(address, subject, "")}
    if notice.asks_rating:
        faces = [(rating.value, sealing(Scope.USER, f"{RATE}{rating}")) for rating in Rating]
        words["ratings"] = [
            {"rating": word, "address": str(address), "mailto": mailto(address, subject, "")} for word, address in faces
        ]
    return words


def worker(ticket: Ticket, entries: Sequence[StoredEntry], helpdesk: Helpdesk) -> dict[str, Any]:
    """Return who works on a ticket, as far as its customer knows. A name is shown only after an answer carried it."""
    agent = helpdesk.policy.directory.agent(ticket.assignee)
    met = {entry.author.name for entry in entries if entry.kind == EntryKind.REPLY and entry.author.role is Role.AGENT}
    name = agent.shown if agent is not None and agent.name in met else ""
    return {"name": name, "somebody": bool(ticket.assignee)}


def unsubscribing(notice: Notice, helpdesk: Helpdesk, sealing: Sealing) -> str:
    """Return the List-Unsubscribe field (RFC 2369 3.2) of mails to people in Cc.

    The requester's mails have none: a button as on advertisements would end their conversation with us."""
    if not notice.may_leave or not helpdesk.settings.helpdesk.plus_addressing:
        return ""
    return f"<mailto:{sealing(Scope.USER, LEAVE)}>"
