"""The questions that commands may ask, answered from the store and the canned texts."""

from __future__ import annotations

from typing import Any

from maild.domain.decision import EntryDraft
from maild.domain.lookups import Lookups, Said
from maild.domain.notices.mail_kinds import Reader, templates_where
from maild.domain.people.directory import Agent
from maild.domain.sla.alarm_acks import alarms
from maild.domain.tickets.events import MessageReceived
from maild.domain.tickets.ticket import EntryKind, Ticket
from maild.domain.tickets.visibility import may_see
from maild.ports import StoredEntry, UnitOfWork
from maild.services.helpdesk import Helpdesk
from maild.services.notices.similar_tickets import answers_shown, solving_answer
from maild.services.queries.due_explained import derived_lines
from maild.services.work import Work

_NOTICES = 10  # of ours to agents, the newest: what the leak guard compares with
_MERGES = 20  # how often a ticket's survivor may have been merged itself
_TO_CUSTOMERS = templates_where(lambda kind: kind.to is Reader.CUSTOMER)  # what they hold left already


def follow_merges(number: int, unit: UnitOfWork) -> Ticket | None:
    """The ticket of this number, or the one that it was merged into."""
    ticket = unit.tickets.get(number)
    for _ in range(_MERGES):
        if ticket is None or ticket.merged_into is None:
            break
        ticket = unit.tickets.get(ticket.merged_into)
    return ticket


def lookups_for(work: Work, ticket: Ticket | None = None, agent: Agent | None = None) -> Lookups:
    """Answers as of this transaction; canned texts know the ticket and who writes."""
    unit, helpdesk = work.unit, work.helpdesk
    known = _known(ticket, agent, helpdesk)

    def find(number: int) -> Ticket | None:
        found = follow_merges(number, unit)
        hidden = agent is not None and found is not None and not may_see(agent, found, helpdesk.policy.directory)
        return None if hidden else found  # to an agent who may not see it there is none

    def said(number: int) -> Said:
        entries = unit.tickets.entries(number)
        notes = (e.text for e in entries if e.kind == EntryKind.NOTE and not e.may_leave)
        outside = (e.text for e in entries if e.kind != EntryKind.NOTE or e.may_leave)
        notices = unit.outbox.texts(number, _NOTICES, but=_TO_CUSTOMERS)
        return Said(notes=tuple(notes), notices=notices, outside=(*outside, *answers_shown(unit, number)))

    def last_message(number: int) -> EntryDraft | None:
        history = unit.tickets.history(number)
        automatic = {fact.entry for fact in history if isinstance(fact, MessageReceived) and fact.automatic}
        found = [e for e in unit.tickets.entries(number) if e.kind == EntryKind.MESSAGE and e.id not in automatic]
        return _as_draft(found[-1]) if found else None

    def explain_due(number: int) -> tuple[str, ...]:
        return derived_lines(work, number) or ()

    return Lookups(
        ticket=find,
        batches=unit.tickets.batches,
        can_withdraw=unit.outbox.can_withdraw,
        history_was_sent=unit.outbox.history_was_sent,
        last_message=last_message,
        calendar=helpdesk.calendar_of,
        canned=lambda name, variables: helpdesk.canned.render(name, known | dict(variables)),
        canned_names=helpdesk.canned.names(),
        said=said,
        has_contacted=unit.people.has_contacted,
        answer_of=lambda number: solving_answer(unit, number, agent, helpdesk),
        explain_due=explain_due,
        alarms=lambda number: alarms(unit.tickets.history(number)),
    )


def _known(ticket: Ticket | None, agent: Agent | None, helpdesk: Helpdesk) -> dict[str, Any]:
    """What canned texts may name beside the variables that the writer gives."""
    words: dict[str, Any] = {"helpdesk": helpdesk.name, "agent": agent.shown if agent else helpdesk.name}
    if ticket is not None:
        words |= {"number": ticket.number, "subject": ticket.subject, "name": ticket.requester.name}
    return words


def _as_draft(entry: StoredEntry) -> EntryDraft:
    """A stored entry as it would begin another thread; its files stay pointers into its own mail."""
    return EntryDraft(
        kind=EntryKind(entry.kind),
        author=entry.author,
        author_name=entry.author_name,
        text=entry.text,
        html=entry.html,
        folded_lines=entry.folded_lines,
        message_id=entry.message_id,
        trust=entry.trust,
        attachments=entry.attachments,
        inbound=entry.inbound,
    )
