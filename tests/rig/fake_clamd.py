"""A clamd to be scanned by: speaks zINSTREAM and nINSTREAM on loopback, knows one marker, and misbehaves when told."""

import socket
import struct
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

MARKER = b"a text that the scanner is afraid of"
SIGNATURE = "Test.Marker-1"


class FakeClamd:
    """`behaviour`: "scan", "hang" (never answers), "close" (hangs up after the stream), "cut" (half an answer), "early"
    (says OK before it has all), or any other text, which is the answer. `limit`: longest stream in bytes."""

    def __init__(self, listener: socket.socket, limit: int = 1 << 30) -> None:
        self.behaviour = "scan"
        self.limit = limit
        self.streams: list[bytes] = []
        self._listener = listener
        self._closing = threading.Event()
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    def close(self) -> None:
        self._closing.set()
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._thread.join(10)

    def _serve(self) -> None:
        while not self._closing.is_set():
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            threading.Thread(target=self._talk, args=(connection,), daemon=True).start()

    def _talk(self, connection: socket.socket) -> None:
        with connection:
            file = connection.makefile("rb")
            end = _command(file)
            stream = b""
            if self.behaviour == "early":
                connection.sendall(b"stream: OK" + end)
                return
            while size := struct.unpack("!I", file.read(4))[0]:
                if len(stream) + size > self.limit:
                    connection.sendall(b"INSTREAM size limit exceeded. ERROR" + end)
                    return
                stream += file.read(size)
            self.streams.append(stream)
            if self.behaviour == "hang":
                self._closing.wait(30)
            elif self.behaviour == "cut":
                connection.sendall(b"stream: OK")
            elif self.behaviour == "scan":
                found = f"stream: {SIGNATURE} FOUND" if MARKER in stream else "stream: OK"
                connection.sendall(found.encode() + end)
            elif self.behaviour != "close":
                connection.sendall(self.behaviour.encode() + end)


def _command(file: BinaryIO) -> bytes:
    """Read the command -> what ends an answer to it: NUL after z, a line's end after n."""
    end = {b"z": b"\0", b"n": b"\n"}[file.read(1)]
    command = file.read(len("INSTREAM") + 1)
    assert command == b"INSTREAM" + end, command
    return end


@contextmanager
def clamd_at_port(limit: int = 1 << 30) -> Iterator[tuple[FakeClamd, int]]:
    """A clamd on a free port of 127.0.0.1."""
    listener = socket.create_server(("127.0.0.1", 0))
    clamd = FakeClamd(listener, limit)
    try:
        yield clamd, listener.getsockname()[1]
    finally:
        clamd.close()


@contextmanager
def clamd_at_path(path: Path, limit: int = 1 << 30) -> Iterator[FakeClamd]:
    """A clamd on a UNIX socket."""
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    listener.bind(str(path))
    listener.listen()
    clamd = FakeClamd(listener, limit)
    try:
        yield clamd
    finally:
        clamd.close()
        path.unlink()
