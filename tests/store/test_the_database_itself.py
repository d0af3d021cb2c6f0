"""Migrations, durability settings, failures as TemporaryFailure, concurrent writers."""

import sqlite3
import threading
from datetime import UTC, datetime

import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext

from maild.domain.people.directory import Address
from maild.domain.tickets.visibility import Sight
from maild.ports import InboundState, Listing, Order, TemporaryFailure
from maild.store import migrate as migrations
from maild.store.columns import UtcDateTime
from maild.store.engine import make_engine
from maild.store.migrate import HEAD, SchemaTooNew, version_of
from maild.store.schema import SEARCH_TABLES, metadata
from maild.store.unit_of_work import Store
from tests.store.conftest import NOW


@pytest.mark.filterwarnings("ignore:.*expression-based index")  # SQLite does not tell what such an index is made of
def test_the_migrations_make_the_tables_that_the_code_knows(store, url):
    engine = make_engine(url)
    with engine.connect() as connection:
        # The search has tables of its own on each database: SQLite's stand behind a virtual one.
        ours = {"include_name": lambda name, kind, parents: kind != "table" or not name.startswith(SEARCH_TABLES)}
        context = MigrationContext.configure(connection, opts={"compare_type": False, **ours})
        assert compare_metadata(context, metadata) == []
    assert version_of(engine) == HEAD
    engine.dispose()


def test_head_is_the_newest_migration():
    newest = max(path.name for path in (migrations._FOLDER / "versions").glob("[0-9]*.py"))
    assert newest.startswith(f"{HEAD}_")


def test_migrating_again_changes_nothing(store, url):
    def tables():
        engine = make_engine(url)
        seen = sa.inspect(engine)
        found = {
            table: [(column["name"], str(column["type"]), column["nullable"]) for column in seen.get_columns(table)]
            for table in seen.get_table_names()
        }
        version = version_of(engine)
        engine.dispose()
        return version, found

    before = tables()
    store.migrate()
    assert tables() == before


def test_a_database_of_a_newer_maild_is_refused(store, url):
    engine = make_engine(url)
    with engine.begin() as connection:
        connection.execute(sa.text("update alembic_version set version_num = '9999'"))
    with pytest.raises(SchemaTooNew, match="upgrade maild"):
        store.migrate()
    engine.dispose()


def test_sqlite_is_set_up_for_durability(tmp_path):
    store = Store(f"sqlite:///{tmp_path}/maild.db", "node")
    store.migrate()
    engine = make_engine(f"sqlite:///{tmp_path}/maild.db")
    with engine.connect() as connection:
        found = {
            name: connection.exec_driver_sql(f"pragma {name}").scalar() for name in ("journal_mode", "synchronous")
        }
        assert connection.exec_driver_sql("pragma secure_delete").scalar() == 1
    assert found == {"journal_mode": "wal", "synchronous": 2}  # 2 is FULL
    engine.dispose()
    store.close()


def test_a_locked_database_is_a_temporary_failure(tmp_path, monkeypatch):
    monkeypatch.setattr("maild.store.engine._PRAGMAS", ("journal_mode=WAL", "busy_timeout=50"))
    store = Store(f"sqlite:///{tmp_path}/maild.db", "node")
    store.migrate()
    blocker = sqlite3.connect(tmp_path / "maild.db", isolation_level=None)
    blocker.execute("begin exclusive")
    with pytest.raises(TemporaryFailure, match="locked"), store():
        pytest.fail("the lock was taken twice")
    blocker.rollback()
    with store() as unit:
        assert unit.inbound.count_kept() == 0
    blocker.close()
    store.close()


def test_a_database_that_is_away_is_a_temporary_failure():
    store = Store("postgresql+psycopg://nobody@127.0.0.1:1/none", "node")
    with pytest.raises(TemporaryFailure, match="does not answer"):
        store.check()
    with pytest.raises(TemporaryFailure), store():
        pytest.fail("there is no database")
    store.close()


def test_writers_do_not_lose_each_others_updates(store):
    def count_up():
        for _ in range(20):
            with store() as unit:
                unit.tickets.new_number()
                unit.commit()

    threads = [threading.Thread(target=count_up) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    with store() as unit:
        assert unit.tickets.new_number() == 81


def test_a_time_without_a_zone_is_refused():
    with pytest.raises(ValueError, match="without a time zone"):
        UtcDateTime().process_bind_param(datetime(2026, 1, 1), None)  # noqa: DTZ001 - that is the point
    assert UtcDateTime().process_result_value(datetime(2026, 1, 1), None) == datetime(2026, 1, 1, tzinfo=UTC)  # noqa: DTZ001


def test_what_is_asked_all_the_time_is_asked_of_an_index(tmp_path):
    """Work that waits is found without reading all that is done: by the partial indexes."""
    store = Store(f"sqlite:///{tmp_path}/maild.db", "node")
    store.migrate()
    asked: list[str] = []

    @sa.event.listens_for(store._writing, "before_cursor_execute")
    def note(connection, cursor, statement, parameters, context, many):
        if statement.startswith(("SELECT", "UPDATE")):
            plan = cursor.execute(f"explain query plan {statement}", parameters).fetchall()
            asked.append(" ".join(str(row[3]) for row in plan))

    with store() as unit:
        unit.inbound.begin(10, NOW)
        unit.inbound.count_kept()
        unit.outbox.claim(NOW, NOW, 10, "main")
        unit.outbox.sending()
        unit.outbox.leaving([1, 2])
        unit.outbox.withdraw(5, "undone")
        unit.outbox.withdraw_history(1, Address.of("eve@client.example"), "undone")
        unit.held_replies.waiting(agent="jane")
        unit.inbound.listed(InboundState.HELD, 10)
        unit.inbound.listed(InboundState.QUARANTINED, 10, ("junk",))
        unit.tickets.spam_senders([Address.of("bob@client.example"), Address.of("eve@client.example")])
        unit.outbox.next_instant()
        unit.tickets.due(NOW, 10)
        unit.tickets.to_wake(NOW, 10)
        unit.tickets.by_join_keys(["key", "other"])
        unit.inbound.find_same(["s" * 64, "t" * 64])
        unit.tickets.listing(Listing(statuses=("open",), limit=50, order=Order.DUE))
        unit.tickets.listing(Listing(overdue_at=NOW, sight=Sight("jane", ("support",)), order=Order.DUE))
        unit.tickets.listing(Listing(statuses=("closed",), ended_since=NOW, limit=50, order=Order.ENDED))
        unit.tickets.listing(Listing(sender="acme.example", created_since=NOW, limit=50, order=Order.CREATED))
    store.close()
    assert len(asked) == 23
    named = ("ix_outbox_entry", "ix_outbox_ticket", "ix_draft_agent", "ix_inbound_waits", "ix_ticket_spam")
    assert [name for name in named if not any(name in plan for plan in asked)] == []
    assert [plan for plan in asked if "USING" not in plan or "ix_" not in plan] == []
    assert "ix_ticket_ended_at" in asked[-2]  # not the one by status, which leads to all that was ever closed
    assert "ix_ticket_created_at" in asked[-1]
