"""Bring a database to this program's version. Alembic, which costs a second, is loaded only when there is work."""

from __future__ import annotations

from pathlib import Path

import sqlalchemy as sa
from sqlalchemy.engine import Engine

from maild.store.engine import temporary_failures

HEAD = "0011"  # the newest file in migrations/versions; a test compares the two
_FOLDER = Path(__file__).parent / "migrations"


class SchemaTooNew(Exception):
    """The database was made by a newer maild."""


def version_of(engine: Engine) -> str | None:
    """The version of the database's tables, None for an empty database."""
    with temporary_failures(), engine.connect() as connection:
        if not sa.inspect(connection).has_table("alembic_version"):
            return None
        version = connection.scalar(sa.text("select version_num from alembic_version"))
        return None if version is None else str(version)


def migrate(engine: Engine) -> None:
    """Create or upgrade the tables in one transaction. SchemaTooNew rather than a downgrade."""
    version = version_of(engine)
    if version == HEAD:
        return
    known = {path.name.partition("_")[0] for path in (_FOLDER / "versions").glob("[0-9]*.py")}
    if version is not None and version not in known:
        raise SchemaTooNew(f"the database has version {version}, this program knows {HEAD}: upgrade maild")
    from alembic import command
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(_FOLDER))
    with temporary_failures(), engine.begin() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, "head")
