"""maild config: show the effective settings, or the commented reference."""

from __future__ import annotations

import click

from maild.cli.session import Session, json_option, print_json
from maild.config import describe, example


@click.group()
def config() -> None:
    """Show settings."""


@config.command()
@click.option("--changed", is_flag=True, help="Show only settings that differ from the defaults.")
@json_option
@click.pass_obj
def show(session: Session, changed: bool, as_json: bool) -> None:
    """Show the effective settings. Secrets are hidden."""
    document = describe(session.settings, changed_only=changed)
    if as_json:
        print_json(document)
        return
    for table, values in document.items():
        click.echo(f"{table}: {values}")


@config.command("example")
def show_example() -> None:
    """Print a commented configuration with every key."""
    click.echo(example(), nl=False)
