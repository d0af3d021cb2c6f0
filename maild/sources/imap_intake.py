"""Takes new mails out of a folder in batches, and remembers how far the folder has been read."""

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

# The last_uid of a folder that is being read for the first time. Until that ends, the date says which mails are older
# than the start. Afterwards every mail with a higher UID is new, even an old one that a person moves into the folder.
FIRST_SIGHT = -1

LAST_GRACE = 10.0  # seconds that a batch may still take to be kept after `stop`
OLDER_THAN_START = "older than start"  # the recorded reason; it is shown by `maild explain`


class FolderIntake:
    """Takes mails out of the selected folder of one session: first keeps them, then acknowledges, then remembers.

    `problem` says in one line what the last round could not do, "" if it did everything."""

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
        self._settled: set[int] = set()  # UIDs that are done, while a lower one is not
        self._reported: set[int] = set()  # UIDs whose problem is in the log already
        self._state: MailboxState | None = None
        self.problem = ""

    def round(self) -> None:
        """Take in what is new.

        Raises TemporaryFailure if mails cannot be kept now; those mails are untouched. Raises what the session raises.
        """
        state = self._recall()
        self.problem = self._acknowledger.problem = ""
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
        self.problem = self.problem or self._acknowledger.problem

    # -- how far --------------------------------------------------------------------------------------------------

    def _recall(self) -> MailboxState:
        """Return how far the folder has been read."""
        if self._state is None:
            self._state = self._state_of_folder(self._ledger.recall(self._options.name))
        return self._state

    def _state_of_folder(self, known: MailboxState | None) -> MailboxState:
        """Return the state to go on from, and store it if it is new.

        The start of a new folder is stored before any mail is compared with it, so it never changes."""
        uidvalidity = self._session.uidvalidity
        if known is not None and known.uidvalidity == uidvalidity:
            return known
        if known is None:
            state = MailboxState(uidvalidity, FIRST_SIGHT, _start_at(self._options, self._clock))
            log.info("mailbox %s: first sight of %r", self._options.name, self._options.folder)
        else:
            # RFC 9051 2.3.1.1: the old UIDs mean nothing now. The intake recognises the mails by their bytes.
            state = MailboxState(uidvalidity, FIRST_SIGHT, known.start_at)
            log.warning(
                "mailbox %s: the server has renumbered %r (UIDVALIDITY %d -> %d), so it is read again from its start",
                self._options.name,
                self._options.folder,
                known.uidvalidity,
                uidvalidity,
            )
        self._ledger.remember(self._options.name, state)
        return state

    def _remember(self, last_uid: int) -> None:
        """Store that everything up to this UID is done."""
        state = replace(self._recall(), last_uid=last_uid)
        self._ledger.remember(self._options.name, state)
        self._state = state
        self._settled = {uid for uid in self._settled if uid > last_uid}

    def _advance(self, unread: deque[int]) -> None:
        """Drop the mails at the left end of `unread` that are done, and remember the last of them.

        The first mail that is not done ends this: a later session must find it again."""
        passed = 0
        while unread and unread[0] in self._settled:
            passed = unread.popleft()
        if passed and self._recall().last_uid != FIRST_SIGHT:
            self._remember(passed)

    # -- which mails ----------------------------------------------------------------------------------------------

    def _sizes(self, uids: Sequence[int]) -> list[ListedMail]:
        """Return the mails to take in, with their sizes. Mails older than the start are recorded as ignored."""
        listed = self._session.sizes(uids, self._clock.now())
        self._settle_gone([uid for uid in uids if uid not in listed])
        mails = [listed[uid] for uid in uids if uid in listed]
        state = self._recall()
        if state.last_uid != FIRST_SIGHT or state.start_at is None:
            return mails
        # INTERNALDATE has whole seconds. A mail of the same second as the start is taken rather than lost.
        start = state.start_at.replace(microsecond=0)
        old = [mail for mail in mails if mail.arrived_at < start]
        if old:
            ignored = [IgnoredMail(mail.uid, mail.arrived_at) for mail in old]
            self._ledger.ignore(self._options.name, state.uidvalidity, ignored, OLDER_THAN_START)
            self._settled.update(mail.uid for mail in old)
        return [mail for mail in mails if mail.arrived_at >= start]

    def _settle_gone(self, uids: Sequence[int]) -> None:
        """Handle mails that the server did not deliver: somebody removed them, or the server cannot read them."""
        if not uids:
            return
        there = self._session.still_there(uids)
        self._settled.update(set(uids) - there)
        for uid in sorted(there):
            self._report(uid, "the server lists it but does not deliver it", None)

    def _batches(self, mails: Sequence[ListedMail]) -> Iterator[list[ListedMail]]:
        """Split the mails into batches of at most `batch` mails and `batch_bytes` bytes, but of one mail at least."""
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
        """Keep a batch, then acknowledge the kept mails. Raises TemporaryFailure after that, if some are not kept."""
        uids = [mail.uid for mail in batch]
        kept = set(self._ledger.known(self._options.name, self._session.uidvalidity, uids))
        over = {mail.uid for mail in batch if mail.size > self._options.max_message}
        bodies = self._session.bodies([uid for uid in uids if uid not in kept | over])
        # A server may report a wrong size; the bytes decide.
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
        self._handle(failures)

    def _submit(self, mail: ListedMail, raw: bytes, over: bool) -> Future[Receipt]:
        """Hand a mail in -> its receipt. `over`: it is over the limit, and `raw` is its beginning."""
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
        except Exception as error:  # noqa: BLE001 - handled with the failures of the futures
            refused: Future[Receipt] = Future()
            refused.set_exception(error)
            return refused

    def _await(self, handed: dict[int, Future[Receipt]]) -> dict[int, BaseException]:
        """Wait for the whole batch -> the mails without a Receipt, each with the reason."""
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

    def _handle(self, failures: dict[int, BaseException]) -> None:
        """Report each mail that cannot be kept, and go on with the others. Raises the first TemporaryFailure."""
        for uid, error in failures.items():
            if not isinstance(error, TemporaryFailure):
                self._report(uid, f"it could not be taken in: {type(error).__name__}", error)
        for error in failures.values():
            if isinstance(error, TemporaryFailure):
                raise error

    def _report(self, uid: int, reason: str, error: BaseException | None) -> None:
        """Log once in a session what is wrong with a mail. It stays in its folder, and each round tries it again."""
        self.problem = f"a mail (UID {uid}) waits in {self._options.folder!r}: {reason}"
        if uid not in self._reported:
            self._reported.add(uid)
            log.error("mailbox %s: %s; it is tried again", self._options.name, self.problem, exc_info=error)


def _start_at(options: MailboxOptions, clock: Clock) -> datetime | None:
    """Return the instant from which mails count, in UTC; None for all mails."""
    if isinstance(options.start, Start):
        return clock.now() if options.start is Start.NOW else None
    return options.start.astimezone(UTC)


def _chunks(uids: Sequence[int], length: int) -> Iterator[Sequence[int]]:
    """Cut a sequence into pieces of at most `length`."""
    for begin in range(0, len(uids), length):
        yield uids[begin : begin + length]
