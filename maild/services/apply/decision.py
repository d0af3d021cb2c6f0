"""Carry out a decision inside a transaction: entry, events, ticket row, next SLA instant, outbox rows. All or none."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import partial

from maild.domain.decision import Decision, EntryDraft
from maild.domain.messages.reply_tokens import Scope, root_id
from maild.domain.notices.agent_notices import Notice, TicketChange, strongest
from maild.domain.notices.mail_kinds import Nature, templates_where
from maild.domain.sla.standing import Standing
from maild.domain.tickets.events import (
    NEW_TICKET,
    NEXT_ENTRY,
    THIS_DRAFT,
    THIS_ENTRY,
    Bounced,
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
from maild.services.apply.effects import Applying, carry_out, keep_draft
from maild.services.apply.moved_deadlines import with_moves
from maild.services.notices.agent_message import AgentMessage, post
from maild.services.notices.due_notices import notices_of
from maild.services.notices.enqueue import enqueue
from maild.services.notices.template_context import NoticeContext, Thread, letter_words
from maild.services.queries.answers import answer
from maild.services.sla_index import sla_standing, update_sla_index
from maild.services.work import Work

_OVERTAKEN = templates_where(lambda kind: kind.overtaken)


@dataclass(frozen=True, slots=True)
class Done:
    """What carrying out a decision left behind. `released` are held mails that wait to be judged once more."""

    ticket: Ticket | None
    facts: tuple[Event, ...] = ()
    entry: int | None = None
    outbox: tuple[OutboxRow, ...] = ()
    released: tuple[int, ...] = ()
    others: tuple[int, ...] = ()  # tickets that were changed or opened with it


Queue = Callable[[Work, Notice, NoticeContext], OutboxRow | None]  # None: another mail tells it


@dataclass(frozen=True, slots=True)
class _Act:
    """One decision on its way into the store."""

    work: Work
    inbound: int | None
    queue: Queue


def apply_decision(
    work: Work,
    decision: Decision,
    before: Ticket | None,
    *,
    inbound: int | None = None,
    about_draft: int = 0,
    queue: Queue = enqueue,
) -> Done:
    """Store what a decision says about a ticket (None: it opens one) and queue the mails that follow.

    `about_draft` is a held text that they are about, and that was kept before; `queue` queues a notice."""
    act = _Act(work, inbound, queue)
    applying = Applying(work, decision)
    carry_out(applying)
    elsewhere = _others(act, decision)
    draft = about_draft or keep_draft(work, decision, before, inbound)
    opened = next((done.ticket.number for done in elsewhere if done.ticket), NEW_TICKET)
    done = _here(act, _numbered(decision, draft, opened), before, draft)
    answered = (*answer(work, decision), *_alarms(act, decision))
    return replace(
        done,
        outbox=(*done.outbox, *(row for other in elsewhere for row in other.outbox), *answered),
        released=(*applying.released, *(number for other in elsewhere for number in other.released)),
        others=tuple(other.ticket.number for other in elsewhere if other.ticket),
    )


def _others(act: _Act, decision: Decision) -> list[Done]:
    """What the same act does to other tickets, those that open first: their numbers are named by the rest."""
    made = []
    for other in sorted(decision.others, key=lambda each: each.ticket is not None):
        before = act.work.unit.tickets.get(other.ticket) if other.ticket is not None else None
        if before is None and other.ticket is not None:
            continue  # it was there when the decision was made: tickets are never deleted within a transaction
        made.append(apply_decision(act.work, other.decision, before, inbound=act.inbound))
    return made


def _numbered(decision: Decision, draft: int, opened: int) -> Decision:
    """The decision with the numbers of what was stored together with it."""

    def named(fact: Event) -> Event:
        if isinstance(fact, TextHeld) and fact.draft == THIS_DRAFT:
            return replace(fact, draft=draft)
        if isinstance(fact, Split) and fact.into == NEW_TICKET:
            return replace(fact, into=opened)
        return fact

    return replace(decision, facts=tuple(map(named, decision.facts)))


def _here(act: _Act, decision: Decision, before: Ticket | None, draft: int) -> Done:
    work, unit, helpdesk = act.work, act.work.unit, act.work.helpdesk
    if not decision.facts:
        if not decision.notices:
            return Done(before)
        if before is None or decision.apart:
            return Done(before, outbox=_letters(act, decision, draft))
        occasion = _occasion(act, before, decision, sla_standing(work, before), draft)
        return Done(before, outbox=_queue(act, decision.notices, occasion))
    start = None if decision.opens else before
    number = start.number if start else unit.tickets.new_number()
    entry = _store_entry(act, decision.entry, decision, number, act.inbound)
    second = _store_entry(act, decision.also, decision, number, None)
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
    if decision.lost is not None:
        passed_to = [name for fact in facts if isinstance(fact, Bounced) for name in fact.passed_to]
        unit.sla_steps.mark_lost(decision.lost, number, work.now, passed_to)
    notices = _notices(act, decision, after, facts)
    if helpdesk.policy.acknowledge_after and any(isinstance(fact, Replied) for fact in facts):
        unit.outbox.drop_waiting(number, _OVERTAKEN)  # a person was quicker
    if not notices:
        return Done(after, facts, entry)  # the thread is read for mails alone
    occasion = _occasion(act, after, replace(decision, facts=facts), state, draft)
    if start is not None and any(map(told_as_new, facts)):
        occasion = replace(occasion, since=_messages_before(unit, after, facts))
    return Done(after, facts, entry, _queue(act, notices, occasion))


def _messages_before(unit: UnitOfWork, after: Ticket, facts: tuple[Event, ...]) -> tuple[Event, ...]:
    """What was written to a ticket of which nobody was told."""
    history = unit.tickets.history(after.number)
    earlier = history[: len(history) - len(facts)]
    return tuple(fact for fact in earlier if isinstance(fact, Opened | MessageReceived))


def _notices(act: _Act, decision: Decision, after: Ticket, facts: tuple[Event, ...]) -> tuple[Notice, ...]:
    happening = TicketChange(after, facts, decision.actor, decision.acknowledge, decision.quiet)
    told = notices_of(act.work.unit, happening, act.work.helpdesk.policy, act.work.now)
    notices = strongest((*decision.notices, *told))
    if decision.mute:
        notices = tuple(notice for notice in notices if not notice.agent)
    hold = _answers_wait(decision, act.work.now)
    if hold is not None:
        notices = tuple(replace(n, hold=hold) if n.mail_kind.nature is Nature.WORDS else n for n in notices)
    return notices


def _answers_wait(decision: Decision, now: datetime) -> timedelta | None:
    """How long the answer to the customer waits; None: as the configuration says."""
    if decision.leaves_at is not None:
        return max(decision.leaves_at - now, timedelta(0))
    return decision.leaves_after


def _store_entry(
    act: _Act, draft: EntryDraft | None, decision: Decision, ticket: int, inbound: int | None
) -> int | None:
    if draft is None:
        return None
    return act.work.unit.tickets.add_entry(
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


def _occasion(act: _Act, ticket: Ticket, decision: Decision, state: Standing, draft: int) -> NoticeContext:
    thread = Thread(partial(act.work.unit.tickets.entries, ticket.number))
    return NoticeContext(ticket=ticket, decision=decision, thread=thread, standing=state, draft=draft)


def _letters(act: _Act, decision: Decision, draft: int) -> tuple[OutboxRow, ...]:
    """The mails of a decision that concerns no ticket."""
    made = []
    for notice in decision.notices:
        agent = act.work.helpdesk.policy.directory.agent(notice.agent)
        if agent is None:
            continue  # only agents are written to without a ticket
        letter = AgentMessage(
            template=notice.template,
            agent=agent,
            subject=decision.subject or "Your mail",
            scope=Scope.COMMAND if notice.buttons else Scope.DIGEST if decision.about else Scope.QUERY,
            about=0 if notice.buttons else decision.about,
            reason=notice.reason,
            words=letter_words(decision, act.work.helpdesk),
            verb=notice.verb.format(draft=draft),
            buttons=notice.buttons or (),
            draft=draft,
            in_reply_to=decision.answers,
        )
        made.append(post(act.work, letter))
    return tuple(made)


def _alarms(act: _Act, decision: Decision) -> list[OutboxRow]:
    """The letters about the helpdesk itself. They show nothing of a ticket, which their reader may not see."""
    made = []
    for notice in decision.alarms:
        agent = act.work.helpdesk.policy.directory.agent(notice.agent)
        if agent is not None:
            letter = AgentMessage(
                template=notice.template,
                agent=agent,
                subject="Automatic answers are stopped for an hour",
                scope=notice.scope,
                reason=notice.reason,
                words={"inbound": act.inbound or 0},
            )
            made.append(post(act.work, letter))
    return made


def _queue(act: _Act, notices: Sequence[Notice], occasion: NoticeContext) -> tuple[OutboxRow, ...]:
    queued = (act.queue(act.work, notice, occasion) for notice in notices)
    return tuple(row for row in queued if row is not None)
