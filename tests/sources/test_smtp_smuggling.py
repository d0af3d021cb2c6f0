"""SMTP smuggling: what another server may take for the end of a mail is refused here, and nothing of it is kept.

CVE-2023-51764, CVE-2023-51765, CVE-2023-51766, CVE-2024-27305.
"""

import itertools

from maild.sources.data_reader import has_bare_line_end
from tests.rig.misses import in_turn
from tests.sources.smtp_listening import Intake, Wire, listening

ENDS_THAT_ARE_NONE = [
    b"\n.\n",
    b"\n.\r\n",
    b"\r\n.\n",
    b"\r.\r",
    b"\r\n.\r",
    b"\r.\r\n",
    b"\r\n\0.\r\n",
]
FORGED = (
    b"MAIL FROM:<boss@help.test>\r\nRCPT TO:<support@help.test>\r\nDATA\r\nFrom: boss@help.test\r\n\r\nforged\r\n.\r\n"
)


@in_turn("protocol", ["smtp", "lmtp"])
@in_turn("end", ENDS_THAT_ARE_NONE, ids=repr)
def test_a_forged_mail_behind_a_false_end_is_refused_with_its_carrier(end: bytes, protocol: str) -> None:
    intake = Intake()
    with listening(intake, **{protocol: "127.0.0.1:0"}) as listener, Wire(getattr(listener, protocol)) as wire:
        wire.open_data("support@help.test", hello="EHLO client.test" if protocol == "smtp" else "LHLO client.test")
        wire.send(b"From: karen@customer.test\r\n\r\nharmless" + end + FORGED)
        assert [reply[:9] for reply in wire.rest()] == ["554 5.5.2"]
    assert intake.mails == []


@in_turn("octet", [b"\r", b"\n", b"\0"], ids=repr)
@in_turn("at", [0, 1, 30, 70_000, 140_001])
def test_one_bare_octet_anywhere_refuses_the_mail(octet: bytes, at: int) -> None:
    mail = (b"line after line\r\n" * 9_000)[:140_001]
    mail = mail[: mail.rindex(b"\r\n", 0, at) + 2 if at >= 30 else at] + octet + b"x" + mail[at:]
    intake = Intake()
    with listening(intake) as listener, Wire(listener.smtp) as wire:
        wire.open_data("support@help.test")
        wire.send(mail + b"\r\n.\r\n")
        assert wire.reply().startswith("554 5.5.2")
        assert wire.reply() == ""
    assert intake.mails == []


def test_only_crlf_ends_a_line() -> None:
    for length in range(6):
        for octets in itertools.product(b"\r\nx", repeat=length):
            lines = bytes(octets)
            assert has_bare_line_end(lines) == any(bare in lines.replace(b"\r\n", b" ") for bare in (b"\r", b"\n"))


def test_after_a_refusal_no_further_command_is_obeyed() -> None:
    intake = Intake()
    with listening(intake) as listener, Wire(listener.smtp) as wire:
        wire.open_data("support@help.test")
        wire.send(b"bare\nline feed\r\n.\r\n" + FORGED)
        assert [reply[:3] for reply in wire.rest()] == ["554"]
    assert intake.mails == []


def test_chunking_is_not_offered() -> None:
    with listening(Intake()) as listener, Wire(listener.smtp) as wire:
        assert "CHUNKING" not in wire.say("EHLO client.test")
        assert wire.say("BDAT 5 LAST").startswith("500")
