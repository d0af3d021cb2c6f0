"""Full text on both databases: what is found, what is found no more, and that an index holds no erased word."""

from pathlib import Path

import pytest
import sqlalchemy as sa
from alembic import command
from alembic.config import Config

from maild.domain.people.directory import Address, Person, Role
from maild.domain.tickets import events
from maild.domain.tickets.events import Actor
from maild.domain.tickets.search_words import alike, terms_of
from maild.domain.tickets.ticket import Ticket, fold
from maild.domain.tickets.visibility import Sight
from maild.ports import Listing, StoredEntry
from maild.store import migrate
from maild.store.engine import make_engine
from maild.store.unit_of_work import Store
from tests.store.conftest import MINUTE, NOW

MIGRATIONS = Path(migrate.__file__).parent / "migrations"

BOB = Person(Address.of("bob@client.example"), "Bob Müller")
REQUESTER = Actor(Role.REQUESTER, address="bob@client.example")
AGENT = Actor(Role.AGENT, "jane", "jane@acme.example")


@pytest.fixture
def unit(store):
    with store() as opened_unit:
        yield opened_unit


def opened(subject="Printer on fire", **more):
    values = {"requester": BOB, "department": "support", "subject": subject} | more
    return events.Opened(at=NOW, by=REQUESTER, **values)


def add(unit, subject: str, *texts: str, **more) -> int:
    number = unit.tickets.new_number()
    for text in texts:
        unit.tickets.add_entry(entry(number, text))
    facts = (opened(subject, **more),)
    unit.tickets.append(fold(number, facts), facts, f"<root.{number}@acme.example>")
    return number


def entry(number: int, text: str, kind: str = "message") -> StoredEntry:
    return StoredEntry(id=0, ticket=number, kind=kind, author=REQUESTER, author_name="Bob Müller", at=NOW, text=text)


def happens(unit, number: int, fact: events.Event) -> Ticket:
    after = fold(number, (*unit.tickets.history(number), fact))
    unit.tickets.append(after, (fact,), "")
    return after


def found(unit, *words: str, limit: int = 10, **wanted) -> list[int]:
    return [hit.ticket.number for hit in unit.search.find(terms_of(words), Listing(**wanted), limit)]


def test_a_ticket_is_found_by_subject_text_and_people(unit):
    one = add(unit, "Printer on fire", "It smokes since this morning.")
    two = add(
        unit, "Slow printer", "Ten minutes a page.", participants=(Person(Address.of("eve@other.example"), "Eve"),)
    )
    assert set(found(unit, "printer")) == {one, two}
    assert found(unit, "smokes") == [one]
    assert found(unit, "Eve") == found(unit, "eve@other.example") == [two]
    assert set(found(unit, "müller")) == set(found(unit, "MULLER")) == {one, two}
    assert found(unit, "printer", "smokes") == [one]  # in the subject, and in the text
    assert found(unit, "nothing") == found(unit) == []


def test_phrases_and_open_ends(unit):
    one = add(unit, "Paper jam in tray 2")
    two = add(unit, "Jam on the paper", "traytable")
    assert found(unit, "paper jam") == [one]
    assert found(unit, "tray") == [one]
    assert set(found(unit, "tray*")) == {one, two}
    assert found(unit, "bob müller pap*") == []


def test_scripts_without_blanks_are_found_by_a_part(unit):
    one = add(unit, "プリンターが故障しました")
    add(unit, "障害の故")
    assert found(unit, "故障") == [one]


def test_operators_and_quotes_are_only_words(unit):
    one = add(unit, "NOT or AND near(", 'say "hello" OR bye & co <-> : * \' \\ ')
    stand_there = ('"hello"', "NOT", "near(", "OR", "& co")
    do_not = ("a' | 'b", "hello -bye", "subject:hello", "':*", "\\", "\0")
    expected = {words: [one] for words in stand_there} | {words: [] for words in do_not}
    assert {words: found(unit, words) for words in expected} == expected


def test_the_subject_counts_more_than_a_mention(unit):
    add(unit, "Something else", "the toner, the toner")
    title = add(unit, "Toner empty", "please bring some")
    for _ in range(3):
        add(unit, "Another matter", "not about that at all")
    assert found(unit, "toner")[0] == title
    assert found(unit, "toner", limit=1) == [title]


def test_what_comes_later_is_found_as_well(unit):
    one = add(unit, "Printer on fire", "It smokes.")
    unit.tickets.add_entry(entry(one, "The extinguisher is empty.", "note"))
    assert found(unit, "extinguisher") == [one]
    assert found(unit, "smokes") == [one]


def test_a_new_title_replaces_the_old_one(unit):
    one = add(unit, "Printer on fire")
    happens(unit, one, events.Retitled(at=NOW, subject="Scanner melts", previous="Printer on fire"))
    assert found(unit, "printer") == []
    assert found(unit, "scanner") == [one]


def test_people_who_join_and_leave(unit):
    one = add(unit, "Printer on fire")
    happens(unit, one, events.ParticipantAdded(at=NOW, person=Person(Address.of("eve@other.example"), "Eve")))
    assert found(unit, "eve") == [one]
    happens(unit, one, events.ParticipantRemoved(at=NOW, person=Person(Address.of("eve@other.example"), "Eve")))
    assert found(unit, "eve") == []
    sue = Person(Address.of("sue@other.example"), "Sue")
    happens(unit, one, events.RequesterChanged(at=NOW, requester=sue, previous="bob@client.example"))
    assert found(unit, "sue") == [one]


def test_only_what_somebody_may_see_is_found(unit):
    open_ = add(unit, "Salary printer", department="support")
    private = add(unit, "Salary list", "the note says so", department="personnel")
    mine = add(unit, "Salary of mine", department="personnel", assignee="jane")
    jane = Sight("jane", ("support",))
    assert set(found(unit, "salary", sight=jane)) == {open_, mine}
    assert set(found(unit, "salary", sight=Sight("boss", (), (), ("personnel",)))) == {open_}
    assert set(found(unit, "salary", sight=Sight("ann", ("personnel",)))) == {private, mine}
    assert found(unit, "note", sight=jane) == []


def test_a_search_takes_the_conditions_of_lists(unit):
    one = add(unit, "Toner empty", tags=("vip",))
    two = add(unit, "Toner full", assignee="jane")
    happens(unit, two, events.StatusChanged(at=NOW, status="closed", previous="open"))
    assert found(unit, "toner", statuses=("closed",)) == [two]
    assert found(unit, "toner", tag="vip") == [one]
    assert found(unit, "toner", assignee="jane") == [two]
    assert found(unit, "toner", created_since=NOW + MINUTE) == []


def test_similar_tickets_share_most_words(unit):
    one = add(unit, "Excel does not start", "after the update")
    add(unit, "Word does not start")
    add(unit, "Excel is slow")

    def similar(subject: str) -> list[int]:
        return [hit.ticket.number for hit in unit.search.find(alike(subject), Listing(), 5)]

    assert similar("excel cannot start any more") == []  # more, any: three words and two of them elsewhere
    assert similar("Start of Excel") == [one]


def add_and_fail(unit, ticket: int) -> None:
    with unit.savepoint():
        unit.tickets.add_entry(entry(ticket, "cartridge"))
        Address.of("this goes wrong")


def test_what_is_rolled_back_is_not_found(store):
    with store() as unit:
        kept = add(unit, "Toner here")
        with pytest.raises(ValueError, match="is not an address"):
            add_and_fail(unit, kept)
        unit.commit()
    with store() as unit:
        add(unit, "Toner gone")
    with store(reading=True) as unit:
        assert found(unit, "toner") == [kept]
        assert found(unit, "cartridge") == []


def test_a_very_long_thread_is_read_from_its_end(unit):
    one = add(unit, "Log", "beginning " + "line " * 50_000)
    unit.tickets.add_entry(entry(one, "the newest word is ending"))
    assert found(unit, "ending") == [one]
    assert found(unit, "log") == [one]


def test_an_erased_text_is_in_no_index(store, url, tmp_path):
    with store() as unit:
        one = add(unit, "Contract", "quixotic zymurgy")
        two = add(unit, "Contract two", "harmless")
        unit.commit()
    secret = sa.text("UPDATE entry SET text = 'erased' WHERE text LIKE 'quixotic%'")
    with store() as unit:
        assert found(unit, "zymurgy") == [one]
        unit._connection.execute(secret)
        unit.search.renew(one)
        assert found(unit, "zymurgy") == []
        assert found(unit, "erased") == [one]
        unit.search.forget(one)
        unit.commit()
    with store(reading=True) as unit:
        assert found(unit, "contract") == [two]
    store.close()
    if url.startswith("sqlite"):
        engine = make_engine(url)
        with engine.connect() as connection:
            raw = connection.connection.driver_connection
            raw.rollback()
            raw.execute("pragma wal_checkpoint(truncate)")
        engine.dispose()
        # The ledger of entries is wiped by secure_delete, the index by its own rewriting.
        assert b"zymurgy" not in (tmp_path / "maild.db").read_bytes()


def test_the_index_agrees_with_its_documents(tmp_path):
    store = Store(f"sqlite:///{tmp_path}/maild.db", "node")
    store.migrate()
    with store() as unit:
        one = add(unit, "Printer", "a", "b")
        unit.tickets.add_entry(entry(one, "c"))
        happens(unit, one, events.Retitled(at=NOW, subject="Scanner", previous="Printer"))
        unit._connection.execute(sa.text("INSERT INTO search_index(search_index, rank) VALUES ('integrity-check', 1)"))
        unit.commit()
    store.close()


def test_tickets_from_before_the_search_are_found(tmp_path):
    """A database of the version before the search has tickets: the migration makes their words found."""
    url = f"sqlite:///{tmp_path}/maild.db"
    migrated_to("0002", url)
    # Today's program cannot write yesterday's tables: the rows come by way of a database of today.
    ticket, said = rows_of_a_ticket(tmp_path / "today", "Printer on fire", "It smokes.")
    engine = make_engine(url)
    with engine.begin() as connection:
        for table, rows in (("ticket", ticket), ("entry", said)):
            then = {column["name"] for column in sa.inspect(connection).get_columns(table)}
            for row in rows:
                kept = {name: value for name, value in row.items() if name in then}
                names, marks = ", ".join(kept), ", ".join(f":{name}" for name in kept)
                connection.execute(sa.text(f"INSERT INTO {table} ({names}) VALUES ({marks})"), kept)
    engine.dispose()
    store = Store(url, "node")
    store.migrate()
    with store(reading=True) as unit:
        assert found(unit, "smokes") == [1]
    store.close()


def migrated_to(version, url):
    """An empty database as the version with this name of migration left it."""
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    engine = make_engine(url)
    with engine.begin() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, version)
    engine.dispose()


def rows_of_a_ticket(folder, subject, *texts):
    """(rows of ticket, rows of entry) as the database holds them for one ticket."""
    folder.mkdir()
    store = Store(f"sqlite:///{folder}/maild.db", "node")
    store.migrate()
    with store() as unit:
        add(unit, subject, *texts)
        unit.commit()
    with store() as unit:
        rows = [
            [dict(row) for row in unit._connection.execute(sa.text(f"SELECT * FROM {table}")).mappings()]
            for table in ("ticket", "entry")
        ]
    store.close()
    return rows


def test_sqlite_asks_the_words_first(tmp_path):
    """The words lead, and each ticket that has them is fetched by its number: never the other way round."""
    store = Store(f"sqlite:///{tmp_path}/maild.db", "node")
    store.migrate()
    plans: list[str] = []

    @sa.event.listens_for(store._writing, "before_cursor_execute")
    def note(connection, cursor, statement, parameters, context, many):
        if "search_index MATCH" in statement:
            plan = cursor.execute(f"explain query plan {statement}", parameters).fetchall()
            plans.append("\n".join(str(row[3]) for row in plan))

    with store() as unit:
        found(unit, "toner", statuses=("open",), sight=Sight("jane", ("support",)))
    store.close()
    (plan,) = plans
    assert "SCAN search_index VIRTUAL TABLE INDEX" in plan
    assert "SEARCH ticket USING INDEX" in plan
    assert "(number=?)" in plan
    assert "SCAN ticket" not in plan
