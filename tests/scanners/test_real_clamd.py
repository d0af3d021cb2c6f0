"""The real clamd: what it finds, what it refuses, and files that it does not see in a hostile mail."""

import base64
import io
import zipfile
from pathlib import Path

import pytest

from maild.mail.reading import parse
from maild.ports import Finding, ScanVerdict
from maild.scanners import ClamdScanner, ClamdSocket
from maild.services.intake.scanning import Scanning
from tests.rig.clamd import SIGNATURE, STREAM_MAX
from tests.rig.fake_clamd import MARKER

pytestmark = pytest.mark.door

HEAD = b"From: Bob <bob@client.example>\r\nSubject: A file\r\nMIME-Version: 1.0\r\n"
BASE64 = base64.encodebytes(MARKER)


class Here:
    """Takes files out of mails in this process."""

    def rewritten(self, raw: bytes, parts: object) -> bytes:
        assert isinstance(parts, list)
        return parse.rewritten(raw, parts)


def with_file(content: bytes, encoding: bytes = b"base64") -> bytes:
    return (
        HEAD + b"Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\nContent-Type: text/plain\r\n\r\nSee the file."
        b"\r\n--b\r\nContent-Type: application/octet-stream\r\nContent-Disposition: attachment; filename=a.bin\r\n"
        b"Content-Transfer-Encoding: " + encoding + b"\r\n\r\n" + content + b"\r\n--b--\r\n"
    )


def zipped(content: bytes) -> bytes:
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("a.txt", content)
    return base64.encodebytes(made.getvalue())


def nested(levels: int) -> bytes:
    """A file in so many multiparts, each in the next."""
    inner = b"Content-Type: application/octet-stream; name=a.bin\r\nContent-Transfer-Encoding: base64\r\n\r\n" + BASE64
    for level in range(levels):
        mark = b"level%d" % level
        head = b"Content-Type: multipart/mixed; boundary=" + mark
        inner = b"%s\r\n\r\n--%s\r\n%s\r\n--%s--\r\n" % (head, mark, inner, mark)
    return HEAD + inner


MAILS = {
    "as it is": with_file(MARKER, b"8bit"),
    "base64": with_file(BASE64),
    "quoted-printable": with_file(MARKER.replace(b" ", b"=20"), b"quoted-printable"),
    "in an archive": with_file(zipped(MARKER)),
    "LF": with_file(BASE64).replace(b"\r\n", b"\n"),
}
# clamd finds nothing in the raw mail of these, while we find the file, and would pass it on.
HIDDEN = {
    "bare CR": with_file(BASE64).replace(b"\r\n", b"\r"),
    "in thirty multiparts": nested(30),
    "no field but the type": with_file(BASE64).removeprefix(HEAD),
}


@pytest.fixture
def scanner(real_clamd: Path) -> ClamdScanner:
    return ClamdScanner(ClamdSocket(path=real_clamd))


def look(scanner: ClamdScanner, raw: bytes) -> Finding:
    finding = Scanning(scanner, Here()).round()(raw, parse.read(raw))
    assert finding is not None
    return finding


def test_a_harmless_mail_is_clean(scanner: ClamdScanner) -> None:
    assert look(scanner, with_file(base64.encodebytes(b"harmless"))).verdict is ScanVerdict.CLEAN


@pytest.mark.parametrize("name", MAILS)
def test_what_clamd_knows_is_found_and_named(scanner: ClamdScanner, name: str) -> None:
    finding = scanner.scan(MAILS[name])
    assert (finding.verdict, finding.name) == (ScanVerdict.INFECTED, SIGNATURE)


@pytest.mark.parametrize("name", HIDDEN)
def test_a_file_that_clamd_does_not_see_in_the_mail_is_found_all_the_same(scanner: ClamdScanner, name: str) -> None:
    assert scanner.scan(HIDDEN[name]).verdict is ScanVerdict.CLEAN
    assert look(scanner, HIDDEN[name]).verdict is ScanVerdict.INFECTED


@pytest.mark.parametrize("size", [STREAM_MAX + 1, 4 * STREAM_MAX])
def test_a_mail_over_its_limit_is_told_with_the_remedy(scanner: ClamdScanner, size: int) -> None:
    finding = scanner.scan(b"x" * size)
    assert (finding.verdict, finding.answered) == (ScanVerdict.UNAVAILABLE, True)
    assert finding.reason == f"clamd does not accept a mail of {size} bytes; raise StreamMaxLength in clamd.conf"
