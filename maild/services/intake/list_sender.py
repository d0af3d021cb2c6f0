"""Finds who wrote a mail that a mailing list brought: its gateway rewrites From, and the writer is named elsewhere."""

from __future__ import annotations

from dataclasses import replace

from maild.domain.intake.classify import brought_by
from maild.domain.intake.spam_and_robots import MailingList
from maild.domain.messages.message import Evidence, InboundMessage
from maild.domain.people.directory import Trust
from maild.mail.headers.addresses import sender as read_sender


def from_list(message: InboundMessage, lists: tuple[MailingList, ...]) -> tuple[InboundMessage, Evidence | None]:
    """Return the mail with its writer as sender, and how far to believe it. Unchanged when none of our lists
    brought it.

    Gateways keep the writer in X-Original-From; without it Reply-To names them. Both are only claimed, because
    the signature is on the gateway's mail."""
    brought = brought_by(message, lists)
    if brought is None:
        return message, None
    original = message.headers.get("x-original-from", ())
    writer = read_sender(original) if original else next(iter(message.reply_to), None)
    if writer is None:
        return message, None
    evidence = Evidence(Trust.CLAIMED, f"the list {brought.shown} says that {writer.address} wrote it")
    return replace(message, sender=writer), evidence
