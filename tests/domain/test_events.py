"""Facts: their records lie in databases for years, and what is folded from them is the ticket."""

import json
from dataclasses import MISSING, fields
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from maild.domain.people.directory import Address, Person, Role
from maild.domain.tickets import events
from maild.domain.tickets.event_records import from_detail, to_detail
from maild.domain.tickets.events import KINDS, Actor, Event
from tests.domain.facts import EXAMPLES
from tests.rig.misses import in_turn

_TEXT = st.text(max_size=20)
_LOCAL = st.text(alphabet="abcXYZ019.!#$%&'*+/=?^_`{|}~-\u00e9\u00fc\u4e2d", min_size=1, max_size=12)
_PEOPLE = st.builds(Person, st.builds(lambda local: Address(local, "client.example"), _LOCAL), _TEXT)
_TIMES = st.datetimes(datetime(1990, 1, 1), datetime(2100, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001
_VALUES: dict[str, st.SearchStrategy[Any]] = {
    "str": _TEXT,
    "int": st.integers(0, 2**40),
    "int | None": st.none() | st.integers(1, 2**40),
    "bool": st.booleans(),
    "datetime": _TIMES,
    "datetime | None": st.none() | _TIMES,
    "Person": _PEOPLE,
    "tuple[str, ...]": st.lists(_TEXT, max_size=3).map(tuple),
    "tuple[int, ...]": st.lists(st.integers(1, 2**40), max_size=3).map(tuple),
    "tuple[Person, ...]": st.lists(_PEOPLE, max_size=3).map(tuple),
}
_ACTORS = st.builds(Actor, st.sampled_from(Role), _TEXT, _TEXT)


def _any(event_class: type[Event]) -> st.SearchStrategy[Event]:
    own = {f.name: _VALUES[str(f.type)] for f in fields(event_class) if f.name not in ("at", "by", "entry")}
    return st.builds(event_class, at=_TIMES, by=_ACTORS, entry=st.none() | st.integers(0, 2**40), **own)


def _through_a_record(event: Event) -> Event:
    """Written to a database and read again: the detail as JSON, what every event has in columns."""
    record = json.loads(json.dumps(to_detail(event)))
    return from_detail(event.kind, record, at=event.at, by=event.by, entry=event.entry)


@given(st.one_of([_any(event_class) for event_class in KINDS.values()]))
def test_every_fact_comes_back_from_its_record_as_it_was(event):
    assert _through_a_record(event) == event


def test_every_class_of_facts_is_in_the_table_once_and_has_an_example():
    classes = {value for value in vars(events).values() if isinstance(value, type) and issubclass(value, Event)}
    assert classes - {Event} == set(KINDS.values())
    assert set(EXAMPLES) == set(KINDS)


@in_turn("kind", sorted(EXAMPLES))
def test_a_record_keeps_its_shape(kind):
    """These records lie in databases: a change here needs a new VERSION and a reader for the old one."""
    event, record = EXAMPLES[kind]
    assert event.kind == kind
    assert to_detail(event) == {"v": 1} | record
    assert from_detail(kind, {"v": 1} | record, at=event.at, by=event.by, entry=event.entry) == event


@in_turn("kind", sorted(EXAMPLES))
def test_a_record_from_before_a_field_was_added_is_read_with_its_default(kind):
    event, record = EXAMPLES[kind]
    required = {f.name for f in fields(type(event)) if f.default is MISSING}
    old = {name: value for name, value in record.items() if name in required}
    read = from_detail(kind, old, at=event.at, by=event.by, entry=event.entry)
    assert to_detail(read) == to_detail(read) | {name: record[name] for name in old}


@pytest.mark.parametrize(("kind", "version"), [("noted", 2), ("noted", 99), ("hovered", 1), ("Noted", 1), ("", 1)])
def test_a_record_of_a_newer_program_is_refused_with_the_remedy(kind, version):
    with pytest.raises(ValueError, match="upgrade maild"):
        from_detail(kind, {"v": version}, at=datetime(2026, 5, 4, tzinfo=UTC), by=events.SYSTEM, entry=None)


@pytest.mark.parametrize(
    ("actor", "word"),
    [
        (Actor(Role.AGENT, "jane", "jane@acme.example"), "jane"),
        (Actor(Role.REQUESTER, address="karen@client.example"), "karen@client.example"),
        (Actor(Role.SYSTEM, "SLA"), "SLA"),
        (events.SYSTEM, "system"),
    ],
)
def test_an_actor_is_one_word_in_lists(actor, word):
    assert actor.shown == word


def test_a_time_keeps_its_microseconds():
    at = datetime(2026, 5, 4, 9, 0, 0, 123456, tzinfo=UTC)
    waiting = events.StatusChanged(at=at, status="waiting", previous="open", until=at + timedelta(days=1))
    assert _through_a_record(waiting) == waiting
