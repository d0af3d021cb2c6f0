"""winmail.dat: opened where the library can, kept as it is where not, and never a reason to lose the mail."""

import base64
import struct

import pytest

from maild.mail.reading import parse, winmail

NEEDS_LIBRARY = pytest.mark.skipif(winmail._library() is None, reason="the extra tnefparse is not installed")
SIGNATURE = struct.pack("<IH", 0x223E9F78, 1)
MESSAGE, ATTACHMENT = 1, 2
BODY, TITLE, CONTENT, BEGINS, RECIPIENTS = 0x800C, 0x8010, 0x800F, 0x9002, 0x9004


def _object(level, name, content):
    return struct.pack("<BHHI", level, name, 6, len(content)) + content + struct.pack("<H", sum(content) & 0xFFFF)


def _file(name, content):
    title, begins = _object(ATTACHMENT, TITLE, name + b"\0"), _object(ATTACHMENT, BEGINS, bytes(14))
    return begins + title + _object(ATTACHMENT, CONTENT, content)


def _mail(container, text="see file"):
    return (
        b"From: karen@client.example\r\nMessage-ID: <1@x>\r\n"
        b"Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n\r\n"
        + text.encode()
        + b"\r\n--b\r\nContent-Type: application/ms-tnef; name=winmail.dat\r\nContent-Transfer-Encoding: base64\r\n\r\n"
        + base64.encodebytes(container)
        + b"--b--\r\n"
    )


TWO = SIGNATURE + _file(b"plan.pdf", b"PDF") + _file(b"..\\..\\CON.txt", b"words")
WITH_TEXT = SIGNATURE + _object(MESSAGE, BODY, b"It burns.\0") + _file(b"a", b"x")


@NEEDS_LIBRARY
def test_files_in_a_container_become_attachments_under_safe_names():
    raw = _mail(TWO)
    found = parse.read(raw).attachments
    assert [(one.part, one.name, one.size) for one in found] == [("2!1", "plan.pdf", 3), ("2!2", "_CON.txt", 5)]
    assert [parse.extract(raw, one.part) for one in found] == [b"PDF", b"words"]


@NEEDS_LIBRARY
def test_file_that_a_container_does_not_have_is_a_lookup_error():
    for part in ("2!3", "2!0", "2!x", "2!"):
        with pytest.raises(LookupError):
            parse.extract(_mail(TWO), part)


@NEEDS_LIBRARY
def test_text_in_a_container_is_that_of_a_mail_without_any():
    assert parse.read(_mail(WITH_TEXT, text="")).text == "It burns."
    assert parse.read(_mail(WITH_TEXT)).text == "see file"


@NEEDS_LIBRARY
def test_table_that_claims_a_thousand_million_rows_is_not_read():
    container = SIGNATURE + _object(MESSAGE, RECIPIENTS, b"\xff" * 4) + _file(b"a.txt", b"x")
    assert [one.name for one in parse.read(_mail(container)).attachments] == ["a.txt"]


@NEEDS_LIBRARY
def test_container_of_too_many_objects_stays_as_it_is():
    message = parse.read(_mail(SIGNATURE + _file(b"a", b"x") * 400))
    assert [one.name for one in message.attachments] == ["winmail.dat"]
    assert any("too many objects" in defect for defect in message.defects)


@pytest.mark.parametrize("container", [b"", b"PK", SIGNATURE[:4], TWO[:-9][:6] + b"\2\x05\x90" + bytes(30)])
def test_broken_container_stays_as_it_is_or_holds_nothing(container):
    message = parse.read(_mail(container))
    assert [one.name for one in message.attachments] == ["winmail.dat"]


def test_container_stays_as_it_is_without_the_library(monkeypatch):
    monkeypatch.setattr(winmail, "_library", lambda: None)
    message = parse.read(_mail(TWO))
    assert [one.name for one in message.attachments] == ["winmail.dat"]
    assert any("tnefparse is not installed" in defect for defect in message.defects)
