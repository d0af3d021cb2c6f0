"""Measures lists, search and a digest with 10,000 and with 100,000 tickets, most of them closed.

Both databases have 1,000 open tickets and 2,000 that ended in the last month, with the highest numbers. They differ
only in older tickets. A query that takes longer in the larger database reads what it does not need. A word that is in
every ticket is the worst case of a search.

    python bench/lists.py [--small 10000] [--large 100000]
"""

from __future__ import annotations

import argparse
import random
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import sqlalchemy as sa
from _corpus import prose
from _tickets import ends_of

from maild.domain.commands.arguments import Surroundings
from maild.domain.people.directory import Address, Agent, AgentRole, Department, Directory, Person
from maild.domain.queries.parsing import MOST_ROWS, read_question
from maild.domain.query import FindQuery, ListQuery, Query
from maild.domain.tickets import events
from maild.domain.tickets.search_words import alike, words_of
from maild.domain.tickets.ticket import Ticket, fold
from maild.domain.tickets.visibility import sight_of
from maild.ports import Listing, Order, UnitOfWork
from maild.services.listing import found_by, listing_of
from maild.store import rows
from maild.store.schema import search_doc, ticket
from maild.store.unit_of_work import Store

NOW = datetime(2026, 5, 4, 9, 0, tzinfo=UTC)
OPEN, RECENT = 1_000, 2_000
RUNS = 15
CHUNK = 2_000
DEPARTMENTS = ("support", "sales", "personnel", "banking")
AGENTS = tuple(
    Agent(name, (Address.of(f"{name}@acme.example"),), "", (department,))
    for name, department in (("jane", "support"), ("joe", "sales"), ("sue", "personnel"), ("tom", "banking"))
)
BOSS = Agent("boss", (Address.of("boss@acme.example"),), "", (), AgentRole.MANAGER)
DIRECTORY = Directory((*AGENTS, BOSS), (), tuple(Department(name, private=name == "personnel") for name in DEPARTMENTS))


def made(number: int, closed_at: datetime | None, chance: random.Random) -> tuple[Ticket, datetime | None, str]:
    """Return a ticket with its deadline and the text of its thread."""
    opened = (closed_at or NOW) - timedelta(hours=chance.randrange(1, 200))
    subject = f"Case {number}: " + " ".join(prose(chance, 30).split()[:4])
    person = Person(
        Address.of(f"p{chance.randrange(500)}@company{chance.randrange(50)}.example"), f"Person {number % 500}"
    )
    assignee = chance.choice((*(agent.name for agent in AGENTS), ""))
    opening = events.Opened(
        at=opened, requester=person, subject=subject, department=chance.choice(DEPARTMENTS), assignee=assignee
    )
    history: list[events.Event] = [opening]
    if closed_at is not None:
        history.append(events.StatusChanged(at=closed_at, status="closed", previous="open"))
    due = None if closed_at else NOW + timedelta(hours=chance.randrange(-20, 100))
    toner = " the toner cartridge of tray seven" if number % 500 == 0 else ""
    return fold(number, tuple(history)), due, prose(chance, 200) + toner


def fill(store: Store, count: int) -> None:
    """Write open tickets, tickets that ended this month, and older ones over ten years, in bulk."""
    chance = random.Random(1)
    moments = ends_of(count, OPEN, RECENT, NOW, chance)
    for begin in range(0, count, CHUNK):
        batch = [made(begin + i + 1, at, chance) for i, at in enumerate(moments[begin : begin + CHUNK])]
        with store() as unit:
            connection = unit._connection
            values = [rows.ticket_values(t) | {"root_id": f"<{t.number}>", "due_at": due} for t, due, _ in batch]
            connection.execute(sa.insert(ticket), values)
            documents = [
                {
                    "ticket": t.number,
                    "subject": " ".join(words_of(t.subject)),
                    "people": " ".join(words_of(f"{t.requester.name} {t.requester.address}")),
                    "text": " ".join(words_of(text)),
                }
                for t, _, text in batch
            ]
            connection.execute(sa.insert(search_doc), documents)
            unit.commit()


def asked(line: str, agent: Agent) -> Query:
    """Return a query line as an agent would write it in a mail."""
    here = Surroundings(directory=DIRECTORY, plans=(), zone="UTC", now=NOW, speaker=agent)
    found = read_question(line, here)
    assert isinstance(found, Query), found
    return found


def questions() -> Iterator[tuple[str, Callable[[UnitOfWork], int]]]:
    """Yield each query with the function that answers it and returns the number of rows."""

    def listed(line: str, agent: Agent) -> Callable[[UnitOfWork], int]:
        query = asked(line, agent).asked
        assert isinstance(query, ListQuery)
        wanted = listing_of(query.filter, NOW, sight_of(agent, DIRECTORY), MOST_ROWS + 1)
        return lambda unit: len(unit.tickets.listing(wanted))

    def sought(line: str, agent: Agent) -> Callable[[UnitOfWork], int]:
        query = asked(line, agent).asked
        assert isinstance(query, FindQuery)
        return lambda unit: len(found_by(unit, query, NOW, sight_of(agent, DIRECTORY), MOST_ROWS))

    def similar(unit: UnitOfWork) -> int:
        solved = Listing(statuses=("resolved", "closed"), sight=sight_of(AGENTS[0], DIRECTORY))
        return len(unit.search.find(alike("toner cartridge of tray empty"), solved, 3))

    def digest(unit: UnitOfWork) -> int:
        """Read what a digest needs for one agent: overdue, due within four hours, own and unassigned tickets."""
        common = Listing(
            statuses=("open", "waiting"), sight=sight_of(AGENTS[0], DIRECTORY), order=Order.DUE, limit=MOST_ROWS
        )
        wanted = (
            replace(common, overdue_at=NOW),
            replace(common, overdue_at=NOW + timedelta(hours=4)),
            replace(common, assignee="jane", not_snoozed_at=NOW),
            replace(common, unassigned=True, not_snoozed_at=NOW),
        )
        return sum(len(unit.tickets.listing(each)) for each in wanted)

    for line in (
        "list open mine",
        "list overdue dept=support",
        "list unassigned",
        "list closed 30d",
        "list from:company7.example 30d",
    ):
        yield line, listed(line, AGENTS[0])
    yield "list closed 30d, a manager's", listed("list closed 30d", BOSS)
    for line in (
        "find toner",
        'find "toner cartridge" tray',
        "find monitor",
        "find monitor status=open",
        "find nothinglikeit",
    ):
        yield line, sought(line, AGENTS[0])
    yield "seen before", similar
    yield "digest of one agent", digest


def measured(store: Store) -> dict[str, tuple[float, int]]:
    """Return query -> (median milliseconds of RUNS, rows)."""
    found = {}
    for name, answer in questions():
        spans = []
        for _ in range(RUNS):
            begun = time.perf_counter()
            with store(reading=True) as unit:
                count = answer(unit)
            spans.append((time.perf_counter() - begun) * 1000)
        found[name] = (statistics.median(spans), count)
    return found


def main() -> None:
    """Measure both databases and print a table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--small", type=int, default=10_000)
    parser.add_argument("--large", type=int, default=100_000)
    given = parser.parse_args()
    answers = {}
    for count in (given.small, given.large):
        with tempfile.TemporaryDirectory() as folder:
            store = Store(f"sqlite:///{Path(folder) / 'maild.db'}", "bench")
            store.migrate()
            begun = time.perf_counter()
            fill(store, count)
            size = (Path(folder) / "maild.db").stat().st_size / 1e6
            print(f"{count:,} tickets written in {time.perf_counter() - begun:.0f} s, {size:.0f} MB")
            answers[count] = measured(store)
            store.close()
    print(f"\n{'question':36}{f'{given.small:,}':>12}{f'{given.large:,}':>12}{'times':>8}{'rows':>7}")
    for name, (large, count) in answers[given.large].items():
        small = answers[given.small][name][0]
        print(f"{name:36}{small:9.2f} ms{large:9.2f} ms{large / small:8.1f}{count:7}")


if __name__ == "__main__":
    main()
