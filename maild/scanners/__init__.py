"""Malware scanners: one file per program, each with a class that implements ports.Scanner.

To add one, write its file and add a row to SCANNERS and its keys to maild.config. Its tests must show that each mail
gets exactly one finding, and that no error of the program raises an exception."""

from __future__ import annotations

from collections.abc import Mapping

from maild.ports import Scanner
from maild.scanners.clamd import ClamdScanner, ClamdSocket

SCANNERS: Mapping[str, type[ClamdScanner]] = {
    "clamd": ClamdScanner,  # ClamAV's daemon, by TCP or a UNIX socket
}

__all__ = ["SCANNERS", "ClamdScanner", "ClamdSocket", "Scanner"]
