"""maild check: validate the configuration and the mail templates."""

from __future__ import annotations

import sys

import click

from maild.cli.session import Session
from maild.daemon import assembly


@click.command()
@click.option("--quiet", is_flag=True, help="Print only problems.")
@click.pass_obj
def check(session: Session, quiet: bool) -> None:
    """Check the configuration and the templates. All mistakes are shown at once."""
    settings = session.settings
    for warning in settings.warnings:
        click.echo(str(warning), err=True)
    faults = assembly.renderer(settings).lint() if settings.templates.folder else []
    for fault in faults:
        click.echo(str(fault), err=True)
    if faults:
        sys.exit(1)
    if not quiet:
        directory = settings.directory
        click.echo(
            f"{settings.path}: OK. {len(settings.mailboxes)} mailboxes, "
            f"{'a listener' if settings.listener else 'no listener'}, {len(settings.relays)} relays, "
            f"{len(directory.departments)} departments, {len(directory.agents)} agents, {len(settings.plans)} SLA plans"
        )
