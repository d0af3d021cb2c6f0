"""maild agent: who an agent is to us, and what they wish to hear."""

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
    """The people who work on tickets."""


@agent.command()
@click.argument("name")
@json_option
@click.pass_obj
def show(session: Session, name: str, as_json: bool) -> None:
    """One agent: addresses, place, wishes, absence, learned signature."""
    document = agent_document(session.store, session.helpdesk, found(session, name), SystemClock().now())
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
    """What an agent wishes to hear; with WORDS, such as "notify quiet 20:00-07:00", a wish more."""
    whose = found(session, name)
    if words:
        changed = wish(session.store, session.helpdesk, whose, " ".join(words), SystemClock().now())
        if isinstance(changed, Invalid):
            meant = f"; did you mean: maild agent prefs {whose.name} {changed.instead}" if changed.instead else ""
            click.echo(f"{changed.message}{meant}", err=True)
            sys.exit(1)
    lines = wishes_of(session.store, whose)
    if as_json:
        print_json({"agent": whose.name, "wishes": list(lines)})
        return
    for line in lines or ("no wishes: everything as the configuration says",):
        click.echo(line)


@agent.command()
@click.argument("name")
@click.option("--to", "to", metavar="AGENT", help="Who takes over their open tickets.")
@json_option
@click.pass_obj
def revoke(session: Session, name: str, to: str | None, as_json: bool) -> None:
    """Make every address and button that an agent was given worthless; list where the configuration names them."""
    whose = found(session, name)
    heir = found(session, to) if to else None
    if heir == whose:
        raise click.BadParameter(f"{whose.name} cannot take over from themselves", param_hint="--to")
    done = services.revoke(session.store, session.helpdesk, whose, heir, SystemClock().now())
    if as_json:
        print_json({"agent": whose.name, "reassigned": list(done.reassigned), "named_in": list(done.named_in)})
        return
    click.echo(f"every reply address, button and Message-ID given to {whose.name} is worthless now")
    if heir:
        click.echo(
            f"{len(done.reassigned)} tickets go to {heir.name}: {', '.join(map(str, done.reassigned)) or 'none'}"
        )
    for place in done.named_in:
        click.echo(f"the configuration names them in {place}: take it out, then: maild check")


def found(session: Session, name: str) -> Agent:
    """The one agent whom these words mean; exit 1 with the names to choose from."""
    directory = session.policy.directory
    matching = directory.agents_matching(name)
    if len(matching) == 1:
        return matching[0]
    names = ", ".join(each.name for each in (matching or directory.agents))
    click.echo(f"{'several agents are' if matching else 'no agent is'} called {name!r}; choose from: {names}", err=True)
    sys.exit(1)
