"""Rows wait until something is read, and go out by table. What is remembered ends with the transaction."""

import pytest
import sqlalchemy as sa

from maild.store.schema import counter
from maild.store.transaction.read_cache import ReadCache
from maild.store.transaction.session import Session
from maild.store.unit_of_work import SqlUnitOfWork, Store
from tests.services.test_statements import counted

_BY_NAME = sa.select(counter.c.name, counter.c.value).where(counter.c.name.like("x%")).order_by(counter.c.name)


def values(session: Session) -> dict[str, int]:
    return {row.name: row.value for row in session.execute(_BY_NAME)}


def session_of(unit: object) -> Session:
    found = getattr(unit, "_session", None)
    assert isinstance(found, Session)
    return found


def test_a_read_sees_what_waits(store: Store) -> None:
    with store() as unit:
        session = session_of(unit)
        session.insert(counter, {"name": "x1", "value": 1})
        session.insert(counter, {"name": "x2", "value": 2})
        session.update(counter, ("x1",), {"value": 7})
        with counted() as statements:
            assert values(session) == {"x1": 7, "x2": 2}
        assert len(statements) == 2  # one INSERT for both rows, with the change in it, and the SELECT
        session.update(counter, ("x2",), {"value": 8})
        session.insert_once(counter, {"name": "x1", "value": 99})
        assert values(session) == {"x1": 7, "x2": 8}


def test_what_waits_is_committed(store: Store) -> None:
    with store() as unit:
        session_of(unit).insert(counter, {"name": "x1", "value": 1})
        unit.commit()
    with store(reading=True) as unit:
        assert values(session_of(unit)) == {"x1": 1}


def fails_in_a_savepoint(unit: SqlUnitOfWork, session: Session) -> None:
    with unit.savepoint():
        session.insert(counter, {"name": "x2", "value": 2})
        session.update(counter, ("x1",), {"value": 5})
        raise RuntimeError


def test_a_savepoint_that_fails_drops_its_rows_alone(store: Store) -> None:
    with store() as unit:
        session = session_of(unit)
        session.insert(counter, {"name": "x1", "value": 1})
        with pytest.raises(RuntimeError):
            fails_in_a_savepoint(unit, session)
        assert values(session) == {"x1": 1}


def test_an_update_that_finds_no_row_makes_the_commit_fail(store: Store) -> None:
    step = sa.update(counter).where(counter.c.name == sa.bindparam("of")).values(value=sa.bindparam("value"))
    with store() as unit:
        session = session_of(unit)
        session.insert(counter, {"name": "x1", "value": 1})
        for name in ("x1", "x9"):
            session.update_guarded(step, {"of": name, "value": 3}, lambda: LookupError("no row"))
        with pytest.raises(LookupError, match="no row"):
            unit.commit()
    with store(reading=True) as unit:
        assert values(session_of(unit)) == {}


def test_answers_are_remembered_until_the_transaction_ends(store: Store) -> None:
    asked: list[list[str]] = []

    def read(names: list[str]) -> dict[str, int]:
        asked.append(names)
        return {"a": 1}

    with store() as unit:
        session = session_of(unit)
        cache: ReadCache[str, int] = ReadCache(session)
        for _ in range(2):
            assert cache.get_many(["a", "b"], read, 0) == {"a": 1, "b": 0}
        assert asked == [["a", "b"]]
        with pytest.raises(RuntimeError), unit.savepoint():
            raise RuntimeError
        assert cache.get_many(["a"], read, 0) == {"a": 1}
        assert asked[1:] == [["a"]]
        reading: ReadCache[str, int] = ReadCache(session, reading=True)
        assert [reading.get_many(["a"], read, 0) for _ in "ab"] == [{"a": 1}, {"a": 1}]
        assert asked[2:] == [["a"], ["a"]]


def test_numbers_have_no_gaps_and_are_never_given_twice(store: Store) -> None:
    with store() as unit:
        first = [unit.tickets.new_number() for _ in range(3)]
        unit.commit()
    with store() as unit:
        unit.tickets.new_number()  # given back: nothing was committed
    with store() as unit:
        unit.expect(mails=5, new_tickets=2)
        later = [unit.tickets.new_number() for _ in range(3)]
        unit.commit()
    assert first == [1, 2, 3]
    assert len(set(first + later)) == 6
    assert sorted(later) == later
