"""Carry out a decision inside a transaction: entry, events, ticket row, next SLA instant, outbox rows. All or none."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial

from maild.domain.decision import Decision, EntryDraft
from maild.domain.messages.reply_tokens import root_id
from maild.domain.notices.agent_notices import Notice
from maild.domain.notices.mail_kinds import Nature, templates_where
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
    """The decision with the numbers of what was stored together with it."""
    opened = list(applying.opened)

    def named(fact: Event) -> Event:
        if isinstance(fact, TextHeld) and fact.draft == THIS_DRAFT:
            return replace(fact, draft=applying.held_reply)
        if isinstance(fact, Split) and fact.into == NEW_TICKET:
            return replace(fact, into=opened.pop(0))
        return fact

    return replace(applying.decision, facts=tuple(map(named, applying.decision.facts)))


def _thread(applying: Applying, decision: Decision, queue: Queue) -> Done:
    """The ticket's part: its events and entries, its row, its deadlines, its notices."""
    work, unit, helpdesk, before = applying.work, applying.work.unit, applying.work.helpdesk, applying.ticket
    if not decision.facts:
        if not decision.notices:
            return Done(before)
        if before is None:
            raise ValueError("a notice needs a ticket: an agent is told without one by MessageToAgent")
        occasion = _occasion(applying, before, decision, sla_standing(work, before))
        return Done(before, outbox=_queued(work, about_ticket(work, decision, before, ()), occasion, queue))
    start = None if decision.opens else before
    number = start.number if start else unit.tickets.new_number()
    entry = _store_entry(work, decision.entry, decision, number, applying.inbound)
    second = _store_entry(work, decision.also, decision, number, None)
    ids = {THIS_ENTRY: entry, NEXT_ENTRY: second}
    facts = tuple(replace(f, entry=ids.get(f.entry, f.entry)) if f.entry is not None else f for f in decision.facts)
    if start is not None:
        facts = with_moves(work, start, facts)
    after = start
    for fact in facts:
        after = apply(number, after, fact)
    assert after is not None  # facts is not empty
    unit.tickets.append(after, facts, root_id(helpdesk.ring, number, helpdesk.domain))
    state = update_sla_index(work, after)
    notices = about_ticket(work, decision, after, facts)
    if helpdesk.policy.acknowledge_after and any(isinstance(fact, Replied) for fact in facts):
        unit.outbox.drop_waiting(number, _OVERTAKEN)  # a person was quicker
    if not notices:
        return Done(after, facts, entry)  # the thread is read for mails alone
    occasion = _occasion(applying, after, replace(decision, facts=facts), state)
    if start is not None and any(map(told_as_new, facts)):
        occasion = replace(occasion, since=_messages_before(unit, after, facts))
    return Done(after, facts, entry, _queued(work, notices, occasion, queue))


def _messages_before(unit: UnitOfWork, after: Ticket, facts: tuple[Event, ...]) -> tuple[Event, ...]:
    """What was written to a ticket of which nobody was told."""
    history = unit.tickets.history(after.number)
    earlier = history[: len(history) - len(facts)]
    return tuple(fact for fact in earlier if isinstance(fact, Opened | MessageReceived))


def _store_entry(
    work: Work, draft: EntryDraft | None, decision: Decision, ticket: int, inbound: int | None
) -> int | None:
    if draft is None:
        return None
    return work.unit.tickets.add_entry(
        StoredEntry(
            id=0,
            ticket=ticket,
            kind=draft.kind,
            author=draft.author,
            author_name=draft.author_name,
            at=decision.facts[0].at,
            text=draft.text,
            html=draft.html,
            folded_lines=draft.folded_lines,
            message_id=draft.message_id,
            trust=draft.trust,
            may_leave=draft.may_leave,
            inbound=draft.inbound or inbound,
            attachments=draft.attachments,
        )
    )


def _occasion(applying: Applying, ticket: Ticket, decision: Decision, state: Standing) -> NoticeContext:
    thread = Thread(partial(applying.work.unit.tickets.entries, ticket.number))
    return NoticeContext(ticket=ticket, decision=decision, thread=thread, standing=state, draft=applying.held_reply)


def _queued(work: Work, notices: Sequence[Notice], occasion: NoticeContext, queue: Queue) -> tuple[OutboxRow, ...]:
    rows: list[OutboxRow] = []
    for notice in notices:
        row = queue(work, notice, occasion)
        if row is None:
            continue
        rows.append(row)
        if notice.mail_kind.nature is Nature.WORDS and row.next_at is not None:
            leaves_at = min(row.next_at, occasion.answer_leaves_at or row.next_at)
            occasion = replace(occasion, answer_leaves_at=leaves_at)
    return tuple(rows)
