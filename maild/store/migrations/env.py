"""Alembic's environment: runs the migrations on the connection that migrate() opened."""

from alembic import context

from maild.store import agent_tables  # noqa: F401 - its tables belong to the metadata too
from maild.store.schema import metadata

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    render_as_batch=True,  # SQLite alters tables by copying them
    transactional_ddl=True,
)
with context.begin_transaction():
    context.run_migrations()
