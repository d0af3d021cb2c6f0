"""A `maild run` of the tests' own, as a process: started until it says READY=1, killed, ended, restarted, asked.

    maild.configure(listener='smtp = "127.0.0.1:2525"')
    maild.start()
    ...
    maild.kill()            # SIGKILL, as a crash of the machine's kindest sort
    assert maild.end() == 0 # SIGTERM, drained

The rig plays systemd: it listens on the notify socket and hands listening sockets over.
"""

from __future__ import annotations

import contextlib
import itertools
import json
import os
import secrets
import signal
import socket
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from tests.rig.waiting import wait_until

PROGRAM = ("-m", "maild")
HELPDESK = "support@help.test"
AGENT = "jane@help.test"
START_SECONDS = 60.0  # until READY=1, on a busy machine and under coverage
DRAIN_SECONDS = 45.0  # what systemd would give it after SIGTERM
COMMAND_SECONDS = 120.0

FRAME = """\
[helpdesk]
name = "Help Desk"
address = "{helpdesk}"
token_key = {{ file = "token-key" }}

[store]
url = "{store}"

[state]
folder = "."

[acknowledge]
to = "everyone"
most_per_minute = 1000000
most_per_domain = 1000000

[notices]
ceiling = 1000000

[digest]
personal = "off"
team = "off"
manager = "off"

[[agent]]
name = "jane"
display = "Jane Doe"
addresses = ["{agent}"]
role = "admin"
"""
RELAY = '[relay]\nmaildir = "sent"\n'
SQLITE = "sqlite:///maild.db"

# systemd forks before it knows the process id that LISTEN_PID must name (sd_listen_fds(3)): so do we.
HAND_OVER = (
    "import os, sys\n"
    "os.dup2(int(sys.argv[1]), 3, inheritable=True)\n"
    "os.environ['LISTEN_PID'] = str(os.getpid())\n"
    "os.execv(sys.argv[2], sys.argv[2:])\n"
)
_serial = itertools.count(1)


class MaildRig:
    """One installation: a folder with maild.toml, its database and its log, and the process that runs on them."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.config = folder / "maild.toml"
        self.database = folder / "maild.db"
        self.process: subprocess.Popen[bytes] | None = None
        self.ended: list[int] = []  # the session ids of former processes
        self._log = folder / "maild.log"
        self._ready = threading.Event()  # of the present run, as the next one
        self._over = threading.Event()
        key = folder / "token-key"
        key.touch(mode=0o600)
        key.write_text(f"a:{secrets.token_hex(32)}\n")

    # -- configuration ------------------------------------------------------------------------------------------

    def configure(self, *tables: str, listener: str = "", relay: str = RELAY, store: str = SQLITE) -> None:
        """Write maild.toml: who we are, one agent, and these tables."""
        frame = FRAME.format(helpdesk=HELPDESK, agent=AGENT, store=store)
        door = [f"[listener]\n{listener}\n"] if listener else []
        self.config.write_text("\n".join([frame, relay, *door, *tables]))

    def mailbox(self, port: int, user: str, password: str) -> str:
        """A [[mailbox]] table that watches an INBOX on loopback from its first mail on; the password goes to a file."""
        secret = self.folder / f"password-{user}"
        secret.touch(mode=0o600)
        secret.write_text(password)
        place = f'host = "127.0.0.1"\nport = {port}\ntls = "none"\nuser = "{user}"\n'
        return f'[[mailbox]]\nname = "support"\n{place}password = {{ file = "{secret.name}" }}\nstart = "all"\n'

    # -- the process --------------------------------------------------------------------------------------------

    def start(
        self,
        *,
        ready: bool = True,
        measured: bool = True,
        sockets: Mapping[str, socket.socket] | None = None,
        environment: Mapping[str, str] | None = None,
        program: Sequence[str] = PROGRAM,
    ) -> None:
        """Start `maild run`; with `ready`, return when it says so.

        `sockets` are handed over by name as systemd does (one at most). `measured`: coverage may watch this run, which
        makes its start slower and is of no use for a process that will be killed. `program` is what Python runs."""
        assert self.process is None, "maild runs already"
        command = [sys.executable, *program, "-c", str(self.config), "run"]
        passed: list[int] = []
        inherited = {k: v for k, v in os.environ.items() if measured or not k.startswith("COV")}
        variables = inherited | {"NOTIFY_SOCKET": self._listen_for_news()} | dict(environment or {})
        if sockets:
            ((name, listening),) = sockets.items()
            passed = [listening.fileno()]
            variables |= {"LISTEN_FDS": "1", "LISTEN_FDNAMES": name}
            command = [sys.executable, "-I", "-S", "-c", HAND_OVER, str(passed[0]), *command]
        with self._log.open("ab") as log:
            self.process = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                cwd=self.folder,
                env=variables,
                pass_fds=passed,
                start_new_session=True,  # its readers are in this session, and nobody else is
            )
        if ready:
            self.wait_ready()

    def wait_ready(self) -> None:
        """Return when the daemon has said READY=1. AssertionError with its log when it ended instead."""
        wait_until(self._is_ready, START_SECONDS, "maild to be ready")

    def _is_ready(self) -> bool:
        assert self.process is not None
        code = self.process.poll()
        assert code is None, f"maild ended with {code}:\n{self.log[-4000:]}"
        return self._ready.is_set()

    def signal(self, number: signal.Signals) -> None:
        """Send a signal to the daemon, not to its readers."""
        assert self.process is not None
        self.process.send_signal(number)

    def wait(self, seconds: float = DRAIN_SECONDS) -> int:
        """Wait for the end -> the exit code, negative for a signal. AssertionError when it goes on for longer."""
        assert self.process is not None
        try:
            code = self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            raise AssertionError(f"maild did not end in {seconds:g} s:\n{self.log[-4000:]}") from None
        self._over.set()
        self.ended.append(self.process.pid)
        self.process = None
        return code

    def kill(self) -> None:
        """SIGKILL. The readers are left to notice."""
        self.signal(signal.SIGKILL)
        self.wait()

    def end(self) -> int:
        """SIGTERM, and wait for the drain -> the exit code."""
        self.signal(signal.SIGTERM)
        return self.wait()

    def readers(self) -> list[int]:
        """The processes that the daemon has started and that run."""
        assert self.process is not None
        return [member for member in session_members({self.process.pid}) if member != self.process.pid]

    def orphans(self) -> list[int]:
        """Processes that outlive the daemons that started them."""
        return session_members(set(self.ended))

    def close(self) -> None:
        """End whatever runs still."""
        if self.process is not None:
            self.kill()
        for orphan in self.orphans():
            with contextlib.suppress(ProcessLookupError):
                os.kill(orphan, signal.SIGKILL)

    def _listen_for_news(self) -> str:
        """A notify socket of this run alone, read as quickly as systemd does -> its name for NOTIFY_SOCKET."""
        name = f"maild-test-{os.getpid()}-{next(_serial)}"
        channel = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC)
        channel.bind(f"\0{name}")
        self._ready, self._over = threading.Event(), threading.Event()
        threading.Thread(target=_read_news, args=(channel, self._ready, self._over), daemon=True).start()
        return f"@{name}"

    # -- what it says and knows ---------------------------------------------------------------------------------

    @property
    def log(self) -> str:
        """All that the daemons of this folder have written so far."""
        return self._log.read_text(errors="replace") if self._log.exists() else ""

    def wait_for_log(self, words: str, times: int = 1, seconds: float = 30) -> None:
        """Return when the log has these words so many times."""
        wait_until(lambda: self.log.count(words) >= times, seconds, f"{words!r} in maild's log:\n{self.log[-4000:]}")

    def command(self, *arguments: str, code: int = 0) -> bytes:
        """Run `maild ARGUMENTS` beside the daemon -> what it printed; it must end with this exit code."""
        command = [sys.executable, "-m", "maild", "-c", str(self.config), *arguments]
        done = subprocess.run(command, capture_output=True, cwd=self.folder, timeout=COMMAND_SECONDS)
        assert done.returncode == code, f"maild {' '.join(arguments)}: {done.returncode}\n{done.stderr.decode()}"
        return done.stdout

    def json(self, *arguments: str) -> Any:
        """The JSON document that a command prints."""
        return json.loads(self.command(*arguments, "--json"))

    def rows(self, query: str, *values: object) -> list[tuple[Any, ...]]:
        """Ask the SQLite database itself, without writing to it; [] while it has no tables."""
        with contextlib.closing(sqlite3.connect(f"file:{self.database}?mode=ro", uri=True, timeout=30)) as connection:
            return connection.execute(query, values).fetchall()

    def value(self, query: str, *values: object) -> Any:
        """The first column of the only row."""
        return self.rows(query, *values)[0][0]

    def drained(self) -> bool:
        """Whether no kept mail waits to be judged and no queued mail to be tried; some may be on their way."""
        kept = self.value("select count(*) from inbound where state = 'kept'")
        queued = self.value("select count(*) from outbox where state = 'queued'")
        return bool(kept == 0 and queued == 0)

    def sent(self, folder: str = "sent") -> list[bytes]:
        """The copies that the Maildir relay took, in the order of their names."""
        return [path.read_bytes() for path in sorted((self.folder / folder / "new").glob("*"))]


def _read_news(channel: socket.socket, ready: threading.Event, over: threading.Event) -> None:
    """Read what one daemon says to the service manager, as long as it runs."""
    channel.settimeout(0.5)
    with channel:
        while not over.is_set():
            with contextlib.suppress(TimeoutError):
                if b"READY=1" in channel.recv(4096):
                    ready.set()


def session_members(sessions: set[int]) -> list[int]:
    """The processes of these sessions that are more than a zombie (proc(5): state and session)."""
    found = []
    for status in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):
            # The program's name stands in brackets and may have any character in it.
            state, _, _, session = status.read_text().rpartition(")")[2].split()[:4]
            if int(session) in sessions and state != "Z":
                found.append(int(status.parent.name))
    return found


@pytest.fixture
def new_maild(tmp_path: Path) -> Iterator[Callable[[], MaildRig]]:
    """Makes installations, each in a folder of its own; whatever runs at the end of the test is ended."""
    with contextlib.ExitStack() as stack:

        def new() -> MaildRig:
            folder = tmp_path / f"maild-{next(_serial)}"
            folder.mkdir()
            made = MaildRig(folder)
            stack.callback(made.close)
            return made

        yield new


@pytest.fixture
def maild(new_maild: Callable[[], MaildRig]) -> MaildRig:
    """One installation of this test's own."""
    return new_maild()
