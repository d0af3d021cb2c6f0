"""The scenarios' office: the shared configuration with a scenario's own laid over it, anew for every scenario."""

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.rig.office import MONDAY, Office, Relay
from tests.scenarios.stage import CONFIG


class OfficeAgain(Office):
    """One office after another on the same engine: statements and templates are compiled once a worker."""

    def __init__(self, folder: Path, empty_database: Path) -> None:
        (folder / "maild.d").mkdir(parents=True)
        super().__init__(folder, CONFIG, empty_database)
        self._empty = empty_database

    def anew(self, config: str) -> "OfficeAgain":
        """An empty office with a configuration laid over the shared one, as maild.d/ is."""
        self.store.close()
        for name in ("maild.db", "maild.db-wal", "maild.db-shm"):
            (self.folder / name).unlink(missing_ok=True)
        shutil.copy(self._empty, self.folder / "maild.db")
        self.clock.set(MONDAY)
        self.delivery.close()
        self.relay = Relay()
        for added in (self.folder / "maild.d").glob("*.toml"):
            added.unlink()
        (self.folder / "maild.d" / "50-scenario.toml").write_text(config, encoding="utf-8")
        self.configure(CONFIG)
        self.delivery = self.another_delivery(self.store)
        return self


@pytest.fixture(scope="session")
def _same_office(tmp_path_factory: pytest.TempPathFactory, empty_database: Path) -> Iterator[OfficeAgain]:
    office = OfficeAgain(tmp_path_factory.mktemp("office") / "again", empty_database)
    yield office
    office.close()


@pytest.fixture
def office_with(_same_office: OfficeAgain) -> Callable[[str], Office]:
    """Opens the office with a configuration laid over the shared one. One at a time."""
    return _same_office.anew
