"""The scenarios' office: the shared configuration with a scenario's own laid over it, anew for every scenario."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import pytest

from maild.domain.messages.message import OutboundMessage
from tests.rig.databases import Stores
from tests.rig.office import MONDAY, Office, Relay
from tests.scenarios.stage import CONFIG


@dataclass(frozen=True)
class Beginning:
    """An office in the middle of its day: its database, its clock, and what the relay has taken."""

    database: Path
    at: datetime
    sent: tuple[OutboundMessage, ...]


class OfficeAgain(Office):
    """One office after another on the same engine: statements and templates are compiled once a worker."""

    def __init__(self, folder: Path, stores: Stores, empty_database: Path) -> None:
        (folder / "maild.d").mkdir(parents=True)
        super().__init__(folder, CONFIG, stores)
        self._empty = empty_database

    def anew(self, config: str, beginning: Beginning | None = None) -> OfficeAgain:
        """An empty office with a configuration laid over the shared one, as maild.d/ is; or one that has begun."""
        self._put_away()
        shutil.copy(beginning.database if beginning else self._empty, self.folder / "maild.db")
        self.clock.set(beginning.at if beginning else MONDAY)
        self.delivery.close()
        self.relay = Relay(sent=list(beginning.sent) if beginning else [])
        added = self.folder / "maild.d" / "50-scenario.toml"
        (self.folder / "maild.d" / "90-later.toml").unlink(missing_ok=True)
        if not added.exists() or added.read_text(encoding="utf-8") != config or not self._as_written:
            added.write_text(config, encoding="utf-8")
            self.configure(CONFIG)
            self._as_written = True
        self.delivery = self.another_delivery(self.store)
        return self

    def configure(self, config: str) -> None:
        self._as_written = False
        super().configure(config)

    def beginning(self, path: Path) -> Beginning:
        """What there is now, to begin with again and again. The office is closed by it."""
        self.store.close()  # which folds the write-ahead log into the file
        shutil.copy(self.folder / "maild.db", path)
        return Beginning(path, self.clock.now(), tuple(self.relay.sent))

    def _put_away(self) -> None:
        self.store.close()
        for name in ("maild.db", "maild.db-wal", "maild.db-shm"):
            (self.folder / name).unlink(missing_ok=True)


@pytest.fixture(scope="session")
def _same_office(
    tmp_path_factory: pytest.TempPathFactory, stores: Stores, empty_database: Path
) -> Iterator[OfficeAgain]:
    office = OfficeAgain(tmp_path_factory.mktemp("office") / "again", stores, empty_database)
    yield office
    office.close()


@pytest.fixture
def office_with(_same_office: OfficeAgain) -> Callable[[str], Office]:
    """Opens the office with a configuration laid over the shared one. One at a time."""
    return _same_office.anew


@pytest.fixture(scope="session")
def office_again(_same_office: OfficeAgain) -> OfficeAgain:
    """The office itself, for tests that open it by the hundred."""
    return _same_office
