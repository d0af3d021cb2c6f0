"""A scripted IMAP peer that misbehaves on demand; otherwise it serves one folder with a few mails, badly but enough.

    with HostileImap(answers={"IDLE": hang_up}) as peer: ...

An answer is a function of the dialogue, the command's tag and its arguments. `received` holds every byte that any
client sent, decrypted where the peer speaks TLS, so that a test can search it for what must never be sent.
"""

import contextlib
import socket
import ssl
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Self

LOOPBACK = "127.0.0.1"

Answer = Callable[["Dialogue", str, str], None]


@dataclass
class Dialogue:
    """One connection, as the scripted answers see it."""

    peer: "HostileImap"
    connection: socket.socket
    number: int  # 1 for the first connection
    buffered: bytes = b""

    def send(self, *lines: str) -> None:
        """Send lines as they are, CRLF added to each."""
        self.connection.sendall("".join(f"{line}\r\n" for line in lines).encode("latin-1"))

    def send_raw(self, octets: bytes) -> None:
        self.connection.sendall(octets)

    def ok(self, tag: str, text: str = "done") -> None:
        self.send(f"{tag} OK {text}")

    def read_line(self) -> str:
        """The next line of the client. Raises EOFError when it has gone."""
        while b"\r\n" not in self.buffered:
            octets = self.connection.recv(65536)
            if not octets:
                raise EOFError
            self.peer.received += octets
            self.buffered += octets
        line, _, self.buffered = self.buffered.partition(b"\r\n")
        return line.decode("latin-1")

    def hang_up(self) -> None:
        """End the connection now."""
        with contextlib.suppress(OSError):
            self.connection.shutdown(socket.SHUT_RDWR)
        raise EOFError

    def start_tls(self, context: ssl.SSLContext) -> None:
        self.connection = context.wrap_socket(self.connection, server_side=True)


@dataclass
class HostileImap:
    """The peer. `mails` are numbered from UID 1; `answers` replaces the answer to a command, "GREETING" included."""

    mails: list[bytes] = field(default_factory=list)
    capabilities: str = "IMAP4rev1 IDLE UIDPLUS MOVE"
    answers: Mapping[str, Answer] = field(default_factory=dict)
    tls: ssl.SSLContext | None = None  # spoken from the first byte on

    def __post_init__(self) -> None:
        self.received = b""
        self.commands: list[str] = []
        self.connections = 0
        self._open: set[socket.socket] = set()
        self._listener = socket.create_server((LOOPBACK, 0))
        self.port = int(self._listener.getsockname()[1])

    def __enter__(self) -> Self:
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        for open_socket in (self._listener, *self._open):
            with contextlib.suppress(OSError):
                open_socket.shutdown(socket.SHUT_RDWR)
            open_socket.close()

    def count(self, command: str) -> int:
        """How often the command has been received."""
        return self.commands.count(command)

    def _accept(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:  # the test is over
                return
            self._open.add(connection)
            self.connections += 1
            threading.Thread(target=self._talk, args=(connection, self.connections), daemon=True).start()

    def _talk(self, connection: socket.socket, number: int) -> None:
        dialogue = Dialogue(self, connection, number)
        with contextlib.suppress(EOFError, OSError):  # an SSLError is an OSError: the client refused our certificate
            if self.tls is not None:
                dialogue.start_tls(self.tls)
            self._answer("GREETING", dialogue, "*", "")
            while True:
                tag, _, rest = dialogue.read_line().partition(" ")
                command, _, arguments = rest.partition(" ")
                if command.upper() == "UID":
                    command, _, arguments = arguments.partition(" ")
                self.commands.append(command.upper())
                self._answer(command.upper(), dialogue, tag, arguments)
        dialogue.connection.close()
        self._open.discard(connection)

    def _answer(self, command: str, dialogue: Dialogue, tag: str, arguments: str) -> None:
        answer = self.answers.get(command) or USUAL.get(command)
        if answer is None:
            dialogue.send(f"{tag} BAD unknown command")
        else:
            answer(dialogue, tag, arguments)


# -- what a decent server would say --------------------------------------------------------------------------------


def _greet(dialogue: Dialogue, tag: str, arguments: str) -> None:
    dialogue.send("* OK ready")


def _capability(dialogue: Dialogue, tag: str, arguments: str) -> None:
    dialogue.send(f"* CAPABILITY {dialogue.peer.capabilities}")
    dialogue.ok(tag)


def _done(dialogue: Dialogue, tag: str, arguments: str) -> None:
    dialogue.ok(tag)


def _select(dialogue: Dialogue, tag: str, arguments: str) -> None:
    mails = len(dialogue.peer.mails)
    dialogue.send(f"* {mails} EXISTS", "* OK [UIDVALIDITY 7] here", f"* OK [UIDNEXT {mails + 1}] next")
    dialogue.ok(tag, "[READ-WRITE] selected")


def search(dialogue: Dialogue, tag: str, arguments: str) -> None:
    """Answer with the wanted UIDs, and always with the last mail for `n:*` (RFC 9051 9)."""
    wanted = arguments.split()[-1]
    count = len(dialogue.peer.mails)
    if wanted.endswith(":*"):
        first = min(int(wanted.removesuffix(":*")), count)
        uids = range(max(first, 1), count + 1)
    else:
        uids = [uid for uid in map(int, wanted.split(",")) if uid <= count]
    dialogue.send(" ".join(["* SEARCH", *map(str, uids)]))
    dialogue.ok(tag)


def fetch(dialogue: Dialogue, tag: str, arguments: str) -> None:
    """Sizes and dates, or bodies."""
    uids, _, what = arguments.partition(" ")
    for uid in map(int, uids.split(",")):
        raw = dialogue.peer.mails[uid - 1]
        if "BODY" in what:
            dialogue.send_raw(b"* %d FETCH (UID %d BODY[] {%d}\r\n" % (uid, uid, len(raw)) + raw + b")\r\n")
        else:
            date = '"21-Nov-2026 10:00:00 +0100"'
            dialogue.send(f"* {uid} FETCH (UID {uid} RFC822.SIZE {len(raw)} INTERNALDATE {date})")
    dialogue.ok(tag)


def _idle(dialogue: Dialogue, tag: str, arguments: str) -> None:
    dialogue.send("+ idling")
    assert dialogue.read_line() == "DONE"
    dialogue.ok(tag)


def _logout(dialogue: Dialogue, tag: str, arguments: str) -> None:
    dialogue.send("* BYE until soon")
    dialogue.ok(tag)
    dialogue.hang_up()


USUAL: dict[str, Answer] = {
    "GREETING": _greet,
    "CAPABILITY": _capability,
    "LOGIN": _done,
    "NOOP": _done,
    "SELECT": _select,
    "SEARCH": search,
    "FETCH": fetch,
    "STORE": _done,
    "MOVE": _done,
    "EXPUNGE": _done,
    "IDLE": _idle,
    "LOGOUT": _logout,
}


# -- misbehaviour that several tests share -------------------------------------------------------------------------


def hang_up(dialogue: Dialogue, tag: str, arguments: str) -> None:
    """Close without a word."""
    dialogue.hang_up()


def say_nothing(dialogue: Dialogue, tag: str, arguments: str) -> None:
    """Leave the command without an answer for ever."""


def first_time(misbehaviour: Answer, afterwards: Answer) -> Answer:
    """Misbehave on the first connection only."""

    def answer(dialogue: Dialogue, tag: str, arguments: str) -> None:
        (misbehaviour if dialogue.number == 1 else afterwards)(dialogue, tag, arguments)

    return answer
