"""What a sender wrote now, given what we sent them before and the signature that they always put below."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from maild.domain.lookups import Lookups
from maild.domain.messages.message import InboundMessage
from maild.domain.notices.mail_kinds import templates_where
from maild.domain.people.directory import Address, Agent
from maild.domain.tickets.ticket import Ticket
from maild.mail.quoting.cut import cut
from maild.ports import UnitOfWork
from maild.services.notices.similar_tickets import answers_shown

_NOTICES = 5  # of ours about the ticket to those people, the newest: older ones are quoted within those
_SAYS_BACK = templates_where(lambda kind: kind.says_back)  # whoever sends those words once more means them


def texts_sent(
    message: InboundMessage, ticket: Ticket | None, agent: Agent | None, lookups: Lookups, unit: UnitOfWork
) -> tuple[str, ...]:
    """Return the texts that we sent to the writer, the newest first. Without a ticket the mail answers a list or a
    message to an agent.

    Suggested answers in our notices are left out: an agent who copies one of them means it."""
    if ticket is None:
        answered = (*message.in_reply_to, *reversed(message.references))[:_NOTICES]
        return unit.outbox.texts_of(answered, but=_SAYS_BACK)
    texts = unit.outbox.texts(ticket.number, _NOTICES, but=_SAYS_BACK, to=_readers(message, ticket, agent))
    if not texts:
        return ()
    known = lookups.threads.get(ticket.number)
    return _without(known.offered if known is not None else answers_shown(unit, ticket.number), texts)


def own_words(message: InboundMessage, sent: Sequence[str], signature: str) -> InboundMessage:
    """Return the mail without our own text and without an agent's learned signature in its new text.

    The reading has cut what it knew by itself; this second cut sees only what that left."""
    own, forwarded = message.own_and_forwarded
    if message.html_words and (sent or signature):
        words = cut(message.html_words, known_texts=sent, signature=signature).new_text
        message = replace(message, html_words=words)
    if not own.strip() or not (sent or signature):
        return message
    again = cut(own, known_texts=sent, signature=signature)
    if again.kept_everything:
        return replace(message, only_quotes=True)
    left = "\n".join(filter(None, (again.new_text, forwarded)))
    return replace(message, new_text=left, folded_lines=message.folded_lines + again.folded_lines)


def _readers(message: InboundMessage, ticket: Ticket, agent: Agent | None) -> tuple[Address, ...]:
    """Return who got the mails that this sender may quote: the agent, or all customers of the ticket.

    Notices to agents hold the customers' own words. A customer who repeats them means them."""
    if agent is not None:
        return agent.addresses
    customers = (ticket.requester, *(one.person for one in ticket.participants), message.sender)
    return tuple(person.address for person in customers if person is not None)


def _without(answers: Sequence[str], texts: Sequence[str]) -> tuple[str, ...]:
    """Return the texts without the lines of these answers."""
    offered = {line.strip() for answer in answers for line in answer.split("\n")}
    if not offered:
        return tuple(texts)
    return tuple(
        "\n".join(line for line in text.split("\n") if line.removeprefix(">").strip() not in offered) for text in texts
    )
