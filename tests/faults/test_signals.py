"""What signals do to a daemon at work: SIGTERM drains, a second one ends, SIGHUP reloads, SIGKILL leaves nobody."""

from __future__ import annotations

import random
import re
import signal
import smtplib
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import partial

import pytest

from tests.faults.mails import TAKEN, SentMail, begin, make_mail, make_mails, send
from tests.faults.oracle import (
    assert_each_became_one_ticket,
    assert_everybody_was_told,
    deliver_the_rest,
    wait_until_drained,
)
from tests.rig.daemon import MaildRig
from tests.rig.dovecot import free_port
from tests.rig.waiting import wait_until

ROUNDS = 4
CLIENTS = 3
MAILS = 40


@pytest.fixture
def port(maild: MaildRig) -> int:
    """The SMTP port of a daemon that is configured and not started."""
    port = free_port()
    maild.configure(listener=f'smtp = "127.0.0.1:{port}"')
    return port


def send_as_an_mta(port: int, mails: Sequence[SentMail]) -> None:
    """Send each mail until it is taken: nobody listens, 4xx, and a broken connection are reasons to try again."""
    for mail in mails:
        wait_until(partial(is_taken, port, mail), 120, "a mail to be taken")


def is_taken(port: int, mail: SentMail) -> bool:
    try:
        code = send(port, mail)
    except smtplib.SMTPResponseException as refusal:
        code = refusal.smtp_code
    except (OSError, smtplib.SMTPServerDisconnected):
        return False
    assert code < 500, f"{mail.subject} was refused for good: {code}"
    return code == TAKEN


@contextmanager
def clients_sending(port: int, mails: Sequence[SentMail]) -> Iterator[None]:
    """Several senders at once, in this block; all of them are done when it ends."""
    errors: list[BaseException] = []

    def work(share: Sequence[SentMail]) -> None:
        try:
            send_as_an_mta(port, share)
        except BaseException as error:  # noqa: BLE001 - raised again below
            errors.append(error)

    threads = [threading.Thread(target=work, args=(mails[n::CLIENTS],), daemon=True) for n in range(CLIENTS)]
    for thread in threads:
        thread.start()
    yield
    for thread in threads:
        thread.join(150)
        assert not thread.is_alive(), "a client is still sending"
    assert errors == []


def test_sigterm_drains_and_a_restart_goes_on_without_loss_or_copies(maild: MaildRig, port: int) -> None:
    mails = make_mails(MAILS)
    chance = random.Random(ROUNDS)
    with clients_sending(port, mails):
        for _ in range(ROUNDS):
            maild.start()
            time.sleep(chance.uniform(0, 0.8))
            assert maild.end() == 0
            assert maild.orphans() == []
        maild.start()
    wait_until_drained(maild)
    assert maild.end() == 0
    assert_each_became_one_ticket(maild, mails)
    deliver_the_rest(maild)
    assert assert_everybody_was_told(maild, mails).extra == 0


def test_sigterm_lets_a_mail_that_is_being_received_finish(maild: MaildRig, port: int) -> None:
    maild.start()
    mail = make_mail(1)
    half = len(mail.raw) // 2
    with smtplib.SMTP("127.0.0.1", port) as wire:
        begin(wire, mail)
        assert wire.docmd("DATA")[0] == 354
        wire.send(mail.raw[:half])
        maild.signal(signal.SIGTERM)
        maild.wait_for_log(" stopping ")
        wire.send(mail.raw[half:] + b".\r\n")
        assert wire.getreply()[0] == TAKEN
        assert maild.wait() == 0
        wire.close()
    assert maild.value("select count(*) from raw_mail") == 1


def test_a_second_sigterm_ends_at_once(maild: MaildRig, port: int) -> None:
    maild.start()
    assert send(port, make_mail(1)) == TAKEN
    wait_until_drained(maild)
    with smtplib.SMTP("127.0.0.1", port) as wire:
        begin(wire, make_mail(2))
        assert wire.docmd("DATA")[0] == 354  # a drain would wait for this mail
        maild.signal(signal.SIGTERM)
        maild.wait_for_log(" stopping ")
        maild.signal(signal.SIGTERM)
        assert maild.wait() == 1
        wire.close()
    assert " stopped" not in maild.log
    wait_until(lambda: not maild.orphans(), 30, "the readers to end")
    assert maild.value("select count(*) from raw_mail") == 1


def test_sighup_with_a_broken_configuration_keeps_the_old_one(maild: MaildRig, port: int) -> None:
    maild.start()
    good = maild.config.read_text()
    maild.config.write_text(good.replace("[acknowledge]", "[acknowledgement]"))
    maild.signal(signal.SIGHUP)
    maild.wait_for_log(" reloaded ")
    assert "problems=1" in maild.log
    assert re.search(r"maild\.toml:\d+:\d+: .*acknowledgement.*acknowledge", maild.log)
    assert send(port, make_mail(1)) == TAKEN
    wait_until(lambda: len(maild.sent()) == 2, 60, "the mails about the first ticket")

    maild.config.write_text(good.replace('name = "Help Desk"', 'name = "Second Desk"'))
    maild.signal(signal.SIGHUP)
    maild.wait_for_log(" reloaded ", times=2)
    assert "problems=0" in maild.log
    assert send(port, make_mail(2)) == TAKEN
    wait_until(lambda: len(maild.sent()) == 4, 60, "the mails about both tickets")
    desks = {b"Second Desk" in raw for raw in maild.sent() if b"Delivered-To: customer-2@" in raw}
    assert desks == {True}
    assert maild.end() == 0


def test_many_signals_in_a_row_do_not_hang_the_daemon(maild: MaildRig, port: int) -> None:
    maild.start()
    for _ in range(300):
        maild.signal(signal.SIGHUP)
        time.sleep(0.001)
    assert maild.end() == 0


def test_readers_do_not_outlive_a_killed_daemon(maild: MaildRig, port: int) -> None:
    maild.start()
    assert send(port, make_mail(1)) == TAKEN
    wait_until(maild.readers, 30, "a reader to be started")
    maild.kill()
    wait_until(lambda: not maild.orphans(), 30, "the readers to end")


def test_two_daemons_do_not_share_a_state_folder(maild: MaildRig, port: int) -> None:
    maild.start()
    maild.command("run", code=2)
    assert send(port, make_mail(1)) == TAKEN
    assert maild.end() == 0
