"""Which senders and recipients are taken, and how the envelope reaches the hand-in."""

import smtplib

import pytest

from maild.domain.messages.message import Envelope
from maild.sources.envelope_path import read_path
from tests.rig.misses import in_turn
from tests.sources.smtp_listening import Intake, Wire, listening

PATHS = {
    "<karen@customer.test>": ("karen@customer.test", ""),
    "<>": ("<>", ""),
    " <karen@customer.test>  SIZE=12 BODY=8BITMIME": ("karen@customer.test", "SIZE=12 BODY=8BITMIME"),
    "<@one.test,@two.test:karen@customer.test>": ("karen@customer.test", ""),
    "karen@customer.test": ("karen@customer.test", ""),
    '<"karen k"@customer.test>': ('"karen k"@customer.test', ""),
    r'<"a\"b"@customer.test>': (r'"a\"b"@customer.test', ""),
    "<a..b.@customer.test>": ("a..b.@customer.test", ""),
    "<bounce+k=1/x@customer.test>": ("bounce+k=1/x@customer.test", ""),
    "<karen@[192.0.2.1]>": ("karen@[192.0.2.1]", ""),
    "<karen@[IPv6:2001:db8::1]>": ("karen@[IPv6:2001:db8::1]", ""),
    "<jürgen@bücher.test> SMTPUTF8": ("jürgen@bücher.test", "SMTPUTF8"),
    "<PostMaster>": ("PostMaster", ""),
}
NO_PATHS = [
    "",
    "<",
    "<karen@customer.test",
    "karen@customer.test>",
    "<<karen@customer.test>>",
    "<karen>",
    "<karen@>",
    "<@customer.test>",
    "<a@b@c>",
    "<karen@customer.test>SIZE=1",
    "<karen@customer.test> SIZE=²",
    "<karen(comment)@customer.test>",
    "<karen @customer.test>",
    "<karen@customer.test\r>",
    "<karen\0@customer.test>",
    "<ka\x1bren@customer.test>",
    "<ka\u202eren@customer.test>",
    "<ka\udcffren@customer.test>",
    '<"karen@customer.test>',
    "Karen <karen@customer.test>",
    "(" * 500,
]


@in_turn("text", PATHS)
def test_a_path_is_read(text: str) -> None:
    assert read_path(text) == PATHS[text]


@in_turn("text", NO_PATHS)
def test_what_is_no_path_is_not_guessed_at(text: str) -> None:
    assert read_path(text) is None


def test_the_envelope_is_handed_in_as_it_was_given() -> None:
    intake = Intake()
    with listening(intake) as listener, Wire(listener.smtp) as wire:
        wire.open_data("zoe@help.test", "Support@HELP.test".lower(), "zoe@help.test", sender="Karen@Customer.TEST")
        wire.send(b"x\r\n.\r\n")
        assert wire.reply().startswith("250")
    assert intake.mails[0].envelope == Envelope(
        "Karen@Customer.TEST", ("zoe@help.test", "support@help.test", "zoe@help.test")
    )


def test_the_null_reverse_path_is_the_empty_sender() -> None:
    intake = Intake()
    with listening(intake) as listener, Wire(listener.smtp) as wire:
        wire.open_data("support@help.test", sender="")
        wire.send(b"x\r\n.\r\n")
        assert wire.reply().startswith("250")
    assert intake.mails[0].envelope.sender == ""


def test_each_mail_has_the_envelope_of_its_own_transaction() -> None:
    intake = Intake()
    with listening(intake) as listener, Wire(listener.smtp) as wire:
        for number in range(3):
            wire.open_data(f"r{number}@help.test", sender=f"s{number}@customer.test")
            wire.send(b"x\r\n.\r\n")
            wire.reply()
    assert [(m.envelope.sender, m.envelope.recipients) for m in intake.mails] == [
        (f"s{n}@customer.test", (f"r{n}@help.test",)) for n in range(3)
    ]


@pytest.mark.parametrize("address", ["postmaster", "POSTMASTER@help.test", "postmaster@elsewhere.test"])
def test_postmaster_is_always_taken(address: str) -> None:
    with listening(Intake()) as listener, Wire(listener.smtp) as wire:
        wire.say("EHLO client.test")
        wire.say("MAIL FROM:<>")
        assert wire.say(f"RCPT TO:<{address}>").startswith("250 2.1.5")


REFUSALS = [
    ("RCPT TO:<nobody@elsewhere.test>", "550 5.1.1"),
    ("RCPT TO:<>", "550 5.1.1"),
    ("RCPT TO:<broken", "553 5.1.3"),
    ("RCPT TO:<jürgen@help.test>", "553 5.6.7"),
    ("RCPT TO:<support@help.test> NOTIFY=NEVER", "555 5.5.4"),
    ("MAIL FROM:<other@customer.test>", "503 5.5.1"),
    ("DATA", "503 5.5.1"),
]


@pytest.mark.parametrize(("command", "answer"), REFUSALS, ids=[command for command, _ in REFUSALS])
def test_a_command_that_cannot_be_obeyed_is_answered_for_good(command: str, answer: str) -> None:
    intake = Intake()
    with listening(intake) as listener, Wire(listener.smtp) as wire:
        wire.say("EHLO client.test")
        wire.say("MAIL FROM:<karen@customer.test>")
        assert wire.say(command).startswith(answer)
        assert wire.say("RCPT TO:<support@help.test>").startswith("250")
    assert intake.mails == []


SENDERS = [
    ("MAIL FROM:<postmaster>", "553 5.1.7"),
    ("MAIL FROM:<jürgen@customer.test>", "553 5.6.7"),
    ("MAIL FROM:<jürgen@customer.test> SMTPUTF8", "250 2.1.0"),
    ("MAIL FROM:<karen@customer.test> SIZE=1000", "250 2.1.0"),
    ("MAIL FROM:<karen@customer.test> SIZE=1001", "552 5.3.4"),
    ("MAIL FROM:<karen@customer.test> SIZE=x", "501 5.5.4"),
    ("MAIL FROM:<karen@customer.test> BODY=8BITMIME", "250 2.1.0"),
    ("MAIL FROM:<karen@customer.test> BODY=BINARYMIME", "501 5.5.4"),
    ("MAIL FROM:<karen@customer.test> FOO=1", "555 5.5.4"),
    ("MAIL FROM:<karen@customer.test> <evil@e.test>", "501 5.5.4"),
    ("MAIL", "501 5.5.4"),
    ("RCPT TO:<support@help.test>", "503 5.5.1"),
]


@in_turn(("command", "answer"), SENDERS, ids=[command for command, _ in SENDERS])
def test_a_transaction_begins_with_a_good_sender(command: str, answer: str) -> None:
    with listening(Intake(), max_message=1000) as listener, Wire(listener.smtp) as wire:
        wire.say("EHLO client.test")
        assert wire.say(command).startswith(answer)


def test_an_international_address_arrives_as_it_was_written() -> None:
    intake = Intake()
    with listening(intake) as listener, smtplib.SMTP(*listener.smtp) as client:
        mail = "Subject: Grüße\r\n\r\nx\r\n".encode()
        client.ehlo()
        client.sendmail("jürgen@bücher.test", ["støtte@help.test"], mail, mail_options=["SMTPUTF8", "BODY=8BITMIME"])
    assert intake.mails[0].envelope == Envelope("jürgen@bücher.test", ("støtte@help.test",))
    assert intake.raws == [mail]


def test_octets_that_are_no_utf8_are_no_address() -> None:
    with listening(Intake()) as listener, Wire(listener.smtp) as wire:
        wire.say("EHLO client.test")
        wire.send(b"MAIL FROM:<k\xff@customer.test> SMTPUTF8\r\n")
        assert wire.reply().startswith("553 5.1.3")


def test_more_recipients_than_allowed_are_put_off_and_the_mail_goes_to_the_others() -> None:
    intake = Intake()
    with listening(intake) as listener, Wire(listener.smtp) as wire:
        wire.say("EHLO client.test")
        wire.send(b"MAIL FROM:<karen@customer.test>\r\n")
        wire.send(b"".join(b"RCPT TO:<r%d@help.test>\r\n" % number for number in range(130)))
        answers = wire.replies(131)[1:]
        assert {answer[:9] for answer in answers[:100]} == {"250 2.1.5"}
        assert {answer[:9] for answer in answers[100:]} == {"452 4.5.3"}
        assert wire.say("DATA").startswith("354")
        wire.send(b"x\r\n.\r\n")
        assert wire.reply().startswith("250")
    assert intake.mails[0].envelope.recipients == tuple(f"r{number}@help.test" for number in range(100))


def test_extensions_are_those_that_are_kept() -> None:
    with listening(Intake(), max_message=123_456) as listener, Wire(listener.smtp) as wire:
        first, *extensions = [line[4:] for line in wire.say("EHLO client.test").splitlines()]
        assert first == "mx.help.test"
        assert extensions == ["PIPELINING", "SIZE 123456", "8BITMIME", "SMTPUTF8", "ENHANCEDSTATUSCODES"]


def test_the_greeting_names_no_software() -> None:
    with listening(Intake()) as listener, Wire(listener.smtp) as wire:
        assert wire.greeting == "220 mx.help.test ready"
        assert wire.say("HELO client.test") == "250 mx.help.test"
        assert "ython" not in wire.say("HELP")


def test_nobody_can_log_in_or_ask_who_is_here() -> None:
    with listening(Intake()) as listener, Wire(listener.smtp) as wire:
        wire.say("EHLO client.test")
        assert wire.say("AUTH PLAIN AGEAYg==").startswith("500")
        assert wire.say("VRFY support@help.test") == wire.say("VRFY nobody@elsewhere.test")
        assert wire.say("EXPN support").startswith("502")
