"""Two nodes on one PostgreSQL tick for the same steps, and one of them is stopped in the middle of its work."""

from __future__ import annotations

import shutil
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime, timedelta

import pytest
import sqlalchemy as sa
from sqlalchemy.engine import Connection

from tests.rig.crowd import add_tickets, steps_of
from tests.rig.daemon import MaildRig
from tests.rig.waiting import wait_until

MANY, FEW = 1000, 300
IN_HAND = 100  # tickets in one transaction of a tick
HOLD_SECONDS = 90.0  # of the long form; a node that stands still is given up after a minute
PATIENCE = 240.0
PLAN = """
[[sla_plan]]
name = "default"
calendar = "always"
resolution = "1h"
[[sla_plan.step]]
at = "100%"
notify = ["assignee"]
"""
AT_WORK = "state = 'idle in transaction' and backend_xid is not null"  # it has written, and thinks


class Nodes:
    """Two installations on one database, with many steps due; and a look at what they do in it."""

    def __init__(self, new_maild: Callable[[], MaildRig], url: str, connection: Connection, steps: int) -> None:
        self.steps = steps
        self.first, self.second = new_maild(), new_maild()
        shutil.copy(self.first.folder / "token-key", self.second.folder / "token-key")
        for name, node in (("first", self.first), ("second", self.second)):
            node.configure(PLAN, store=f"{url}&application_name={name}")
        self.url = url
        self._connection = connection

    def ask(self, query: str) -> int:
        return int(self._connection.scalar(sa.text(query)) or 0)

    def done(self) -> int:
        return self.ask("select count(*) from sla_step")

    def at_work(self, name: str) -> bool:
        found = f"select count(*) from pg_stat_activity where application_name = '{name}' and {AT_WORK}"
        return self.ask(found) > 0

    def waits(self, name: str) -> bool:
        found = f"select count(*) from pg_stat_activity where application_name = '{name}' and wait_event_type = 'Lock'"
        return self.ask(found) > 0


@pytest.fixture
def nodes(request: pytest.FixtureRequest, new_maild: Callable[[], MaildRig], postgres_url: str) -> Iterator[Nodes]:
    engine = sa.create_engine(postgres_url, isolation_level="AUTOCOMMIT")
    with closing(engine.connect()) as connection:
        made = Nodes(new_maild, postgres_url, connection, request.param)
        add_tickets(made.first.config, made.steps, datetime.now(UTC) - timedelta(hours=2), ("jane",))
        yield made
    engine.dispose()


@contextmanager
def stopped_at_work(nodes: Nodes) -> Iterator[None]:
    """The first node stands still in this block, with a transaction in which it has written; then it goes on."""
    node = nodes.first

    def caught() -> bool:
        if not nodes.at_work("first"):
            assert nodes.done() < nodes.steps, "all was done before the node could be stopped"
            return False
        node.signal(signal.SIGSTOP)
        if nodes.at_work("first"):
            return True
        node.signal(signal.SIGCONT)
        return False

    wait_until(caught, PATIENCE, "the first node to be in the middle of a batch")
    try:
        yield
    finally:
        node.signal(signal.SIGCONT)


def assert_each_once(nodes: Nodes, tickets: int) -> None:
    """Every step in the ledger, in its ticket's history once, and nobody told twice of a ticket."""
    assert nodes.done() == tickets
    steps = steps_of(nodes.url)
    assert len(steps) == len(set(steps)) == tickets
    assert {ticket for ticket, *_ in steps} == set(range(1, tickets + 1))
    twice = """select ticket, to_key from outbox where ticket is not null and template like 'sla-%'
               group by ticket, to_key having count(*) > 1"""
    assert nodes.ask(f"select count(*) from ({twice}) as told") == 0
    for node in (nodes.first, nodes.second):
        assert "cannot be handled" not in node.log


@pytest.mark.door
@pytest.mark.parametrize("nodes", [FEW], indirect=True)
def test_steps_fire_once_each_while_a_node_is_stopped_and_goes_on(nodes: Nodes) -> None:
    nodes.first.start(measured=False, ready=False)
    nodes.second.start(measured=False, ready=False)
    with stopped_at_work(nodes):
        # The other one does all that is left, unless it needs something that the stopped one has written.
        rest = nodes.steps - IN_HAND
        wait_until(lambda: nodes.done() >= rest or nodes.waits("second"), PATIENCE, "the second node to go on")
        assert nodes.done() < nodes.steps
    wait_until(lambda: nodes.done() == nodes.steps, PATIENCE, "all steps to be done")
    assert nodes.first.end() == 0
    assert nodes.second.end() == 0
    assert_each_once(nodes, nodes.steps)


@pytest.mark.soak
@pytest.mark.door
@pytest.mark.timeout(0)
@pytest.mark.parametrize("nodes", [MANY], indirect=True)
def test_a_node_that_stands_still_is_given_up_and_does_no_harm_when_it_goes_on(nodes: Nodes) -> None:
    nodes.first.start(measured=False, ready=False)
    nodes.second.start(measured=False, ready=False)
    with stopped_at_work(nodes):
        began = time.monotonic()
        wait_until(lambda: nodes.done() == MANY, HOLD_SECONDS, "the second node to do all of it alone")
        alone = time.monotonic() - began
        time.sleep(max(0.0, HOLD_SECONDS - alone))
    # The first one has come round when it does what became due meanwhile, and can do that alone.
    assert nodes.second.end() == 0
    add_tickets(nodes.first.config, 1, datetime.now(UTC) - timedelta(hours=2), ("jane",))
    wait_until(lambda: nodes.done() == MANY + 1, PATIENCE, "the first node to tick again")
    assert nodes.first.end() == 0
    print(f"\n{MANY} steps, one node stopped for {HOLD_SECONDS:g} s; the other had done all after {alone:.0f} s")
    assert_each_once(nodes, MANY + 1)
