"""A Postfix of the tests' own: configuration, queue and log in a temporary folder, on loopback, gone with the test.

    with postfix(default_transport="lmtp:inet:127.0.0.1:2424") as mta:   # everything goes to one place
        mta.submit("karen@customer.test", ["support@help.test"], mail)

    postfix(relay_domains="help.test", relay_transport="lmtp:inet:127.0.0.1:2424", relayhost="[127.0.0.1]:2526")

The second takes mail for help.test to LMTP and all other mail to a sink. The `postfix` fixture skips, with a sentence,
where Postfix cannot run.
"""

import contextlib
import os
import re
import shutil
import signal
import smtplib
import socket
import subprocess
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

import pytest

from tests.rig.doors import needs_door
from tests.rig.waiting import wait_until

LOOPBACK = "127.0.0.1"
PROGRAMS = Path("/usr/lib/postfix/sbin")
PUBLIC_FOLDER_MODE = 0o755  # the queue's owner is the user postfix, who must get there

# Retries in seconds instead of minutes; everything else as Debian has it.
SETTINGS = {
    "compatibility_level": "3.6",
    "mail_owner": "postfix",
    "setgid_group": "postdrop",
    "myhostname": "mta.test",
    "mydestination": "",
    "inet_interfaces": LOOPBACK,
    "inet_protocols": "ipv4",
    "mynetworks": "127.0.0.0/8",
    "smtpd_recipient_restrictions": "permit_mynetworks, reject",
    "smtpd_banner": "$myhostname ESMTP",
    "smtpd_tls_security_level": "none",
    "smtp_tls_security_level": "none",
    "smtp_host_lookup": "native",
    "lmtp_host_lookup": "native",
    "disable_dns_lookups": "yes",
    "alias_maps": "",
    "alias_database": "",
    "local_recipient_maps": "",
    "message_size_limit": "52428800",
    "queue_run_delay": "2s",
    "minimal_backoff_time": "2s",
    "maximal_backoff_time": "4s",
    "transport_retry_time": "2s",
    "lmtp_data_done_timeout": "10s",
    "smtp_data_done_timeout": "10s",
    "lmtp_connect_timeout": "5s",
    "smtp_connect_timeout": "5s",
    # After a failed connection a whole destination would rest; here every mail is tried.
    "default_destination_concurrency_failed_cohort_limit": "0",
    "maillog_file_prefixes": "/",
}

QUEUES = ("active", "bounce", "corrupt", "defer", "deferred", "flush", "hold", "incoming", "private", "saved", "trace")
FOLDERS = {
    "data": ("postfix", "postfix", 0o700),
    "queue/pid": ("root", "root", 0o755),
    "queue/maildrop": ("postfix", "postdrop", 0o730),
    "queue/public": ("postfix", "postdrop", 0o710),
    **{f"queue/{name}": ("postfix", "root", 0o700) for name in QUEUES},
}

# service type private unpriv chroot wakeup maxproc command
MASTER = """\
{address}:{port} inet n - n - - smtpd
pickup unix n - n 1 1 pickup
cleanup unix n - n - 0 cleanup
qmgr unix n - n 2 1 qmgr
tlsmgr unix - - n 1000? 1 tlsmgr
rewrite unix - - n - - trivial-rewrite
bounce unix - - n - 0 bounce
defer unix - - n - 0 bounce
trace unix - - n - 0 bounce
verify unix - - n - 1 verify
flush unix n - n 1000? 0 flush
proxymap unix - - n - - proxymap
proxywrite unix - - n - 1 proxymap
smtp unix - - n - - smtp
relay unix - - n - - smtp
showq unix n - n - - showq
error unix - - n - - error
retry unix - - n - - error
discard unix - - n - - discard
lmtp unix - - n - - lmtp
virtual unix - n n - - virtual
anvil unix - - n - 1 anvil
scache unix - - n - 1 scache
postlog unix-dgram n - n - 1 postlogd
"""


class PostfixRig:
    """A running private Postfix."""

    def __init__(self, folder: Path, port: int, settings: dict[str, str]) -> None:
        self.folder = folder
        self.port = port
        self.address = (LOOPBACK, port)
        self._log = folder / "mail.log"
        self._settings = settings
        self._master: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        self._write_configuration()
        self._make_folders()
        # A group of its own: its children get their signal with it, and nobody else does.
        with (self.folder / "master.out").open("ab") as output:
            self._master = subprocess.Popen(
                [PROGRAMS / "master", "-c", str(self._etc), "-d"],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                start_new_session=True,
                cwd=self.folder / "queue",
            )
        wait_until(self._answers, what=f"Postfix to answer on port {self.port}:\n{self.log}")

    def stop(self) -> None:
        """Ends the master process, which takes its children with it."""
        master = self._master
        if master is None:
            return
        self._master = None
        if master.poll() is None:
            master.terminate()
        try:
            master.wait(10)
            wait_until(lambda: not _living_members(master.pid), 10, "the children of Postfix to end")
        except (subprocess.TimeoutExpired, AssertionError):
            with contextlib.suppress(ProcessLookupError):
                os.killpg(master.pid, signal.SIGKILL)
            raise

    @property
    def log(self) -> str:
        """All that Postfix has logged so far."""
        return self._log.read_text(errors="replace") if self._log.exists() else ""

    def log_lines(self, pattern: str) -> list[str]:
        """The log lines in which the regular expression is found."""
        return [line for line in self.log.splitlines() if re.search(pattern, line)]

    def queue(self) -> list[str]:
        """One JSON line for each queued mail, as `postqueue -j` prints them."""
        return self._command("postqueue", "-j").splitlines()

    def queue_empty(self) -> bool:
        return not self.queue()

    def flush(self) -> None:
        """Try to deliver everything that waits, now."""
        self._command("postqueue", "-f")

    def delivers_all(self) -> bool:
        """Try to deliver what waits, now; whether nothing is left."""
        self.flush()
        return self.queue_empty()

    def configure(self, **settings: str) -> None:
        """Set main.cf parameters while it runs; the processes that follow know them."""
        self._settings |= settings
        self._write_configuration()
        self._command("postfix", "reload")

    def allow(self, path: Path) -> None:
        """Let Postfix write to a socket that belongs to us, by its group."""
        shutil.chown(path, group="postfix")

    def submit(self, sender: str, recipients: Sequence[str], mail: bytes) -> dict[str, tuple[int, bytes]]:
        """Hand a mail to this Postfix by SMTP; the recipients that it refused, as smtplib tells."""
        with smtplib.SMTP(*self.address, timeout=30) as client:
            return client.sendmail(sender, list(recipients), mail)

    @property
    def _etc(self) -> Path:
        return self.folder / "etc"

    def _write_configuration(self) -> None:
        self._etc.mkdir(exist_ok=True)
        places = {
            "queue_directory": str(self.folder / "queue"),
            "data_directory": str(self.folder / "data"),
            "maillog_file": str(self._log),
        }
        settings = SETTINGS | places | self._settings
        main = self._etc / "main.cf"
        main.write_text("".join(f"{name} = {value}\n" for name, value in settings.items()))
        # Postfix waits until its configuration is two seconds old, lest somebody be writing it still.
        os.utime(main, (0, 0))
        (self._etc / "master.cf").write_text(MASTER.format(address=LOOPBACK, port=self.port))

    def _make_folders(self) -> None:
        """What `postfix check` would make, in a tenth of its time."""
        queue = self.folder / "queue"
        queue.mkdir(exist_ok=True)
        for name, (user, group, mode) in FOLDERS.items():
            folder = self.folder / name
            folder.mkdir(exist_ok=True)
            shutil.chown(folder, user, group)
            folder.chmod(mode)

    def _command(self, *command: str) -> str:
        program, *arguments = command
        path = shutil.which(program, path="/usr/sbin:/usr/bin:/sbin:/bin") or program
        done = subprocess.run([path, "-c", str(self._etc), *arguments], capture_output=True, text=True, timeout=30)
        assert done.returncode == 0, f"{' '.join(command)}: {done.stdout}{done.stderr}"
        return done.stdout

    def _answers(self) -> bool:
        assert self._master is not None
        if self._master.poll() is not None:
            output = (self.folder / "master.out").read_text(errors="replace")
            raise AssertionError(f"Postfix ended at once: {output}\n{self.log}")
        try:
            with socket.create_connection(self.address, timeout=5) as connection:
                return connection.recv(100).startswith(b"220")
        except OSError:
            return False


def _living_members(session: int) -> list[str]:
    """The states of the processes of a session, zombies that wait for their new parent not counted."""
    listed = subprocess.run(["ps", "-o", "stat=", "-s", str(session)], capture_output=True, text=True)
    return [state for state in listed.stdout.split() if not state.startswith("Z")]


def why_no_postfix() -> str:
    """A sentence that says why Postfix cannot run here, "" when it can."""
    if not (PROGRAMS / "master").exists():
        return "Postfix is not installed (remedy: apt-get install --no-install-recommends postfix)"
    if os.geteuid() != 0:
        return "Postfix needs root to start (remedy: run these tests as root in a container)"
    return ""


def free_port() -> int:
    """A TCP port on loopback that nobody listens on."""
    with socket.socket() as probe:
        probe.bind((LOOPBACK, 0))
        return int(probe.getsockname()[1])


@contextmanager
def run_postfix(**settings: str) -> Iterator[PostfixRig]:
    """A Postfix with these main.cf settings on top, stopped and removed at the end of the block."""
    needs_door("Postfix")
    # Not below pytest's own folder: that one is closed to the user postfix, and too deep for a socket's name.
    folder = Path(tempfile.mkdtemp(prefix="maild-pf-", dir="/tmp"))
    folder.chmod(PUBLIC_FOLDER_MODE)
    mta = PostfixRig(folder, free_port(), settings)
    try:
        mta.start()
        yield mta
    finally:
        mta.stop()
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def postfix() -> Callable[..., AbstractContextManager[PostfixRig]]:
    """Starts private Postfix instances: `with postfix(relay_transport="lmtp:inet:127.0.0.1:2424") as mta`."""
    obstacle = why_no_postfix()
    if obstacle:
        pytest.skip(obstacle)
    return run_postfix
