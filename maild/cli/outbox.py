"""maild outbox: show and manage the outgoing mail."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable

import click

from maild.cli.session import Session, at_option, json_option, print_json, print_table
from maild.daemon import assembly
from maild.domain.messages.outbox import OutboxState
from maild.mail.templates.render import TemplateFailed
from maild.ports import Clock, OutboxRow
from maild.services.deliver import Delivered, Delivery, frozen
from maild.services.notices.agents_marks import Stopped
from maild.services.notices.overflow import with_notices
from maild.services.queries.documents import outbox_document, outbox_list

_WAITING = (OutboxState.QUEUED, OutboxState.SENDING, OutboxState.DEFERRED, OutboxState.HELD, OutboxState.FAILED)


@click.group()
def outbox() -> None:
    """Show and manage outgoing mail."""


@outbox.command("list")
@click.option(
    "--state",
    type=click.Choice([*(state.value for state in OutboxState), "waiting", "all"]),
    default="waiting",
    show_default=True,
    help="Only mails in this state.",
)
@json_option
@click.pass_obj
def list_rows(session: Session, state: str, as_json: bool) -> None:
    """List mails that wait, failed or are held. --state all lists all mails."""
    states = {"waiting": _WAITING, "all": tuple(OutboxState)}.get(state) or (OutboxState(state),)
    found = outbox_list(session.store, states)
    if as_json:
        print_json(found)
        return
    head = ("id", "ticket", "template", "to", "state", "attempts", "next", "last answer")
    keys = ("id", "ticket", "template", "to", "state", "attempts", "next_at", "last_answer")
    print_table(head, [tuple(_cell(row[key]) for key in keys) for row in found])


def _cell(value: object) -> str:
    if isinstance(value, list):
        return ", ".join(map(str, value))
    return "" if value is None else str(value)


@outbox.command()
@click.argument("number", type=int)
@click.option("--raw", is_flag=True, help="Print the mail as it is sent, byte by byte.")
@json_option
@click.pass_obj
def show(session: Session, number: int, raw: bool, as_json: bool) -> None:
    """Show one mail."""
    row = _row(session, number)
    if raw:
        made = frozen(row, session.store, assembly.renderer(session.settings), session.helpdesk)
        if isinstance(made, TemplateFailed):
            click.echo(f"{made}; fix the template, then try again", err=True)
            sys.exit(1)
        if isinstance(made, Stopped):
            click.echo(f"it never leaves: {made}", err=True)
            sys.exit(1)
        sys.stdout.buffer.write(made)
    elif as_json:
        print_json(outbox_document(row))
    else:
        for key, value in outbox_document(row).items():
            click.echo(f"{key:14} {_cell(value)}")


@outbox.command()
@at_option
@json_option
@click.pass_obj
def flush(session: Session, at: str | None, as_json: bool) -> None:
    """Deliver the mails that are due, then exit."""
    clock = session.clock(at)
    total = Delivered()
    for relay in session.settings.relays:
        done = _delivery(session, relay.name, clock)
        total.sent += done.sent
        total.deferred += done.deferred
        total.failed += done.failed
    if as_json:
        print_json({"sent": total.sent, "deferred": total.deferred, "failed": total.failed})
    else:
        click.echo(f"{total.sent} sent, {total.deferred} deferred, {total.failed} failed")
    if total.failed:
        sys.exit(1)


def _delivery(session: Session, relay: str, clock: Clock) -> Delivered:
    settings = session.settings
    renderer = assembly.renderer(settings)
    chosen = next(r for r in settings.relays if r.name == relay)
    delivery = Delivery(
        relay,
        session.store,
        assembly.transport(chosen, settings),
        lambda: renderer,
        lambda: session.helpdesk,
        clock,
    )
    try:
        return delivery.round()
    finally:
        delivery.close()


def _changing(
    name: str, summary: str, allowed: Iterable[OutboxState], becomes: OutboxState, *, at_once: bool
) -> Callable[..., None]:
    """Return a command that moves mails from one of the allowed states to another."""
    states = tuple(allowed)

    @outbox.command(name, help=summary)
    @click.argument("numbers", nargs=-1, type=int)
    @click.option("--all", "every", is_flag=True, help="All mails in a state that allows it.")
    @at_option
    @click.pass_obj
    def change(session: Session, numbers: tuple[int, ...], every: bool, at: str | None) -> None:
        if not numbers and not every:
            raise click.UsageError("give the ids of the mails, or --all")
        now = session.clock(at).now()
        refused = 0
        with session.store() as unit:
            chosen = [row.id for row in unit.outbox.listed(states)] if every else list(numbers)
            for number in chosen:
                row = unit.outbox.get(number)
                if row is None or row.state not in states:
                    refused += 1
                    state = f"it is {row.state}" if row else "it does not exist"
                    click.echo(f"outbox {number}: cannot {name}: {state}", err=True)
                    continue
                unit.outbox.set_state(number, becomes, now if at_once else None)
                click.echo(f"outbox {number}: {becomes}")
            unit.commit()
        sys.exit(1 if refused else 0)

    return change


_ON_ITS_WAY = (OutboxState.QUEUED, OutboxState.DEFERRED)
retry = _changing(
    "retry",
    "Try mails again now, also failed ones.",
    (*_ON_ITS_WAY, OutboxState.FAILED),
    OutboxState.QUEUED,
    at_once=True,
)
hold = _changing("hold", "Hold mails back until they are released.", _ON_ITS_WAY, OutboxState.HELD, at_once=False)
release = _changing("release", "Let held mails leave.", (OutboxState.HELD,), OutboxState.QUEUED, at_once=True)
drop = _changing(
    "drop",
    "Drop mails: they will never be sent.",
    (*_ON_ITS_WAY, OutboxState.HELD, OutboxState.FAILED),
    OutboxState.DROPPED,
    at_once=False,
)


def _row(session: Session, number: int) -> OutboxRow:
    with session.store(reading=True) as unit:
        found = unit.outbox.get(number)
        row = with_notices(unit, [found])[0] if found is not None else None
    if row is None:
        click.echo(f"there is no outgoing mail {number}; list them with: maild outbox list --state all", err=True)
        sys.exit(1)
    return row
