"""The client of clamd, over real sockets, against a clamd that behaves and one that does not."""

import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from maild.ports import ScanVerdict
from maild.scanners import SCANNERS, ClamdScanner, ClamdSocket
from tests.rig.fake_clamd import MARKER, SIGNATURE, FakeClamd, clamd_at_path, clamd_at_port

LARGE = 3_000_000


@pytest.fixture(params=["tcp", "unix"])
def clamd(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[tuple[FakeClamd, ClamdScanner]]:
    if request.param == "tcp":
        with clamd_at_port(limit=2 * LARGE) as (server, port):
            yield server, ClamdScanner(ClamdSocket("127.0.0.1", port))
    else:
        path = tmp_path / "clamd.ctl"
        with clamd_at_path(path, limit=2 * LARGE) as server:
            yield server, ClamdScanner(ClamdSocket(path=path))


def test_a_harmless_mail_is_clean_and_arrives_whole(clamd: tuple[FakeClamd, ClamdScanner]) -> None:
    server, scanner = clamd
    raw = bytes(range(256)) * (LARGE // 256)
    finding = scanner.scan(raw)
    assert (finding.verdict, finding.name) == (ScanVerdict.CLEAN, "")
    assert server.streams == [raw]


def test_an_empty_mail_is_scanned(clamd: tuple[FakeClamd, ClamdScanner]) -> None:
    server, scanner = clamd
    assert scanner.scan(b"").verdict is ScanVerdict.CLEAN
    assert server.streams == [b""]


def test_what_is_found_is_named(clamd: tuple[FakeClamd, ClamdScanner]) -> None:
    finding = clamd[1].scan(b"x" * 65_530 + MARKER)  # across the border of two chunks
    assert (finding.verdict, finding.name) == (ScanVerdict.INFECTED, SIGNATURE)
    assert finding.reason == f"clamd found {SIGNATURE}"


@pytest.mark.parametrize("size", [2 * LARGE + 1, 10 * LARGE])
def test_a_mail_over_clamds_own_limit_is_told_with_its_remedy(clamd: tuple[FakeClamd, ClamdScanner], size: int) -> None:
    finding = clamd[1].scan(b"x" * size)
    assert (finding.verdict, finding.answered) == (ScanVerdict.UNAVAILABLE, True)
    assert finding.reason == f"clamd does not accept a mail of {size} bytes; raise StreamMaxLength in clamd.conf"


BEHAVIOURS = {
    "close": (False, "closed the connection without an answer"),
    "cut": (False, "closed the connection without an answer"),
    "Can't allocate memory ERROR": (True, 'clamd answered "Can\'t allocate memory ERROR"'),
    "UNKNOWN COMMAND": (True, "clamd answered 'UNKNOWN COMMAND'"),
    "stream: OK but": (True, "clamd answered 'stream: OK but'"),
    "x" * 9000: (True, "clamd answered 'xxx"),
}


@pytest.mark.parametrize("behaviour", BEHAVIOURS, ids=lambda text: text[:20])
def test_any_other_answer_leaves_the_mail_unknown(clamd: tuple[FakeClamd, ClamdScanner], behaviour: str) -> None:
    server, scanner = clamd
    server.behaviour = behaviour
    finding = scanner.scan(b"harmless")
    answered, words = BEHAVIOURS[behaviour]
    assert (finding.verdict, finding.answered) == (ScanVerdict.UNAVAILABLE, answered)
    assert words in finding.reason
    assert len(finding.reason) < 400


def test_an_ok_before_the_end_of_the_stream_is_not_believed(clamd: tuple[FakeClamd, ClamdScanner]) -> None:
    server, scanner = clamd
    server.behaviour = "early"
    assert scanner.scan(b"x" * 10 * LARGE + MARKER).verdict is ScanVerdict.UNAVAILABLE


def test_the_name_of_a_finding_cannot_begin_a_line(clamd: tuple[FakeClamd, ClamdScanner]) -> None:
    server, scanner = clamd
    server.behaviour = "stream: Bad\nName\x1b[2J FOUND"
    finding = scanner.scan(b"anything")
    assert (finding.verdict, finding.name) == (ScanVerdict.INFECTED, "Bad?Name?[2J")


def test_a_clamd_that_hangs_is_given_up() -> None:
    with clamd_at_port() as (server, port):
        server.behaviour = "hang"
        finding = ClamdScanner(ClamdSocket("127.0.0.1", port), scan_seconds=0.2).scan(b"anything")
    assert (finding.verdict, finding.answered) == (ScanVerdict.UNAVAILABLE, False)
    assert finding.reason == f"clamd at 127.0.0.1:{port} did not answer within 0.2 s"


def test_a_clamd_that_reads_nothing_is_given_up() -> None:
    with socket.create_server(("127.0.0.1", 0)) as deaf:
        place = ClamdSocket("127.0.0.1", deaf.getsockname()[1])
        finding = ClamdScanner(place, scan_seconds=0.2).scan(b"x" * 20_000_000)
    assert (finding.verdict, finding.answered) == (ScanVerdict.UNAVAILABLE, False)


def test_a_clamd_that_is_not_there_is_named(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    for place in (ClamdSocket("127.0.0.1", port), ClamdSocket(path=tmp_path / "none.ctl")):
        finding = ClamdScanner(place).scan(b"anything")
        assert (finding.verdict, finding.answered) == (ScanVerdict.UNAVAILABLE, False)
        assert finding.reason.startswith(f"cannot connect to clamd at {place}: ")


def test_every_scanner_of_the_table_scans() -> None:
    assert all(callable(scanner.scan) for scanner in SCANNERS.values())
