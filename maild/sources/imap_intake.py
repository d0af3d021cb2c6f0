"""What is taken out of a folder: which mails are new, in which batches, and how far the folder has been read."""

from __future__ import annotations

import logging
import time
from collections import deque
from collections.abc import Iterator, Sequence
from concurrent.futures import Future
from concurrent.futures import wait as wait_for_all
from dataclasses import replace
from datetime import UTC, datetime
from threading import Event as ThreadEvent

from maild.ports import (
    Clock,
    HandIn,
    IgnoredMail,
    IncomingMail,
    MailboxLedger,
    MailboxState,
    Receipt,
    TemporaryFailure,
)
from maild.sources.imap_acknowledge import Acknowledger
from maild.sources.imap_options import MailboxOptions, Start
from maild.sources.imap_session import LISTING, STOP_CHECK, ListedMail, Session

log = logging.getLogger("maild.sources.imap")

# The last_uid of a folder whose first sight has begun and not ended. Until it ends, mails older than the start are
# told apart by their date; afterwards whatever has a higher UID is new, even an old mail that a person moves in.
FIRST_SIGHT = -1

LAST_GRACE = 10.0  # seconds that a batch may still take to be kept once we are told to stop
OLDER_THAN_START = "older than start"


class FolderIntake:
    """Takes mails out of the selected folder of one session: keep first, then acknowledge, then remember how far.

    `trouble` says in a line what the last round could not do, "" when it did all."""

    def __init__(
        self,
        session: Session,
        options: MailboxOptions,
        ledger: MailboxLedger,
        clock: Clock,
        hand_in: HandIn,
        stop: ThreadEvent,
        acknowledger: Acknowledger,
    ) -> None:
        self._session = session
        self._options = options
        self._ledger = ledger
        self._clock = clock
        self._hand_in = hand_in
        self._stop = stop
        self._acknowledger = acknowledger
        self._settled: set[int] = set()  # dealt with, but above a mail that is not
        self._complained: set[int] = set()
        self._state: MailboxState | None = None
        self.trouble = ""

    def round(self) -> None:
        """Take in what is new. Raises TemporaryFailure when mails cannot be kept just now: they are untouched."""
        state = self._recall()
        self.trouble = self._acknowledger.trouble = ""
        found = self._session.search_above(max(state.last_uid, 0))
        unread = deque(found)
        for chunk in _chunks([uid for uid in found if uid not in self._settled], LISTING):
            for batch in self._batches(self._sizes(chunk)):
                if self._stop.is_set():
                    return
                self._take(batch)
                self._advance(unread)
        self._advance(unread)
        if self._recall().last_uid == FIRST_SIGHT and not unread:
            self._remember(max(found, default=0))
            log.info("mailbox %s: %r has been read for the first time", self._options.name, self._options.folder)
        self.trouble = self.trouble or self._acknowledger.trouble

    # -- how far --------------------------------------------------------------------------------------------------

    def _recall(self) -> MailboxState:
        if self._state is None:
            self._state = self._meet(self._ledger.recall(self._options.name))
        return self._state

    def _meet(self, known: MailboxState | None) -> MailboxState:
        """The state to go on from. The start is fixed once and for all before any mail is judged by it."""
        uidvalidity = self._session.uidvalidity
        if known is not None and known.uidvalidity == uidvalidity:
            return known
        if known is None:
            state = MailboxState(uidvalidity, FIRST_SIGHT, _start_at(self._options, self._clock))
            log.info("mailbox %s: first sight of %r", self._options.name, self._options.folder)
        else:
            # RFC 9051 2.3.1.1: all UIDs are void. The intake knows by their bytes the mails that it has.
            state = MailboxState(uidvalidity, FIRST_SIGHT, known.start_at)
            log.warning(
                "mailbox %s: the server has renumbered %r (UIDVALIDITY %d -> %d), so it is read anew from its start",
                self._options.name,
                self._options.folder,
                known.uidvalidity,
                uidvalidity,
            )
        self._ledger.remember(self._options.name, state)
        return state

    def _remember(self, last_uid: int) -> None:
        state = replace(self._recall(), last_uid=last_uid)
        self._ledger.remember(self._options.name, state)
        self._state = state
        self._settled = {uid for uid in self._settled if uid > last_uid}

    def _advance(self, unread: deque[int]) -> None:
        """Drop from the left of `unread` what is dealt with. Past the first mail that is not, nothing is remembered."""
        passed = 0
        while unread and unread[0] in self._settled:
            passed = unread.popleft()
        if passed and self._recall().last_uid != FIRST_SIGHT:
            self._remember(passed)

    # -- which mails ----------------------------------------------------------------------------------------------

    def _sizes(self, uids: Sequence[int]) -> list[ListedMail]:
        """The mails to take in, with their sizes; those older than the start are recorded as ignored and left alone."""
        listed = self._session.sizes(uids, self._clock.now())
        self._settle_gone([uid for uid in uids if uid not in listed])
        mails = [listed[uid] for uid in uids if uid in listed]
        state = self._recall()
        if state.last_uid != FIRST_SIGHT or state.start_at is None:
            return mails
        # INTERNALDATE has whole seconds; a mail of the very second of the start is rather taken than lost.
        start = state.start_at.replace(microsecond=0)
        old = [mail for mail in mails if mail.arrived_at < start]
        if old:
            ignored = [IgnoredMail(mail.uid, mail.arrived_at) for mail in old]
            self._ledger.ignore(self._options.name, state.uidvalidity, ignored, OLDER_THAN_START)
            self._settled.update(mail.uid for mail in old)
        return [mail for mail in mails if mail.arrived_at >= start]

    def _settle_gone(self, uids: Sequence[int]) -> None:
        """Mails that were not delivered: somebody moved or deleted them (fine), or the server cannot read them."""
        if not uids:
            return
        there = self._session.still_there(uids)
        self._settled.update(set(uids) - there)
        for uid in sorted(there):
            self._complain(uid, "the server lists it but does not deliver it", None)

    def _batches(self, mails: Sequence[ListedMail]) -> Iterator[list[ListedMail]]:
        """At most `batch` mails and `batch_bytes` bytes at once, one mail at least."""
        batch: list[ListedMail] = []
        size = 0
        for mail in mails:
            if batch and (len(batch) >= self._options.batch or size + mail.size > self._options.batch_bytes):
                yield batch
                batch, size = [], 0
            batch.append(mail)
            size += mail.size
        if batch:
            yield batch

    # -- one batch ------------------------------------------------------------------------------------------------

    def _take(self, batch: Sequence[ListedMail]) -> None:
        """Keep a batch, then acknowledge what is kept. Raises TemporaryFailure after that, when some is not."""
        uids = [mail.uid for mail in batch]
        kept = set(self._ledger.known(self._options.name, self._session.uidvalidity, uids))
        over = {mail.uid for mail in batch if mail.size > self._options.max_message}
        bodies = self._session.bodies([uid for uid in uids if uid not in kept | over])
        # A server may be wrong about a size; the bytes decide.
        over |= {uid for uid, raw in bodies.items() if len(raw) > self._options.max_message}
        bodies |= self._session.beginnings([uid for uid in uids if uid in over - kept])
        self._settle_gone([uid for uid in uids if uid not in kept and uid not in bodies])

        handed = {
            mail.uid: self._submit(mail, bodies[mail.uid], mail.uid in over) for mail in batch if mail.uid in bodies
        }
        failures = self._await(handed)
        kept |= handed.keys() - failures.keys()
        self._acknowledger.acknowledge(sorted(kept - over))
        self._acknowledger.flag(sorted(kept & over))
        self._settled |= kept
        self._judge(failures)

    def _submit(self, mail: ListedMail, raw: bytes, over: bool) -> Future[Receipt]:
        incoming = IncomingMail(
            raw=raw,
            source="imap",
            arrived_at=mail.arrived_at,
            mailbox=self._options.name,
            uidvalidity=self._session.uidvalidity,
            uid=mail.uid,
            truncated=over,
        )
        try:
            return self._hand_in(incoming)
        except Exception as error:  # noqa: BLE001 - it is judged with the failures of the futures
            refused: Future[Receipt] = Future()
            refused.set_exception(error)
            return refused

    def _await(self, handed: dict[int, Future[Receipt]]) -> dict[int, BaseException]:
        """Wait for the whole batch; the mails without a Receipt and why."""
        deadline = time.monotonic() + self._options.hand_in_timeout
        pending = set(handed.values())
        while pending and (left := deadline - time.monotonic()) > 0:
            pending = wait_for_all(pending, timeout=min(left, STOP_CHECK)).not_done
            if self._stop.is_set():
                deadline = min(deadline, time.monotonic() + LAST_GRACE)
        failures: dict[int, BaseException] = {}
        for uid, future in handed.items():
            if not future.done():
                failures[uid] = TemporaryFailure(f"no answer from the intake in {self._options.hand_in_timeout:g} s")
            elif future.cancelled():
                failures[uid] = TemporaryFailure("the intake is closing")
            elif error := future.exception():
                failures[uid] = error
        return failures

    def _judge(self, failures: dict[int, BaseException]) -> None:
        """A mail that alone cannot be kept must not stand in the way of others; a store that is away stops us."""
        for uid, error in failures.items():
            if not isinstance(error, TemporaryFailure):
                self._complain(uid, f"it could not be taken in: {type(error).__name__}", error)
        for error in failures.values():
            if isinstance(error, TemporaryFailure):
                raise error

    def _complain(self, uid: int, reason: str, error: BaseException | None) -> None:
        """Say once a session what is wrong with a mail; it stays in its folder and is tried again at each round."""
        self.trouble = f"a mail (UID {uid}) waits in {self._options.folder!r}: {reason}"
        if uid not in self._complained:
            self._complained.add(uid)
            log.error("mailbox %s: %s; it is tried again", self._options.name, self.trouble, exc_info=error)


def _start_at(options: MailboxOptions, clock: Clock) -> datetime | None:
    if isinstance(options.start, Start):
        return clock.now() if options.start is Start.NOW else None
    return options.start.astimezone(UTC)


def _chunks(uids: Sequence[int], length: int) -> Iterator[Sequence[int]]:
    for begin in range(0, len(uids), length):
        yield uids[begin : begin + length]
