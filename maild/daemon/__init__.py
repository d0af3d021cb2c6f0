"""The daemon: a table of contents. It builds the parts, connects them, starts and drains them, and decides nothing."""

from __future__ import annotations

import fcntl
import logging
import threading
from collections.abc import Callable
from concurrent.futures import Future
from pathlib import Path
from typing import IO

from maild import __version__, maillog
from maild.config import Settings
from maild.daemon import assembly
from maild.daemon.clocks import SystemClock
from maild.daemon.loops import Loop
from maild.daemon.systemd import notify, watchdog_interval
from maild.daemon.ticker import Ticker
from maild.ports import Clock, IncomingMail, MailSource, Receipt, UnitOfWork
from maild.services.deliver import Delivery
from maild.services.escalation.recompute import recompute_changed
from maild.services.helpdesk import Helpdesk
from maild.services.intake.process import Processing
from maild.services.intake.receive import Intake
from maild.services.reports.retry_later import RetryLater
from maild.services.tick import Ticked, next_instant, tick

_SWEEP_SECONDS = 5  # loops look for work this often even when no bell rings
_STUCK_SECONDS = 300  # a loop that does not come round in this time is not working
_log = logging.getLogger(__name__)


class AlreadyRunning(Exception):
    """Another daemon works in the same state folder."""


class Daemon:
    """Sources -> intake -> processing -> outbox -> relays, and the ticks beside them."""

    def __init__(
        self, settings: Settings, clock: Clock | None = None, sources: tuple[MailSource, ...] | None = None
    ) -> None:
        self.settings = settings
        self.clock = clock or SystemClock()
        self._lock = _lock(settings.state_folder)
        self.store = assembly.open_store(settings, assembly.node_name(settings))
        self.helpdesk = Helpdesk.of(settings, assembly.key_ring(settings))
        self._renderer = assembly.renderer(settings)
        self._stale = True  # deadlines may be those of another configuration
        self._worker_pool = assembly.worker_pool(settings)
        self._stop = threading.Event()
        self.intake = Intake(self.store, self.clock, self._kept)
        scanner = assembly.scanner(settings)
        self._processing = Processing(
            self.store, self._worker_pool, self._current, self.clock, self._queued, scanner=scanner
        )
        self.deliveries = {relay.name: self._delivery(relay.name) for relay in settings.relays}
        self.sources = self._sources() if sources is None else sources
        self._processor = Loop("processing", self._process, idle=_SWEEP_SECONDS)
        self._delivering = [
            Loop(f"delivery {name}", self._deliver(delivery), idle=_SWEEP_SECONDS)
            for name, delivery in self.deliveries.items()
        ]
        self._intake_thread = threading.Thread(target=self.intake.run, name="intake", daemon=True)
        self._source_threads = [
            threading.Thread(target=source.run, args=(self.hand_in, self._stop), name=f"source {i}", daemon=True)
            for i, source in enumerate(self.sources)
        ]
        self._setbacks = RetryLater()
        self._ticker = Ticker(self.tick, lambda after: next_instant(self.store, self.helpdesk, after), self.clock)
        # Not fed by the scheduler, for that is one of those whose life it tells.
        self._watchdog = Loop("watchdog", self._watch, idle=watchdog_interval() or _SWEEP_SECONDS)

    # -- life -----------------------------------------------------------------------------------------------------

    def start(self) -> None:
        """Start everything; returns when mail can come in."""
        self._intake_thread.start()
        for loop in self._loops():
            loop.start()
        for thread in self._source_threads:
            thread.start()
        self._ticker.start()
        if watchdog_interval():
            self._watchdog.start()
        notify("READY=1", f"STATUS={len(self.sources)} sources")
        maillog.started(
            version=__version__,
            config=str(self.settings.path),
            sources=", ".join(type(source).__name__ for source in self.sources),
            relays=", ".join(self.deliveries),
        )

    def drain(self) -> None:
        """Stop taking mail, finish what is begun, let go of everything. What waits stays in the database."""
        notify("STOPPING=1")
        self._stop.set()
        self._watchdog.stop(0)  # from here on systemd counts the time that a drain may take
        if not self._ticker.stop(30):
            _log.error("the tick did not end in time; what it had begun will be repeated at the next start")
        for thread in self._source_threads:
            thread.join(15)
        self.intake.close()
        self._intake_thread.join(15)
        for loop in self._loops():
            if not loop.stop(30):
                _log.error("%s did not end in time; what it had begun will be repeated at the next start", loop.name)
        self.close()
        maillog.stopped()

    def close(self) -> None:
        """Let go of what __init__ took."""
        self._processing.close()
        self._worker_pool.close()
        for delivery in self.deliveries.values():
            delivery.close()
        self.store.close()
        self._lock.close()

    def reload(self, settings: Settings) -> None:
        """Take over people, rules, plans and texts of a new configuration; connections stay as they are."""
        helpdesk, renderer = Helpdesk.of(settings, assembly.key_ring(settings)), assembly.renderer(settings)
        # Nothing is taken over before all of it is made: what fails leaves everything as it was.
        self.helpdesk, self._renderer, self._stale = helpdesk, renderer, True
        self._ticker.look_anew()
        if _connections(settings) != _connections(self.settings):
            _log.warning("mailboxes, listener, relays and clamd change at the next restart: systemctl restart maild")

    # -- work -----------------------------------------------------------------------------------------------------

    def hand_in(self, mail: IncomingMail) -> Future[Receipt]:
        """Where every source brings its mail."""
        return self.intake(mail)

    def tick(self) -> Ticked:
        """Do what is due now. After a start or reload deadlines are reckoned first, by the configuration of now: here,
        for that may take a while, and mail and signals do not wait."""
        if self._stale:
            self._reckon()
        done = tick(self._watched, self.helpdesk, self.clock.now(), self._setbacks)
        self._queued()
        return done

    def _reckon(self) -> None:
        self._stale = False  # before: a reload that comes meanwhile asks for it once more
        try:
            recompute_changed(self._watched, self.helpdesk, self.clock.now())
        except Exception:
            self._stale = True
            raise

    def settled(self) -> bool:
        """Is there nothing to judge and nothing due to be sent?"""
        with self.store(reading=True) as unit:
            next_at = unit.outbox.next_instant()
            idle = unit.inbound.count_kept() == 0 and unit.outbox.sending() == 0
            return idle and (next_at is None or next_at > self.clock.now())

    def wake(self) -> None:
        """Let every loop look again, as after the clock was moved."""
        for loop in self._loops():
            loop.ring()

    def healthy(self) -> bool:
        """Do all threads live and come round?"""
        loops = all(loop.alive() and loop.idle_for() < _STUCK_SECONDS for loop in self._loops())
        threads = all(thread.is_alive() for thread in (self._intake_thread, *self._source_threads))
        return loops and threads and self._ticker.healthy(_STUCK_SECONDS)

    def _process(self) -> bool:
        done = bool(self._processing.round())
        if done:
            self._ticker.look()
        return done

    def _deliver(self, delivery: Delivery) -> Callable[[], bool]:
        def step() -> bool:
            delivery.round(self._stop.is_set)
            return False

        return step

    def _watched(self, *, reading: bool = False) -> UnitOfWork:
        """The store, for a tick that may have much to do: each transaction shows that it gets on."""
        self._ticker.loop.beat()
        return self.store(reading=reading)

    def _watch(self) -> bool:
        if self.healthy():
            notify("WATCHDOG=1")
        return False

    # -- connections ----------------------------------------------------------------------------------------------

    def _current(self) -> Helpdesk:
        return self.helpdesk

    def _kept(self) -> None:
        self._processor.ring()

    def _queued(self) -> None:
        for loop in self._delivering:
            loop.ring()

    def _loops(self) -> list[Loop]:
        return [self._processor, *self._delivering]

    def _delivery(self, relay: str) -> Delivery:
        chosen = next(r for r in self.settings.relays if r.name == relay)
        transport = assembly.transport(chosen, self.settings)
        return Delivery(relay, self.store, transport, lambda: self._renderer, self._current, self.clock)

    def _sources(self) -> tuple[MailSource, ...]:
        ledger = self.store.mailboxes()
        made: list[MailSource] = [
            assembly.mailbox_source(box, self.settings, ledger, self.clock) for box in self.settings.mailboxes
        ]
        junk = (assembly.junk_source(box, self.settings, ledger, self.clock) for box in self.settings.mailboxes)
        made.extend(source for source in junk if source is not None)
        if (listener := assembly.listener_source(self.settings, self.clock)) is not None:
            listener.open()
            made.append(listener)
        return tuple(made)


def _connections(settings: Settings) -> tuple[object, ...]:
    """What is connected once, at the start."""
    return settings.mailboxes, settings.listener, settings.relays, settings.attachments.clamd


def _lock(folder: Path) -> IO[str]:
    """One daemon to a state folder: two would take turns with each other's claims."""
    folder.mkdir(parents=True, exist_ok=True)
    file = (folder / "maild.lock").open("a")
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        file.close()
        raise AlreadyRunning(f"another maild runs with the state folder {folder}: stop it first") from error
    return file
