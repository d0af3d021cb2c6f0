"""maild run: the daemon in the foreground."""

from __future__ import annotations

import os
import signal
import threading
from types import FrameType

import click

from maild import maillog
from maild.cli.session import Session
from maild.config import ConfigError, load
from maild.daemon import Daemon
from maild.daemon.systemd import notify


@click.command()
@click.pass_obj
def run(session: Session) -> None:
    """Run the daemon. SIGTERM drains, SIGHUP reloads."""
    settings = session.settings
    maillog.configure(settings.log.level, json=settings.log.format == "json")
    for warning in settings.warnings:
        click.echo(str(warning), err=True)
    daemon = Daemon(settings)
    daemon.start()
    wait_for_signals(daemon)


def wait_for_signals(daemon: Daemon) -> None:
    """Serve until SIGTERM or SIGINT, then drain; a second one ends at once."""
    asked: list[int] = []
    wake = threading.Event()

    def note(number: int, frame: FrameType | None) -> None:
        if asked and number != signal.SIGHUP and asked[-1] != signal.SIGHUP:
            os._exit(1)
        asked.append(number)
        wake.set()

    for watched in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(watched, note)
    while True:
        wake.wait()
        wake.clear()
        number = asked[-1]
        if number == signal.SIGHUP:
            _reload(daemon)
            asked.clear()
            continue
        maillog.stopping(signal=signal.Signals(number).name)
        daemon.drain()
        return


def _reload(daemon: Daemon) -> None:
    """Check the whole new configuration first; with a problem the old one stays."""
    notify("RELOADING=1")
    path = daemon.settings.path
    try:
        settings = load(path, environ=os.environ)
    except ConfigError as error:
        for problem in error.problems:
            click.echo(str(problem), err=True)
        maillog.reloaded(config=str(path), problems=len(error.problems))
        notify("READY=1", "STATUS=reload refused: maild check")
        return
    daemon.reload(settings)
    maillog.reloaded(config=str(path), problems=0)
    notify("READY=1", "STATUS=reloaded")
