"""maild demo: play a helpdesk's day with the real daemon, on this machine only."""

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

START = datetime(2026, 11, 23, 8, 0, tzinfo=UTC)  # a Monday, 09:00 in Berlin


@click.command()
@click.option("--stay", is_flag=True, help="Play nothing; run a daemon with the demo's configuration until Ctrl-C.")
def demo(stay: bool) -> None:
    """Play a helpdesk's day. Prints every mail, then the ticket lists, then where the files are."""
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
    click.echo(f"\nsent mails:           {folder / 'sent' / 'new'}")
    click.echo(f"database:             {folder / 'maild.db'}")
    click.echo(f"look into it:         .venv/bin/maild -c {folder / 'maild.toml'} ticket show 1")
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
    # Python is installed for certain, and its SMTP client ends lines as RFC 5321 2.3.8 demands.
    mail = f"From: you@client.example\\nTo: {HELPDESK}\\nSubject: Hello\\n\\nIt works?"
    sending = f"smtplib.SMTP('{host}', {port}).sendmail('you@client.example', '{HELPDESK}', '{mail}')"
    click.echo(f'  python3 -c "import smtplib; {sending}"')
    click.echo(f"  then: .venv/bin/maild -c {settings.path} ticket list")
    click.echo(f"Sent mails are in {folder / 'sent' / 'new'}. Stop it with Ctrl-C.")
    wait_for_signals(daemon)
