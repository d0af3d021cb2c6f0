"""maild demo: the acceptance story on the real daemon, on this machine alone."""

from __future__ import annotations

import sys
import tempfile
from datetime import UTC, datetime
from pathlib import Path

import click

from maild import maillog
from maild.cli.run import hold_signals, wait_for_signals
from maild.cli.stage import LoopbackStage, listening_at, write_config
from maild.cli.story import HELPDESK, play
from maild.cli.tickets import print_tickets
from maild.config import load
from maild.daemon import Daemon

START = datetime(2026, 11, 23, 8, 0, tzinfo=UTC)  # a Monday, nine in the morning in Berlin


@click.command()
@click.option("--stay", is_flag=True, help="Do not play: run the demo's configuration as a daemon that stays up.")
def demo(stay: bool) -> None:
    """Play a helpdesk's day: every mail, then the lists, then where everything lies."""
    folder = Path(tempfile.mkdtemp(prefix="maild-demo-"))
    if stay:
        _stay(folder)
        return
    maillog.configure("error")
    with LoopbackStage(folder, START, click.echo) as stage:
        faults = play(stage)
        for status in ("open", "closed"):
            click.echo(f"\n$ maild ticket list --status {status}")
            print_tickets(stage.tickets(status))
    click.echo(f"\nmails that were sent: {folder / 'sent' / 'new'}")
    click.echo(f"database:             {folder / 'maild.db'}")
    click.echo(f"ask it:               .venv/bin/maild -c {folder / 'maild.toml'} ticket show 1")
    for fault in faults:
        click.echo(f"wrong: {fault}", err=True)
    sys.exit(1 if faults else 0)


def _stay(folder: Path) -> None:
    maillog.configure("info")
    settings = load(write_config(folder), environ={})
    daemon = Daemon(settings)
    hold_signals()
    daemon.start()
    host, port = listening_at(daemon)
    click.echo(f"maild listens on {host}:{port}. Send it a mail:")
    # Python's own client, which is there for certain, and ends lines as SMTP wants them.
    mail = f"From: you@client.example\\nTo: {HELPDESK}\\nSubject: Hello\\n\\nIt works?"
    sending = f"smtplib.SMTP('{host}', {port}).sendmail('you@client.example', '{HELPDESK}', '{mail}')"
    click.echo(f'  python3 -c "import smtplib; {sending}"')
    click.echo(f"  then: .venv/bin/maild -c {settings.path} ticket list")
    click.echo(f"mails that it sends lie in {folder / 'sent' / 'new'}; Ctrl-C ends it.")
    wait_for_signals(daemon)
