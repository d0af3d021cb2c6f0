"""What arrives between DATA and the final dot is what is handed in, octet for octet, or it is refused whole."""

import asyncio
import random
import smtplib
from pathlib import Path

import pytest

from maild.sources.data_reader import (
    TOO_LARGE,
    TOO_SLOW,
    DataLimits,
    ReceiveMemory,
    Refused,
    count_received_fields,
    read_data,
)
from tests.rig.misses import in_turn
from tests.sources.smtp_listening import NOON, Intake, Wire, listening

HEADER = b"From: karen@customer.test\r\nSubject: Excel does not start\r\n\r\n"
LIMITS = DataLimits(message=1_000_000, hops=50, piece_seconds=10, total_seconds=10)


def read_in_pieces(pieces: list[bytes], limits: DataLimits = LIMITS, memory: int = 1 << 24) -> tuple[object, bytes]:
    """What read_data makes of octets that come in these pieces, and what it leaves in the reader."""

    async def scene() -> tuple[object, bytes]:
        reader = asyncio.StreamReader(limit=65_536)
        reader.feed_data(b"\r\n")
        with ReceiveMemory(memory).lease() as lease:
            task = asyncio.create_task(read_data(reader, limits, lease))
            for piece in pieces:
                await asyncio.sleep(0)
                reader.feed_data(piece)
            result = await task
        reader.feed_eof()
        return result, await reader.read()

    return asyncio.run(scene())


def stuffed(mail: bytes) -> bytes:
    """The mail as it goes over the wire, with the final dot."""
    return (b"\r\n" + mail).replace(b"\r\n.", b"\r\n..")[2:] + b".\r\n"


MAILS = {
    "plain": HEADER + b"Hello\r\n",
    "empty": b"",
    "one empty line": b"\r\n",
    "dots at line starts": b".\r\n..\r\n...\r\n.x\r\n" + HEADER + b".\r\n",
    "dots elsewhere": b"a.\r\n. \r\nb .\r\n",
    "every octet but NUL, CR, LF": bytes(n for n in range(1, 256) if n not in b"\r\n") + b"\r\n",
    "a line of 100,000 octets": b"x" * 100_000 + b"\r\n",
    "many empty lines": b"\r\n" * 1000,
}


@in_turn("mail", MAILS.values(), ids=MAILS.keys())
def test_a_mail_is_handed_in_octet_for_octet(mail: bytes) -> None:
    intake = Intake()
    with listening(intake) as listener, Wire(listener.smtp) as wire:
        wire.open_data("support@help.test")
        wire.send(stuffed(mail))
        assert wire.reply().startswith("250 2.0.0")
    assert intake.raws == [mail]
    assert intake.mails[0].source == "smtp"
    assert intake.mails[0].arrived_at == NOON


def test_a_dot_before_other_octets_goes_even_when_the_client_did_not_double_it() -> None:
    assert read_in_pieces([b".lonely\r\n.\r\n"]) == (b"lonely\r\n", b"")


@pytest.mark.parametrize("mail", [HEADER + b"..\r\n.\r\nbye\r\n", b"", b"\r\n"], ids=["dots", "empty", "empty line"])
def test_pieces_may_end_anywhere_even_inside_the_terminator(mail: bytes) -> None:
    wire = stuffed(mail) + b"QUIT\r\n"
    for at in range(len(wire) + 1):
        assert read_in_pieces([wire[:at], wire[at:]]) == (mail, b"QUIT\r\n"), at
    assert read_in_pieces([wire[at : at + 1] for at in range(len(wire))]) == (mail, b"QUIT\r\n")


@in_turn("distance", range(-8, 9))
def test_the_terminator_may_lie_across_the_reader_s_own_limit(distance: int) -> None:
    mail = b"x" * (65_536 - 7 + distance) + b"\r\n"
    for pieces in ([stuffed(mail)], [stuffed(mail)[:-1], b"\n"], [stuffed(mail)[:65_536], stuffed(mail)[65_536:]]):
        assert read_in_pieces(pieces) == (mail, b"")


def test_random_mails_in_random_pieces_survive() -> None:
    dice = random.Random(20260302)
    for _ in range(300):
        lines = [b"." * dice.randrange(3) + b"y" * dice.choice([0, 1, 70, 70_000]) for _ in range(dice.randrange(6))]
        mail = b"".join(line + b"\r\n" for line in lines)
        wire = stuffed(mail)
        cuts = sorted(dice.randrange(len(wire) + 1) for _ in range(4))
        pieces = [wire[a:b] for a, b in zip([0, *cuts], [*cuts, len(wire)], strict=True)]
        assert read_in_pieces(pieces) == (mail, b"")


def test_a_large_mail_of_a_real_client_arrives_whole() -> None:
    intake = Intake()
    line = b"0123456789abcdef" * 4 + b"\r\n"
    mail = HEADER + line * (5_000_000 // len(line))
    with listening(intake) as listener, smtplib.SMTP(*listener.smtp) as client:
        client.sendmail("karen@customer.test", ["support@help.test"], mail)
    assert intake.raws == [mail]


def test_a_client_may_send_its_next_mail_along_with_the_final_dot() -> None:
    intake = Intake()
    with listening(intake) as listener, Wire(listener.smtp) as wire:
        wire.say("EHLO client.test")
        envelope = b"MAIL FROM:<karen@customer.test>\r\nRCPT TO:<support@help.test>\r\nDATA\r\n"
        wire.send(envelope)
        assert [reply[:3] for reply in wire.replies(3)] == ["250", "250", "354"]
        wire.send(stuffed(b"one\r\n") + envelope)
        assert [reply[:3] for reply in wire.replies(4)] == ["250", "250", "250", "354"]
        wire.send(stuffed(b"two\r\n") + b"QUIT\r\n")
        assert [reply[:3] for reply in wire.rest()] == ["250", "221"]
    assert intake.raws == [b"one\r\n", b"two\r\n"]


def test_a_client_that_talks_on_before_354_is_turned_away() -> None:
    intake = Intake()
    with listening(intake) as listener, Wire(listener.smtp) as wire:
        wire.say("EHLO client.test")
        wire.send(b"MAIL FROM:<a@customer.test>\r\nRCPT TO:<support@help.test>\r\nDATA\r\nSubject: x\r\n\r\ny\r\n.\r\n")
        assert [reply[:3] for reply in wire.rest()] == ["250", "250", "503"]
    assert intake.mails == []


def test_the_largest_mail_is_taken_and_one_octet_more_is_not() -> None:
    intake = Intake()
    with listening(intake, max_message=1000) as listener, Wire(listener.smtp) as wire:
        # Made of dots: on the wire it is a third larger than it is.
        for size, answer in [(1000, "250 2.0.0"), (1001, "552 5.3.4"), (2000, "552 5.3.4"), (1000, "250 2.0.0")]:
            dots = b".\r\n" * ((size - 2) // 3)
            wire.open_data("support@help.test")
            wire.send(stuffed(dots + b"z" * (size - 2 - len(dots)) + b"\r\n"))
            assert wire.reply().startswith(answer), size
    assert [len(raw) for raw in intake.raws] == [1000, 1000]


def test_an_oversized_mail_is_read_to_its_end_and_the_dialogue_goes_on() -> None:
    intake = Intake()
    with listening(intake, max_message=200_000) as listener, Wire(listener.smtp) as wire:
        wire.open_data("support@help.test")
        wire.send(stuffed(b"x" * 600_000 + b"\r\n"))
        assert wire.reply().startswith("552 5.3.4")
        wire.open_data("support@help.test")
        wire.send(stuffed(b"small\r\n"))
        assert wire.reply().startswith("250")
    assert intake.raws == [b"small\r\n"]


def test_a_mail_that_never_ends_is_cut_off() -> None:
    with listening(Intake(), max_message=100_000) as listener, Wire(listener.smtp) as wire:
        wire.open_data("support@help.test")
        wire.send(b"x" * 700_000)
        assert wire.reply().startswith("552 5.3.4")
        assert wire.rest() == []


def test_nothing_is_kept_of_an_oversized_mail_while_its_rest_is_read() -> None:
    size = 2_000_000

    async def scene() -> object:
        memory = ReceiveMemory(size)
        reader = asyncio.StreamReader(limit=65_536)
        with memory.lease() as lease:
            limits = DataLimits(message=400_000, hops=50, piece_seconds=10, total_seconds=10)
            task = asyncio.create_task(read_data(reader, limits, lease))
            for _ in range(15):
                reader.feed_data(b"x" * 100_000)
                await asyncio.sleep(0)
            assert memory.take(size, 0), "the memory of the mail was not given back"
            reader.feed_data(b"\r\n.\r\n")
            return await task

    assert asyncio.run(scene()) == TOO_LARGE


def test_large_mails_wait_when_the_memory_is_full_and_small_ones_do_not() -> None:
    memory = ReceiveMemory(100_000)
    with memory.lease() as first, memory.lease() as second, memory.lease() as third:
        assert first.take(90_000)
        assert second.take(60_000)
        assert not second.take(60_000)
        assert third.take(10_000)
    with memory.lease() as later:
        assert later.take(100_000)


def test_a_mail_for_which_there_is_no_memory_is_put_off() -> None:
    intake = Intake()
    with listening(intake, max_unfinished=100_000) as listener, Wire(listener.smtp) as wire:
        for size, answer in [(300_000, "452 4.3.1"), (50_000, "250")]:
            wire.open_data("support@help.test")
            wire.send(stuffed(b"x" * size + b"\r\n"))
            assert wire.reply().startswith(answer)
    assert len(intake.mails) == 1


@pytest.mark.parametrize(
    "seconds", [{"piece_seconds": 0.01, "total_seconds": 9}, {"piece_seconds": 9, "total_seconds": 0.01}]
)
def test_silence_in_the_middle_of_a_mail_ends_it(seconds: dict[str, float]) -> None:
    assert read_in_pieces([b"hello"], DataLimits(message=1000, hops=50, **seconds))[0] == TOO_SLOW


def test_a_mail_that_goes_in_circles_is_refused() -> None:
    intake = Intake()
    with listening(intake) as listener, Wire(listener.smtp) as wire:
        for hops, answer in [(50, "250"), (51, "554 5.4.6")]:
            wire.open_data("support@help.test")
            wire.send(stuffed(b"rEceived: from a by b\r\n\tid 1\r\n" * hops + HEADER + b"Received: in the body\r\n"))
            assert wire.reply().startswith(answer), hops
    assert len(intake.mails) == 1


def test_received_fields_are_counted_in_the_header_only() -> None:
    assert count_received_fields(b"Received: 1\r\nX-Received: no\r\nRECEIVED: 2\r\n\r\nReceived: no\r\n") == 2
    assert count_received_fields(b"Received: 1") == 1
    assert count_received_fields(b"") == 0


def test_nothing_of_an_unfinished_mail_is_handed_in() -> None:
    intake = Intake()
    with listening(intake) as listener:
        with Wire(listener.smtp) as wire:
            wire.open_data("support@help.test")
            wire.send(HEADER + b"half a sen")
        with Wire(listener.smtp) as wire:
            wire.open_data("support@help.test")
            wire.send(stuffed(b"whole\r\n"))
            assert wire.reply().startswith("250")
    assert intake.raws == [b"whole\r\n"]


def test_a_refusal_is_not_a_mail() -> None:
    result, _ = read_in_pieces([b"a\nb\r\n.\r\n"])
    assert isinstance(result, Refused)


def test_a_mail_is_handed_in_with_the_address_of_who_brought_it(tmp_path: Path) -> None:
    path = tmp_path / "lmtp.sock"
    intake = Intake()
    with listening(intake, smtp="127.0.0.1:0", lmtp=str(path)) as listener:
        for place, hello in ((listener.smtp, "EHLO client.test"), (path, "LHLO client.test")):
            with Wire(place) as wire:
                wire.open_data("support@help.test", hello=hello)
                wire.send(HEADER + b"\r\nHello.\r\n.\r\n")
                assert wire.reply().startswith("250")
    assert [mail.peer for mail in intake.mails] == ["127.0.0.1", ""]
