"""Postfix hands mail to the listener by SMTP, as a relay in front of the helpdesk does."""

from collections.abc import Callable
from contextlib import AbstractContextManager

import pytest

from maild.ports import TemporaryFailure
from tests.rig.postfix import PostfixRig
from tests.rig.waiting import wait_until
from tests.sources.smtp_listening import Intake, Listening, listening

pytestmark = pytest.mark.door

Postfix = Callable[..., AbstractContextManager[PostfixRig]]
BODY = (
    b"Subject: big\r\nMessage-ID: <big-1@customer.test>\r\n"
    b"From: <k@customer.test>\r\nDate: Mon, 2 Mar 2026 12:00:00 +0000\r\n\r\n"
)


def relay_to(listener: Listening) -> str:
    return f"smtp:[{listener.smtp[0]}]:{listener.smtp[1]}"


def test_a_large_mail_with_dots_arrives_whole(postfix: Postfix) -> None:
    intake = Intake()
    mail = BODY + b".dots\r\n..\r\nand a line of some length to fill the space\r\n" * 20_000
    with listening(intake) as listener, postfix(default_transport=relay_to(listener)) as mta:
        mta.submit("k@customer.test", ["support@help.test"], mail)
        wait_until(lambda: intake.mails and mta.queue_empty(), what="an empty queue")
    assert len(intake.mails) == 1
    assert intake.raws[0].endswith(mail)


def test_a_mail_for_more_recipients_than_allowed_comes_in_parts(postfix: Postfix) -> None:
    intake = Intake()
    recipients = [f"r{number}@help.test" for number in range(25)]
    with listening(intake, max_recipients=10) as listener, postfix(default_transport=relay_to(listener)) as mta:
        mta.submit("k@customer.test", recipients, BODY)
        wait_until(lambda: mta.delivers_all() and intake.mails, what="an empty queue")
    assert sorted(address for mail in intake.mails for address in mail.envelope.recipients) == sorted(recipients)
    assert all(len(mail.envelope.recipients) <= 10 for mail in intake.mails)


def test_postfix_keeps_what_a_stopped_listener_did_not_take(postfix: Postfix) -> None:
    first, second = Intake(TemporaryFailure("the disk is full")), Intake()
    with postfix() as mta:
        with listening(first) as listener:
            place = f"{listener.smtp[0]}:{listener.smtp[1]}"
            mta.configure(default_transport=relay_to(listener))
            mta.submit("k@customer.test", ["support@help.test"], BODY)
            first.wait()
            wait_until(lambda: mta.log_lines(r"status=deferred"), what="the mail to be put off")
        assert not mta.queue_empty()
        with listening(second, smtp=place):
            wait_until(mta.delivers_all, what="an empty queue")
    assert second.hashes == first.hashes
