"""What the tests of all sources share: an intake and a ledger in memory, and the promises every source makes."""

import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime

from maild.ports import HandIn, IgnoredMail, IncomingMail, MailboxState, MailSource, Receipt
from tests.rig.waiting import wait_until

LONG_ENOUGH = 20.0  # seconds: a deadline that only a hang can miss


@dataclass
class SetClock:
    """A clock that stands where a test puts it; None = the machine's."""

    at: datetime | None = None

    def now(self) -> datetime:
        return self.at or datetime.now(UTC)


class MemoryLedger:
    """A `MailboxLedger` that forgets when the test ends. `fail` makes every call raise."""

    def __init__(self) -> None:
        self.states: dict[str, MailboxState] = {}
        self.ignored: dict[tuple[str, int, int], str] = {}
        self.kept: dict[tuple[str, int | None, int | None], int] = {}
        self.fail: Exception | None = None

    def _check(self) -> None:
        if self.fail is not None:
            raise self.fail

    def recall(self, mailbox: str) -> MailboxState | None:
        self._check()
        return self.states.get(mailbox)

    def remember(self, mailbox: str, state: MailboxState) -> None:
        self._check()
        self.states[mailbox] = state

    def known(self, mailbox: str, uidvalidity: int, uids: Sequence[int]) -> frozenset[int]:
        self._check()
        return frozenset(
            uid
            for uid in uids
            if (mailbox, uidvalidity, uid) in self.kept or (mailbox, uidvalidity, uid) in self.ignored
        )

    def ignore(self, mailbox: str, uidvalidity: int, mails: Sequence[IgnoredMail], reason: str) -> None:
        self._check()
        self.ignored |= {(mailbox, uidvalidity, mail.uid): reason for mail in mails}


@dataclass
class Intake:
    """A `HandIn` that keeps mails in memory. `judge` may look at a mail and raise: then it is not kept."""

    ledger: MemoryLedger = field(default_factory=MemoryLedger)
    judge: Callable[[IncomingMail], None] = lambda _: None

    def __post_init__(self) -> None:
        self.mails: list[IncomingMail] = []
        self.receipts: list[Receipt] = []

    def __call__(self, mail: IncomingMail) -> Future[Receipt]:
        answer: Future[Receipt] = Future()
        key = (mail.mailbox, mail.uidvalidity, mail.uid)
        try:
            self.judge(mail)
        except Exception as error:  # noqa: BLE001 - whatever a test raises is the answer
            answer.set_exception(error)
            return answer
        known = mail.uid is not None and key in self.ledger.kept
        receipt = Receipt(self.ledger.kept.setdefault(key, len(self.ledger.kept) + 1), known)
        self.mails.append(mail)
        self.receipts.append(receipt)
        answer.set_result(receipt)
        return answer

    @property
    def raws(self) -> list[bytes]:
        return [mail.raw for mail in self.mails]

    def wait_for(self, count: int) -> None:
        """Wait until so many mails have been handed in."""
        wait_until(lambda: len(self.mails) >= count, LONG_ENOUGH, f"{count} mails (there are {len(self.mails)})")


@contextmanager
def running(source: MailSource, hand_in: HandIn) -> Iterator[threading.Event]:
    """Run a source in a thread of its own; stop it and wait for it in the end."""
    stop = threading.Event()
    thread = threading.Thread(target=source.run, args=(hand_in, stop))
    thread.start()
    try:
        yield stop
    finally:
        stop.set()
        thread.join(LONG_ENOUGH)
        assert not thread.is_alive(), "the source does not stop"


class SourceContract:
    """The promises of every source; a test class inherits them and says how its source is fed and observed."""

    def new_source(self, intake: Intake) -> MailSource:
        raise NotImplementedError

    def feed(self, raw: bytes) -> None:
        """Bring one mail to where the source finds it."""
        raise NotImplementedError

    def acknowledged(self) -> int:
        """How many mails the source has acknowledged to whoever brought them."""
        raise NotImplementedError

    def test_the_bytes_are_handed_in_as_they_came(self) -> None:
        odd = bytes(range(1, 10)) + bytes(range(0x7F, 0x100))
        raw = b"Subject: =?utf-8?q?caf=C3=A9?=\r\n\r\n" + odd + b"\r\n.\r\n..dots\r\n \r\n"
        intake = Intake()
        with running(self.new_source(intake), intake):
            self.feed(raw)
            intake.wait_for(1)
        assert intake.raws == [raw]

    def test_a_mail_is_acknowledged_only_after_its_receipt(self) -> None:
        promised: list[tuple[IncomingMail, Future[Receipt]]] = []

        def promise(mail: IncomingMail) -> Future[Receipt]:
            promised.append((mail, Future()))
            return promised[-1][1]

        intake = Intake()
        with running(self.new_source(intake), promise):
            self.feed(b"Subject: wait\r\n\r\nfor it\r\n")
            wait_until(lambda: promised, LONG_ENOUGH, "the mail")
            assert self.acknowledged() == 0
            promised[0][1].set_result(intake(promised[0][0]).result())
            wait_until(lambda: self.acknowledged() == 1, LONG_ENOUGH, "the acknowledgement")

    def test_a_mail_that_cannot_be_kept_is_not_acknowledged_and_comes_again(self) -> None:
        tries = []

        def fail_once(mail: IncomingMail) -> None:
            tries.append(self.acknowledged())
            if len(tries) == 1:
                raise RuntimeError("an intake that breaks")

        intake = Intake(judge=fail_once)
        with running(self.new_source(intake), intake):
            self.feed(b"Subject: twice\r\n\r\ntried\r\n")
            intake.wait_for(1)
            wait_until(lambda: self.acknowledged() == 1, LONG_ENOUGH, "the acknowledgement")
        assert tries == [0, 0]

    def test_a_source_stops_when_told(self) -> None:
        intake = Intake()
        with running(self.new_source(intake), intake):
            self.feed(b"Subject: one\r\n\r\n1\r\n")
            intake.wait_for(1)
