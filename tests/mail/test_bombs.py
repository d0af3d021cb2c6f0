"""Mails built to break readers: each is read, or refused with a reason, by a worker that stays within its share."""

import base64
import zipfile
from io import BytesIO

import pytest

from maild.mail.worker.pool import WorkerPool

HEAD = b"From: Karen <karen@client.example>\r\nSubject: bomb\r\nMessage-ID: <1@client.example>\r\n"
HEAD += b"Date: Mon, 17 Nov 2025 10:20:30 +0100\r\n"
PLAIN = HEAD + b"\r\nhello\r\n"


def _nested(depth):
    opening = b'Content-Type: multipart/mixed; boundary="b%d"\r\n\r\n--b%d\r\n'
    return HEAD + b"".join(opening % (n, n) for n in range(depth)) + b"\r\ndeep\r\n"


def _flat(parts):
    part = b"--b\r\nContent-Type: text/plain\r\n\r\nx\r\n"
    return HEAD + b'Content-Type: multipart/mixed; boundary="b"\r\n\r\n' + part * parts + b"--b--\r\n"


def _messages(depth):
    return HEAD + b"Content-Type: message/rfc822\r\n\r\n" * depth + b"deep\r\n"


def _zip_bomb():
    packed = BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("zeros", bytes(50_000_000))
    return (
        HEAD
        + b'Content-Type: application/zip; name="a.zip"\r\nContent-Transfer-Encoding: base64\r\n\r\n'
        + base64.encodebytes(packed.getvalue())
    )


def _typed(parameters, body=b"hello"):
    return HEAD + b"Content-Type: text/plain" + parameters + b"\r\n\r\n" + body + b"\r\n"


BOMBS = {
    "multiparts nested 300 deep": _nested(300),
    "multiparts nested 480 deep": _nested(480),
    "multiparts nested 1,000 deep": _nested(1_000),
    "multiparts nested 100,000 deep": _nested(100_000),
    "480,000 lines 40 deep": _nested(40) + b"xy\r\n" * 480_000,
    "messages nested 5,000 deep": _messages(5_000),
    "10,000 parts": _flat(10_000),
    "100,000 parts": _flat(100_000),
    "subject of 16,000 encoded words": PLAIN.replace(b": bomb", b": bomb" + b" =?utf-8?q?x?=" * 16_000),
    "16,000 recipients": b"To: " + b"a@client.example, " * 16_000 + b"\r\n" + PLAIN,
    "recipients of quotes": b"To: " + b'"' * 100_000 + b"\r\n" + PLAIN,
    "recipients of comments": b"Cc: " + b"(" * 100_000 + b"\r\n" + PLAIN,
    "100,000 references": b"References:" + b" <aaaa@client.example>" * 100_000 + b"\r\n" + PLAIN,
    "100,000 header fields": b"X-A: 1\r\n" * 100_000 + PLAIN,
    "one header field of 5 MB": b"X-A: " + b"x" * 5_000_000 + b"\r\n" + PLAIN,
    "8,000 parameters": _typed(b"".join(b"; p%d=1" % n for n in range(8_000))),
    "5,000 continuations of one parameter": _typed(b"".join(b"; name*%d=x" % n for n in range(5_000))),
    "Content-Type stuffed with semicolons": _typed(b";" * 120_000),
    "boundary of 100,000 letters": HEAD
    + b"Content-Type: multipart/mixed; boundary="
    + b"b" * 100_000
    + b"\r\n\r\nhello\r\n",
    "charset undefined": _typed(b"; charset=undefined"),
    "charset idna": _typed(b"; charset=idna"),
    "charset nobody knows": _typed(b"; charset=" + b"x" * 5_000),
    "uuencoded text": _typed(b"", b"begin 644 a\n" + b"M" + b"`" * 60 + b"\n`\nend"),
    "zip bomb": _zip_bomb(),
    "24 MB in one line of base64": HEAD + b"Content-Transfer-Encoding: base64\r\n\r\n" + b"QUFB" * 6_000_000,
    "24 MB of text in one line": HEAD + b"\r\n" + b"hello " * 4_000_000,
    "24 MB of line ends": HEAD + b"\r\n" + b"\n" * 24_000_000,
    "24 MB of carriage returns": HEAD + b"\r\n" + b"\r" * 24_000_000,
    "40 MB": HEAD + b"\r\nhello\r\n" + b"x" * 40_000_000,
    "multipart without an end": HEAD + b'Content-Type: multipart/mixed; boundary="b"\r\n\r\n--b\r\n\r\nhello',
    "NUL bytes": HEAD + b"\r\n" + b"\0" * 1_000_000,
    "line ends of every kind": HEAD + b"\r\n" + b"a\r\rb\n\nc\r\n\r\n" * 20_000,
    "HTML nested 100,000 deep": HEAD + b"Content-Type: text/html\r\n\r\n" + b"<div>" * 100_000 + b"hello",
    "HTML quoted 50,000 deep": HEAD + b"Content-Type: text/html\r\n\r\n" + b"<blockquote type=cite>a" * 50_000,
    "one tag of 60,000 attributes": HEAD
    + b"Content-Type: text/html\r\n\r\n<a "
    + b"".join(b"b%d=1 " % n for n in range(60_000))
    + b">hello",
    "200,000 attribution lines": HEAD + b"\r\n" + b"On 2025 10:10 a@b wrote:\r\n" * 200_000,
    "400,000 header blocks": HEAD + b"\r\n" + b"From: a\r\nSent: b\r\n" * 200_000,
}


@pytest.fixture(scope="module")
def pool():
    with WorkerPool(2) as made:
        yield made


@pytest.mark.timeout(120)
@pytest.mark.parametrize("name", BOMBS)
def test_bomb_is_read_as_far_as_it_can_be(pool, name):
    message = pool.read(BOMBS[name])
    assert message.subject.startswith("bomb")
    assert str(message.sender.address) == "karen@client.example"
    assert message.message_id == "<1@client.example>"
    assert message.size == len(BOMBS[name])


@pytest.mark.timeout(60)
def test_sender_of_a_thousand_comments_is_nobody(pool):
    message = pool.read(b"From: " + b"(" * 1_000 + b"\r\nSubject: bomb\r\n\r\nhello\r\n")
    assert (message.sender, message.text) == (None, "hello")


@pytest.mark.timeout(60)
def test_good_mail_is_read_after_all_of_them(pool):
    assert pool.read(PLAIN).text == "hello"


def test_zip_is_kept_packed(pool):
    (attachment,) = pool.read(BOMBS["zip bomb"]).attachments
    assert (attachment.name, attachment.size < 200_000) == ("a.zip", True)
