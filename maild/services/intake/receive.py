"""Stores a raw mail exactly once and durably, before anybody thinks about it. Transaction A of the way in."""

from __future__ import annotations

import queue
import threading
from concurrent.futures import Future
from dataclasses import dataclass

from maild import maillog
from maild.ports import Clock, IncomingMail, OpenUnitOfWork, Receipt, TemporaryFailure, WakeUp

_GROUP = 200  # mails in one transaction
_GROUP_BYTES = 64 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class _Waiting:
    mail: IncomingMail
    receipt: Future[Receipt]


class Intake:
    """Takes mails from every source and commits them in groups: what arrives during one fsync shares the next.

    Use it as a HandIn. `run` needs a thread of its own until `close`."""

    def __init__(self, open_unit: OpenUnitOfWork, clock: Clock, kept: WakeUp) -> None:
        self._open = open_unit
        self._clock = clock
        self._kept = kept
        self._waiting: queue.SimpleQueue[_Waiting | None] = queue.SimpleQueue()
        self._closed = False
        self._door = threading.Lock()  # nothing may be queued behind the end

    def __call__(self, mail: IncomingMail) -> Future[Receipt]:
        """Queue a mail. The future is done once it is durable, or fails with TemporaryFailure."""
        receipt: Future[Receipt] = Future()
        with self._door:
            if not self._closed:
                self._waiting.put(_Waiting(mail, receipt))
                return receipt
        receipt.set_exception(TemporaryFailure("maild is stopping"))
        return receipt

    def run(self) -> None:
        """Commit groups until closed. What waits at closing is still committed."""
        while group := self._next_group():
            self._commit(group)

    def close(self) -> None:
        """Take no more mails, and let `run` end."""
        with self._door:
            self._closed = True
            self._waiting.put(None)

    def _next_group(self) -> list[_Waiting]:
        group: list[_Waiting] = []
        size = 0
        item = self._waiting.get()
        while item is not None:
            group.append(item)
            size += len(item.mail.raw)
            if len(group) >= _GROUP or size >= _GROUP_BYTES:
                return group
            try:
                item = self._waiting.get_nowait()
            except queue.Empty:
                return group
        if group:
            self._waiting.put(None)  # the end was met behind a group: it must be met again
        return group

    def _commit(self, group: list[_Waiting]) -> None:
        try:
            receipts = keep([item.mail for item in group], self._open, self._clock)
        except Exception as error:  # noqa: BLE001 - each waiting sender must get an answer, whatever happened
            # One group may hold mails of several senders: each of them must get an answer and keep its copy.
            maillog.store_away(what="intake", reason=str(error))
            for item in group:
                item.receipt.set_exception(
                    error if isinstance(error, TemporaryFailure) else TemporaryFailure(f"not kept: {error}")
                )
            return
        self._kept()
        for item, receipt in zip(group, receipts, strict=True):
            item.receipt.set_result(receipt)


def keep(mails: list[IncomingMail], open_unit: OpenUnitOfWork, clock: Clock) -> list[Receipt]:
    """Store mails in one transaction. Returns a receipt for each. They are durable on return."""
    with open_unit() as unit:
        receipts = unit.inbound.keep(mails, clock.now())
        unit.commit()
    for mail, receipt in zip(mails, receipts, strict=True):
        maillog.received(
            inbound=receipt.inbound,
            source=mail.source,
            mailbox=mail.mailbox,
            size=len(mail.raw),
            known=receipt.known,
        )
    return receipts
