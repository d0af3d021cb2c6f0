"""A clamd of the tests' own: a UNIX socket, one signature for a harmless text, all in one temporary folder."""

import contextlib
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from maild.ports import ScanVerdict
from maild.scanners import ClamdScanner, ClamdSocket
from tests.rig.doors import needs_door
from tests.rig.fake_clamd import MARKER
from tests.rig.waiting import wait_until

PROGRAM = shutil.which("clamd", path="/usr/sbin:/usr/bin:/usr/local/sbin:/usr/local/bin")
SIGNATURE = "Test.Marker-1.UNOFFICIAL"  # what clamd makes of a name in a database of somebody else's
STREAM_MAX = 5 * 2**20  # octets

CONFIGURATION = """
DatabaseDirectory {root}/database
LocalSocket {root}/clamd.ctl
LocalSocketMode 600
LogFile {root}/log
PidFile {root}/pid
TemporaryDirectory {root}
Foreground yes
StreamMaxLength {stream_max}
"""


@contextlib.contextmanager
def clamd(root: Path) -> Iterator[Path]:
    """A clamd that knows MARKER (any file type, any offset) -> its socket."""
    needs_door("clamd")
    assert PROGRAM is not None
    (root / "database").mkdir()
    (root / "database" / "test.ndb").write_text(f"Test.Marker-1:0:*:{MARKER.hex()}\n")
    (root / "clamd.conf").write_text(CONFIGURATION.format(root=root, stream_max=STREAM_MAX))
    place = root / "clamd.ctl"
    process = subprocess.Popen([PROGRAM, "-c", str(root / "clamd.conf")], stdout=subprocess.DEVNULL)
    try:
        scanner = ClamdScanner(ClamdSocket(path=place))
        wait_until(
            lambda: process.poll() is not None or scanner.scan(b"").verdict is ScanVerdict.CLEAN, 60, "clamd to scan"
        )
        assert process.poll() is None, (root / "log").read_text()
        yield place
    finally:
        process.terminate()
        process.wait(30)


@pytest.fixture(scope="session")
def real_clamd() -> Iterator[Path]:
    """The socket of a real clamd; skips, with a sentence, where there is none."""
    if PROGRAM is None:
        pytest.skip("clamd is not installed: apt-get install clamav-daemon")
    with tempfile.TemporaryDirectory(prefix="clamd-") as folder, clamd(Path(folder)) as place:
        yield place
