"""Carry out a decision inside a transaction: entry, events, ticket row, next SLA instant, outbox rows. All or none."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from maild.domain.decision import Decision
from maild.domain.events import NEXT_ENTRY, THIS_ENTRY, Event, Replied
from maild.domain.notices import Happening, Notice, notices_for, strongest
from maild.domain.sla import Standing, standing
from maild.domain.ticket import Status, Ticket, apply
from maild.domain.token import root_id
from maild.ports import OutboxRow, SlaIndex, StoredEntry, UnitOfWork
from maild.services.context import Occasion
from maild.services.enqueue import enqueue
from maild.services.helpdesk import Helpdesk


@dataclass(frozen=True, slots=True)
class Done:
    """What carrying out a decision left behind."""

    ticket: Ticket | None
    facts: tuple[Event, ...] = ()
    entry: int | None = None
    outbox: tuple[OutboxRow, ...] = ()


def carry_out(
    unit: UnitOfWork,
    decision: Decision,
    before: Ticket | None,
    helpdesk: Helpdesk,
    now: datetime,
    *,
    inbound: int | None = None,
    trace: str = "",
) -> Done:
    """Store what a decision says about a ticket (None: it opens one) and queue the mails that follow."""
    if decision.absence is not None:
        unit.people.be_absent(decision.absence.agent, decision.absence.since, decision.absence.until)
    if not decision.facts and not decision.notices:
        return Done(before)
    if not decision.facts:
        if before is None:
            return Done(None)
        occasion = _occasion(unit, before, decision, stand(unit, before, helpdesk, now), now, trace)
        return Done(before, outbox=_queue(unit, decision.notices, occasion, helpdesk))
    start = None if decision.opens else before
    number = start.number if start else unit.tickets.new_number()
    entry = _store_entry(unit, decision, number, inbound)
    second = _store_entry(unit, replace(decision, entry=decision.also), number, None)
    ids = {THIS_ENTRY: entry, NEXT_ENTRY: second}
    facts = tuple(replace(f, entry=ids.get(f.entry, f.entry)) if f.entry is not None else f for f in decision.facts)
    after = start
    for fact in facts:
        after = apply(number, after, fact)
    assert after is not None  # facts is not empty
    unit.tickets.append(after, facts, root_id(helpdesk.ring, number, helpdesk.domain))
    state = reckon(unit, after, helpdesk, now)
    happening = Happening(after, facts, decision.actor, decision.acknowledge)
    notices = strongest((*decision.notices, *notices_for(happening, helpdesk.policy.present(unit.people.absent(now)))))
    if decision.mute:
        notices = tuple(notice for notice in notices if not notice.agent)
    if helpdesk.policy.acknowledge_after and any(isinstance(fact, Replied) for fact in facts):
        unit.outbox.drop_waiting(number, "acknowledgement")  # a person was quicker
    if not notices:
        return Done(after, facts, entry)  # the thread is read for mails alone
    occasion = _occasion(unit, after, replace(decision, facts=facts), state, now, trace)
    return Done(after, facts, entry, _queue(unit, notices, occasion, helpdesk))


def _store_entry(unit: UnitOfWork, decision: Decision, ticket: int, inbound: int | None) -> int | None:
    draft = decision.entry
    if draft is None:
        return None
    return unit.tickets.add_entry(
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
            inbound=inbound,
            attachments=draft.attachments,
        )
    )


def _occasion(
    unit: UnitOfWork, ticket: Ticket, decision: Decision, state: Standing, now: datetime, trace: str
) -> Occasion:
    entries = unit.tickets.entries(ticket.number)
    return Occasion(ticket=ticket, decision=decision, entries=entries, standing=state, now=now, trace=trace)


def _queue(
    unit: UnitOfWork, notices: Sequence[Notice], occasion: Occasion, helpdesk: Helpdesk
) -> tuple[OutboxRow, ...]:
    return tuple(enqueue(unit, notice, occasion, helpdesk) for notice in notices)


def stand(unit: UnitOfWork, ticket: Ticket, helpdesk: Helpdesk, now: datetime) -> Standing:
    """How a ticket stands to its SLA, steps that fired already left out."""
    history = unit.tickets.history(ticket.number)
    fired = unit.sla_steps.fired(ticket.number)
    return standing(history, helpdesk.plan_of(ticket), helpdesk.calendar_of(ticket), now, already=fired)


def reckon(unit: UnitOfWork, ticket: Ticket, helpdesk: Helpdesk, now: datetime) -> Standing:
    """Write the ticket's next SLA instant and due instant into its row."""
    standing_now = stand(unit, ticket, helpdesk, now)
    ended = ticket.status.ended or ticket.status is Status.SPAM
    index = SlaIndex(
        next_at=None if ended else standing_now.next_at,
        due_at=None if ended else standing_now.due_at,
        digest=helpdesk.digest_of(ticket),
    )
    unit.tickets.index(ticket.number, index)
    return standing_now
