"""Claims due mails, makes their bytes once, hands them to the relay, and records the answer.

No transaction is open over the network. domain/messages/outbox.py judges what an attempt came to."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial

from maild import maillog
from maild.domain.intake.bounce import BouncedMail, bounced
from maild.domain.messages.message import OutboundMessage
from maild.domain.messages.outbox import (
    Attempted,
    ChannelFault,
    DeliveryResult,
    OutboxState,
    RelayAnswer,
    after_attempt,
)
from maild.domain.notices.mail_kinds import MAIL_KINDS, Reader
from maild.domain.notices.page import page_text
from maild.mail.compose import OutgoingAttachment, OutgoingMail, compose
from maild.mail.reading.parse import extract_all
from maild.mail.templates.render import Rendered, Renderer, TemplateFailed
from maild.ports import Clock, MailTransport, OpenUnitOfWork, OutboxRow, TemporaryFailure, UnitOfWork
from maild.services.apply.decision import apply_decision
from maild.services.escalation.undelivered import lost_alarm, notify_next_in_line, tell_of, tell_of_stopped
from maild.services.helpdesk import Helpdesk
from maild.services.notices.agents_marks import Stopped, looked_through
from maild.services.notices.mail_head import KEY, ForwardedFile, head_of
from maild.services.notices.overflow import settle, with_notices
from maild.services.queries.asked_statistics import waits_for_statistics, with_statistics
from maild.services.work import Work, isolated

LEASE = timedelta(minutes=15)  # longer than one attempt may take (RFC 5321 4.5.3.2)
BATCH = 20
ATTACH_LIMIT = 10 * 1024 * 1024  # bytes of files that go along; the rest is named in the mail


@dataclass(slots=True)
class Delivered:
    """How many mails a round sent, put off, and gave up."""

    sent: int = 0
    deferred: int = 0
    failed: int = 0


class Delivery:
    """Delivers what is due for one relay. Use it from one thread at a time: the transport is not shared."""

    def __init__(
        self,
        relay: str,
        open_unit: OpenUnitOfWork,
        transport: MailTransport,
        renderer: Callable[[], Renderer],
        helpdesk: Callable[[], Helpdesk],
        clock: Clock,
    ) -> None:
        self._relay = relay
        self._open = open_unit
        self._transport = transport
        self._renderer = renderer
        self._helpdesk = helpdesk
        self._clock = clock

    def round(self, stop: Callable[[], bool] = lambda: False) -> Delivered:
        """Deliver everything that is due now. After a fault of the channel the rest of the batch waits with it."""
        total = Delivered()
        while not stop():
            now = self._clock.now()
            with self._open() as unit:
                rows = unit.outbox.claim(now, now + LEASE, BATCH, self._relay)
                unit.commit()
            if not rows:
                break
            fault: ChannelFault | None = None
            for row in rows:
                fault = self._attempt(row, fault or self._stopping(stop, now), total)
            if fault is not None:
                break
        return total

    def close(self) -> None:
        """Close the transport."""
        self._transport.close()

    def _stopping(self, stop: Callable[[], bool], claimed: datetime) -> ChannelFault | None:
        """Return why the rest of a batch has to wait. An attempt must end before another node may claim the mail."""
        if self._clock.now() - claimed > LEASE / 3:
            return ChannelFault("the mails before this one took too long: it is claimed anew")
        return ChannelFault("maild is stopping") if stop() else None

    def _attempt(self, row: OutboxRow, fault: ChannelFault | None, total: Delivered) -> ChannelFault | None:
        """Make one attempt. Returns the fault of the channel when there was one."""
        answer: RelayAnswer | ChannelFault
        if fault is not None:
            answer = fault
        else:
            made = self._made(row)
            if isinstance(made, TemplateFailed):
                self._hold(row, made, total)
                return None
            if isinstance(made, Stopped):
                self._stop(row, made, total)
                return None
            answer = self._hand_over(row, made)
            if isinstance(answer, ChannelFault):
                maillog.relay_fault(relay=self._relay, reason=answer.text)
        now = self._clock.now()
        jitter = random.uniform(-1, 1)  # noqa: S311 - spreads retries, guards nothing
        attempted = after_attempt(answer, attempts=row.attempts, tried_since=row.tried_since, now=now, jitter=jitter)
        with self._open() as unit:
            unit.outbox.record_attempt(row.id, attempted)
            if attempted.state is OutboxState.FAILED:
                self._given_up(unit, row, attempted, now)
            unit.commit()
        self._tell(row, attempted, total)
        return answer if isinstance(answer, ChannelFault) else None

    def _made(self, row: OutboxRow) -> bytes | TemplateFailed | Stopped:
        try:
            return frozen(row, self._open, self._renderer(), self._helpdesk())
        except TemporaryFailure:
            raise
        except Exception as error:  # noqa: BLE001 - one mail that cannot be made must not stop all the others
            return TemplateFailed(row.template, 0, f"{type(error).__name__}: {error}")

    def _given_up(self, unit: UnitOfWork, row: OutboxRow, attempted: Attempted, now: datetime) -> None:
        """Tell those in charge, as if it had bounced. Of a mail about a bounce they hear nothing: it would not end."""
        work, by = Work(unit, self._helpdesk(), now, f"out-{row.id}"), f"relay {self._relay}"
        if row.ticket is None:
            notify_next_in_line(work, row.id, attempted.last_answer, by)
            return
        ticket = unit.tickets.get(row.ticket) if row.envelope_from else None
        if ticket is None:
            return
        alarm = lost_alarm(work, row.id, ticket)
        lost = BouncedMail(ticket.number, str(row.to.address), row.entry, row.id, alarm)
        at = max(now, ticket.updated_at)
        decision = bounced(ticket, lost, attempted.last_answer, by=by, at=at, policy=work.helpdesk.policy)
        tell_of(ticket, lost, decision)
        isolated(unit, ticket.number, partial(apply_decision, work, decision, ticket))

    def _hand_over(self, row: OutboxRow, raw: bytes) -> RelayAnswer | ChannelFault:
        recipient = str(row.to.address)
        answers = self._transport.send(OutboundMessage(row.envelope_from, (recipient,), raw))
        if isinstance(answers, ChannelFault):
            return answers
        return answers.get(recipient) or RelayAnswer(
            DeliveryResult.AMBIGUOUS, "the relay gave no answer for this recipient"
        )

    def _hold(self, row: OutboxRow, failure: TemplateFailed, total: Delivered) -> None:
        """A template that cannot be rendered at all: the mail waits for the admin, it is not lost."""
        answer = f"held: {failure}; fix the template, then: maild outbox release {row.id}"
        attempted = Attempted(OutboxState.HELD, row.attempts, None, answer, row.tried_since)
        with self._open() as unit:
            unit.outbox.record_attempt(row.id, attempted)
            unit.commit()
        total.failed += 1
        maillog.failed(outbox=row.id, ticket=row.ticket, to=str(row.to.address), answer=answer)

    def _stop(self, row: OutboxRow, stopped: Stopped, total: Delivered) -> None:
        """A mail to a customer that holds what only agents may have: it fails, and those concerned hear of it."""
        attempted = Attempted(OutboxState.FAILED, row.attempts, None, f"not sent: {stopped}", row.tried_since)
        with self._open() as unit:
            unit.outbox.record_attempt(row.id, attempted)
            work = Work(unit, self._helpdesk(), self._clock.now(), f"out-{row.id}")
            tell_of_stopped(work, row, stopped.reason)
            unit.commit()
        self._tell(row, attempted, total)

    def _tell(self, row: OutboxRow, attempted: Attempted, total: Delivered) -> None:
        to, answer = str(row.to.address), attempted.last_answer
        if attempted.state is OutboxState.SENT:
            total.sent += 1
            maillog.sent(outbox=row.id, ticket=row.ticket, to=to, answer=answer)
        elif attempted.state is OutboxState.FAILED:
            total.failed += 1
            maillog.failed(outbox=row.id, ticket=row.ticket, to=to, answer=answer)
        else:
            total.deferred += 1
            next_at = attempted.next_at.isoformat() if attempted.next_at else ""
            maillog.deferred(outbox=row.id, ticket=row.ticket, to=to, answer=answer, next_at=next_at)


# -- bytes ------------------------------------------------------------------------------------------------------


def frozen(
    row: OutboxRow, open_unit: OpenUnitOfWork, renderer: Renderer, helpdesk: Helpdesk
) -> bytes | TemplateFailed | Stopped:
    """Return the bytes of a mail. The first call makes and commits them; every attempt sends the same bytes.

    Bytes that would give a customer what only agents may have are never kept."""
    if row.raw is not None:
        return row.raw
    if waits_for_statistics(row):
        try:
            with open_unit(reading=True) as unit:  # it may take long: others can write meanwhile
                row = with_statistics(unit, row, helpdesk)
        except ValueError as error:  # an event that this program cannot read
            return TemplateFailed(row.template, 0, str(error))
    with open_unit() as unit:
        current = unit.outbox.lock(row.id)  # nobody adds a notice to a summary meanwhile
        if current is not None and current.raw is not None:
            return current.raw
        try:
            if current is not None and MAIL_KINDS[current.template].gathers:
                (row,) = with_notices(unit, [current])
            raw, text, files = composed(row, unit, renderer, helpdesk)
        except TemplateFailed as failure:
            return failure
        except ValueError as error:  # an address of ours that no mail may bear
            return TemplateFailed(row.template, 0, str(error))
        if stopped := looked_through(row, raw, files, unit, helpdesk):
            return stopped
        if unit.outbox.freeze(row.id, raw, text):
            settle(unit, [row])
            unit.commit()
            return raw
        first = unit.outbox.get(row.id)  # somebody else made the bytes meanwhile
        return first.raw if first is not None and first.raw is not None else raw


def composed(
    row: OutboxRow, unit: UnitOfWork, renderer: Renderer, helpdesk: Helpdesk
) -> tuple[bytes, str, tuple[OutgoingAttachment, ...]]:
    """Render and compose -> the bytes, and the text and the files in them. An admin's template that fails gives way to
    ours."""
    words = {key: value for key, value in row.context.items() if key != KEY}
    try:
        rendered = renderer.render(row.template, words)
    except TemplateFailed as failure:
        maillog.failed(outbox=row.id, ticket=row.ticket, to=str(row.to.address), answer=f"{failure}; shipped text used")
        rendered = renderer.render(f"shipped/{row.template}", words)
    if MAIL_KINDS[row.template].to is Reader.PAGER:
        rendered = Rendered(page_text(rendered.text, row.subject) + "\n", "")
    head = head_of(row)
    files = (*_made_files(head.files), *_files(head.attach, unit))
    raw = compose(
        OutgoingMail(
            from_=head.from_,
            to=row.to,
            reply_to=head.reply_to,
            subject=row.subject,
            message_id=row.message_id,
            date=row.mail_date,
            in_reply_to=head.in_reply_to,
            references=head.references,
            text=rendered.text,
            html=rendered.html,
            automatic=head.automatic,
            precedence=head.precedence,
            thread_key=head.thread_key,
            thread_started=head.thread_started,
            thread_topic=head.thread_topic,
            list_id=head.list_id,
            list_unsubscribe=head.list_unsubscribe,
            reason=head.reason,
            trace=row.context["trace"],
            loop_mark=helpdesk.loop_mark,
            language=row.context["language"],
            attachments=files,
        )
    )
    return raw, rendered.text, files


def _made_files(files: Sequence[tuple[str, str]]) -> tuple[OutgoingAttachment, ...]:
    """Return texts of our own that go along as files, such as a whole thread."""
    return tuple(OutgoingAttachment(name, "text/plain", text.encode()) for name, text in files)


def _files(pointers: Sequence[ForwardedFile], unit: UnitOfWork) -> tuple[OutgoingAttachment, ...]:
    """Return the files that go along, from the raw mail they came in, up to the limit."""
    chosen: dict[int, list[ForwardedFile]] = {}
    room = ATTACH_LIMIT
    for pointer in pointers:
        if pointer.size <= room:
            room -= pointer.size
            chosen.setdefault(pointer.entry, []).append(pointer)
    taken: list[OutgoingAttachment] = []
    for entry, files in chosen.items():
        source = unit.inbound.of_entry(entry)
        if source is None:
            continue
        contents = extract_all(source.mail.raw, [file.part for file in files])
        # The mail is written anew: nothing in it points to a content id.
        taken += [
            OutgoingAttachment(name=file.name, content_type=file.content_type, content=content)
            for file, content in zip(files, contents, strict=True)
        ]
    return tuple(taken)
