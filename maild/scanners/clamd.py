"""Scans mails with ClamAV's daemon by its INSTREAM command (clamd(8)).

The mail is sent in chunks, and one line comes back."""

from __future__ import annotations

import select
import socket
import struct
import time
from dataclasses import dataclass
from pathlib import Path

from maild.ports import Finding, ScanVerdict

CONNECT_SECONDS = 10.0
SCAN_SECONDS = 60.0  # for sending the mail and reading the answer

_CHUNK = 64 * 1024  # bytes
_LONGEST_REPLY = 4096  # bytes; a reply holds the name of one signature
_COMMAND = b"zINSTREAM\0"  # "z": command and reply end with NUL
_LENGTH = struct.Struct("!I")  # before each chunk; a length of zero ends the stream
_LONGEST_NAME = 200


@dataclass(frozen=True, slots=True)
class ClamdSocket:
    """Where clamd listens: host and port, or a UNIX socket at `path`."""

    host: str = ""
    port: int = 0
    path: Path | None = None

    def __str__(self) -> str:
        if self.path is not None:
            return str(self.path)
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


class ClamdScanner:
    """Sends whole mails to clamd, one connection for each. Any number of threads may call it at once."""

    def __init__(
        self, place: ClamdSocket, connect_seconds: float = CONNECT_SECONDS, scan_seconds: float = SCAN_SECONDS
    ) -> None:
        self._place = place
        self._connect_seconds = connect_seconds
        self._scan_seconds = scan_seconds

    def scan(self, raw: bytes) -> Finding:
        """Scan a mail and return clamd's finding. clamd takes the mail apart itself.

        Errors of clamd and of the network become the verdict UNAVAILABLE; they raise no exception."""
        try:
            connection = self._connect()
        except OSError as error:
            return _unavailable(f"cannot connect to clamd at {self._place}: {_cause(error)}")
        with connection:
            deadline = time.monotonic() + self._scan_seconds
            try:
                whole = _send(connection, raw, deadline)
                reply = _receive(connection, deadline)
            except TimeoutError:
                return _unavailable(f"clamd at {self._place} did not answer within {self._scan_seconds:g} s")
            except OSError as error:
                return _unavailable(f"the connection to clamd at {self._place} broke: {_cause(error)}")
        if reply is None:
            return _unavailable(f"clamd at {self._place} closed the connection without an answer")
        return _finding(reply, len(raw), whole=whole)

    def _connect(self) -> socket.socket:
        if self._place.path is None:
            return socket.create_connection((self._place.host, self._place.port), timeout=self._connect_seconds)
        connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            connection.settimeout(self._connect_seconds)
            connection.connect(str(self._place.path))
        except OSError:
            connection.close()
            raise
        return connection


def _send(connection: socket.socket, raw: bytes, deadline: float) -> bool:
    """Send a mail as a stream. Returns False when clamd closed the connection or answered before the end.

    clamd does so when the stream is longer than its StreamMaxLength."""
    answers = select.poll()
    answers.register(connection, select.POLLIN)
    view = memoryview(raw)
    try:
        _set_timeout(connection, deadline)
        connection.sendall(_COMMAND)
        for start in range(0, len(raw), _CHUNK):
            if answers.poll(0):
                return False
            chunk = view[start : start + _CHUNK]
            _set_timeout(connection, deadline)
            connection.sendall(_LENGTH.pack(len(chunk)))
            connection.sendall(chunk)
        connection.sendall(_LENGTH.pack(0))
    except (BrokenPipeError, ConnectionResetError):
        return False  # the reply says why
    return True


def _receive(connection: socket.socket, deadline: float) -> str | None:
    """Return the reply up to its NUL; None when clamd closed the connection before."""
    received = b""
    while len(received) < _LONGEST_REPLY:
        _set_timeout(connection, deadline)
        piece = connection.recv(_LONGEST_REPLY)
        if not piece:
            return None
        received += piece
        line, end, _ = received.partition(b"\0")
        if end:
            return line.decode("utf-8", "replace").strip()
    return received.decode("utf-8", "replace")  # too long for a reply of clamd; it is reported as it is


def _set_timeout(connection: socket.socket, deadline: float) -> None:
    left = deadline - time.monotonic()
    if left <= 0:
        raise TimeoutError
    connection.settimeout(left)


def _finding(reply: str, size: int, *, whole: bool) -> Finding:
    """Return the finding of a reply: `stream: OK`, `stream: NAME FOUND` or `… ERROR`."""
    if reply.endswith(" FOUND"):
        name = _printable(reply.removeprefix("stream: ").removesuffix(" FOUND").strip())
        return Finding(ScanVerdict.INFECTED, f"clamd found {name}", name=name)
    if reply == "stream: OK" and whole:
        return Finding(ScanVerdict.CLEAN, f"clamd found nothing in {size} bytes")
    if "size limit exceeded" in reply:
        reason = f"clamd does not accept a mail of {size} bytes; raise StreamMaxLength in clamd.conf"
        return Finding(ScanVerdict.UNAVAILABLE, reason, answered=True)
    return Finding(ScanVerdict.UNAVAILABLE, f"clamd answered {_printable(reply)!r}", answered=True)


def _unavailable(reason: str) -> Finding:
    return Finding(ScanVerdict.UNAVAILABLE, reason)


def _cause(error: OSError) -> str:
    return error.strerror or str(error) or type(error).__name__


def _printable(text: str) -> str:
    return "".join(character if character.isprintable() else "?" for character in text)[:_LONGEST_NAME]
