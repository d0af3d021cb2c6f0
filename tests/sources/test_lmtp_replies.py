"""LMTP (RFC 2033): LHLO, and after the mail one reply for each recipient that was taken, in order."""

from concurrent.futures import Future
from pathlib import Path

import pytest

from maild.ports import Receipt, TemporaryFailure
from tests.sources.smtp_listening import LOOPBACK, Intake, Wire, listening

LHLO = "LHLO client.test"


def test_three_recipients_get_three_replies_and_one_mail_is_handed_in() -> None:
    intake = Intake()
    with listening(intake, lmtp=f"{LOOPBACK}:0") as listener, Wire(listener.lmtp) as wire:
        wire.open_data("a@help.test", "b@help.test", "c@help.test", hello=LHLO)
        wire.send(b"x\r\n.\r\nQUIT\r\n")
        assert [reply[:9] for reply in wire.rest()] == ["250 2.0.0"] * 3 + ["221 2.0.0"]
    assert [mail.envelope.recipients for mail in intake.mails] == [("a@help.test", "b@help.test", "c@help.test")]
    assert intake.mails[0].source == "lmtp"


def test_a_recipient_named_twice_gets_two_replies() -> None:
    intake = Intake()
    with listening(intake, lmtp=f"{LOOPBACK}:0") as listener, Wire(listener.lmtp) as wire:
        wire.open_data("a@help.test", "a@help.test", hello=LHLO)
        wire.send(b"x\r\n.\r\nNOOP\r\n")
        assert [reply[:3] for reply in wire.replies(3)] == ["250", "250", "250"]
        assert wire.say("QUIT").startswith("221")
    assert len(intake.mails) == 1


def test_a_refused_recipient_gets_no_reply_after_the_mail() -> None:
    intake = Intake()
    with listening(intake, lmtp=f"{LOOPBACK}:0") as listener, Wire(listener.lmtp) as wire:
        for command in (LHLO, "MAIL FROM:<k@customer.test>", "RCPT TO:<a@help.test>"):
            assert wire.say(command).startswith("250")
        assert wire.say("RCPT TO:<nobody@elsewhere.test>").startswith("550 5.1.1")
        assert wire.say("RCPT TO:<b@help.test>").startswith("250")
        assert wire.say("DATA").startswith("354")
        wire.send(b"x\r\n.\r\nQUIT\r\n")
        assert [reply[:3] for reply in wire.rest()] == ["250", "250", "221"]
    assert intake.mails[0].envelope.recipients == ("a@help.test", "b@help.test")


def test_without_a_good_recipient_no_mail_is_asked_for() -> None:
    with listening(Intake(), lmtp=f"{LOOPBACK}:0") as listener, Wire(listener.lmtp) as wire:
        wire.say(LHLO)
        wire.say("MAIL FROM:<k@customer.test>")
        wire.say("RCPT TO:<nobody@elsewhere.test>")
        assert wire.say("DATA").startswith("503 5.5.1")


VERDICTS = [
    (TemporaryFailure("database at 10.0.0.5 is locked"), b"x\r\n", "451 4.3.0"),
    (ValueError("secret path /etc/shadow"), b"x\r\n", "451 4.3.0"),
    (None, b"x" * 5000 + b"\r\n", "552 5.3.4"),
    (None, b"Received: x\r\n" * 51, "554 5.4.6"),
]


@pytest.mark.parametrize(("failure", "mail", "answer"), VERDICTS, ids=[answer for *_, answer in VERDICTS])
def test_a_bad_verdict_is_told_to_each_recipient_without_details(
    failure: Exception | None, mail: bytes, answer: str
) -> None:
    intake = Intake(*([failure] if failure else []))
    with listening(intake, lmtp=f"{LOOPBACK}:0", max_message=2000) as listener, Wire(listener.lmtp) as wire:
        wire.open_data("a@help.test", "b@help.test", "b@help.test", hello=LHLO)
        wire.send(mail + b".\r\nQUIT\r\n")
        *verdicts, farewell = wire.rest()
        assert [verdict[:9] for verdict in verdicts] == [answer] * 3
        assert farewell.startswith("221")
        assert not any(word in "".join(verdicts) for word in ("10.0.0.5", "database", "secret", "shadow", "Error"))


def test_a_refusal_that_ends_the_dialogue_is_told_to_each_recipient_first() -> None:
    with listening(Intake(), lmtp=f"{LOOPBACK}:0") as listener, Wire(listener.lmtp) as wire:
        wire.open_data("a@help.test", "b@help.test", hello=LHLO)
        wire.send(b"bare\nline feed\r\n.\r\n")
        assert [reply[:9] for reply in wire.rest()] == ["554 5.5.2"] * 2


@pytest.mark.parametrize("hello", ["HELO client.test", "EHLO client.test"])
def test_smtp_s_greetings_are_no_lmtp(hello: str) -> None:
    with listening(Intake(), lmtp=f"{LOOPBACK}:0") as listener, Wire(listener.lmtp) as wire:
        assert wire.say(hello).startswith("500 5.5.1")
        assert "LHLO" in wire.say("MAIL FROM:<k@customer.test>")


def test_lmtp_s_greeting_is_no_smtp() -> None:
    with listening(Intake()) as listener, Wire(listener.smtp) as wire:
        assert wire.say(LHLO).startswith("500")


def test_the_extensions_that_lmtp_demands_are_there() -> None:
    with listening(Intake(), lmtp=f"{LOOPBACK}:0") as listener, Wire(listener.lmtp) as wire:
        extensions = {line[4:] for line in wire.say(LHLO).splitlines()}
        assert {"PIPELINING", "ENHANCEDSTATUSCODES", "8BITMIME"} <= extensions


def test_a_unix_socket_takes_mail_too(tmp_path: Path) -> None:
    intake = Intake()
    path = tmp_path / "lmtp.sock"
    with listening(intake, lmtp=str(path)), Wire(path) as wire:
        wire.open_data("a@help.test", "b@help.test", hello=LHLO)
        wire.send(b"x\r\n.\r\nQUIT\r\n")
        assert [reply[:3] for reply in wire.rest()] == ["250", "250", "221"]
    assert intake.raws == [b"x\r\n"]


def test_both_doors_can_be_open_at_once() -> None:
    intake = Intake()
    with listening(intake, smtp=f"{LOOPBACK}:0", lmtp=f"{LOOPBACK}:0") as listener:
        for address, hello in ((listener.smtp, "EHLO c.test"), (listener.lmtp, LHLO)):
            with Wire(address) as wire:
                wire.open_data("a@help.test", hello=hello)
                wire.send(b"x\r\n.\r\n")
                assert wire.reply().startswith("250")
    assert [mail.source for mail in intake.mails] == ["smtp", "lmtp"]


def test_no_reply_before_the_mail_is_durable() -> None:
    promise: Future[Receipt] = Future()
    intake = Intake(promise)
    with listening(intake, lmtp=f"{LOOPBACK}:0") as listener, Wire(listener.lmtp) as wire:
        wire.open_data("a@help.test", "b@help.test", hello=LHLO)
        wire.send(b"x\r\n.\r\n")
        intake.wait()
        assert wire.is_silent()
        promise.set_result(Receipt(1, known=False))
        assert [reply[:3] for reply in wire.replies(2)] == ["250", "250"]
