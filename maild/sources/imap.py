"""The IMAP source: watches one folder for as long as the daemon runs, and gets up again whatever the server does."""

from __future__ import annotations

import logging
import random
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime
from threading import Event as ThreadEvent

from maild.ports import Clock, HandIn, MailboxLedger, TemporaryFailure
from maild.sources.imap_acknowledge import Acknowledger
from maild.sources.imap_intake import FIRST_SIGHT, FolderIntake
from maild.sources.imap_options import After, MailboxOptions, Start, StartFrom, Tls
from maild.sources.imap_problems import RefusalError, explain
from maild.sources.imap_session import Session

__all__ = [
    "FIRST_SIGHT",
    "After",
    "Backoff",
    "ImapSource",
    "MailboxOptions",
    "SourceStatus",
    "Start",
    "StartFrom",
    "Tls",
]

log = logging.getLogger("maild.sources.imap")

CUT_AFTER = 15.0  # seconds after `stop` in which a batch may be finished before the connection is cut
STEADY = 60.0  # seconds a connection must have served before its end counts as a fresh trouble


@dataclass(frozen=True, slots=True)
class SourceStatus:
    """How a source stands. `last_success_at` is the end of the last full look into the folder, UTC.

    `problem` is "" or one line with cause and remedy."""

    connected: bool = False
    last_success_at: datetime | None = None
    problem: str = ""


class Backoff:
    """Ever longer pauses, doubled from `first` to `longest` seconds, each shortened by chance: many must not march."""

    def __init__(self, first: float, longest: float) -> None:
        self._first = first
        self._longest = longest
        self._tries = 0

    def pause(self) -> float:
        """Seconds to wait before the next try."""
        pause = min(self._first * 2.0 ** min(self._tries, 30), self._longest)
        self._tries += 1
        return pause * random.uniform(0.5, 1.0)  # noqa: S311 - nothing secret hangs on it

    def reset(self) -> None:
        """All is well again: the next trouble begins with the shortest pause."""
        self._tries = 0

    def ease(self) -> None:
        """It works, but perhaps for moments only: the next pause is eight times the first one at most."""
        self._tries = min(self._tries, 3)


class ImapSource:
    """Takes mail out of an IMAP folder; a `MailSource`. One `run` at a time."""

    def __init__(self, options: MailboxOptions, ledger: MailboxLedger, clock: Clock) -> None:
        self._options = options
        self._ledger = ledger
        self._clock = clock
        self._status = SourceStatus()
        self._reported: tuple[type[BaseException], str] | None = None
        self._session: Session | None = None
        self._warned: set[str] = set()
        self._reconnects = Backoff(options.first_retry, options.longest_retry)
        self._store_retries = Backoff(options.first_retry, min(options.poll, options.longest_retry))

    @property
    def status(self) -> SourceStatus:
        """How the source stands at this moment; may be read from any thread."""
        return self._status

    def run(self, hand_in: HandIn, stop: ThreadEvent) -> None:
        """Watch until `stop`; a batch that has been begun is kept and acknowledged first."""
        with self._cut_after(stop):
            while not stop.is_set():
                try:
                    self._serve(hand_in, stop)
                except Exception as error:  # noqa: BLE001 - reported; a source that dies takes the mailbox with it
                    self._report(error, quietly=stop.is_set())
                    self._status = replace(self._status, connected=False)
                    stop.wait(self._reconnects.pause())
        self._status = replace(self._status, connected=False)

    def _serve(self, hand_in: HandIn, stop: ThreadEvent) -> None:
        """One connection, from greeting to goodbye."""
        session = self._session = Session(self._options)
        try:
            session.open()
            self._watch(session, hand_in, stop)
            session.log_out()
        except BaseException:
            session.drop()
            raise
        finally:
            self._session = None

    def _watch(self, session: Session, hand_in: HandIn, stop: ThreadEvent) -> None:
        """Look, wait, look again, until `stop` or until the connection is old."""
        self._status = replace(self._status, connected=True)
        acknowledger = Acknowledger(session, self._options, self._warned)
        intake = FolderIntake(session, self._options, self._ledger, self._clock, hand_in, stop, acknowledger)
        while True:
            try:
                intake.round()
            except TemporaryFailure as error:
                self._report(error, quietly=False)
                stop.wait(self._store_retries.pause())
            else:
                self._succeed(session, intake.trouble)
                if not stop.is_set():
                    session.wait(self._options.poll, stop)
            if stop.is_set() or session.age >= self._options.reconnect_after:
                return

    @contextmanager
    def _cut_after(self, stop: ThreadEvent) -> Iterator[None]:
        """A server that keeps us waiting for an answer does not keep us from stopping."""
        done = ThreadEvent()

        def cut() -> None:
            stop.wait()
            if not done.wait(CUT_AFTER) and (session := self._session):
                session.cut()

        threading.Thread(target=cut, name=f"cut-{self._options.name}", daemon=True).start()
        try:
            yield
        finally:
            done.set()

    # -- what is told -------------------------------------------------------------------------------------------

    def _report(self, error: BaseException, quietly: bool) -> None:
        """Log the cause and the remedy when the kind of trouble changes, and show them in the status."""
        text = explain(error, self._options)
        # A server's words may differ each time (clocks, session numbers) although the trouble is the same.
        kind = (type(error), str(error) if isinstance(error, RefusalError) else "")
        level = logging.DEBUG if quietly or kind == self._reported else logging.WARNING
        if text is None:
            text = f"unexpected {type(error).__name__}: {error}"
            log.log(max(level, logging.ERROR), "mailbox %s: %s; trying again", self._options.name, text, exc_info=error)
        else:
            log.log(level, "mailbox %s: %s; trying again", self._options.name, text)
        self._reported = kind
        self._status = replace(self._status, problem=text)

    def _succeed(self, session: Session, trouble: str) -> None:
        if self._reported is not None:
            log.info("mailbox %s: mail is taken in again", self._options.name)
        self._reported = None
        self._status = SourceStatus(connected=True, last_success_at=self._clock.now(), problem=trouble)
        self._store_retries.reset()
        if session.age >= STEADY:
            self._reconnects.reset()
        else:
            self._reconnects.ease()
