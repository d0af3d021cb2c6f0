"""The command line, one file for each group of commands. A command parses arguments, calls a service, and prints."""

from __future__ import annotations

import sys

import click

from maild import __version__
from maild.cli import agents, check, config, explain, inject, outbox, quarantine, run, sla, stats, tick, tickets
from maild.cli.demo import demo
from maild.cli.session import Session
from maild.config import ConfigError, SecretError
from maild.daemon import AlreadyRunning
from maild.ports import TemporaryFailure

PROBLEM, USAGE, TEMPORARY = 1, 2, 75  # exit codes; on 75 (EX_TEMPFAIL) an MTA keeps the mail


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.option(
    "-c",
    "--config",
    "config_file",
    type=click.Path(),
    help="Configuration file. Default: $MAILD_CONFIG, then the usual places.",
)
@click.version_option(__version__, prog_name="maild")
@click.pass_context
def cli(context: click.Context, config_file: str | None) -> None:
    """maild: the helpdesk that lives in your mailbox."""
    context.obj = context.with_resource(Session(config_file))


for _command in (
    run.run,
    demo,
    check.check,
    config.config,
    inject.inject,
    tick.tick,
    outbox.outbox,
    quarantine.quarantine,
    quarantine.held,
    tickets.ticket,
    tickets.search,
    agents.agent,
    explain.explain,
    sla.sla,
    stats.stats,
):
    cli.add_command(_command)


def main() -> None:
    """Run a command. An expected error becomes a clear message and an exit code."""
    try:
        cli(standalone_mode=True)
    except ConfigError as error:
        for problem in error.problems:
            click.echo(str(problem), err=True)
        sys.exit(USAGE)
    except (SecretError, AlreadyRunning) as error:
        click.echo(f"maild: {error}", err=True)
        sys.exit(USAGE)
    except TemporaryFailure as error:
        click.echo(f"maild: {error}; try again later", err=True)
        sys.exit(TEMPORARY)
