"""The IMAP source: watches one folder as long as the daemon runs, and connects again whatever the server does."""

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

CUT_AFTER = 15.0  # seconds that a batch may still take after `stop`; then the connection is cut
STEADY = 60.0  # seconds: when a connection that lasted so long ends, the pauses start again with the shortest


@dataclass(frozen=True, slots=True)
class SourceStatus:
    """The state of a source."""

    connected: bool = False
    last_success_at: datetime | None = None  # the end of the last full look into the folder, UTC
    problem: str = ""  # "" or one line with cause and remedy


class Backoff:
    """Counts out ever longer pauses: each is twice the last one, from `first` to `longest` seconds.

    A random part is taken off each pause, so that many clients do not come back in the same moment."""

    def __init__(self, first: float, longest: float) -> None:
        self._first = first
        self._longest = longest
        self._tries = 0

    def pause(self) -> float:
        """Return the seconds to wait before the next try."""
        pause = min(self._first * 2.0 ** min(self._tries, 30), self._longest)
        self._tries += 1
        return pause * random.uniform(0.5, 1.0)  # noqa: S311 - not for secrets

    def reset(self) -> None:
        """Start again with the shortest pause: everything works."""
        self._tries = 0

    def ease(self) -> None:
        """Limit the next pause to eight times the first one: it works, but perhaps only for moments."""
        self._tries = min(self._tries, 3)


class ImapSource:
    """Takes mail out of an IMAP folder; a `MailSource`. Call `run` in one thread at a time."""

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
        """The state of the source at this moment. Any thread may read it."""
        return self._status

    def run(self, hand_in: HandIn, stop: ThreadEvent) -> None:
        """Watch the folder until `stop`. A batch that has begun is kept and acknowledged first.

        Raises nothing: every failure is reported, and the source connects again after a pause."""
        with self._cut_after(stop):
            while not stop.is_set():
                try:
                    self._serve(hand_in, stop)
                except Exception as error:  # noqa: BLE001 - reported; without its source the mailbox is not read
                    self._report(error, quietly=stop.is_set())
                    self._status = replace(self._status, connected=False)
                    stop.wait(self._reconnects.pause())
        self._status = replace(self._status, connected=False)

    def _serve(self, hand_in: HandIn, stop: ThreadEvent) -> None:
        """Serve one connection, from the greeting to LOGOUT."""
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
        """Take in new mail and wait for more, until `stop` or until the connection is too old."""
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
                self._succeed(session, intake.problem)
                if not stop.is_set():
                    session.wait(self._options.poll, stop)
            if stop.is_set() or session.age >= self._options.reconnect_after:
                return

    @contextmanager
    def _cut_after(self, stop: ThreadEvent) -> Iterator[None]:
        """Cut the connection some time after `stop`, so that a silent server cannot keep us from stopping."""
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

    # -- status and log -----------------------------------------------------------------------------------------

    def _report(self, error: BaseException, quietly: bool) -> None:
        """Show cause and remedy in the status, and log them when the kind of problem has changed."""
        text = explain(error, self._options)
        # Compare the kind of error, not its text: a server may put a time or a session number into it.
        kind = (type(error), str(error) if isinstance(error, RefusalError) else "")
        level = logging.DEBUG if quietly or kind == self._reported else logging.WARNING
        if text is None:
            text = f"unexpected {type(error).__name__}: {error}"
            log.log(max(level, logging.ERROR), "mailbox %s: %s; trying again", self._options.name, text, exc_info=error)
        else:
            log.log(level, "mailbox %s: %s; trying again", self._options.name, text)
        self._reported = kind
        self._status = replace(self._status, problem=text)

    def _succeed(self, session: Session, problem: str) -> None:
        """Record a full look into the folder. `problem`: what it could not do, "" for nothing."""
        if self._reported is not None:
            log.info("mailbox %s: the problem is over, mail is taken in again", self._options.name)
        self._reported = None
        self._status = SourceStatus(connected=True, last_success_at=self._clock.now(), problem=problem)
        self._store_retries.reset()
        if session.age >= STEADY:
            self._reconnects.reset()
        else:
            self._reconnects.ease()
