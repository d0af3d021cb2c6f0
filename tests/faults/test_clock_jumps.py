"""The machine's clock is put forward, back, stands still, or goes through the nights of a change: each step fires once.

The daemon's own sweeps come every moment here, instead of every few seconds: the tests wait for them."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from tests.domain.sla_oracle import MINUTE, Hours, after, open_minutes, window_start
from tests.rig.crowd import add_tickets
from tests.rig.daemon import MaildRig
from tests.rig.faketime import WallClock
from tests.rig.waiting import wait_until

HOUR, YEAR = timedelta(hours=1), timedelta(days=365)
FASTER = "ticker.SWEEP_SECONDS, ticker.GUARD_SECONDS = 0.2, 0.6"
QUICK = ("-c", f"from maild.daemon import ticker; {FASTER}; from maild.cli import main; main()")
PATIENCE = 60.0
PLAN = """
[[sla_plan]]
name = "default"
calendar = "always"
resolution = "1h"
[[sla_plan.step]]
at = "50%"
notify = ["assignee"]
[[sla_plan.step]]
at = "100%"
notify = ["assignee"]
"""
Step = tuple[int, str]


def fired(maild: MaildRig) -> list[Step]:
    """(ticket, step) of all that fired, by the tickets' histories; twice what fired twice."""
    steps = "select ticket, json_extract(detail, '$.step') from event where kind = 'escalated'"
    return sorted((int(ticket), str(step)) for ticket, step in maild.rows(steps))


def told(maild: MaildRig) -> int:
    return int(maild.value("select count(*) from outbox where template like 'sla-%'"))


def wait_for(maild: MaildRig, steps: list[Step]) -> None:
    """Return when at least these have fired."""
    wait_until(lambda: set(steps) <= set(fired(maild)), PATIENCE, f"{steps} among {fired(maild)}")


@pytest.fixture
def ticking(maild: MaildRig, wall_clock: WallClock) -> Callable[[], None]:
    """The daemon runs by that clock, and has a ticket that was just opened. What it gives says that a tick has come
    round since: one that did the work of a fresh ticket."""
    maild.configure(PLAN)
    add_tickets(maild.config, 1, wall_clock.now(), ("jane",))
    maild.start(environment=wall_clock.environment(), program=QUICK, measured=False)

    def round_has_come() -> None:
        (number,) = add_tickets(maild.config, 1, wall_clock.now() - 40 * MINUTE, ("jane",))
        wait_for(maild, [(number, "50%")])

    return round_has_come


@pytest.mark.parametrize("span", [HOUR, 10 * YEAR], ids=["an hour", "ten years"])
def test_a_clock_that_jumps_to_and_fro_fires_each_step_once(
    span: timedelta, maild: MaildRig, wall_clock: WallClock, ticking: Callable[[], None]
) -> None:
    start = wall_clock.now()
    ticking()
    assert fired(maild) == [(2, "50%")]
    wall_clock.set(start - span)
    ticking()  # a clock that was put back keeps nobody waiting
    assert fired(maild) == [(2, "50%"), (3, "50%")]
    wall_clock.set(start + span)
    wait_for(maild, [(number, step) for number in (1, 2, 3) for step in ("50%", "100%")])
    mails = told(maild)
    wall_clock.set(start)
    ticking()
    wall_clock.set(start + span)
    wait_for(maild, [(4, "100%")])
    ticking()
    assert maild.end() == 0
    everything = [(number, step) for number in (1, 2, 3, 4) for step in ("100%", "50%")]
    assert sorted(fired(maild)) == sorted([*everything, (5, "50%")])
    assert told(maild) == mails + 3  # the fourth ticket's two steps, and the fifth's first
    assert maild.log.count(" clock-stepped ") == 4
    assert "Traceback" not in maild.log


def test_a_clock_that_stands_still_stops_no_tick(
    maild: MaildRig, wall_clock: WallClock, ticking: Callable[[], None]
) -> None:
    wall_clock.set(wall_clock.now() + 31 * MINUTE)
    wait_for(maild, [(1, "50%")])
    wall_clock.stop()
    ticking()
    ticking()
    wall_clock.set(wall_clock.now() + 31 * MINUTE)
    wait_for(maild, [(1, "100%")])
    assert maild.end() == 0
    assert len(fired(maild)) == len(set(fired(maild)))


# -- the nights of 2026 -----------------------------------------------------------------------------------------------

# In Berlin clocks go from 02:00 to 03:00, and from 03:00 to 02:00; in São Paulo nothing happens any more. The machine
# itself lives in the one place or the other.
NIGHTS = [(date(2026, 3, 29), "Europe/Berlin"), (date(2026, 10, 25), "America/Sao_Paulo")]
ZONES = ("Europe/Berlin", "America/Sao_Paulo")
OPEN = Hours((((15, 360),),) * 7)  # a quarter past midnight to six, every day
HOURS = ", ".join(f'{day} = "00:15-06:00"' for day in ("mon", "tue", "wed", "thu", "fri", "sat", "sun"))
NIGHT_PLAN = """
[[calendar]]
name = "{zone}"
timezone = "{zone}"
open = {{ {hours} }}
[[sla_plan]]
name = "{zone}"
calendar = "{zone}"
resolution = "1h"
[[sla_plan.step]]
at = "100%"
notify = ["assignee"]
"""
TICKETS, APART = 6, 60 * MINUTE  # for each zone


@pytest.mark.parametrize(("night", "machine"), NIGHTS, ids=[f"{night} in {zone}" for night, zone in NIGHTS])
def test_on_the_night_of_a_change_each_step_comes_at_its_time(
    night: date, machine: str, maild: MaildRig, wall_clock: WallClock
) -> None:
    maild.configure(*(NIGHT_PLAN.format(zone=zone, hours=HOURS) for zone in ZONES))
    dues: dict[int, datetime] = {}
    for zone in ZONES:
        begins = midnight_in(zone, night) - HOUR
        opened = [begins + (index + 1) * APART for index in range(TICKETS)]
        numbers = add_tickets(maild.config, TICKETS, begins, ("jane",), apart=APART, plan=zone)
        dues |= {number: due_of(at, zone, night) for number, at in zip(numbers, opened, strict=True)}
    wall_clock.set(min(dues.values()) - HOUR)
    maild.start(environment=wall_clock.environment(machine), program=QUICK, measured=False)
    for due in sorted(set(dues.values())):
        wall_clock.set(due - timedelta(seconds=5))
        assert set(fired(maild)) <= {(number, "100%") for number, each in dues.items() if each < due}
        wall_clock.set(due)
        wait_for(maild, [(number, "100%") for number, each in dues.items() if each <= due])
    assert maild.end() == 0
    assert fired(maild) == [(number, "100%") for number in sorted(dues)]
    assert "Traceback" not in maild.log


def midnight_in(zone: str, night: date) -> datetime:
    return datetime(night.year, night.month, night.day, tzinfo=ZoneInfo(zone)).astimezone(UTC)


def due_of(opened: datetime, zone: str, night: date) -> datetime:
    """An hour of opening time later, by looking at every minute."""
    origin = window_start(night)
    minute = after(open_minutes(OPEN, zone, night), (opened - origin) // MINUTE, 60)
    assert minute is not None
    return origin + minute * MINUTE
