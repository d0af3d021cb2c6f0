"""Postfix hands mail to the listener by LMTP: each recipient gets its answer, and the queue runs empty."""

import re
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path

import pytest

from maild.ports import TemporaryFailure
from tests.rig.postfix import PostfixRig
from tests.rig.waiting import wait_until
from tests.sources.smtp_listening import LOOPBACK, Intake, listening

pytestmark = pytest.mark.door

Postfix = Callable[..., AbstractContextManager[PostfixRig]]

MAIL = b"""From: Karen <karen@customer.test>
To: support@help.test, access@help.test, billing@help.test
Subject: The banking system is down
Message-ID: <down-1@customer.test>
Date: Mon, 2 Mar 2026 12:00:00 +0000

None of us can log in.
.A line with a dot, and an umlaut: \xc3\xbc
""".replace(b"\n", b"\r\n")
THREE = ["support@help.test", "access@help.test", "billing@help.test"]


def deliveries(mta: PostfixRig) -> list[tuple[str, str]]:
    """What became of each recipient, from Postfix's log: (address, sent, bounced or deferred)."""
    lines = mta.log_lines(r"postfix/lmtp\[.*status=")
    found = [re.search(r"to=<([^>]+)>.*status=(\w+)", line) for line in lines]
    return [(match[1], match[2]) for match in found if match]


def relay_to(address: tuple[str, int]) -> str:
    return f"lmtp:inet:{address[0]}:{address[1]}"


def test_three_recipients_get_three_replies_and_one_mail_is_handed_in(postfix: Postfix) -> None:
    intake = Intake()
    with listening(intake, lmtp=f"{LOOPBACK}:0") as listener, postfix(default_transport=relay_to(listener.lmtp)) as mta:
        mta.submit("karen@customer.test", THREE, MAIL)
        wait_until(lambda: len(deliveries(mta)) >= 3 and mta.queue_empty(), what="an empty queue")
        assert sorted(deliveries(mta)) == sorted((address, "sent") for address in THREE)
    assert len(intake.mails) == 1
    mail = intake.mails[0]
    assert mail.source == "lmtp"
    assert mail.envelope.sender == "karen@customer.test"
    assert sorted(mail.envelope.recipients) == sorted(THREE)
    assert mail.raw.endswith(MAIL)


def test_a_mail_that_could_not_be_kept_comes_again_octet_for_octet(postfix: Postfix) -> None:
    intake = Intake(TemporaryFailure("the database is locked"))
    with listening(intake, lmtp=f"{LOOPBACK}:0") as listener, postfix(default_transport=relay_to(listener.lmtp)) as mta:
        mta.submit("karen@customer.test", THREE, MAIL)
        wait_until(lambda: len(deliveries(mta)) >= 3, what="the first attempt")
        assert not mta.queue_empty()
        wait_until(mta.delivers_all, what="an empty queue")
        assert [status for _, status in deliveries(mta)] == ["deferred"] * 3 + ["sent"] * 3
        assert "database" not in mta.log
    assert len(intake.mails) == 2
    assert intake.hashes[0] == intake.hashes[1]


def test_an_unknown_recipient_bounces_and_the_others_are_delivered(postfix: Postfix) -> None:
    intake = Intake()
    recipients = ["support@help.test", "nobody@elsewhere.test", "billing@help.test"]
    with listening(intake, lmtp=f"{LOOPBACK}:0") as listener, postfix(default_transport=relay_to(listener.lmtp)) as mta:
        # The sender is ours too, so that the bounce comes in by the same door.
        mta.submit("support@help.test", recipients, MAIL)
        wait_until(lambda: len(intake.mails) >= 2 and mta.queue_empty(), what="the mail, its bounce and an empty queue")
        fates = dict(deliveries(mta)[:3])
        assert fates["nobody@elsewhere.test"] == "bounced"
        assert fates["billing@help.test"] == "sent"
        assert mta.log_lines(r"to=<nobody@elsewhere\.test>.*dsn=5\.1\.1")
    mail, bounce = intake.mails
    assert sorted(mail.envelope.recipients) == ["billing@help.test", "support@help.test"]
    assert bounce.envelope.sender == ""
    assert b"multipart/report" in bounce.raw


def test_a_unix_socket_is_as_good_as_a_port(postfix: Postfix, tmp_path_factory: pytest.TempPathFactory) -> None:
    intake = Intake()
    with postfix() as mta:
        # Where the user postfix may go; the socket's mode lets the group in.
        folder = Path(mta.folder, "lmtp")
        folder.mkdir()
        path = folder / "maild.sock"
        with listening(intake, lmtp=str(path)):
            mta.allow(path)
            mta.configure(default_transport=f"lmtp:unix:{path}")
            mta.submit("karen@customer.test", THREE, MAIL)
            wait_until(lambda: len(deliveries(mta)) >= 3 and mta.queue_empty(), what="an empty queue")
            assert {status for _, status in deliveries(mta)} == {"sent"}
    assert len(intake.mails) == 1
