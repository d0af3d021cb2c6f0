"""What a sender wrote now, given what we sent them before and the signature that they always put below."""

from __future__ import annotations

from dataclasses import dataclass, replace

from maild.domain.lookups import Lookups
from maild.domain.messages.message import InboundMessage
from maild.domain.notices.mail_kinds import templates_where
from maild.domain.people.directory import Address, Agent, Role
from maild.domain.tickets.ticket import EntryKind, Ticket
from maild.mail.quoting.cut import Cut, cut
from maild.mail.quoting.own_texts import may_end_in_quote
from maild.ports import StoredEntry, UnitOfWork
from maild.services.notices.similar_tickets import answers_shown

_NOTICES = 5  # of ours about the ticket to those people, the newest: older ones are quoted within those
_ENTRIES = 20  # of the thread, the newest
SAYS_BACK = templates_where(lambda kind: kind.says_back)  # whoever sends those words once more means them


@dataclass(frozen=True, slots=True)
class Known:
    """Texts that may be quoted at the end of a mail, and those of them that people copy on purpose."""

    sent: tuple[str, ...]
    copied: tuple[str, ...] = ()


def quotable(
    message: InboundMessage, ticket: Ticket | None, agent: Agent | None, lookups: Lookups, unit: UnitOfWork
) -> Known:
    """Return what we sent to the writer, the newest first. Without a ticket they answer a list or another message."""
    answered = (*message.in_reply_to, *reversed(message.references))[:_NOTICES]
    if ticket is None:
        return Known(unit.outbox.texts_of(answered, but=SAYS_BACK))
    known = Known(unit.outbox.texts(ticket.number, _NOTICES, but=SAYS_BACK, to=_readers(message, ticket, agent)))
    own, _ = message.own_and_forwarded
    if known.sent and (may_end_in_quote(own) or may_end_in_quote(message.html_words)):
        return _with_thread(known, message, ticket, agent, lookups, unit)
    return known


def own_words(message: InboundMessage, known: Known, signature: str) -> InboundMessage:
    """Return the mail with our own text and an agent's learned signature folded away from its new text.

    The reading has cut what it knew by itself. This second cut sees only what that left."""
    own, forwarded = message.own_and_forwarded
    if message.html_words and (known.sent or signature):
        words = _cut(message.html_words, known, signature).new_text
        message = replace(message, html_words=words)
    if not own.strip() or not (known.sent or signature):
        return message
    again = _cut(own, known, signature)
    if again.kept_everything:
        return replace(message, only_quotes=True)
    left = "\n".join(filter(None, (again.new_text, forwarded)))
    return replace(message, new_text=left, folded_lines=message.folded_lines + again.folded_lines)


def _cut(text: str, known: Known, signature: str) -> Cut:
    return cut(text, known_texts=known.sent, copied=known.copied, signature=signature)


def _readers(message: InboundMessage, ticket: Ticket, agent: Agent | None) -> tuple[Address, ...]:
    """Return who got the mails that this sender may quote: the agent, or all customers of the ticket.

    Notices to agents hold the customers' own words. A customer who repeats them means them."""
    if agent is not None:
        return agent.addresses
    customers = (ticket.requester, *(one.person for one in ticket.participants), message.sender)
    return tuple(person.address for person in customers if person is not None)


def _with_thread(
    known: Known, message: InboundMessage, ticket: Ticket, agent: Agent | None, lookups: Lookups, unit: UnitOfWork
) -> Known:
    """With what others wrote outside: the sender may have it from them directly.

    Agents copy notes of colleagues, and the answers that our notices offer: that is no quote of the notice."""
    entries = unit.tickets.entries(ticket.number)[-_ENTRIES:]
    outside = (e.text for e in entries if e.kind != EntryKind.NOTE and not _wrote(e, message, agent))
    copied: tuple[str, ...] = ()
    if agent is not None:
        notes = (e.text for e in entries if e.kind == EntryKind.NOTE)
        written = lookups.threads.get(ticket.number)
        copied = (*notes, *(written.offered if written is not None else answers_shown(unit, ticket.number)))
    return Known((*known.sent, *outside), copied)


def _wrote(entry: StoredEntry, message: InboundMessage, agent: Agent | None) -> bool:
    """Did the sender of the mail write this entry?"""
    if agent is not None:
        return entry.author.role is Role.AGENT and entry.author.name == agent.name
    return message.sender is not None and Address.read(entry.author.address) == message.sender.address
