"""What stands in bytes at any depth, and that hostile bytes neither take long nor take room."""

import base64
import gzip
import io
import quopri
import random
import time
import zipfile

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from maild.mail.reading import layers as reading
from maild.mail.reading.inner_texts import texts_in
from maild.mail.reading.layers import TooMuchInside, layers
from tests.rig import attaching

NEEDLE = b"Support+A12r3s4.close.0123456789abcdef@acme.example"
MAIL = (
    b"From: a@b.example\r\nContent-Type: text/plain\r\n\r\n"
    + b"Words before it, many of them.\r\n" * 9
    + NEEDLE
    + b"\r\nand behind.\r\n" * 9
)


def found(octets):
    return any(NEEDLE in layer for layer in layers(octets))


def mixed(coded, encoding):
    """As one part of a mail that has another one."""
    return (
        b"Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n\r\nSee the file; a=b.\r\n--b\r\n"
        b"Content-Transfer-Encoding: " + encoding + b"\r\n\r\n" + coded + b"\r\n--b--\r\n"
    )


SHAPES = {
    "as it is": MAIL,
    "base64": mixed(base64.encodebytes(MAIL), b"base64"),
    "base64 with CRLF": mixed(base64.encodebytes(MAIL).replace(b"\n", b"\r\n"), b"base64"),
    "base64 on one line": mixed(base64.b64encode(MAIL), b"base64"),
    "base64, quoted": mixed(base64.encodebytes(MAIL).replace(b"\n", b"\r\n> "), b"base64"),
    "base64 of a short text": mixed(base64.encodebytes(NEEDLE), b"base64"),
    "a link with data": b'<img src="data:text/plain;base64,' + base64.b64encode(MAIL) + b'">',
    "quoted-printable": mixed(quopri.encodestring(MAIL, quotetabs=True), b"quoted-printable"),
    "quoted-printable, each letter": mixed(b"".join(b"=%02X" % each for each in NEEDLE), b"quoted-printable"),
    "quoted-printable, broken in the mark": mixed(NEEDLE[:20] + b"=\r\n" + NEEDLE[20:], b"quoted-printable"),
    "base64 within base64": mixed(base64.encodebytes(mixed(base64.encodebytes(MAIL), b"base64")), b"base64"),
    "base64 within quoted-printable": quopri.encodestring(mixed(base64.encodebytes(MAIL), b"base64")),
    "UTF-16": MAIL.decode().encode("utf-16"),
    "UTF-16, the other way around": MAIL.decode().encode("utf-16-be"),
    "UTF-16 at an odd place": b"\1" + MAIL.decode().encode("utf-16-le"),
    "UTF-32": MAIL.decode().encode("utf-32"),
    "beside 8-bit letters": "Привет, как дела? ".encode("cp1251") * 99 + mixed(base64.encodebytes(MAIL), b"base64"),
    "gzip": gzip.compress(MAIL),
    "gzip in a mail": mixed(base64.encodebytes(gzip.compress(MAIL)), b"base64"),
    "Outlook's compressed text": attaching.winmail_text(MAIL)[2],
    "zip within zip": attaching.zipped(attaching.zipped(MAIL)[2])[2],
}


@pytest.mark.parametrize("octets", SHAPES.values(), ids=SHAPES)
def test_what_is_encoded_is_found(octets):
    assert found(octets)


@pytest.mark.parametrize(
    ("packed", "text"),
    [
        (
            "2d0000002b0000004c5a4675f1c5c7a703000a007263706731323542320af32068656c090020627705b06c647d0a800fa0",
            b"{\\rtf1\\ansi\\ansicpg1252\\pard hello world}\r\n",
        ),
        ("1a0000001c0000004c5a4675e2d44b51410004205758595a0d6e7d010eb0", b"{\\rtf1 WXYZWXYZWXYZWXYZWXYZ}"),
    ],
)
def test_outlooks_text_is_decompressed_as_its_specification_shows(packed, text):
    """[MS-OXRTFCP] 3.1.1 and 3.1.2; the second has a run that reaches into what it has just written."""
    assert text in list(layers(bytes(40) + bytes.fromhex(packed)))


def test_words_are_found_in_whatever_letters_they_stand():
    text = "Большая печь на втором этаже снова горит"
    for shape in (attaching.text_file, attaching.wide_file, attaching.html_file, attaching.rich_file):
        octets = shape(text)[2]
        words = [" ".join(each.split()) for each in texts_in(octets)]
        assert any(text in each for each in words), shape.__name__
    odd = b"\xd0\xcf\x11\xe0" + bytes(9) + text.encode("utf-16-le")
    assert any(text in each for each in texts_in(odd))


def test_a_bomb_is_opened_up_to_a_limit():
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as file:
        for number in range(4):
            file.writestr(f"{number}.txt", bytes(30 * 2**20))
    assert sum(map(len, layers(archive.getvalue()))) < reading.MAX_INFLATED * 3


def test_endless_layers_are_told():
    octets = MAIL
    for _ in range(reading.MAX_DEPTH + 2):
        octets = gzip.compress(octets, mtime=1)
    with pytest.raises(TooMuchInside):
        list(layers(octets))


@pytest.mark.timeout(60)
@pytest.mark.parametrize(
    "octets",
    [
        *(b"LZFu" * 500_000, b"PK\x03\x04" * 500_000, b"\x1f\x8b\x08" * 500_000, b"=3D" * 700_000, b"=" * 2_000_000),
        *(b"A" * 2_000_000, b"A" * 31 + b" ", (b"A" * 32 + b"\n") * 60_000, b"+" * 2_000_000, b"\0" * 2_000_000),
        *(random.Random(1).randbytes(2_000_000), b"." * 2_000_000, b".0123456789abcdef" * 120_000),
        *(b"<" * 1_000_000, b"\\par" * 300_000, b"&" * 1_000_000, b"\\u1 " * 300_000),
    ],
    ids=range(17),
)
def test_hostile_bytes_take_no_long_time(octets):
    begun = time.process_time()
    for _ in range(2):
        list(texts_in(octets))
    assert time.process_time() - begun < 20


@settings(max_examples=100, deadline=None)
@given(st.binary(max_size=3000))
def test_any_bytes_are_looked_through(octets):
    assert next(iter(layers(octets))) == octets
    assert len(list(layers(octets))) >= 1
    for text in texts_in(octets):
        assert isinstance(text, str)
