"""What commands share: settings, database and clock, opened when they are first needed; JSON, tables and times."""

from __future__ import annotations

import json
import os
from datetime import UTC, datetime
from types import TracebackType
from typing import Any
from zoneinfo import ZoneInfo

import click

from maild import maillog
from maild.config import Settings, find_config, load
from maild.daemon import assembly
from maild.daemon.clocks import SetClock, SystemClock
from maild.domain.policy import Policy
from maild.ports import Clock
from maild.services.helpdesk import Helpdesk
from maild.store.unit_of_work import Store


class Session:
    """The resources of one invocation of a command."""

    def __init__(self, config_file: str | None) -> None:
        self.config_file = config_file
        self._settings: Settings | None = None
        self._store: Store | None = None
        self._helpdesk: Helpdesk | None = None

    def __enter__(self) -> Session:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._store is not None:
            self._store.close()

    @property
    def settings(self) -> Settings:
        """The checked configuration. Raises ConfigError with all mistakes."""
        if self._settings is None:
            self._settings = load(find_config(self.config_file, os.environ), environ=os.environ)
            # The output of a command is for people and scripts, so the log shows only errors.
            maillog.configure("error", json=self._settings.log.format == "json")
        return self._settings

    @property
    def store(self) -> Store:
        """The database. Its node name belongs to this process, so claims are kept apart from the daemon's."""
        if self._store is None:
            self._store = assembly.open_store(self.settings, f"cli:{os.getpid()}")
        return self._store

    @property
    def helpdesk(self) -> Helpdesk:
        """The helpdesk that the configuration describes."""
        if self._helpdesk is None:
            self._helpdesk = Helpdesk.of(self.settings, assembly.key_ring(self.settings))
        return self._helpdesk

    @property
    def policy(self) -> Policy:
        """The policy of the helpdesk."""
        return self.helpdesk.policy

    def clock(self, at: str | None) -> Clock:
        """Return the machine's clock, or one that stands at the time given by --at."""
        if at is None:
            return SystemClock()
        return SetClock(read_moment(at, self.settings.helpdesk.timezone))


def read_moment(text: str, zone: str) -> datetime:
    """Read an RFC 3339 time; without a time zone it is in the helpdesk's. Raises BadParameter for anything else."""
    try:
        moment = datetime.fromisoformat(text.strip())
    except ValueError as error:
        raise click.BadParameter(f"{text!r} is not a time; write 2026-11-21T09:00:00Z or 2026-11-21 10:00") from error
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=ZoneInfo(zone))
    return moment.astimezone(UTC)


def print_json(document: Any) -> None:
    """Print one JSON document."""
    click.echo(json.dumps(document, ensure_ascii=False, indent=2))


def print_json_line(document: Any) -> None:
    """Print a JSON document on one line."""
    click.echo(json.dumps(document, ensure_ascii=False))


def print_table(head: tuple[str, ...], lines: list[tuple[str, ...]]) -> None:
    """Print rows in columns. Control characters, which strangers may have written, are replaced."""
    rows = [head, *([_harmless(cell) for cell in line] for line in lines)]
    widths = [max(len(row[column]) for row in rows) for column in range(len(head))]
    for row in rows:
        click.echo("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())


def _harmless(text: str) -> str:
    return "".join(c if c.isprintable() else " " for c in text)[:80]


at_option = click.option("--at", "at", metavar="TIME", help="Act as if it were this time.")
json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON.")
