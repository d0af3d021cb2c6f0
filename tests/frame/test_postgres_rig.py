"""The PostgreSQL of the tests hands each test an empty database of its own."""

import pytest
import sqlalchemy

from tests.rig.postgres import PostgresRig

pytestmark = pytest.mark.door


def run(url: str, statement: str) -> list[tuple[object, ...]]:
    engine = sqlalchemy.create_engine(url, poolclass=sqlalchemy.NullPool)
    with engine.begin() as connection:
        answer = connection.execute(sqlalchemy.text(statement))
        return [tuple(row) for row in answer] if answer.returns_rows else []


TABLES = "SELECT count(*) FROM pg_tables WHERE schemaname = 'public'"


@pytest.mark.parametrize("attempt", [1, 2])
def test_each_test_begins_with_an_empty_database(postgres_url: str, attempt: int) -> None:
    assert run(postgres_url, TABLES) == [(0,)]
    run(postgres_url, "CREATE TABLE left_behind (n integer)")


def test_a_database_may_be_made_from_another(postgres: PostgresRig) -> None:
    model = postgres.new_database()
    run(model, "CREATE TABLE from_the_model (n integer)")
    copy = postgres.new_database(template=model)
    assert run(copy, TABLES) == [(1,)]
    postgres.drop_database(copy)
    postgres.drop_database(model)


def test_a_database_in_use_can_be_dropped(postgres: PostgresRig) -> None:
    url = postgres.new_database()
    engine = sqlalchemy.create_engine(url)
    with engine.connect():
        postgres.drop_database(url)
    engine.dispose()
    with pytest.raises(sqlalchemy.exc.OperationalError, match="does not exist"):
        run(url, "SELECT 1")
