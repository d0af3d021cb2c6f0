"""A listener on loopback and a client that speaks raw octets to it, for the tests of SMTP and LMTP."""

import hashlib
import socket
import threading
from collections.abc import Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from maild.ports import HandIn, IncomingMail, Receipt
from maild.sources.smtp import ListenerOptions, SmtpSource

LOOPBACK = "127.0.0.1"
NOON = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
DEADLINE_SECONDS = 20


class StoppedClock:
    """Always the same moment."""

    def now(self) -> datetime:
        return NOON


class Intake:
    """A hand-in that remembers the mails and answers from a list, then with receipts.

    An answer is an exception to fail with, or a Future that the test completes when it likes."""

    def __init__(self, *answers: Exception | Future[Receipt]) -> None:
        self.mails: list[IncomingMail] = []
        self.arrived = threading.Semaphore(0)
        self._answers = list(answers)

    def __call__(self, mail: IncomingMail) -> Future[Receipt]:
        self.mails.append(mail)
        self.arrived.release()
        answer = self._answers.pop(0) if self._answers else None
        if isinstance(answer, Future):
            return answer
        future: Future[Receipt] = Future()
        if answer is None:
            future.set_result(Receipt(len(self.mails), known=False))
        else:
            future.set_exception(answer)
        return future

    def wait(self) -> IncomingMail:
        """The next mail, as soon as it has been handed in."""
        assert self.arrived.acquire(timeout=DEADLINE_SECONDS), "no mail was handed in"
        return self.mails[-1]

    @property
    def raws(self) -> list[bytes]:
        return [mail.raw for mail in self.mails]

    @property
    def hashes(self) -> list[str]:
        return [hashlib.sha256(mail.raw).hexdigest() for mail in self.mails]


def is_ours(address: str) -> bool:
    return address.endswith("@help.test")


class Listening:
    """A listener that runs in a thread."""

    def __init__(self, source: SmtpSource, hand_in: HandIn) -> None:
        self.source = source
        self._stop = threading.Event()
        self._thread = threading.Thread(target=source.run, args=(hand_in, self._stop), daemon=True)

    def start(self) -> None:
        self._thread.start()
        assert self.source.ready.wait(DEADLINE_SECONDS), "the listener did not get ready"

    def tell_to_stop(self) -> None:
        self._stop.set()

    def has_ended(self, seconds: float = DEADLINE_SECONDS) -> bool:
        self._thread.join(seconds)
        return not self._thread.is_alive()

    @property
    def smtp(self) -> tuple[str, int]:
        address = self.source.addresses["smtp"]
        assert isinstance(address, tuple)
        return address

    @property
    def lmtp(self) -> tuple[str, int]:
        address = self.source.addresses["lmtp"]
        assert isinstance(address, tuple)
        return address


@contextmanager
def listening(hand_in: HandIn, **options: Any) -> Iterator[Listening]:
    """A listener for addresses @help.test; on a free port for SMTP unless the options say where."""
    if not {"smtp", "lmtp"} & options.keys():
        options["smtp"] = f"{LOOPBACK}:0"
    settings: dict[str, Any] = {"accepts": is_ours, "hostname": "mx.help.test"} | options
    running = Listening(SmtpSource(ListenerOptions(**settings), StoppedClock()), hand_in)
    running.start()
    try:
        yield running
    finally:
        running.tell_to_stop()
        assert running.has_ended(), "the listener did not stop"


class Wire:
    """One connection that sends and reads octets exactly as the test says."""

    def __init__(
        self, address: tuple[str, int] | Path | str, greet: bool = True, source: tuple[str, int] | None = None
    ) -> None:
        if isinstance(address, tuple):
            self.socket = socket.create_connection(address, timeout=DEADLINE_SECONDS, source_address=source)
            self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        else:
            self.socket = socket.socket(socket.AF_UNIX)
            self.socket.settimeout(DEADLINE_SECONDS)
            self.socket.connect(str(address))
        self._received = b""
        self.greeting = self.reply() if greet else ""

    def send(self, octets: bytes) -> None:
        self.socket.sendall(octets)

    def reply(self) -> str:
        """One reply, all its lines joined by a newline; "" when the server has closed the connection."""
        lines = []
        while line := self._line():
            lines.append(line)
            if line[3:4] != "-":
                break
        return "\n".join(lines)

    def replies(self, number: int) -> list[str]:
        return [self.reply() for _ in range(number)]

    def say(self, command: str) -> str:
        self.send(command.encode() + b"\r\n")
        return self.reply()

    def open_data(self, *recipients: str, hello: str = "EHLO client.test", sender: str = "karen@customer.test") -> None:
        """Go to the point where the mail itself is sent."""
        for command in (hello, f"MAIL FROM:<{sender}>", *(f"RCPT TO:<{address}>" for address in recipients)):
            answer = self.say(command)
            assert answer.startswith("250"), (command, answer)
        answer = self.say("DATA")
        assert answer.startswith("354"), answer

    def rest(self) -> list[str]:
        """All replies until the server closes the connection."""
        found = []
        while reply := self.reply():
            found.append(reply)
        return found

    def is_silent(self, seconds: float = 0.2) -> bool:
        """Whether the server says nothing for a moment. The moment proves nothing; a reply in it proves a fault."""
        self.socket.settimeout(seconds)
        try:
            octets = self.socket.recv(1, socket.MSG_PEEK)
        except TimeoutError:
            return True
        finally:
            self.socket.settimeout(DEADLINE_SECONDS)
        raise AssertionError(f"the server said something, or hung up: {octets!r}")

    def close(self) -> None:
        self.socket.close()

    def __enter__(self) -> "Wire":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _line(self) -> str:
        while b"\r\n" not in self._received:
            try:
                octets = self.socket.recv(65536)
            except ConnectionResetError:
                octets = b""
            if not octets:
                assert not self._received, f"half a reply: {self._received!r}"
                return ""
            self._received += octets
        line, _, self._received = self._received.partition(b"\r\n")
        return line.decode()
