"""Answers of agents that are held: they neither left nor became a note. Why they wait, and who is reminded when.

No held reply ends in silence. Its writer is reminded, then somebody above them, until it is sent, noted or
dropped."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum


class HeldReplyKind(StrEnum):
    """Why a reply is held."""

    REFUSED = "refused"  # a command in its mail was wrong
    STALE = "stale"  # the ticket has news that its writer had not seen
    LEAK = "leak"  # words of internal notes are in it
    MARKED = "marked"  # a file of it holds marks of agents, which never leave
    CONFIRM = "confirm"  # it asks for something that cannot be taken back
    UNPROVEN = "unproven"  # whether the agent wrote it is asked at the address on file


# After so long the writer is reminded, at the last ones of the list the lead instead; later once a day, the lead.
REMINDERS: tuple[timedelta, ...] = (timedelta(minutes=15), timedelta(hours=2))
LEAD_AFTER = timedelta(hours=4)
LEAD_EVERY = timedelta(days=1)


MOST_QUESTIONS = 5  # open ones to one agent: a flood of forged mails must not become a flood of questions


@dataclass(frozen=True, slots=True, kw_only=True)
class HeldReply:
    """One held reply: the mail it came in (`inbound`), and what became of it. Times are UTC."""

    id: int = 0
    inbound: int
    ticket: int | None
    agent: str
    kind: HeldReplyKind
    reason: str
    text: str = ""  # as its writer wrote it, commands included
    created_at: datetime
    remind_at: datetime | None = None
    reminders: int = 0  # sent so far
    settled_as: str = ""  # "sent", "noted", "dropped", "replaced"; "" while it waits


def asked_about(waiting: Iterable[HeldReply]) -> tuple[tuple[HeldReply, ...], tuple[HeldReply, ...]]:
    """Split an agent's waiting replies into those whose sender is asked about now, and those whose turn comes
    later."""
    doubtful = sorted((d for d in waiting if d.kind is HeldReplyKind.UNPROVEN and not d.settled_as), key=lambda d: d.id)
    return tuple(doubtful[:MOST_QUESTIONS]), tuple(doubtful[MOST_QUESTIONS:])


def first_reminder(created_at: datetime) -> datetime:
    """Return when the writer is reminded first."""
    return created_at + REMINDERS[0]


def next_reminder(draft: HeldReply, now: datetime) -> tuple[bool, datetime]:
    """Return (does the lead get this reminder?, when the next one is due) for a reminder that is due at `now`."""
    count = draft.reminders + 1
    if count < len(REMINDERS):
        return False, max(draft.created_at + REMINDERS[count], now + REMINDERS[0])
    if count == len(REMINDERS):
        return False, max(draft.created_at + LEAD_AFTER, now + REMINDERS[0])
    return True, now + LEAD_EVERY
