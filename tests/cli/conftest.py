"""Commands as an admin types them, on a fresh helpdesk."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import pytest
import time_machine

from maild.cli import main
from maild.cli.stage import write_config
from maild.daemon import assembly
from maild.mail.worker.pool import WorkerPool

OPENED = datetime(2026, 11, 23, 8, 0, tzinfo=UTC)  # a Monday, 09:00 in the office
MAIL = """\
From: Bob Miller <bob@client.example>
To: support@acme.example
Subject: {subject}
Date: Mon, 23 Nov 2026 09:00:00 +0100
Message-ID: <{id}@client.example>

{text}
"""


@dataclass
class Typed:
    """What a command printed, and how it ended."""

    code: int
    out: str
    err: str

    @property
    def json(self):
        return json.loads(self.out)

    @property
    def lines(self):
        return [json.loads(line) for line in self.out.splitlines()]


class Shell:
    """`maild` with the configuration of a temporary helpdesk."""

    def __init__(self, folder: Path, monkeypatch, capfdbinary) -> None:
        self.folder = folder
        self.config = write_config(folder)
        self._monkeypatch, self._captured = monkeypatch, capfdbinary

    def maild(self, *words: str | int | Path) -> Typed:
        self._monkeypatch.setattr(sys, "argv", ["maild", "-c", str(self.config), *map(str, words)])
        self._captured.readouterr()
        with pytest.raises(SystemExit) as ended:
            main()
        captured = self._captured.readouterr()
        code = ended.value.code
        return Typed(int(code or 0), captured.out.decode(), captured.err.decode())

    def write(self, name: str, raw: bytes | str) -> Path:
        path = self.folder / name
        path.write_bytes(raw.encode() if isinstance(raw, str) else raw)
        return path

    def mail(self, subject: str = "Printer on fire", text: str = "It burns.", id: str = "1") -> Path:  # noqa: A002
        return self.write(f"{id}.eml", MAIL.format(subject=subject, text=text, id=id))

    def opened(self, *subjects: str) -> Sequence[int]:
        """Tickets opened by one mail each."""
        files = [self.mail(subject, id=str(number)) for number, subject in enumerate(subjects, 1)]
        done = self.maild("inject", "--json", "--at", OPENED.isoformat(), *files)
        return [line["ticket"] for line in done.lines]

    def sent(self) -> list[bytes]:
        """Every mail that the relay got."""
        return [path.read_bytes() for path in sorted((self.folder / "sent" / "new").glob("*"))]


class KeptPool(WorkerPool):
    """The reading processes of all commands of a run: a command that ends leaves them to the next one."""

    def close(self) -> None:
        """Keep the processes."""

    def end(self) -> None:
        super().close()


@pytest.fixture(scope="session")
def kept_pool() -> Iterator[KeptPool]:
    pool = KeptPool(1)
    yield pool
    pool.end()


@pytest.fixture
def shell(tmp_path, monkeypatch, capfdbinary, kept_pool) -> Iterator[Shell]:
    """The machine's clock is set to the morning of the tests' mails and runs on, whatever today is.

    A command without --at lives by that clock, so a test may compare what it wrote with fixed dates. A command that a
    test starts as a process of its own lives by the real clock: give it --at, or compare no time.
    """
    monkeypatch.setattr(assembly, "worker_pool", lambda settings: kept_pool)
    with time_machine.travel(OPENED):
        yield Shell(tmp_path, monkeypatch, capfdbinary)
