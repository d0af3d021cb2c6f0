"""maild agent: show an agent, change their preferences, revoke their reply addresses."""

from __future__ import annotations

import sys

import click

from maild.cli.session import Session, json_option, print_json
from maild.daemon.clocks import SystemClock
from maild.domain.invalid import Invalid
from maild.domain.people.directory import Agent
from maild.services import agents as services
from maild.services.agents import agent_document, wish, wishes_of


@click.group()
def agent() -> None:
    """Show and manage the people who work on tickets."""


@agent.command()
@click.argument("name")
@json_option
@click.pass_obj
def show(session: Session, name: str, as_json: bool) -> None:
    """Show one agent. Prints addresses, departments, preferences, absence and learned signature."""
    document = agent_document(session.store, session.helpdesk, find_agent(session, name), SystemClock().now())
    if as_json:
        print_json(document)
        return
    for key, value in document.items():
        if isinstance(value, dict):
            value = "; ".join(f"{name} = {each}" for name, each in sorted(value.items()))
        shown = ", ".join(value) if isinstance(value, list) else value
        click.echo(f"{key.replace('_', ' '):12} {'' if shown is None else shown}".rstrip())


@agent.command()
@click.argument("name")
@click.argument("words", nargs=-1)
@json_option
@click.pass_obj
def prefs(session: Session, name: str, words: tuple[str, ...], as_json: bool) -> None:
    """Show or change what an agent is notified of.

    WORDS is one preference as in a mail, such as: notify quiet 20:00-07:00"""
    person = find_agent(session, name)
    if words:
        changed = wish(session.store, session.helpdesk, person, " ".join(words), SystemClock().now())
        if isinstance(changed, Invalid):
            meant = f"; did you mean: maild agent prefs {person.name} {changed.instead}" if changed.instead else ""
            click.echo(f"{changed.message}{meant}", err=True)
            sys.exit(1)
    lines = wishes_of(session.store, person)
    if as_json:
        print_json({"agent": person.name, "wishes": list(lines)})
        return
    for line in lines or ("no preferences: everything is as configured",):
        click.echo(line)


@agent.command()
@click.argument("name")
@click.option("--to", "to", metavar="AGENT", help="Give the agent's open tickets to this agent.")
@json_option
@click.pass_obj
def revoke(session: Session, name: str, to: str | None, as_json: bool) -> None:
    """Make all reply addresses of an agent invalid.

    The buttons in the agent's mails become invalid too. Also lists where the configuration still names the agent."""
    person = find_agent(session, name)
    successor = find_agent(session, to) if to else None
    if successor == person:
        raise click.BadParameter(
            f"{person.name} cannot take over their own tickets; name another agent", param_hint="--to"
        )
    done = services.revoke(session.store, session.helpdesk, person, successor, SystemClock().now())
    if as_json:
        print_json({"agent": person.name, "reassigned": list(done.reassigned), "named_in": list(done.named_in)})
        return
    click.echo(f"all reply addresses, buttons and Message-IDs that {person.name} was given are invalid now")
    if successor:
        click.echo(
            f"{len(done.reassigned)} tickets go to {successor.name}: {', '.join(map(str, done.reassigned)) or 'none'}"
        )
    for place in done.named_in:
        click.echo(f"the configuration still names {person.name} in {place}; remove it, then run: maild check")


def find_agent(session: Session, name: str) -> Agent:
    """Return the one agent with this name. Exits with 1 and a list of names when there is none or there are several."""
    directory = session.policy.directory
    matching = directory.agents_matching(name)
    if len(matching) == 1:
        return matching[0]
    names = ", ".join(each.name for each in (matching or directory.agents))
    click.echo(f"{'several agents are' if matching else 'no agent is'} called {name!r}; choose from: {names}", err=True)
    sys.exit(1)
