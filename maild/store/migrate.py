"""Brings a database to this program's version. Alembic takes a second to load, so it is loaded only when needed."""

from __future__ import annotations

from pathlib import Path

import sqlalchemy as sa
from sqlalchemy.engine import Engine

from maild.store.engine import make_engine, temporary_failures

HEAD = "0013"  # name of the newest file in migrations/versions; a test compares the two
_FOLDER = Path(__file__).parent / "migrations"


class SchemaTooNew(Exception):
    """The database was created or upgraded by a newer version of maild."""


def version_of(engine: Engine) -> str | None:
    """Return the schema version of a database; None when it is empty."""
    with temporary_failures(), engine.connect() as connection:
        if not sa.inspect(connection).has_table("alembic_version"):
            return None
        version = connection.scalar(sa.text("select version_num from alembic_version"))
        return None if version is None else str(version)


def is_current(url: str) -> bool:
    """Return whether there is a database with tables of this program's version. Makes none and changes none."""
    parsed = sa.make_url(url)
    if parsed.get_backend_name() == "sqlite" and not Path(parsed.database or "").is_file():
        return False
    engine = make_engine(url, reading=True)
    try:
        return version_of(engine) == HEAD
    finally:
        engine.dispose()


def migrate(engine: Engine) -> None:
    """Create or upgrade the tables in one transaction. Raises SchemaTooNew instead of a downgrade."""
    version = version_of(engine)
    if version == HEAD:
        return
    known = {path.name.partition("_")[0] for path in (_FOLDER / "versions").glob("[0-9]*.py")}
    if version is not None and version not in known:
        raise SchemaTooNew(f"the database has schema version {version}, but this maild supports {HEAD}; upgrade maild")
    from alembic import command
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(_FOLDER))
    with temporary_failures(), engine.begin() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, "head")
