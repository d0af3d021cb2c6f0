"""Turns a notice into an outbox row. Message-ID, Date, reply address and context are fixed in the same transaction."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from maild import maillog
from maild.domain.intake.rules import name_fits
from maild.domain.messages.reply_tokens import Scope, Sealed, message_id, seal, thread_key
from maild.domain.notices.mail_kinds import Nature, Reader, Shows
from maild.domain.notices.notice import Notice
from maild.domain.people.directory import Address, Role
from maild.domain.tickets.events import Bounced
from maild.domain.tickets.ticket import Ticket
from maild.mail.compose import reply_subject
from maild.mail.reading.attachments import distinct
from maild.ports import Contact, LedgerLine, OutboxRow, StoredEntry
from maild.services.helpdesk import Helpdesk
from maild.services.notices.agent_message import ask_words, reply_address
from maild.services.notices.customer_context import customer_words, unsubscribing
from maild.services.notices.mail_head import KEY, ForwardedFile, MailHead
from maild.services.notices.overflow import fold
from maild.services.notices.pacing import Paced, paced
from maild.services.notices.similar_tickets import seen_before
from maild.services.notices.template_context import NoticeContext, Sealing, context_of, last_of, page_words
from maild.services.work import Work


def _reverse_path(notice: Notice, occasion: NoticeContext, reply_to: str) -> str:
    """Return where a bounce of this mail goes. News of a bounce has none: two dead mailboxes would never stop."""
    of_a_bounce = any(isinstance(event, Bounced) for event in occasion.decision.events)
    if notice.steps:
        return reply_to  # an alarm ends nowhere: each bounce passes it on, and nobody is told twice
    return "" if of_a_bounce or notice.mail_kind.has_null_path(about_ticket=True) else reply_to


def enqueue(work: Work, notice: Notice, occasion: NoticeContext) -> OutboxRow:
    """Queue one notice. Returns the row that tells it: its own, or a summary's where the reader has had enough."""
    agent = work.helpdesk.policy.directory.agent(notice.agent) if notice.agent else None
    if agent is None:
        return _queued(work, notice, occasion)
    timed = paced(work, notice, agent, occasion)
    return fold(work, timed, agent) if timed.full else _queued(work, timed.notice, timed.occasion, timed)


def _queued(work: Work, notice: Notice, occasion: NoticeContext, timed: Paced | None = None) -> OutboxRow:
    unit, helpdesk, ticket, kind = work.unit, work.helpdesk, occasion.ticket, notice.mail_kind
    agent = helpdesk.policy.directory.agent(notice.agent) if notice.agent else None
    contact = unit.people.agent(agent) if agent else unit.people.contact(notice.to)
    row_id = unit.outbox.next_id()
    sealed = Sealed("", ticket.number, notice.scope, contact.number, ticket.seq)
    sealing = sealing_for(helpdesk, ticket, contact)
    subject = _subject(work, notice, ticket, to_agent=agent is not None)
    root = unit.tickets.root_id(ticket.number)
    own_id = message_id(helpdesk.ring, sealed, row_id, helpdesk.domain)
    context = dict(context_of(work, notice, occasion, sealing, own_id.strip("<>").partition("@")[0]))
    if agent is not None and kind.transcript:
        context["ask"] = ask_words(helpdesk, contact)
    if kind.to is Reader.PAGER:
        context |= page_words(notice, occasion, helpdesk)
    context |= customer_words(notice, occasion, helpdesk, sealing)
    if agent is not None and kind.offers and notice.scope is Scope.REPLY:
        context["seen_before"] = seen_before(work, occasion, agent, sealing)
    head = _head(notice, occasion, helpdesk, sealing, root)
    context[KEY] = head.to_row()
    row = OutboxRow(
        id=row_id,
        ticket=ticket.number,
        entry=occasion.entry.id if kind.delivers and occasion.entry else None,
        template=notice.template,
        to=notice.to,
        envelope_from=_reverse_path(notice, occasion, head.reply_to),
        subject=subject,
        message_id=own_id,
        context=context,
        next_at=(timed.leaving.at if timed else work.now) + notice.hold,
        relay=helpdesk.relay_of(ticket.department),
        queued_at=work.now,
        counted=kind.counted,
        agent=agent.name if agent else "",
        leaves_at=timed.leaving.at if timed else None,
        since=timed.since if timed else None,
        first_at=timed.first_at if timed else None,
    )
    unit.outbox.add(row)
    if notice.steps:
        unit.sla_steps.add_lines(tellings(notice, ticket.number, row_id, work.now))
    maillog.queued(
        outbox=row_id, ticket=ticket.number, template=notice.template, to=str(notice.to.address), trace=work.trace
    )
    return row


def _subject(work: Work, notice: Notice, ticket: Ticket, *, to_agent: bool) -> str:
    helpdesk = work.helpdesk
    if notice.mail_kind.to is Reader.PAGER:
        return f"#{helpdesk.token(ticket.number)}"
    return reply_subject(
        ticket.thread_subject,
        helpdesk.token(ticket.number),
        first=to_agent and not work.unit.outbox.has_written_to(ticket.number, notice.to.address),
        show_token=helpdesk.shows_token(to_agent=to_agent),
    )


def tellings(notice: Notice, ticket: int, outbox: int, now: datetime) -> list[LedgerLine]:
    """Return the lines of the escalation ledger for a mail that tells of steps."""
    return [
        LedgerLine(
            ticket=ticket,
            target=event.target,
            cycle=event.cycle,
            step=event.step,
            recipient=notice.to.address,
            agent=notice.agent or notice.pages,
            paged=notice.mail_kind.to is Reader.PAGER,
            outbox=outbox,
            notified_at=now,
        )
        for event in notice.steps
    ]


def sealing_for(helpdesk: Helpdesk, ticket: Ticket, contact: Contact) -> Sealing:
    """Return where answers of this recipient go, by their meaning: sealed, or bare without plus addressing."""
    base = helpdesk.address_of(ticket.department)

    def sealing(scope: Scope, verb: str) -> Address:
        if scope is Scope.QUERY:
            return reply_address(helpdesk, contact, scope)  # concerns no ticket
        if not helpdesk.settings.helpdesk.plus_addressing:
            return base
        meaning = Sealed("", ticket.number, scope, contact.number, ticket.seq, verb)
        return seal(helpdesk.ring, base, meaning, contact.epoch)

    return sealing


def _head(notice: Notice, occasion: NoticeContext, helpdesk: Helpdesk, sealing: Sealing, root: str) -> MailHead:
    ticket = occasion.ticket
    to_agent = helpdesk.policy.directory.agent(notice.agent) is not None
    answered = "" if to_agent else _last_from_outside(occasion)
    told = [*occasion.earlier, *([occasion.entry] if occasion.entry else [])]
    blocked = helpdesk.settings.attachments.blocked
    kind = notice.mail_kind
    forwarded = told if kind.files else []
    by_program = kind.nature is not Nature.WORDS
    return MailHead(
        from_=helpdesk.voice(ticket.department, _speaker(notice, occasion)),
        reply_to=str(sealing(notice.scope, notice.verb.format(draft=occasion.draft))),
        in_reply_to=answered or root,
        references=(root, answered) if answered else (root,),
        automatic=kind.auto_submitted(about_ticket=True),
        precedence=("list" if to_agent else "bulk") if by_program and not notice.steps else "",
        thread_key=thread_key(root),
        thread_started=ticket.created_at,
        thread_topic=ticket.thread_subject,
        list_id=f"{ticket.department}.{helpdesk.domain}" if to_agent else "",
        list_unsubscribe=unsubscribing(notice, helpdesk, sealing),
        reason=notice.template,
        attach=tuple(file for entry in forwarded for file in _attached(entry, occasion, blocked)),
        kind=notice.kind,
        claim=notice.claim,
    )


def _speaker(notice: Notice, occasion: NoticeContext) -> str:
    """Return the person whose words the mail carries, for the display name of From."""
    entry, kind = occasion.entry, notice.mail_kind
    if entry is None or kind.shows is Shows.NOTHING or kind.says_back:
        return ""
    if entry.author.role is Role.SYSTEM:
        return ""
    return entry.author_name or entry.author.address


def _last_from_outside(occasion: NoticeContext) -> str:
    last = last_of(occasion.entries, "message")
    return last.message_id if last else ""


def _attached(entry: StoredEntry, occasion: NoticeContext, blocked: Sequence[str]) -> list[ForwardedFile]:
    """Return pointers to the files that go along, without kinds that the admin blocks.

    A picture in the text, for instance the logo of a signature, goes along once for the ticket."""
    others = (other for other in occasion.entries if other.id != entry.id)
    seen = {a.sha256 for other in others for a in other.attachments if a.inline}
    pictures = distinct((a for a in entry.attachments if a.inline), seen)
    return [
        ForwardedFile(
            entry=entry.id,
            part=a.part,
            name=a.name,
            content_type=a.content_type,
            size=a.size,
            inline=a.inline,
            content_id=a.content_id,
        )
        for a in entry.attachments
        if not name_fits(blocked, a.name) and (a in pictures or not a.inline)
    ]
