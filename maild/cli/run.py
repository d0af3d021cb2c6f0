"""maild run: the daemon in the foreground."""

from __future__ import annotations

import os
import signal
from types import FrameType

import click

from maild import maillog
from maild.cli.session import Session
from maild.config import ConfigError, load
from maild.daemon import Daemon
from maild.daemon.systemd import notify

_ENDING = frozenset({signal.SIGTERM, signal.SIGINT})
_WATCHED = _ENDING | {signal.SIGHUP}


@click.command()
@click.pass_obj
def run(session: Session) -> None:
    """Run the daemon in the foreground.

    SIGTERM stops it after the work in progress; SIGHUP reloads the configuration."""
    settings = session.settings
    maillog.configure(settings.log.level, json=settings.log.format == "json")
    for warning in settings.warnings:
        click.echo(str(warning), err=True)
    daemon = Daemon(settings)
    hold_signals()
    daemon.start()
    wait_for_signals(daemon)


def hold_signals() -> None:
    """Block signals until `wait_for_signals` waits for them.

    Call it before the daemon starts: its threads inherit the mask. From READY=1 on the service manager may send SIGHUP,
    which would otherwise end the process."""
    signal.pthread_sigmask(signal.SIG_BLOCK, _WATCHED)


def wait_for_signals(daemon: Daemon) -> None:
    """Serve until SIGTERM or SIGINT, then drain. A second signal ends the process at once."""
    hold_signals()
    while (number := signal.sigwait(_WATCHED)) == signal.SIGHUP:
        _reload(daemon)
    for watched in _ENDING:
        signal.signal(watched, _end_at_once)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, _ENDING)
    maillog.stopping(signal=signal.Signals(number).name)
    daemon.drain()


def _end_at_once(number: int, frame: FrameType | None) -> None:
    os._exit(1)


def _reload(daemon: Daemon) -> None:
    """Check the whole new configuration first. When it has a problem, the old one stays in force."""
    notify("RELOADING=1")
    path = daemon.settings.path
    try:
        settings = load(path, environ=os.environ)
    except ConfigError as error:
        for problem in error.problems:
            click.echo(str(problem), err=True)
        maillog.reloaded(config=str(path), problems=len(error.problems))
        notify("READY=1", "STATUS=reload failed, see: maild check")
        return
    try:
        daemon.reload(settings)
    except Exception as error:  # noqa: BLE001 - whatever fails in a reload, the daemon goes on as before
        click.echo(f"the reload failed: {error}; the old configuration stays in force", err=True)
        maillog.reloaded(config=str(path), problems=1)
        notify("READY=1", "STATUS=reload failed, see: maild check")
        return
    maillog.reloaded(config=str(path), problems=0)
    notify("READY=1", "STATUS=reloaded")
