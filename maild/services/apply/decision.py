"""Carries out a decision in a transaction: entry, events, ticket row, next SLA instant, outbox rows. All or none."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from functools import partial

from maild.domain.decision import Decision, EntryDraft
from maild.domain.messages.reply_tokens import root_id
from maild.domain.notices.agent_notices import Notice
from maild.domain.notices.mail_kinds import templates_where
from maild.domain.sla.standing import Standing
from maild.domain.tickets.events import (
    NEW_TICKET,
    NEXT_ENTRY,
    THIS_DRAFT,
    THIS_ENTRY,
    Event,
    MessageReceived,
    Opened,
    Replied,
    Split,
    TextHeld,
)
from maild.domain.tickets.spam import told_as_new
from maild.domain.tickets.ticket import Ticket, apply
from maild.ports import OutboxRow, StoredEntry, UnitOfWork
from maild.services.apply.applying import Applying, Done
from maild.services.apply.effects import Stage, carry_out, check
from maild.services.apply.moved_deadlines import with_moves
from maild.services.notices.due_notices import about_ticket
from maild.services.notices.enqueue import enqueue
from maild.services.notices.template_context import NoticeContext, Thread
from maild.services.sla_index import sla_standing, update_sla_index
from maild.services.work import Work

_OVERTAKEN = templates_where(lambda kind: kind.overtaken)


Queue = Callable[[Work, Notice, NoticeContext], OutboxRow | None]  # None: another mail tells it


def apply_decision(
    work: Work, decision: Decision, before: Ticket | None, *, inbound: int | None = None, queue: Queue = enqueue
) -> Done:
    """Store what a decision says about a ticket (None: it opens one) and queue the mails that follow.

    `inbound` is the mail that it judges; `queue` queues a notice. Effects that need more than the store and the outbox
    are left to the caller, in what is answered."""

    def other(decision: Decision, ticket: Ticket | None) -> Done:
        return apply_decision(work, decision, ticket, inbound=inbound)

    check(decision.effects)
    applying = Applying(work, decision, before, inbound, other)
    carry_out(applying, Stage.BEFORE_THREAD)
    done = _thread(applying, _numbered(applying), queue)
    carry_out(applying, Stage.AFTER_THREAD)
    return replace(
        done,
        outbox=(*done.outbox, *applying.outbox),
        released=tuple(applying.released),
        others=tuple(applying.others),
        left=tuple(applying.left),
    )


def _numbered(applying: Applying) -> Decision:
    """Return the decision with the numbers of what was stored together with it."""
    opened = list(applying.opened)

    def numbered(event: Event) -> Event:
        if isinstance(event, TextHeld) and event.draft == THIS_DRAFT:
            return replace(event, draft=applying.held_reply)
        if isinstance(event, Split) and event.into == NEW_TICKET:
            return replace(event, into=opened.pop(0))
        return event

    return replace(applying.decision, events=tuple(map(numbered, applying.decision.events)))


def _thread(applying: Applying, decision: Decision, queue: Queue) -> Done:
    """Carry out the ticket's part: its events and entries, its row, its deadlines, its notices."""
    work, unit, before = applying.work, applying.work.unit, applying.ticket
    if not decision.events:
        return _notices_alone(applying, decision, queue)
    start = None if decision.opens else before
    number = start.number if start else unit.tickets.new_number()
    entries = _store_entries(applying, decision, number)
    events = tuple(_with_entry(event, entries) for event in decision.events)
    if start is not None:
        events = with_moves(work, start, events)
    after = start
    for event in events:
        after = apply(number, after, event)
    assert after is not None  # events is not empty
    unit.tickets.append(after, events, root_id(work.helpdesk.ring, number, work.helpdesk.domain))
    standing = update_sla_index(work, after)
    notices = about_ticket(work, decision, after, events)
    if work.helpdesk.policy.acknowledge_after and any(isinstance(event, Replied) for event in events):
        unit.outbox.drop_waiting(number, _OVERTAKEN)  # a person was quicker
    done = Done(after, events, entries.get(THIS_ENTRY))
    if not notices:
        return done  # the thread is read for mails alone
    occasion = _occasion(applying, after, replace(decision, events=events), standing)
    if start is not None and any(map(told_as_new, events)):
        occasion = replace(occasion, since=_messages_before(unit, after, events))
    return replace(done, outbox=_queued(work, notices, occasion, queue))


def _notices_alone(applying: Applying, decision: Decision, queue: Queue) -> Done:
    """The part of a ticket to which nothing happens."""
    work, ticket = applying.work, applying.ticket
    if not decision.mails.notices:
        return Done(ticket)
    if ticket is None:
        raise ValueError("a notice needs a ticket: an agent is told without one by MessageToAgent")
    occasion = _occasion(applying, ticket, decision, sla_standing(work, ticket))
    return Done(ticket, outbox=_queued(work, about_ticket(work, decision, ticket, ()), occasion, queue))


def _messages_before(unit: UnitOfWork, after: Ticket, events: tuple[Event, ...]) -> tuple[Event, ...]:
    """Return what was written to a ticket that nobody was told of."""
    history = unit.tickets.history(after.number)
    earlier = history[: len(history) - len(events)]
    return tuple(event for event in earlier if isinstance(event, Opened | MessageReceived))


def _store_entries(applying: Applying, decision: Decision, ticket: int) -> dict[int, int]:
    """Store the entries -> their ids, by what stands for each in the events."""
    stored = {}
    for place, draft in zip((THIS_ENTRY, NEXT_ENTRY), decision.entries, strict=False):
        inbound = applying.inbound if place == THIS_ENTRY else None  # a mail is one entry's
        entry = _stored(draft, ticket, decision.events[0].at, draft.inbound or inbound)
        stored[place] = applying.work.unit.tickets.add_entry(entry)
    return stored


def _stored(draft: EntryDraft, ticket: int, at: datetime, inbound: int | None) -> StoredEntry:
    return StoredEntry(
        id=0,
        ticket=ticket,
        kind=draft.kind,
        author=draft.author,
        author_name=draft.author_name,
        at=at,
        text=draft.text,
        html=draft.html,
        folded_lines=draft.folded_lines,
        message_id=draft.message_id,
        trust=draft.trust,
        may_leave=draft.may_leave,
        inbound=inbound,
        attachments=draft.attachments,
    )


def _with_entry(event: Event, stored: Mapping[int, int]) -> Event:
    return replace(event, entry=stored.get(event.entry, event.entry)) if event.entry is not None else event


def _occasion(applying: Applying, ticket: Ticket, decision: Decision, state: Standing) -> NoticeContext:
    thread = Thread(partial(applying.work.unit.tickets.entries, ticket.number))
    return NoticeContext(ticket=ticket, decision=decision, thread=thread, standing=state, draft=applying.held_reply)


def _queued(work: Work, notices: Sequence[Notice], occasion: NoticeContext, queue: Queue) -> tuple[OutboxRow, ...]:
    queued = (queue(work, notice, occasion) for notice in notices)
    return tuple(row for row in queued if row is not None)
