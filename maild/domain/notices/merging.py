"""Notices of one ticket for one reader that leave as one mail."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from maild.domain.messages.reply_tokens import Scope
from maild.domain.notices.notice import Notice
from maild.domain.notices.pacing import Kind
from maild.domain.people.directory import Role
from maild.domain.people.preferences import Interest
from maild.domain.tickets.events import Event, MessageReceived, Replied, ReplyWithdrawn

# Templates whose first line tells of an event that stays the news, whatever was said after it.
_LEADS = frozenset({Kind.ASSIGNED, Kind.NEW, Kind.MOVED})
_BY_ENTRY = {"message": "message", "reply": "message", "note": "note", "": "note"}
_ORDER = list(Kind)


@dataclass(frozen=True, slots=True, kw_only=True)
class Waited:
    """A notice that waited, as far as it matters for the one that is merged with it."""

    kind: Kind
    template: str
    scope: Scope
    reason: str
    claim: Interest | None


def together(notice: Notice, waited: Sequence[Waited], entries: Sequence[str]) -> Notice:
    """Return one notice for all: the strongest gives the reason. `entries` are the kinds of the shown entries, in
    order.

    With a note among them an answer stays inside: the more private meaning wins."""
    mine = Waited(
        kind=notice.kind,
        template=notice.template,
        scope=notice.scope,
        reason=notice.reason,
        claim=notice.claim,
    )
    lead = min((mine, *waited), key=lambda each: _ORDER.index(each.kind))
    return replace(
        notice,
        template=lead.template if lead.kind in _LEADS else _BY_ENTRY[entries[-1] if entries else ""],
        scope=Scope.NOTE if "note" in entries else lead.scope,
        kind=lead.kind,
        reason=lead.reason,
        claim=lead.claim,
    )


def news_for(agent: str, events: Sequence[Event]) -> tuple[Event, ...]:
    """Return what a reader has not seen of these events.

    Left out are their own acts, what machines wrote, and answers that were taken back before they left."""
    withdrawn = {event.reply for event in events if isinstance(event, ReplyWithdrawn)}
    return tuple(
        event
        for event in events
        if not (event.by.role is Role.AGENT and event.by.name == agent)
        and not (isinstance(event, MessageReceived) and event.automatic)
        and not (isinstance(event, Replied) and event.entry in withdrawn)
    )
