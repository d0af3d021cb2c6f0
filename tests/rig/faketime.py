"""A wall clock that the tests set while a daemon runs by it (libfaketime); its monotonic clock goes on undisturbed."""

from __future__ import annotations

import os
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path

import pytest

SLEEPS = Path(__file__).parent / "clocks"  # its sitecustomize makes Python's sleep work with libfaketime
PLACES = ("/usr/lib/*/faketime/libfaketimeMT.so.1", "/usr/local/lib/faketime/libfaketimeMT.so.1")


class WallClock:
    """What processes with its `environment` take for the time."""

    def __init__(self, folder: Path, library: Path) -> None:
        self._file = folder / "wall-clock"
        self._beneath = _offset_of_this_process()
        self._offset = 0.0
        self._stands: datetime | None = None
        self._library = library
        self.go()

    def environment(self, zone: str = "UTC") -> Mapping[str, str]:
        """What a process lives by; `zone` is the machine's own time zone."""
        return {
            "PYTHONPATH": f"{SLEEPS}{os.pathsep}{os.environ.get('PYTHONPATH', '')}",
            "LD_PRELOAD": str(self._library),
            "FAKETIME_TIMESTAMP_FILE": str(self._file),
            "FAKETIME_NO_CACHE": "1",
            "FAKETIME_DONT_FAKE_MONOTONIC": "1",
            "TZ": zone,
        }

    def now(self) -> datetime:
        """The time by this clock, in UTC."""
        if self._stands is not None:
            return self._stands
        return datetime.fromtimestamp(datetime.now(UTC).timestamp() + self._offset, UTC)

    def set(self, instant: datetime) -> None:
        """From now on it is this instant, and goes on from there."""
        self._offset = (instant - datetime.now(UTC)).total_seconds()
        self.go()

    def go(self) -> None:
        self._stands = None
        self._write(f"{self._beneath + self._offset:+.3f}")

    def stop(self) -> None:
        """It stands still. Only for processes whose time zone is UTC."""
        self._stands = self.now().replace(microsecond=0)
        self._write(f"{self._stands:%Y-%m-%d %H:%M:%S}")

    def _write(self, words: str) -> None:
        """The whole of it at once: a process that read half of it would be somewhere else for a moment."""
        new = self._file.with_suffix(".new")
        new.write_text(words)
        new.replace(self._file)


def _offset_of_this_process() -> float:
    """By how many seconds the tests' own clock is ahead of the machine's: they may run by another one themselves."""
    outer = os.environ.get("FAKETIME_TIMESTAMP_FILE")
    return float(Path(outer).read_text()) if outer else 0.0


@pytest.fixture
def wall_clock(tmp_path: Path) -> WallClock:
    found = [path for place in PLACES for path in Path("/").glob(place.lstrip("/"))]
    if not found:
        pytest.skip("libfaketime is not installed (remedy: apt-get install faketime)")
    return WallClock(tmp_path, found[0])
