"""A relay that does as it is told: any reply at any stage, silence, or a cut line. It keeps what it was sent."""

import contextlib
import re
import socket
import ssl
import subprocess
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

CUT = "CUT"  # close the connection instead of a reply
SILENCE = "SILENCE"  # read on and never reply
STAGES = ("CONNECT", "EHLO", "STARTTLS", "AUTH", "MAIL", "RCPT", "DATA", "FINAL")


@dataclass
class SunkMail:
    """One mail that was taken with a 2xx, or would have been but for a swallowed reply."""

    sender: str
    recipients: list[str]
    raw: bytes
    mail_parameters: str
    rcpt_parameters: list[str]


@dataclass
class SinkSmtp:
    """`script` maps a stage to the reply given there ("550 5.1.1 no"), to CUT or SILENCE, or to a list of them in turn.

    A stage may name an address: "RCPT:bob@client.example". Whatever has no row goes well."""

    script: dict[str, str | list[str]] = field(default_factory=dict)
    features: tuple[str, ...] = ("SIZE 10485760", "8BITMIME", "SMTPUTF8", "DSN", "AUTH PLAIN LOGIN")
    context: ssl.SSLContext | None = None
    tls: str = "none"
    injected_after_starttls: bytes = b""
    mails: list[SunkMail] = field(default_factory=list)
    commands: list[str] = field(default_factory=list)
    sessions: int = 0
    inbytes: bytes = b""  # all that came in the clear, before any TLS

    def __post_init__(self) -> None:
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        self._stopped = threading.Event()
        self._open: list[socket.socket] = []
        self._threads = [threading.Thread(target=self._listen, daemon=True)]
        self._threads[0].start()

    def close(self) -> None:
        self._stopped.set()
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self.cut_all()
        for thread in self._threads:
            thread.join(10)

    def cut_all(self) -> None:
        """Hang up on everybody, as a relay does with idle clients."""
        while self._open:
            connection = self._open.pop()
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
            connection.close()

    def count(self, verb: str) -> int:
        return sum(command.upper().startswith(verb) for command in self.commands)

    # -- the listener ------------------------------------------------------------------------------------------

    def _listen(self) -> None:
        while not self._stopped.is_set():
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            self.sessions += 1
            thread = threading.Thread(target=self._serve, args=(connection,), daemon=True)
            self._threads.append(thread)
            thread.start()

    def _serve(self, connection: socket.socket) -> None:
        try:
            if self.tls == "implicit" and self.context:
                connection = self.context.wrap_socket(connection, server_side=True)
            self._open.append(connection)
            _Dialogue(self, connection).run()
        except (OSError, _HungUp):
            pass
        finally:
            connection.close()

    def reply_for(self, stage: str, address: str, usual: str) -> str:
        for key in (f"{stage}:{address}", stage):
            planned = self.script.get(key)
            if isinstance(planned, list):
                if planned:
                    return planned.pop(0)
            elif planned:
                return planned
        return usual


class _HungUp(Exception):
    pass


class _Dialogue:
    def __init__(self, sink: SinkSmtp, connection: socket.socket) -> None:
        self._sink = sink
        self._connection = connection
        self._buffer = b""
        self._encrypted = sink.tls == "implicit"
        self._begin()

    def _begin(self) -> None:
        self._sender = ""
        self._parameters = ""
        self._recipients: list[str] = []
        self._notify: list[str] = []

    def run(self) -> None:
        self._say("CONNECT", "220 sink.example ESMTP")
        while True:
            line = self._line().decode("utf-8", "replace")
            self._sink.commands.append(line)
            verb = line.split(" ", 1)[0].upper()
            handler: Callable[[str], None] = getattr(self, f"_on_{verb.lower()}", self._on_other)
            handler(line)

    def _on_ehlo(self, line: str) -> None:
        offered = list(self._sink.features)
        if self._sink.tls == "starttls" and not self._encrypted:
            offered.append("STARTTLS")
        lines = ["sink.example", *offered]
        self._say("EHLO", "\r\n".join(f"250{'-' if each is not lines[-1] else ' '}{each}" for each in lines))

    def _on_starttls(self, line: str) -> None:
        if not self._say("STARTTLS", "220 go on").startswith("220") or self._sink.context is None:
            return
        if self._sink.injected_after_starttls:
            self._connection.recv(1, socket.MSG_PEEK)  # the client has read our reply and begun its handshake
            self._connection.sendall(self._sink.injected_after_starttls)
        self._sink._open.remove(self._connection)
        self._connection = self._sink.context.wrap_socket(self._connection, server_side=True)
        self._sink._open.append(self._connection)
        self._encrypted, self._buffer = True, b""

    def _on_auth(self, line: str) -> None:
        if line.upper() == "AUTH LOGIN":
            for prompt in ("334 VXNlcm5hbWU6", "334 UGFzc3dvcmQ6"):
                self._send(prompt)
                self._sink.commands.append(self._line().decode())
        self._say("AUTH", "235 2.7.0 welcome")

    def _on_mail(self, line: str) -> None:
        found = re.match(r"MAIL FROM:<([^>]*)>(.*)", line, re.IGNORECASE)
        assert found, line
        self._begin()
        self._sender, self._parameters = found[1], found[2].strip()
        self._say("MAIL", "250 2.1.0 ok")

    def _on_rcpt(self, line: str) -> None:
        found = re.match(r"RCPT TO:<([^>]*)>(.*)", line, re.IGNORECASE)
        assert found, line
        if self._say("RCPT", "250 2.1.5 ok", found[1]).startswith("25"):
            self._recipients.append(found[1])
            self._notify.append(found[2].strip())

    def _on_data(self, line: str) -> None:
        if not self._say("DATA", "354 go ahead").startswith("354"):
            return
        content = b""
        while (read := self._line()) != b".":
            content += (read[1:] if read.startswith(b".") else read) + b"\r\n"
        mail = SunkMail(self._sender, self._recipients, content, self._parameters, self._notify)
        planned = self._sink.reply_for("FINAL", "", "250 2.0.0 queued as 1")
        if planned[:1] == "2" or planned in (CUT, SILENCE):
            self._sink.mails.append(mail)
        self._begin()
        self._obey(planned)

    def _on_rset(self, line: str) -> None:
        self._begin()
        self._say("RSET", "250 2.0.0 ok")

    def _on_quit(self, line: str) -> None:
        self._send("221 2.0.0 bye")
        raise _HungUp

    def _on_other(self, line: str) -> None:
        self._say("OTHER", "250 2.0.0 ok")

    # -- bytes ---------------------------------------------------------------------------------------------------

    def _say(self, stage: str, usual: str, address: str = "") -> str:
        planned = self._sink.reply_for(stage, address, usual)
        self._obey(planned)
        return planned

    def _obey(self, planned: str) -> None:
        if planned == CUT:
            raise _HungUp
        if planned == SILENCE:
            while self._connection.recv(65536):
                pass
            raise _HungUp
        self._send(planned)
        if planned.startswith("421"):
            raise _HungUp

    def _send(self, text: str) -> None:
        self._connection.sendall(text.encode() + b"\r\n")

    def _line(self) -> bytes:
        while b"\r\n" not in self._buffer:
            read = self._connection.recv(65536)
            if not read:
                raise _HungUp
            if not self._encrypted:
                self._sink.inbytes += read
            self._buffer += read
        line, _, self._buffer = self._buffer.partition(b"\r\n")
        return line


@pytest.fixture
def sink() -> Iterator[Callable[..., SinkSmtp]]:
    """Makes relays; they are closed after the test."""
    with contextlib.ExitStack() as stack:

        def start(**given: object) -> SinkSmtp:
            made = SinkSmtp(**given)  # type: ignore[arg-type]
            stack.callback(made.close)
            return made

        yield start


@dataclass(frozen=True)
class Certificates:
    """An authority of the test's own and server certificates by it: "good", "wrong-name", "expired"; "self-signed"."""

    folder: Path

    @property
    def authority(self) -> str:
        return str(self.folder / "ca.pem")

    def context(self, name: str) -> ssl.SSLContext:
        made = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        made.load_cert_chain(self.folder / f"{name}.pem", self.folder / f"{name}.key")
        return made


def _openssl(folder: Path, *arguments: str) -> None:
    done = subprocess.run(["openssl", *arguments], cwd=folder, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def _signed(folder: Path, name: str, host: str, days: str) -> None:
    extensions = folder / f"{name}.ext"
    kind = "IP" if host[0].isdigit() else "DNS"
    extensions.write_text(f"subjectAltName={kind}:{host}\n")
    key = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", f"{name}.key")
    _openssl(folder, "req", "-new", *key, "-subj", f"/CN={host}", "-out", f"{name}.csr")
    by = ("-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial", "-extfile", extensions.name)
    _openssl(folder, "x509", "-req", "-in", f"{name}.csr", *by, "-days", days, "-out", f"{name}.pem")


@pytest.fixture(scope="session")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Certificates:
    folder = tmp_path_factory.mktemp("certificates")
    for name in ("ca", "self-signed"):
        key = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", f"{name}.key")
        _openssl(folder, "req", "-x509", *key, "-subj", f"/CN={name}", "-days", "3", "-out", f"{name}.pem")
    _signed(folder, "good", "127.0.0.1", "3")
    _signed(folder, "wrong-name", "elsewhere.example", "3")
    _signed(folder, "expired", "127.0.0.1", "-1")
    return Certificates(folder)
