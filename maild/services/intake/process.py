"""Takes stored mails through reading and judging, and commits what follows. Transaction B of the way in.

A mail that cannot be judged is tried three times and then quarantined with its raw bytes. The others go on."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Protocol

from maild import maillog
from maild.domain.agent_mail.signature import tail_of
from maild.domain.decision import QUEUED, Decision, Outcome, TraceStep
from maild.domain.effects import AskQuery, HoldReply, NotifyNextInLine, ReleasedAs
from maild.domain.intake.keys import ReadMail
from maild.domain.messages.message import InboundMessage
from maild.mail.worker.pool import ReadingFailed
from maild.ports import (
    ClaimLost,
    Clock,
    Finding,
    InboundState,
    Judgement,
    KeptMail,
    OpenUnitOfWork,
    OutboxRow,
    Scanner,
    ScanVerdict,
    TemporaryFailure,
    UnitOfWork,
    WakeUp,
)
from maild.services.apply.applying import Done
from maild.services.apply.decision import apply_decision
from maild.services.escalation.undelivered import notify_next_in_line
from maild.services.helpdesk import Helpdesk
from maild.services.intake.gather import Judged, MailReader, judge_read, read_mail
from maild.services.intake.look_ahead import look_ahead
from maild.services.intake.scanning import Look, Rewriter, Scanning, scan_step
from maild.services.queries.answers import answer
from maild.services.work import Work

BATCH = 50  # mails in one transaction
SCANNED_BATCH = 8  # the same with a scanner, which may take a minute for each: a round ends before anybody worries
ATTEMPTS = 3
DEATHS = 10  # attempts after which the program must have ended over this mail again and again
_ANCESTORS = 20  # ids of a mail's References that are remembered
PAUSE = timedelta(seconds=2)  # before a mail that failed is tried again
SCAN_PAUSE = timedelta(minutes=1)  # before a mail that waits for the scanner is shown to it again

_log = logging.getLogger(__name__)
_STATES = {Outcome.HELD: InboundState.HELD, Outcome.QUARANTINED: InboundState.QUARANTINED}


@dataclass(frozen=True, slots=True)
class Processed:
    """What became of one mail in this round. `outcome` is "" when it is to be tried again."""

    inbound: int
    outcome: str
    ticket: int | None
    reason: str
    waits: bool = False  # for the scanner, or another node has it: no fault of the mail
    released: tuple[int, ...] = ()  # held mails that it let go: they are judged next


@dataclass(frozen=True, slots=True)
class _Read:
    """A mail as words, and what the scanner found in it; no finding when it was not asked."""

    message: InboundMessage
    finding: Finding | None = None


class ScanningReader(MailReader, Rewriter, Protocol):
    """Reads mails and prepares them for a scanner."""


class Processing:
    """Judges stored mails in the order of their arrival."""

    def __init__(
        self,
        open_unit: OpenUnitOfWork,
        reader: ScanningReader,
        helpdesk: Callable[[], Helpdesk],
        clock: Clock,
        queued: WakeUp,
        readers: int = 2,
        pause: timedelta = PAUSE,
        scanner: Scanner | None = None,
    ) -> None:
        self._open = open_unit
        self._reader = reader
        self._helpdesk = helpdesk
        self._clock = clock
        self._queued = queued
        self._pause = pause
        self._scanning = Scanning(scanner, reader) if scanner is not None else None
        self._pool = ThreadPoolExecutor(max_workers=readers, thread_name_prefix="read")

    def close(self) -> None:
        """End the threads that read."""
        self._pool.shutdown(wait=True, cancel_futures=True)

    def round(self, only: Sequence[int] | None = None) -> list[Processed]:
        """Judge the next batch (of these mails, when given). Returns what became of each; [] when nothing waits."""
        with self._open() as unit:
            limit = BATCH if self._scanning is None else SCANNED_BATCH
            batch = unit.inbound.begin(limit, self._clock.now(), only)
            unit.commit()  # the attempts are counted before anything can go wrong
        if not batch:
            return []
        try:
            look = self._scanning.round() if self._scanning is not None else None
            read = list(self._pool.map(lambda kept: self._read(kept, look), batch))
            done = self._judge(batch, read)
        except TemporaryFailure:
            self._give_back(batch)  # no mail is to blame when no reader can be started, or the database has trouble
            raise
        self._queued()
        self._tell(done, batch)
        released = [number for processed in done for number in processed.released]
        # Who asked for certain mails does not come again for those that one of them let go.
        return [*done, *self.round(released)] if released and only is not None else done

    def _judge(self, batch: Sequence[KeptMail], read: Sequence[_Read | ReadingFailed]) -> list[Processed]:
        """Judge the mails of a batch in one transaction; where that fails, each in a transaction of its own."""
        mails = list(zip(batch, read, strict=True))
        if len(mails) > 1:
            try:
                return self._together(mails)
            except TemporaryFailure:
                raise
            except Exception as error:  # noqa: BLE001 - the mail that is to blame is found by judging each alone
                _log.debug("%d mails cannot be judged together: %r", len(mails), error)
        return [self._alone(kept, found) for kept, found in mails]

    def _together(self, mails: Sequence[tuple[KeptMail, _Read | ReadingFailed]]) -> list[Processed]:
        with self._open() as unit:
            now, helpdesk = self._clock.now(), self._helpdesk()
            reads = {
                kept.id: _read_mail(helpdesk, kept, found)
                for kept, found in mails
                if isinstance(found, _Read) and not kept.mail.truncated
            }
            look_ahead(Work(unit, helpdesk, now), list(reads.values()))
            done = [self._one(unit, helpdesk, kept, found, reads.get(kept.id)) for kept, found in mails]
            unit.commit()
        return done

    def _alone(self, kept: KeptMail, found: _Read | ReadingFailed) -> Processed:
        helpdesk = self._helpdesk()
        try:
            with self._open() as unit:
                done = self._one(unit, helpdesk, kept, found, None)
                unit.commit()
            return done
        except TemporaryFailure:
            raise
        except ClaimLost as lost:
            return Processed(kept.id, "", None, str(lost), waits=True)
        except Exception as error:  # noqa: BLE001 - whatever a mail does to the thinking, it must not stop the others
            with self._open() as unit:
                done = self._set_back(unit, kept, f"{type(error).__name__}: {error}", self._clock.now())
                unit.commit()
            return done

    def _give_back(self, batch: Sequence[KeptMail]) -> None:
        try:
            with self._open() as unit:
                unit.inbound.give_back([kept.id for kept in batch])
                unit.commit()
        except TemporaryFailure as failure:
            # The trouble goes on: these attempts count, and the mails are this node's to begin again.
            maillog.store_away(what="processing", reason=str(failure))

    def _read(self, kept: KeptMail, look: Look | None) -> _Read | ReadingFailed:
        try:
            message = self._reader.read(kept.mail.raw)
            if look is None or kept.mail.truncated:
                return _Read(message)
            return _Read(message, look(kept.mail.raw, message))
        except ReadingFailed as failure:
            return failure

    def _one(
        self,
        unit: UnitOfWork,
        helpdesk: Helpdesk,
        kept: KeptMail,
        found: _Read | ReadingFailed,
        read: ReadMail | None,
    ) -> Processed:
        """Judge one mail. `read` is what was collected of it already."""
        now = self._clock.now()
        if isinstance(found, ReadingFailed):
            return self._set_back(unit, kept, f"reading failed: {found}", now)
        message, finding = found.message, found.finding
        if kept.mail.truncated:
            reason = "larger than limits.message: only its beginning was fetched, the whole mail is still in its folder"
            return self._quarantine(unit, kept, reason, now, message)
        if finding is not None and finding.verdict is ScanVerdict.INFECTED:
            return self._quarantine(unit, kept, finding.reason, now, message, scan_step(finding))
        if finding is not None and finding.verdict is ScanVerdict.UNAVAILABLE and self._holds():
            return self._wait(unit, kept, finding.reason, now)
        if kept.attempts > DEATHS:
            return self._quarantine(unit, kept, f"judging it was begun {DEATHS} times and never ended", now, message)
        work = Work(unit, helpdesk, now, maillog.trace_of(kept.id))
        judged = judge_read(work, read or _read_mail(helpdesk, kept, found), kept.mail.raw)
        if finding is not None:
            judged = replace(judged, steps=(scan_step(finding), *judged.steps))
        return self._finish(work, kept, judged, message)

    def _finish(self, work: Work, kept: KeptMail, judged: Judged, message: InboundMessage) -> Processed:
        unit, now, decision = work.unit, work.now, judged.decision
        done = apply_decision(work, decision, judged.ticket, inbound=kept.id)
        ticket = done.ticket.number if done.ticket else None
        answers = _left(work, done)
        if ticket is not None and done.entry is not None:
            unit.tickets.remember_references(ticket, _family(judged.message))
        holds = bool(decision.effects_of(HoldReply))
        waits_on = holds or decision.outcome is Outcome.HELD
        if kept.released and not waits_on:  # the text in it that waited for a word has had one
            unit.held_replies.settle_from_mail(kept.id, "sent", now)
        self._learn_signature(unit, message, decision)
        effects = tuple(
            TraceStep("notices", QUEUED, f"mail {row.template} to {row.to.address} (outbox {row.id})")
            for row in (*done.outbox, *answers)
        )
        judgement = Judgement(
            state=InboundState.HELD if holds else _STATES.get(decision.outcome, InboundState.DONE),
            outcome=decision.outcome,
            reason=decision.reason,
            steps=(*judged.steps, *effects),
            ticket=ticket,
            entry=done.entry,
            message_id=judged.message.message_id,
            sameness=judged.message.sameness,
            sender=_sender(judged.message),
            subject=judged.message.subject,
        )
        unit.inbound.judge(kept.id, judgement, now)
        return Processed(kept.id, decision.outcome, ticket, decision.reason, released=done.released)

    def _learn_signature(self, unit: UnitOfWork, message: InboundMessage, decision: Decision) -> None:
        """An agent's mail, as it was before their signature was cut, teaches what they put below."""
        agent = self._helpdesk().policy.directory.agent(decision.actor.name)
        if agent is not None and decision.outcome in {Outcome.REPLIED, Outcome.NOTED}:
            unit.people.learn_signature(agent, tail_of(message.own_and_forwarded[0]))

    def _holds(self) -> bool:
        return self._helpdesk().settings.attachments.when_unavailable == "hold"

    def _wait(self, unit: UnitOfWork, kept: KeptMail, reason: str, now: datetime) -> Processed:
        """The mail stays kept until the scanner has looked at it; that is no attempt."""
        unit.inbound.postpone(kept.id, now + SCAN_PAUSE, reason, counts=False)
        return Processed(kept.id, "", None, reason, waits=True)

    def _set_back(self, unit: UnitOfWork, kept: KeptMail, reason: str, now: datetime) -> Processed:
        if kept.attempts >= ATTEMPTS:
            return self._quarantine(unit, kept, reason, now, None)
        unit.inbound.postpone(kept.id, now + self._pause, reason)
        return Processed(kept.id, "", None, reason)

    def _quarantine(
        self,
        unit: UnitOfWork,
        kept: KeptMail,
        reason: str,
        now: datetime,
        message: InboundMessage | None,
        step: TraceStep | None = None,
    ) -> Processed:
        judgement = Judgement(
            state=InboundState.QUARANTINED,
            outcome=Outcome.QUARANTINED,
            reason=reason,
            steps=(step or TraceStep("parse", "failed", reason),),
            sender=_sender(message) if message else "",
            subject=message.subject if message else "",
        )
        unit.inbound.judge(kept.id, judgement, now)
        return Processed(kept.id, Outcome.QUARANTINED, None, reason)

    def _tell(self, done: Sequence[Processed], batch: Sequence[KeptMail]) -> None:
        """Tell the log what is committed."""
        for processed, kept in zip(done, batch, strict=True):
            if processed.waits:
                if processed.reason != kept.reason:
                    maillog.waiting(inbound=kept.id, reason=processed.reason)
            elif not processed.outcome:
                maillog.reading_failed(inbound=kept.id, attempt=kept.attempts, reason=processed.reason)
            elif processed.outcome == Outcome.QUARANTINED:
                maillog.quarantined(inbound=kept.id, attempts=kept.attempts, reason=processed.reason)
            else:
                maillog.judged(
                    inbound=kept.id,
                    outcome=processed.outcome,
                    ticket=processed.ticket,
                    sender=kept.mail.envelope.sender or "",
                    reason=processed.reason,
                )


def _read_mail(helpdesk: Helpdesk, kept: KeptMail, found: _Read) -> ReadMail:
    return read_mail(
        helpdesk,
        kept.mail,
        found.message,
        kept.id,
        released=kept.released,
        proven=kept.proven,
        released_as=ReleasedAs(kept.released_as),
    )


def _left(work: Work, done: Done) -> list[OutboxRow]:
    """Carry out what a decision left to its caller -> the mails that answer a question."""
    answers = []
    for effect in done.left:
        if isinstance(effect, AskQuery):
            answers.append(answer(work, effect))
        elif isinstance(effect, NotifyNextInLine):
            notify_next_in_line(work, effect.outbox, effect.diagnostic, "delivery report")
    return [row for row in answers if row is not None]


def _family(message: InboundMessage) -> tuple[str, ...]:
    """The ids by which mails that come later may be known as of the same thread: its own, and its ancestors'."""
    ids = (message.message_id, *message.in_reply_to, *message.references[-_ANCESTORS:])
    return tuple(text for text in dict.fromkeys(ids) if text)


def _sender(message: InboundMessage) -> str:
    return str(message.sender.address) if message.sender else message.from_header[:200]
