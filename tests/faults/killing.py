"""kill -9 again and again while mail comes in, and the numbers that say where the blows fell."""

from __future__ import annotations

import random
import threading
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from socket import socket

import pytest

from tests.faults.mails import SentMail
from tests.faults.oracle import wait_until_drained
from tests.rig.daemon import MaildRig
from tests.rig.waiting import wait_until

KILLS = [
    pytest.param(20, marks=pytest.mark.timeout(280)),
    pytest.param(1000, marks=[pytest.mark.soak, pytest.mark.timeout(0)]),
]
MAILS_PER_KILL = 8
RATE = 10.0  # mails in a second, at most
DURING_START = 0.2  # the share of the kills that do not wait for the daemon to be ready
START_SPAN = 0.7  # seconds in which a start goes through all that it does
READY_SPAN = (0.08, 0.6)  # seconds after READY=1
BREATHER = 5  # so often a daemon may finish what waits first: later kills shall fall into fresh work


class Feeder:
    """Delivers mails one by one at a bounded rate, as many as it is allowed to, beside the killing."""

    def __init__(self, mails: Sequence[SentMail], deliver: Callable[[SentMail], None]) -> None:
        self._mails = mails
        self._deliver = deliver
        self._allowed = threading.Semaphore(0)
        self._thread = threading.Thread(target=self._run, name="feeder", daemon=True)
        self._error: BaseException | None = None
        self.delivered = 0

    def __enter__(self) -> Feeder:
        self._thread.start()
        return self

    def __exit__(self, *error: object) -> None:
        self.allow(len(self._mails))  # whatever happened: the thread shall end

    def allow(self, mails: int) -> None:
        self._allowed.release(mails)

    def finish(self) -> None:
        """Deliver all that is left."""
        self.allow(len(self._mails))
        self._thread.join(120)
        assert self._error is None, f"the feeder failed: {self._error!r}"
        assert self.delivered == len(self._mails)

    def _run(self) -> None:
        try:
            for mail in self._mails:
                self._allowed.acquire()
                self._deliver(mail)
                self.delivered += 1
                time.sleep(1 / RATE)
        except BaseException as error:  # noqa: BLE001 - told by finish()
            self._error = error


@dataclass
class Blows:
    """What the daemon was in the middle of when it was killed, over all kills, which took so many seconds.

    `tickets`: how many there were after the last one."""

    kills: int = 0
    tickets: int = 0
    seconds: float = 0.0
    caught: Counter[str] = field(default_factory=Counter)

    def look(self, maild: MaildRig) -> None:
        """Note what this blow has interrupted."""
        if not maild.rows("select name from sqlite_master where name = 'inbound'"):
            return  # killed before the tables were made
        self.tickets = maild.value("select count(*) from ticket")
        for what, query in QUESTIONS.items():
            self.caught[what] += maild.value(query) > 0

    def __str__(self) -> str:
        found = ", ".join(f"{what}: {count}" for what, count in self.caught.most_common())
        return f"{self.kills} kills in {self.seconds:.0f} s, {self.tickets} tickets by then; at those moments {found}"


QUESTIONS: Mapping[str, str] = {
    "mails kept and not judged": "select count(*) from inbound where state = 'kept'",
    "mails being read or judged": "select count(*) from inbound where state = 'kept' and attempts > 0",
    "outgoing mails queued": "select count(*) from outbox where state = 'queued'",
    "outgoing mails claimed, no bytes": "select count(*) from outbox where state = 'sending' and raw is null",
    "outgoing mails claimed, with bytes": "select count(*) from outbox where state = 'sending' and raw is not null",
}


def kill_while_feeding(
    maild: MaildRig,
    feeder: Feeder,
    kills: int,
    sockets: Mapping[str, socket] | None = None,
    at_the_door: Callable[[], bool] = lambda: False,
) -> Blows:
    """Start the daemon and kill it at a random moment, so many times, while the feeder goes on.

    `at_the_door`: asked after each kill whether a mail is ours already and its sender does not know it yet."""
    chance = random.Random(kills)  # the moments repeat, what happens in them does not
    blows = Blows()
    began = time.monotonic()
    for number in range(1, kills + 1):
        feeder.allow(MAILS_PER_KILL)
        maild.start(ready=False, measured=False, sockets=sockets)
        if number % BREATHER == 0:
            maild.wait_ready()
            wait_until_drained(maild)
        elif chance.random() < DURING_START:
            time.sleep(chance.uniform(0, START_SPAN))
        else:
            maild.wait_ready()
            time.sleep(chance.uniform(*READY_SPAN))
        wait_until(lambda: not maild.orphans(), 30, "the readers of killed daemons to end")
        maild.kill()
        blows.kills += 1
        if maild.database.exists():
            blows.look(maild)
            blows.caught["mails kept, sender not told"] += at_the_door()
    wait_until(lambda: not maild.orphans(), 30, "the readers of killed daemons to end")
    blows.seconds = time.monotonic() - began
    return blows
