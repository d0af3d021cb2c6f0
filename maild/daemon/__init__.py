"""The daemon builds the parts, connects them, starts and stops them. It makes no decisions itself."""

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

_SWEEP_SECONDS = 5  # loops look for work this often even when nothing wakes them
_STUCK_SECONDS = 300  # a loop that makes no progress for so long is stuck
_log = logging.getLogger(__name__)


class AlreadyRunning(Exception):
    """Another daemon uses the same state folder."""


class Daemon:
    """Runs sources, intake, processing, outbox and relays, and ticks for timed work."""

    def __init__(
        self, settings: Settings, clock: Clock | None = None, sources: tuple[MailSource, ...] | None = None
    ) -> None:
        self.settings = settings
        self.clock = clock or SystemClock()
        self._lock = _lock(settings.state_folder)
        self.store = assembly.open_store(settings, assembly.node_name(settings))
        self.helpdesk = Helpdesk.of(settings, assembly.key_ring(settings))
        self._renderer = assembly.renderer(settings)
        self._sla_outdated = True  # stored deadlines may come from another configuration
        self._worker_pool = assembly.worker_pool(settings)
        self._stop = threading.Event()
        self.intake = Intake(self.store, self.clock, self._wake_processing)
        scanner = assembly.scanner(settings)
        self._processing = Processing(
            self.store, self._worker_pool, self._current_helpdesk, self.clock, self._wake_delivery, scanner=scanner
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
        self._retry_later = RetryLater()
        self._ticker = Ticker(self.tick, lambda after: next_instant(self.store, self.helpdesk, after), self.clock)
        # The watchdog has a loop of its own, because the scheduler is one of the threads that it watches.
        self._watchdog = Loop("watchdog", self._watch, idle=watchdog_interval() or _SWEEP_SECONDS)

    # -- life -----------------------------------------------------------------------------------------------------

    def start(self) -> None:
        """Start everything. Returns when mail can come in."""
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
        """Stop taking mail, finish the work in progress, and close everything. Waiting mails stay in the database."""
        notify("STOPPING=1")
        self._stop.set()
        self._watchdog.stop(0)  # from here on systemd's stop timeout limits the time
        if not self._ticker.stop(30):
            _log.error("the tick did not end within 30 s; the next start repeats its unfinished work")
        for thread in self._source_threads:
            thread.join(15)
        self.intake.close()
        self._intake_thread.join(15)
        for loop in self._loops():
            if not loop.stop(30):
                _log.error("%s did not end within 30 s; the next start repeats its unfinished work", loop.name)
        self.close()
        maillog.stopped()

    def close(self) -> None:
        """Release everything that __init__ opened."""
        self._processing.close()
        self._worker_pool.close()
        for delivery in self.deliveries.values():
            delivery.close()
        self.store.close()
        self._lock.close()

    def reload(self, settings: Settings) -> None:
        """Use the people, rules, plans and texts of a new configuration.

        Connections stay as they are until a restart."""
        helpdesk, renderer = Helpdesk.of(settings, assembly.key_ring(settings)), assembly.renderer(settings)
        # Everything is built before anything is replaced, so that an error leaves the old state intact.
        self.helpdesk, self._renderer, self._sla_outdated = helpdesk, renderer, True
        self._ticker.tick_now()
        if _connections(settings) != _connections(self.settings):
            _log.warning("changes of mailboxes, listener, relays and clamd need a restart: systemctl restart maild")

    # -- work -----------------------------------------------------------------------------------------------------

    def hand_in(self, mail: IncomingMail) -> Future[Receipt]:
        """Store a mail that a source brings, and return a future with its receipt."""
        return self.intake(mail)

    def tick(self) -> Ticked:
        """Do what is due now.

        After a start or reload it first computes deadlines again with the present configuration. That happens here and
        not in `start`, because it can take long, and mail and signals must not wait for it."""
        if self._sla_outdated:
            self._recompute_sla()
        done = tick(self._open_with_heartbeat, self.helpdesk, self.clock.now(), self._retry_later)
        self._wake_delivery()
        return done

    def _recompute_sla(self) -> None:
        self._sla_outdated = False  # cleared first: a reload in the meantime must set it again
        try:
            recompute_changed(self._open_with_heartbeat, self.helpdesk, self.clock.now())
        except Exception:
            self._sla_outdated = True
            raise

    def settled(self) -> bool:
        """Say whether there is nothing to judge and nothing due to be sent."""
        with self.store(reading=True) as unit:
            next_at = unit.outbox.next_instant()
            idle = unit.inbound.count_kept() == 0 and unit.outbox.sending() == 0
            return idle and (next_at is None or next_at > self.clock.now())

    def wake(self) -> None:
        """Make every loop look for work, for example after a test moved the clock."""
        for loop in self._loops():
            loop.ring()

    def healthy(self) -> bool:
        """Say whether all threads are alive and make progress."""
        loops = all(loop.alive() and loop.seconds_since_progress() < _STUCK_SECONDS for loop in self._loops())
        threads = all(thread.is_alive() for thread in (self._intake_thread, *self._source_threads))
        return loops and threads and self._ticker.healthy(_STUCK_SECONDS)

    def _process(self) -> bool:
        done = bool(self._processing.round())
        if done:
            self._ticker.check_soon()
        return done

    def _deliver(self, delivery: Delivery) -> Callable[[], bool]:
        def step() -> bool:
            delivery.round(self._stop.is_set)
            return False

        return step

    def _open_with_heartbeat(self, *, reading: bool = False) -> UnitOfWork:
        """Open a unit of work for a tick. Each one shows the watchdog that a long tick makes progress."""
        self._ticker.loop.heartbeat()
        return self.store(reading=reading)

    def _watch(self) -> bool:
        if self.healthy():
            notify("WATCHDOG=1")
        return False

    # -- connections ----------------------------------------------------------------------------------------------

    def _current_helpdesk(self) -> Helpdesk:
        return self.helpdesk

    def _wake_processing(self) -> None:
        self._processor.ring()

    def _wake_delivery(self) -> None:
        for loop in self._delivering:
            loop.ring()

    def _loops(self) -> list[Loop]:
        return [self._processor, *self._delivering]

    def _delivery(self, relay: str) -> Delivery:
        chosen = next(r for r in self.settings.relays if r.name == relay)
        transport = assembly.transport(chosen, self.settings)
        return Delivery(relay, self.store, transport, lambda: self._renderer, self._current_helpdesk, self.clock)

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
    """Return the settings that take effect only at a start."""
    return settings.mailboxes, settings.listener, settings.relays, settings.attachments.clamd


def _lock(folder: Path) -> IO[str]:
    """Lock the state folder for one daemon. Two would take each other's claimed mails."""
    folder.mkdir(parents=True, exist_ok=True)
    file = (folder / "maild.lock").open("a")
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        file.close()
        raise AlreadyRunning(
            f"another maild uses the state folder {folder}; stop it first: systemctl stop maild"
        ) from error
    return file
