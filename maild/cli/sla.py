"""maild sla: how deadlines came about."""

from __future__ import annotations

import sys

import click

from maild.cli.session import Session, at_option
from maild.services.enquire import sla_lines


@click.group()
def sla() -> None:
    """Deadlines."""


@sla.command()
@click.argument("number", type=int)
@at_option
@click.pass_obj
def explain(session: Session, number: int, at: str | None) -> None:
    """How each deadline of a ticket came about, line by line."""
    lines = sla_lines(session.store, session.helpdesk, number, session.clock(at).now())
    if lines is None:
        click.echo(f"there is no ticket {number}: maild ticket list --status all", err=True)
        sys.exit(1)
    click.echo("\n".join(lines))
