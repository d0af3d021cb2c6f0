"""The daemon was down for three days while five hundred promises were broken: told once, and never again."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime, timedelta

import pytest

from tests.rig.crowd import add_tickets
from tests.rig.daemon import MaildRig
from tests.rig.waiting import wait_until

BREACHES = 500
DOWN = timedelta(days=3)
PATIENCE = 120.0
AGENTS = ("ann", "bob", "cleo")
PEOPLE = "\n".join(
    f'[[agent]]\nname = "{name}"\naddresses = ["{name}@help.test"]\ndepartments = ["support"]' for name in AGENTS
)
PLAN = """
[[sla_plan]]
name = "default"
calendar = "always"
resolution = "4h"
[[sla_plan.step]]
at = "100%"
notify = ["assignee"]
"""
FIRED = "select ticket, json_extract(detail, '$.step') from event where kind = 'escalated'"


def steps(maild: MaildRig) -> Counter[tuple[int, str]]:
    return Counter((int(ticket), str(step)) for ticket, step in maild.rows(FIRED))


def mails(maild: MaildRig) -> Counter[str]:
    """How many mails each agent is sent."""
    return Counter(str(to) for (to,) in maild.rows("select to_address from outbox where state <> 'dropped'"))


@pytest.fixture
def broken(maild: MaildRig) -> set[tuple[int, str]]:
    """The steps that came due while nobody looked."""
    maild.configure(PEOPLE, PLAN)
    numbers = add_tickets(
        maild.config, BREACHES, datetime.now(UTC) - DOWN, AGENTS, apart=(DOWN - timedelta(hours=5)) / BREACHES
    )
    return {(number, "100%") for number in numbers}


def test_each_step_is_recorded_once_and_each_person_gets_one_mail(
    maild: MaildRig, broken: set[tuple[int, str]]
) -> None:
    maild.start(measured=False)
    wait_until(lambda: len(steps(maild)) >= BREACHES, PATIENCE, "all steps to be recorded")
    wait_until(maild.drained, PATIENCE, "the mails to leave")
    assert steps(maild) == Counter(broken)
    assert maild.value("select count(*) from sla_step") == BREACHES
    assert mails(maild) == Counter({f"{name}@help.test": 1 for name in AGENTS})
    assert maild.end() == 0

    before = maild.value("select count(*) from outbox")
    maild.start(measured=False)
    # A tick has come round when it did the work of one more ticket.
    (fresh,) = add_tickets(maild.config, 1, datetime.now(UTC) - timedelta(hours=4), AGENTS)
    wait_until(lambda: (fresh, "100%") in steps(maild), PATIENCE, "a tick after the second start")
    assert maild.end() == 0
    assert steps(maild) == Counter({*broken, (fresh, "100%")})
    assert maild.value("select count(*) from outbox") == before + 1
