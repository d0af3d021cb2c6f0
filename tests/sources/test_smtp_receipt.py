"""250 is a promise: given when the mail is durable, never before, and whatever happens to the client."""

import logging
from concurrent.futures import Future

import pytest

from maild.ports import IncomingMail, Receipt, TemporaryFailure
from tests.rig.waiting import wait_until
from tests.sources.smtp_listening import Intake, Wire, listening


def test_no_reply_before_the_mail_is_durable() -> None:
    promise: Future[Receipt] = Future()
    intake = Intake(promise)
    with listening(intake) as listener, Wire(listener.smtp) as wire:
        wire.open_data("support@help.test")
        wire.send(b"x\r\n.\r\n")
        intake.wait()
        assert wire.is_silent()
        promise.set_result(Receipt(1, known=False))
        assert wire.reply().startswith("250 2.0.0")


def test_the_timer_for_commands_does_not_run_while_a_receipt_is_awaited() -> None:
    promise: Future[Receipt] = Future()
    intake = Intake(promise)
    with listening(intake, command_timeout=0.3) as listener, Wire(listener.smtp) as wire:
        wire.send(b"EHLO c.test\r\nMAIL FROM:<k@customer.test>\r\nRCPT TO:<support@help.test>\r\nDATA\r\n")
        assert [reply[:3] for reply in wire.replies(4)] == ["250", "250", "250", "354"]
        wire.send(b"x\r\n.\r\n")
        assert wire.is_silent(0.6)
        promise.set_result(Receipt(1, known=False))
        assert wire.reply().startswith("250")


def test_a_mail_that_was_known_already_is_taken_again() -> None:
    promise: Future[Receipt] = Future()
    promise.set_result(Receipt(1, known=True))
    with listening(Intake(promise)) as listener, Wire(listener.smtp) as wire:
        wire.open_data("support@help.test")
        wire.send(b"x\r\n.\r\n")
        assert wire.reply().startswith("250 2.0.0")


FAILURES = [
    TemporaryFailure("database at 10.0.0.5 is locked"),
    ValueError("secret path /etc/shadow"),
    KeyError("password"),
    TimeoutError("secret"),
]


@pytest.mark.parametrize("failure", FAILURES, ids=repr)
def test_a_failed_hand_in_is_a_temporary_failure_without_details(
    failure: Exception, caplog: pytest.LogCaptureFixture
) -> None:
    intake = Intake(failure)
    with listening(intake) as listener, Wire(listener.smtp) as wire:
        for answer in ("451 4.3.0", "250 2.0.0"):
            wire.open_data("support@help.test")
            wire.send(b"x\r\n.\r\n")
            reply = wire.reply()
            assert reply.startswith(answer)
            assert not any(word in reply for word in ("10.0.0.5", "secret", "password", "Error", "Failure"))
    assert intake.hashes[0] == intake.hashes[1]
    assert str(failure) in caplog.text


def test_a_hand_in_that_fails_at_once_is_a_temporary_failure_too() -> None:
    def broken(mail: IncomingMail) -> Future[Receipt]:
        raise RuntimeError("secret")

    with listening(broken) as listener, Wire(listener.smtp) as wire:
        wire.open_data("support@help.test")
        wire.send(b"x\r\n.\r\n")
        assert wire.reply() == "451 4.3.0 Could not take the mail just now, try again later"


def test_a_cancelled_hand_in_is_a_temporary_failure_too() -> None:
    cancelled: Future[Receipt] = Future()
    cancelled.cancel()
    with listening(Intake(cancelled)) as listener, Wire(listener.smtp) as wire:
        wire.open_data("support@help.test")
        wire.send(b"x\r\n.\r\n")
        assert wire.reply().startswith("451 4.3.0")


def test_an_exception_inside_a_command_never_reaches_the_peer(caplog: pytest.LogCaptureFixture) -> None:
    def broken(address: str) -> bool:
        raise LookupError(f"secret table for {address}")

    with listening(Intake(), accepts=broken) as listener, Wire(listener.smtp) as wire:
        wire.say("EHLO client.test")
        wire.say("MAIL FROM:<karen@customer.test>")
        assert wire.say("RCPT TO:<support@help.test>") == "451 4.3.0 Could not take the mail just now, try again later"
        assert wire.say("NOOP").startswith("250")
    assert "secret table" in caplog.text


def test_the_hand_in_goes_on_when_the_client_is_gone() -> None:
    promise: Future[Receipt] = Future()
    intake = Intake(promise)
    with listening(intake) as listener:
        with Wire(listener.smtp) as wire:
            wire.open_data("support@help.test")
            wire.send(b"x\r\n.\r\n")
            intake.wait()
        with Wire(listener.smtp) as other:
            # Two commands later the listener has surely seen that the first client is gone.
            other.say("NOOP")
            other.say("NOOP")
        assert not promise.cancelled()
        promise.set_result(Receipt(1, known=False))
        with Wire(listener.smtp) as retry:
            retry.open_data("support@help.test")
            retry.send(b"x\r\n.\r\n")
            assert retry.reply().startswith("250")
    assert intake.hashes[0] == intake.hashes[1]


def test_a_hand_in_that_takes_too_long_is_answered_and_left_to_finish() -> None:
    promise: Future[Receipt] = Future()
    intake = Intake(promise)
    with listening(intake, receipt_timeout=0.05) as listener, Wire(listener.smtp) as wire:
        wire.open_data("support@help.test")
        wire.send(b"x\r\n.\r\n")
        assert wire.reply().startswith("451 4.3.0")
        assert not promise.cancelled()
        promise.set_result(Receipt(1, known=False))
        assert wire.say("NOOP").startswith("250")


def test_a_hand_in_that_is_done_after_the_listener_has_stopped_disturbs_nobody(
    caplog: pytest.LogCaptureFixture,
) -> None:
    promise: Future[Receipt] = Future()
    intake = Intake(promise)
    with listening(intake, drain_seconds=0.05) as listener, Wire(listener.smtp) as wire:
        wire.open_data("support@help.test")
        wire.send(b"x\r\n.\r\n")
        intake.wait()
        listener.tell_to_stop()
        assert listener.has_ended()
        assert wire.reply() == ""
    with caplog.at_level(logging.ERROR):
        promise.set_result(Receipt(1, known=False))
    assert not [record for record in caplog.records if record.levelno >= logging.ERROR]


def test_mails_of_several_clients_wait_together() -> None:
    promises: list[Future[Receipt]] = [Future() for _ in range(5)]
    intake = Intake(*promises)
    with listening(intake) as listener:
        wires = [Wire(listener.smtp) for _ in promises]
        for wire in wires:
            wire.open_data("support@help.test")
            wire.send(b"x\r\n.\r\n")
        wait_until(lambda: len(intake.mails) == 5, what="all five at the hand-in")
        for promise in promises:
            promise.set_result(Receipt(1, known=False))
        for wire in wires:
            assert wire.reply().startswith("250")
            wire.close()
