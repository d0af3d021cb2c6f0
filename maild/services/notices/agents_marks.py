"""Looks for marks of agents in mails to customers: addresses that act for an agent, and ids of their notices.

They never leave. Whoever has one can write to maild in the place of the agent."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from maild.domain.messages.mark_search import MOST, FoundMark, agents_marks_in, is_true
from maild.domain.notices.mail_kinds import MAIL_KINDS, Reader
from maild.mail.compose import OutgoingAttachment
from maild.mail.reading.layers import TooMuchInside, layers
from maild.ports import OutboxRow, UnitOfWork
from maild.services.helpdesk import Helpdesk

TOO_MUCH = "more layers within each other than can be looked through"


@dataclass(frozen=True, slots=True)
class Stopped:
    """Says why a mail must not leave: for the outbox, the log, its writer and the admins."""

    reason: str

    def __str__(self) -> str:
        return self.reason


def looked_through(
    row: OutboxRow, raw: bytes, files: Sequence[OutgoingAttachment], unit: UnitOfWork, helpdesk: Helpdesk
) -> Stopped | None:
    """Look through the bytes of a mail before they are kept for sending. None when it may leave.

    Mails to agents may. `files` go along with the mail; they are looked at one by one to name the right one."""
    if _stays_inside(row, helpdesk):
        return None
    found = agents_marks(raw, unit, helpdesk)
    if not found:
        return None
    guilty = [file.name for file in files if agents_marks(file.content, unit, helpdesk)]
    where = f"in the file {', '.join(guilty)[:200]}" if guilty else "in its text"
    instead = "without that file" if guilty else "with a text that quotes no notice"
    return Stopped(f"{', '.join(found)} stands {where}; no customer may have that. Write it once more, {instead}")


def _stays_inside(row: OutboxRow, helpdesk: Helpdesk) -> bool:
    """Tell whether an agent or an agent's pager gets the mail."""
    reader = MAIL_KINDS[row.template].to
    to_agent = reader is Reader.AGENT and helpdesk.policy.directory.agent_at(row.to.address) is not None
    return bool(row.agent) or reader is Reader.PAGER or to_agent


def agents_marks(octets: bytes, unit: UnitOfWork, helpdesk: Helpdesk) -> tuple[str, ...]:
    """Return in words which marks of agents are in the bytes, at any depth; () when there are none.

    Marks of customers or of another helpdesk do not count, and neither does a shape that somebody made up."""
    found: dict[FoundMark, None] = {}
    try:
        for layer in layers(octets):
            found |= dict.fromkeys(agents_marks_in(layer))
            if len(found) > MOST:
                return (TOO_MUCH,)
    except TooMuchInside:
        return (TOO_MUCH,)
    if not found:
        return ()
    contacts = unit.people.by_numbers([mark.sealed.recipient for mark in found])
    own = sorted(helpdesk.policy.directory.own_addresses, key=str)
    true = [
        mark
        for mark in found
        if (contact := contacts.get(mark.sealed.recipient)) is not None
        and is_true(helpdesk.ring, mark, range(1, contact.epoch + 1), own)
    ]
    return tuple(sorted(dict.fromkeys(map(_named, true))))


def _named(mark: FoundMark) -> str:
    if mark.sealed.outbox:
        return "the id of an agent's notice"
    return "a button of an agent" if mark.sealed.verb else "a reply address of an agent"
