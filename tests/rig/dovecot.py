"""A Dovecot 2.3 of the tests' own: loopback ports, all files in one temporary folder, gone with the tests.

Any user name logs in with PASSWORD and has an empty mailbox (Maildir++) from the first use on. Run by root, mail
belongs to a bare uid without an account, because Dovecot serves no mail of uid 0; otherwise all runs as the caller.
"""

import contextlib
import grp
import itertools
import os
import pwd
import shutil
import signal
import socket
import ssl
import subprocess
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

import pytest

from tests.rig.doors import needs_door
from tests.rig.waiting import wait_until

LOOPBACK = "127.0.0.1"
PASSWORD = "Rain-on-tin.42"
MAIL_UID = 5555
POLITE_SECONDS = 0.5  # that a server is given to stop by itself
CERTIFICATE_NAME = "imap.test.invalid"

CONFIGURATION = """
protocols = imap
listen = {host}
base_dir = {root}/run
state_dir = {root}/state
log_path = {root}/log
disable_plaintext_auth = no
auth_failure_delay = 0
imap_id_log = *
mail_location = maildir:{root}/mail/%u
mail_max_userip_connections = 100
mailbox_idle_check_interval = 1s
first_valid_uid = 1
passdb {{
  driver = static
  args = password={password}
}}
userdb {{
  driver = static
  args = uid={uid} gid={gid} home={root}/home/%u
}}
service imap-login {{
  inet_listener imap {{
    port = {port}
  }}
  inet_listener imaps {{
    port = {tls_port}
  }}
}}
service anvil {{
  unix_listener anvil-auth-penalty {{
    mode = 0
  }}
}}
namespace inbox {{
  inbox = yes
  separator = {separator}
  prefix = {prefix}
}}
"""
WITH_TLS = """
ssl = yes
ssl_min_protocol = TLSv1.2
ssl_cert = <{certificate}
ssl_key = <{key}
"""
WITHOUT_TLS = """
ssl = no
"""
WITH_QUOTA = """
mail_plugins = $mail_plugins quota
protocol imap {{
  mail_plugins = $mail_plugins imap_quota
}}
plugin {{
  quota = maildir:User quota
  quota_rule = *:messages={messages}
}}
"""
UNPRIVILEGED = """
default_internal_user = {user}
default_internal_group = {group}
default_login_user = {user}
service imap-login {{
  chroot =
}}
service anvil {{
  chroot =
}}
service stats {{
  chroot =
}}
"""


@dataclass(frozen=True)
class DovecotOptions:
    """What this server is to be like."""

    capabilities: str = ""  # all that it claims to be able to after login; "" = the usual
    tls: bool = False
    message_quota: int = 0  # 0 = none
    prefix: str = ""  # of the personal namespace (RFC 2342), as Courier has "INBOX."
    separator: str = "."


@dataclass(frozen=True)
class Certificate:
    """A self-made certificate for CERTIFICATE_NAME and its key, as PEM files."""

    certificate: Path
    key: Path

    def trusting_context(self) -> ssl.SSLContext:
        """A client's context that trusts this certificate and verifies as usual."""
        return ssl.create_default_context(cafile=str(self.certificate))


def make_certificate(folder: Path, *names: str) -> Certificate:
    """A certificate for these host names or addresses."""
    made = Certificate(folder / "certificate.pem", folder / "key.pem")
    alternatives = ",".join(("IP:" if name[0].isdigit() else "DNS:") + name for name in names)
    command = [
        "openssl",
        "req",
        "-x509",
        "-newkey",
        "ec",
        "-pkeyopt",
        "ec_paramgen_curve:P-256",
        "-nodes",
        "-days",
        "2",
    ]
    files = ["-keyout", str(made.key), "-out", str(made.certificate)]
    subject = ["-subj", f"/CN={names[0]}", "-addext", f"subjectAltName={alternatives}"]
    subprocess.run([*command, *files, *subject], check=True, capture_output=True)
    return made


def free_port() -> int:
    """A loopback port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind((LOOPBACK, 0))
        return int(probe.getsockname()[1])


def accepts(port: int) -> bool:
    """Whether somebody listens on this loopback port."""
    with contextlib.suppress(OSError), socket.create_connection((LOOPBACK, port), timeout=5):
        return True
    return False


def greets(port: int) -> bool:
    """Whether an IMAP server greets on this loopback port."""
    with contextlib.suppress(OSError), socket.create_connection((LOOPBACK, port), timeout=5) as connection:
        return connection.recv(4) == b"* OK"
    return False


@dataclass
class Dovecot:
    """The server. `start` and `stop` may alternate; mailboxes stay until `remove`."""

    root: Path
    options: DovecotOptions = DovecotOptions()
    port: int = field(default_factory=free_port)
    tls_port: int = 0
    certificate: Certificate | None = None

    def __post_init__(self) -> None:
        self._process: subprocess.Popen[bytes] | None = None
        self._serial = itertools.count(1)
        is_root = os.geteuid() == 0
        self._uid, self._gid = (MAIL_UID, MAIL_UID) if is_root else (os.getuid(), os.getgid())
        self.root.chmod(0o755)
        for name in ("mail", "home"):
            (self.root / name).mkdir()
            os.chown(self.root / name, self._uid, self._gid)
        text = self._base_configuration()
        if not is_root:
            names = {"user": pwd.getpwuid(self._uid).pw_name, "group": grp.getgrgid(self._gid).gr_name}
            text += UNPRIVILEGED.format(**names)
        (self.root / "dovecot.conf").write_text(text)

    def _base_configuration(self) -> str:
        if self.options.tls:
            self.tls_port = free_port()
            self.certificate = make_certificate(self.root, CERTIFICATE_NAME, "localhost", LOOPBACK)
            tls = WITH_TLS.format(certificate=self.certificate.certificate, key=self.certificate.key)
        else:
            tls = WITHOUT_TLS
        places = {"host": LOOPBACK, "root": self.root, "port": self.port, "tls_port": self.tls_port}
        owner = {"password": PASSWORD, "uid": self._uid, "gid": self._gid}
        namespace = {"prefix": self.options.prefix, "separator": self.options.separator}
        text = CONFIGURATION.format(**places, **owner, **namespace) + tls
        if self.options.message_quota:
            text += WITH_QUOTA.format(messages=self.options.message_quota)
        if self.options.capabilities:
            text += f"imap_capability = {self.options.capabilities}\n"
        return text

    # -- the server ---------------------------------------------------------------------------------------------

    def start(self) -> None:
        """Start, and return when it answers."""
        assert self._process is None, "Dovecot runs already"
        command = ["dovecot", "-F", "-c", str(self.root / "dovecot.conf")]
        self._process = subprocess.Popen(command, stdin=subprocess.DEVNULL, start_new_session=True)
        wait_until(self._answers, 30, f"Dovecot to answer (its log: {self.root / 'log'})")

    def _answers(self) -> bool:
        assert self._process is not None
        assert self._process.poll() is None, f"Dovecot ended at once:\n{self.log()}"
        return greets(self.port)

    def stop(self) -> None:
        """Stop at once, cutting all connections, and return when the port is free."""
        if self._process is None:
            return
        # The whole group that we started: the master alone would leave sessions behind that still obey for a while.
        os.killpg(self._process.pid, signal.SIGTERM)
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(POLITE_SECONDS)
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait(30)
        self._process = None
        # One that was killed while it started would make the next one wait ten seconds for this lock.
        (self.root / "state" / "instances.lock").unlink(missing_ok=True)
        wait_until(lambda: not accepts(self.port), 30, "Dovecot's port to be free")

    def remove(self) -> None:
        """Stop and leave nothing behind."""
        self.stop()
        shutil.rmtree(self.root, ignore_errors=True)

    def log(self) -> str:
        """What Dovecot has logged so far."""
        path = self.root / "log"
        return path.read_text(errors="replace") if path.exists() else ""

    # -- mailboxes ----------------------------------------------------------------------------------------------

    def new_user(self) -> str:
        """A user whom nobody has used before."""
        return f"user{next(self._serial)}"

    def folder(self, user: str, name: str = "INBOX") -> Path:
        """Where a folder lies on the disk; `name` with dots between its levels."""
        return self.root / "mail" / user / ("" if name == "INBOX" else f".{name}")

    def deliver(self, user: str, raw: bytes, *, name: str = "INBOX", at: datetime | None = None) -> None:
        """Put a mail into a folder as a delivery agent does; `at` becomes its INTERNALDATE."""
        folder = self.folder(user, name)
        for part in ("", "cur", "new", "tmp"):
            place = folder / part
            if not place.exists():
                place.mkdir(parents=True, mode=0o700)
                os.chown(place, self._uid, self._gid)
        unique = f"{1_700_000_000 + next(self._serial)}.M{next(self._serial)}P{os.getpid()}.maild"
        written = folder / "tmp" / unique
        written.write_bytes(raw)
        os.chown(written, self._uid, self._gid)
        if at is not None:
            os.utime(written, (at.timestamp(), at.timestamp()))
        written.rename(folder / "new" / unique)

    def contents(self, user: str, name: str = "INBOX") -> list[bytes]:
        """The mails in a folder, in order of delivery; [] when there is no such folder."""
        while True:
            with contextlib.suppress(FileNotFoundError):  # Dovecot gave a mail another name since we looked: look again
                return [path.read_bytes() for path in self._mails(user, name)]

    def flags(self, user: str, name: str = "INBOX") -> list[str]:
        """The Maildir flags of the mails in the same order: "" or letters such as "FS"."""
        return [path.name.partition(":2,")[2] for path in self._mails(user, name)]

    def _mails(self, user: str, name: str) -> list[Path]:
        folder = self.folder(user, name)
        found = [path for part in ("new", "cur") if (folder / part).is_dir() for path in (folder / part).iterdir()]
        return sorted(found, key=lambda path: path.name)

    def forget_uids(self, user: str) -> None:
        """What a restored backup or a repair does to an INBOX: all UIDs and the UIDVALIDITY are new. Stop it before."""
        assert self._process is None
        # "3 V1795254618 N4 ...": the UIDVALIDITY is the second in which it was made.
        uidvalidity = int((self.folder(user) / "dovecot-uidlist").read_text().split()[1].removeprefix("V"))
        wait_until(lambda: time.time() >= uidvalidity + 1, 30, "another second")
        for path in self.folder(user).glob("dovecot*"):
            path.unlink()


def require_dovecot() -> None:
    """Skip the test where there is no Dovecot that this rig can configure."""
    if shutil.which("dovecot") is None:
        pytest.skip("Dovecot is not installed (Debian: apt-get install dovecot-imapd)")
    version = subprocess.run(["dovecot", "--version"], capture_output=True, text=True, check=False).stdout
    if not version.startswith("2.3."):
        pytest.skip(f"the tests know how to configure Dovecot 2.3, not {version.strip() or 'this one'}")


@contextlib.contextmanager
def running_dovecot(options: DovecotOptions = DovecotOptions()) -> Iterator[Dovecot]:
    """A server that answers, and is gone afterwards. Skips the test where Dovecot is not installed."""
    needs_door("Dovecot")
    require_dovecot()
    # Not below pytest's own folder: that one is closed to the mails' owner.
    server = Dovecot(Path(tempfile.mkdtemp(prefix="maild-dovecot-")), options)
    try:
        server.start()
        yield server
    finally:
        server.remove()


@pytest.fixture(scope="module")
def dovecot() -> Iterator[Dovecot]:
    """A plain Dovecot that the tests of one file share; each takes a user of its own."""
    with running_dovecot() as server:
        yield server
