"""Who looks for malware: one file per program, each with `scan(raw)` (maild.ports.Scanner).

To add one: a file here, a row in SCANNERS, its keys in maild.config, and tests that ask that each mail gets exactly
one finding and that nothing the program does raises."""

from __future__ import annotations

from collections.abc import Mapping

from maild.ports import Scanner
from maild.scanners.clamd import ClamdPlace, ClamdScanner

SCANNERS: Mapping[str, type[ClamdScanner]] = {
    "clamd": ClamdScanner,  # ClamAV's daemon, by TCP or a UNIX socket
}

__all__ = ["SCANNERS", "ClamdPlace", "ClamdScanner", "Scanner"]
