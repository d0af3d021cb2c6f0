"""Who wrote a mail that a list brought to us: its gateway rewrites From, the writer stands elsewhere."""

from __future__ import annotations

from dataclasses import replace

from maild.domain.intake.classify import brought_by
from maild.domain.intake.spam_and_robots import MailingList
from maild.domain.messages.message import Evidence, InboundMessage
from maild.domain.people.directory import Trust
from maild.mail.headers.addresses import sender as read_sender


def from_list(message: InboundMessage, lists: tuple[MailingList, ...]) -> tuple[InboundMessage, Evidence | None]:
    """The mail with its writer as sender, and how far to believe it; as it is when none of our lists brought it.

    X-Original-From is what gateways keep of the writer; without it Reply-To names them. Both are as claimed: what was
    signed is the gateway's mail."""
    brought = brought_by(message, lists)
    if brought is None:
        return message, None
    original = message.headers.get("x-original-from", ())
    writer = read_sender(original) if original else next(iter(message.reply_to), None)
    if writer is None:
        return message, None
    evidence = Evidence(Trust.CLAIMED, f"the list {brought.shown} says that {writer.address} wrote it")
    return replace(message, sender=writer), evidence
