"""maild check: validate the configuration and the mail templates, and look at what the newest mails prove."""

from __future__ import annotations

import sys
from contextlib import closing

import click

from maild.cli.session import Session
from maild.daemon import assembly
from maild.ports import TemporaryFailure
from maild.services.helpdesk import origins_of
from maild.services.intake.results_check import unheard_servers
from maild.store.migrate import is_current
from maild.store.unit_of_work import Store


def _about_the_mails(session: Session) -> list[str]:
    """What the newest mails say of the settings. Nothing where no database of this version is there to be asked."""
    settings = session.settings
    if not any(place.trusted_authserv for place in (*settings.mailboxes, settings.listener) if place is not None):
        return []
    try:
        if not is_current(settings.store_url):
            return []
        with closing(Store(settings.store_url, "cli:check")) as store:
            return list(unheard_servers(store, origins_of(settings)))
    except TemporaryFailure as failure:
        return [f"the newest mails could not be looked at: {failure}"]


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
    for sentence in _about_the_mails(session):
        click.echo(sentence, err=True)
    if not quiet:
        directory = settings.directory
        click.echo(
            f"{settings.path}: OK. {len(settings.mailboxes)} mailboxes, "
            f"{'a listener' if settings.listener else 'no listener'}, {len(settings.relays)} relays, "
            f"{len(directory.departments)} departments, {len(directory.agents)} agents, {len(settings.plans)} SLA plans"
        )
