"""A mail counts as ours only when it is on the disk: system calls show that the log is synced before anybody is told.

RFC 5321 6.1: after a 250 the mail must not be lost for frivolous reasons, a crash among them."""

from __future__ import annotations

import smtplib
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from tests.faults.mails import make_mails, mark
from tests.faults.tracing import Call, calls_in, told_too_early, traced
from tests.rig.daemon import HELPDESK, MaildRig
from tests.rig.dovecot import PASSWORD, Dovecot, free_port
from tests.rig.misses import in_turn
from tests.rig.waiting import wait_until

MAILS = 20
MOVED = 8  # Dovecot waits half a second before it tells of one
TAKEN = "250 2.0.0 The mail is ours"


def replies(calls: Sequence[Call], words: str) -> list[Call]:
    """The calls that send these words to a peer."""
    return [call for call in calls if call.sends and words in call.text]


@pytest.mark.parametrize(("client", "protocol"), [(smtplib.SMTP, "smtp"), (smtplib.LMTP, "lmtp")])
def test_each_250_follows_a_sync_of_the_database(
    client: Callable[..., smtplib.SMTP], protocol: str, maild: MaildRig, tmp_path: Path
) -> None:
    port = free_port()
    maild.configure(listener=f'{protocol} = "127.0.0.1:{port}"')
    maild.start()
    assert maild.process is not None
    mails = make_mails(MAILS)
    trace = tmp_path / "trace"
    with traced(maild.process.pid, trace), client("127.0.0.1", port) as wire:
        for mail in mails:
            wire.sendmail(mail.sender, [HELPDESK], mail.raw)
    assert maild.end() == 0
    calls = calls_in(trace.read_text(errors="replace").splitlines())
    told = replies(calls, TAKEN)
    assert len(told) == MAILS
    # One mail at a time: the n-th 250 is the n-th mail's.
    early = {number: told_too_early(calls, mark(number), reply) for number, reply in enumerate(told, 1)}
    assert {number: why for number, why in early.items() if why} == {}


@pytest.mark.door
def test_each_move_over_imap_follows_a_sync_of_the_database(maild: MaildRig, dovecot: Dovecot, tmp_path: Path) -> None:
    user = dovecot.new_user()
    maild.configure(maild.mailbox(dovecot.port, user, PASSWORD))
    maild.start()
    assert maild.process is not None
    mails = make_mails(MOVED)
    trace = tmp_path / "trace"
    with traced(maild.process.pid, trace):
        for number, mail in enumerate(mails, 1):
            dovecot.deliver(user, mail.raw)
            wait_until(lambda: mail.raw in dovecot.contents(user, "Processed"), 60, f"mail {number} to be moved")  # noqa: B023
    assert maild.end() == 0
    calls = calls_in(trace.read_text(errors="replace").splitlines())
    early = {}
    for number in range(1, MOVED + 1):
        # In a new folder the n-th mail has the UID n. The first move may be told twice: its target is made meanwhile.
        move = replies(calls, f" UID MOVE {number} ")[0]
        early[number] = told_too_early(calls, mark(number), move)
    assert {number: why for number, why in early.items() if why} == {}


WAL, PEER = "9</a/maild.db-wal>", "7<TCP:[127.0.0.1:25->127.0.0.1:4000]>"
WRITTEN = f'11 10:00:00.000001 pwrite64({WAL}, "{mark(1)}", 4096, 32) = 4096'
SYNCED = f"11 10:00:00.000002 fdatasync({WAL}) = 0"
SYNC_BEGUN, SYNC_ENDED = SYNCED.replace(") = 0", " <unfinished ...>"), "11 10:00:00.4 <... fdatasync resumed>) = 0"
TOLD = f'12 10:00:00.000003 sendto({PEER}, "{TAKEN}\\r\\n", 28, 0, NULL, 0) = 28'


@in_turn(
    ("trace", "verdict"),
    [
        ([WRITTEN, SYNCED, TOLD], ""),
        ([WRITTEN, SYNC_BEGUN, SYNC_ENDED, TOLD], ""),
        ([WRITTEN, TOLD, SYNCED], "the log was synced after the reply had been sent"),
        ([WRITTEN, SYNC_BEGUN, TOLD, SYNC_ENDED], "the log was synced after the reply had been sent"),
        ([SYNCED, WRITTEN, TOLD], "the log was never synced after the mail's bytes were written"),
        (
            [WRITTEN, SYNCED.replace("11 ", "13 ", 1), TOLD],
            "the log was never synced after the mail's bytes were written",
        ),
        (
            [WRITTEN, SYNCED.replace("= 0", "= -1 EIO"), TOLD],
            "the log was never synced after the mail's bytes were written",
        ),
        ([SYNCED, TOLD, WRITTEN], "the mail's bytes were not written before the reply"),
    ],
)
def test_a_reply_that_comes_too_early_would_be_seen(trace: list[str], verdict: str) -> None:
    calls = calls_in(trace)
    (told,) = replies(calls, TAKEN)
    assert told_too_early(calls, mark(1), told) == verdict
