"""The folder that stands in for a relay."""

import mailbox
import os
from collections.abc import Mapping
from pathlib import Path

import pytest

from maild.domain.messages.message import OutboundMessage
from maild.domain.messages.outbox import ChannelFault, DeliveryResult
from maild.transports import MaildirTransport

RAW = b"Subject: Printer\r\n\r\nIt prints.\r\n"


def test_each_recipient_gets_a_copy_with_the_envelope_on_top(tmp_path: Path) -> None:
    given = MaildirTransport(tmp_path / "sent").send(
        OutboundMessage("b@acme.example", ("bob@client.example", "eve@bücher.example"), RAW)
    )
    assert isinstance(given, Mapping)
    assert {answer.verdict for answer in given.values()} == {DeliveryResult.SENT}
    copies = [file.read_bytes() for file in sorted((tmp_path / "sent" / "new").iterdir())]
    assert copies == [
        b"Return-Path: <b@acme.example>\r\nDelivered-To: bob@client.example\r\n" + RAW,
        b"Return-Path: <b@acme.example>\r\nDelivered-To: eve@xn--bcher-kva.example\r\n" + RAW,
    ]
    assert list((tmp_path / "sent" / "tmp").iterdir()) == []


def test_the_null_sender_is_written_as_such(tmp_path: Path) -> None:
    MaildirTransport(tmp_path).send(OutboundMessage("", ("bob@client.example",), RAW))
    assert next((tmp_path / "new").iterdir()).read_bytes().startswith(b"Return-Path: <>\r\n")


def test_a_mail_reader_can_open_it_and_the_order_is_that_of_sending(tmp_path: Path) -> None:
    transport = MaildirTransport(tmp_path)
    for number in range(12):
        transport.send(OutboundMessage("", ("bob@client.example",), b"Subject: %d\r\n\r\n" % number))
    transport.close()
    opened = mailbox.Maildir(tmp_path, create=False)
    assert [opened[key]["Subject"] for key in sorted(opened.keys())] == [str(number) for number in range(12)]


def test_a_copy_appears_only_when_it_is_whole_and_on_the_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    steps: list[str] = []
    sync, rename = os.fsync, Path.rename

    def synced(descriptor: int) -> None:
        steps.append("fsync folder" if Path(f"/proc/self/fd/{descriptor}").resolve().name == "new" else "fsync file")
        sync(descriptor)

    def renamed(source: Path, target: Path) -> Path:
        steps.append("rename")
        assert source.read_bytes().endswith(RAW)
        return rename(source, target)

    monkeypatch.setattr(os, "fsync", synced)
    monkeypatch.setattr(Path, "rename", renamed)
    MaildirTransport(tmp_path).send(OutboundMessage("", ("bob@client.example",), RAW))
    assert steps == ["fsync file", "rename", "fsync folder"]


def test_a_folder_that_cannot_be_written_is_a_fault(tmp_path: Path) -> None:
    (tmp_path / "sent").write_text("I am a file")
    given = MaildirTransport(tmp_path / "sent").send(OutboundMessage("", ("bob@client.example",), RAW))
    assert isinstance(given, ChannelFault)
    assert str(tmp_path / "sent") in given.text


def test_a_disk_that_fills_in_between_repeats_no_copy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    sync, calls = os.fsync, iter(range(100))

    def full_after_the_first_copy(descriptor: int) -> None:
        if next(calls) >= 2:
            raise OSError(28, "No space left on device")
        sync(descriptor)

    monkeypatch.setattr(os, "fsync", full_after_the_first_copy)
    given = MaildirTransport(tmp_path).send(OutboundMessage("", ("bob@client.example", "eve@client.example"), RAW))
    assert isinstance(given, Mapping)
    assert [answer.verdict for answer in given.values()] == [DeliveryResult.SENT, DeliveryResult.TEMPORARY]
    assert "No space left" in given["eve@client.example"].text
