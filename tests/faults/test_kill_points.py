"""Killed at a chosen system call instead of a random moment: just before a write into the log of the database, before
its sync, before a reply leaves, before an outgoing mail appears. The narrow gaps that chance seldom hits are all there.

A mail that was kept and whose sender never heard of it comes again; it must be known."""

from __future__ import annotations

import re
import signal
import smtplib
import socket
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from tests.faults.mails import SentMail, make_mail
from tests.faults.oracle import (
    assert_each_became_one_ticket,
    assert_everybody_was_told,
    deliver_the_rest,
    wait_until_drained,
)
from tests.faults.tracing import killed_at
from tests.rig.daemon import HELPDESK, MaildRig
from tests.rig.dovecot import PASSWORD, Dovecot
from tests.rig.waiting import wait_until

PAUSE = 0.05  # seconds between two mails
UNREACHED_SECONDS = 20.0  # a point that has not come by then does not come
KILLED = -signal.SIGKILL

Point = tuple[str, int]  # the system call, and which one of a thread


def points(calls: dict[str, int]) -> list[Point]:
    return [(call, when) for call, times in calls.items() for when in range(1, times + 1)]


# One client speaks to us, in seven replies for a mail: any seven in a row have in them the one that says that the mail
# is ours.
FEW_LMTP = points({"sendto": 8, "fdatasync": 4, "pwrite64": 3, "rename": 2})
# From one IDLE to the next we say about as much: NOOP, SEARCH, two FETCH, MOVE.
FEW_IMAP = points({"sendto": 8, "fdatasync": 3})
MANY = points(dict.fromkeys(("sendto", "fdatasync", "pwrite64", "rename"), 60))
TEST = pytest.mark.timeout(280)
SOAK = (pytest.mark.soak, pytest.mark.timeout(0))


class Stream:
    """Sends one mail after the other for as long as it is wanted; `mails` are those whose sender is content."""

    def __init__(self, deliver: Callable[[SentMail], None]) -> None:
        self._deliver = deliver
        self._over = threading.Event()
        self.mails: list[SentMail] = []
        self._error: BaseException | None = None

    @contextmanager
    def flowing(self) -> Iterator[None]:
        """In this block mails are sent. The last one is seen through."""
        thread = threading.Thread(target=self._run, daemon=True)
        thread.start()
        try:
            yield
        finally:
            self._over.set()
            thread.join(120)
        assert not thread.is_alive(), "a mail was never taken"
        assert self._error is None, f"the stream failed: {self._error!r}"

    def _run(self) -> None:
        try:
            while not self._over.wait(PAUSE):
                mail = make_mail(len(self.mails) + 1)
                self.mails.append(mail)
                self._deliver(mail)
        except BaseException as error:  # noqa: BLE001 - told by flowing()
            self._error = error


def die_at_each(
    maild: MaildRig, chosen: Sequence[Point], words: Path, sockets: dict[str, socket.socket] | None = None
) -> None:
    """Run the daemon up to each of the points."""
    for call, when in chosen:
        maild.start(measured=False, sockets=sockets)
        assert maild.process is not None
        with killed_at(maild.process.pid, call, when, words):
            assert maild.wait(UNREACHED_SECONDS) == KILLED
    wait_until(lambda: not maild.orphans(), 30, "the readers of killed daemons to end")


def assert_all_is_well(maild: MaildRig, mails: Sequence[SentMail]) -> None:
    assert_each_became_one_ticket(maild, mails)
    deliver_the_rest(maild)
    assert_everybody_was_told(maild, mails)


@pytest.mark.parametrize(
    "chosen", [pytest.param(FEW_LMTP, marks=TEST), pytest.param(MANY, marks=SOAK)], ids=["few", "many"]
)
def test_killed_at_a_point_during_lmtp(chosen: Sequence[Point], maild: MaildRig, tmp_path: Path) -> None:
    maild.configure(listener='lmtp = "systemd:lmtp"')
    with socket.create_server(("127.0.0.1", 0), backlog=256) as door:
        port = door.getsockname()[1]
        stream = Stream(lambda mail: send_until_taken(port, mail))
        with stream.flowing():
            die_at_each(maild, chosen, tmp_path / "words", {"lmtp": door})
            maild.start(sockets={"lmtp": door})
        wait_until_drained(maild)
        assert maild.end() == 0
    again = len(re.findall(r" received .*known=True", maild.log))
    print(f"\n{len(chosen)} kills, {len(stream.mails)} mails, {again} came again")
    assert_all_is_well(maild, stream.mails)
    assert again > 0, "no kill fell between the commit and the reply"


def send_until_taken(port: int, mail: SentMail) -> None:
    """As an MTA does, with a shorter breath."""
    while True:
        with suppress(OSError, smtplib.SMTPServerDisconnected), smtplib.LMTP("127.0.0.1", port, timeout=120) as wire:
            wire.sendmail(mail.sender, [HELPDESK], mail.raw)
            return
        threading.Event().wait(PAUSE)


@pytest.mark.door
@pytest.mark.parametrize(
    "chosen", [pytest.param(FEW_IMAP, marks=TEST), pytest.param(MANY, marks=SOAK)], ids=["few", "many"]
)
def test_killed_at_a_point_during_imap(
    chosen: Sequence[Point], maild: MaildRig, dovecot: Dovecot, tmp_path: Path
) -> None:
    user = dovecot.new_user()
    maild.configure(maild.mailbox(dovecot.port, user, PASSWORD))
    stream = Stream(lambda mail: dovecot.deliver(user, mail.raw))
    with stream.flowing():
        die_at_each(maild, chosen, tmp_path / "words")
    maild.start()
    wait_until(lambda: dovecot.contents(user) == [], 120, "INBOX to be empty")
    wait_until_drained(maild)
    assert maild.end() == 0
    print(f"\n{len(chosen)} kills, {len(stream.mails)} mails")
    assert sorted(dovecot.contents(user, "Processed")) == sorted(mail.raw for mail in stream.mails)
    assert_all_is_well(maild, stream.mails)
