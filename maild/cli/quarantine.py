"""maild quarantine and maild held: mail that could not be processed, and mail that waits for a decision."""

from __future__ import annotations

import sys

import click

from maild.cli.session import Session, json_option, print_json, print_json_line, print_table
from maild.daemon import assembly
from maild.daemon.clocks import SystemClock
from maild.ports import InboundState, KeptMail, UnitOfWork
from maild.services.apply.effects import drop
from maild.services.intake.process import Processed, Processing
from maild.services.queries.documents import inbound_document, inbound_list


@click.group()
def quarantine() -> None:
    """Show and manage mail that could not be processed. No such mail is lost."""


@click.group()
def held() -> None:
    """Show and manage mail that waits for a person's decision."""


_limit = click.option(
    "--limit", type=click.IntRange(min=1), default=1000, show_default=True, help="Show at most this many."
)


def _print_list(session: Session, state: InboundState, as_json: bool, limit: int) -> None:
    found = inbound_list(session.store, state, limit + 1)
    if len(found) > limit:
        click.echo(f"these are the newest {limit}; use a higher --limit to see older ones", err=True)
        found = found[1:]
    if as_json:
        print_json(found)
        return
    keys = ("id", "at", "attempts", "from", "subject", "reason")
    print_table(keys, [tuple(str(row[key]) for key in keys) for row in found])


def _print_one(session: Session, number: int, state: InboundState, raw: bool, as_json: bool) -> None:
    kept = _kept(session, number, state)
    if raw:
        sys.stdout.buffer.write(kept.mail.raw)
        return
    document = inbound_document(kept) | {"size": len(kept.mail.raw), "source": kept.mail.source}
    if as_json:
        print_json(document)
        return
    for key, value in document.items():
        click.echo(f"{key:10} {value}")
    for step in kept.steps:
        click.echo(f"{step.stop:14} {step.verdict}: {step.reason}")
    click.echo(f"original mail: maild {_COMMAND[state]} show {number} --raw")


def _kept(session: Session, number: int, state: InboundState) -> KeptMail:
    with session.store(reading=True) as unit:
        kept = unit.inbound.get(number)
    if kept is None or kept.state is not state:
        click.echo(f"inbound {number} is not {state}; list the mails with: maild {_COMMAND[state]} list", err=True)
        sys.exit(1)
    return kept


_COMMAND = {InboundState.QUARANTINED: "quarantine", InboundState.HELD: "held"}


@quarantine.command("list")
@_limit
@json_option
@click.pass_obj
def list_quarantined(session: Session, limit: int, as_json: bool) -> None:
    """List the mails in quarantine."""
    _print_list(session, InboundState.QUARANTINED, as_json, limit)


@quarantine.command("show")
@click.argument("number", type=int)
@click.option("--raw", is_flag=True, help="Print the original mail.")
@json_option
@click.pass_obj
def show_quarantined(session: Session, number: int, raw: bool, as_json: bool) -> None:
    """Show a mail in quarantine, with the reason."""
    _print_one(session, number, InboundState.QUARANTINED, raw, as_json)


_numbers = click.argument("numbers", nargs=-1, type=int)
_every = click.option("--all", "every", is_flag=True, help="All mails of the list.")


@quarantine.command()
@_numbers
@_every
@json_option
@click.pass_obj
def replay(session: Session, numbers: tuple[int, ...], every: bool, as_json: bool) -> None:
    """Process mails again. This helps after an upgrade that can read them."""
    _process_again(
        session, _chosen(session, numbers, every, InboundState.QUARANTINED), InboundState.QUARANTINED, as_json
    )


@held.command()
@_numbers
@_every
@json_option
@click.pass_obj
def release(session: Session, numbers: tuple[int, ...], every: bool, as_json: bool) -> None:
    """Let held mails in: they are not junk and belong to the ticket that they name.

    A mail in an agent's name still needs the agent's own confirmation: the agent is asked, and the mail waits. So does
    a mail whose sender may not see its ticket."""
    _process_again(session, _chosen(session, numbers, every, InboundState.HELD), InboundState.HELD, as_json)


@quarantine.command("drop")
@_numbers
@_every
@click.pass_obj
def drop_quarantined(session: Session, numbers: tuple[int, ...], every: bool) -> None:
    """Drop mails for good. They are recorded as ignored, and their bytes are kept."""
    _drop(session, _chosen(session, numbers, every, InboundState.QUARANTINED), InboundState.QUARANTINED)


@held.command("drop")
@_numbers
@_every
@click.pass_obj
def drop_held(session: Session, numbers: tuple[int, ...], every: bool) -> None:
    """Drop mails for good. They are recorded as ignored, and their bytes are kept."""
    _drop(session, _chosen(session, numbers, every, InboundState.HELD), InboundState.HELD)


def _chosen(session: Session, numbers: tuple[int, ...], every: bool, state: InboundState) -> list[int]:
    """Return the ids of the mails that a command names. Raises UsageError when it names none."""
    if not numbers and not every:
        raise click.UsageError("give the ids of the mails, or --all")
    with session.store(reading=True) as unit:
        return [kept.id for kept in unit.inbound.listed(state)] if every else list(numbers)


def _process_again(session: Session, chosen: list[int], state: InboundState, as_json: bool) -> None:
    released = state is InboundState.HELD
    with session.store() as unit:
        refused = [number for number in chosen if not _waits(unit, number, state)]
        accepted = [number for number in chosen if number not in refused]
        for number in accepted:
            unit.inbound.replay(number, released=released)
        unit.commit()
    _refuse(refused, state)
    with assembly.worker_pool(session.settings) as reader:
        scanner = assembly.scanner(session.settings)
        processing = Processing(
            session.store, reader, lambda: session.helpdesk, SystemClock(), lambda: None, scanner=scanner
        )
        while done := processing.round(accepted):
            for processed in done:
                _print_judged(processed, as_json)
            tried = {processed.inbound for processed in done}
            accepted = [number for number in accepted if number not in tried]
        processing.close()
    sys.exit(1 if refused else 0)


def _print_judged(processed: Processed, as_json: bool) -> None:
    outcome = processed.outcome or "tried, and will be tried again"
    document = {"inbound": processed.inbound, "outcome": outcome, "ticket": processed.ticket}
    if as_json:
        print_json_line(document | {"reason": processed.reason})
    else:
        click.echo(f"inbound {processed.inbound}: {outcome} ({processed.reason})")


def _drop(session: Session, chosen: list[int], state: InboundState) -> None:
    now = SystemClock().now()
    with session.store() as unit:
        refused = [number for number in chosen if not (_waits(unit, number, state) and drop(unit, number, now))]
        unit.commit()
    _refuse(refused, state)
    for number in chosen:
        if number not in refused:
            click.echo(f"inbound {number}: dropped")
    sys.exit(1 if refused else 0)


def _waits(unit: UnitOfWork, number: int, state: InboundState) -> bool:
    kept = unit.inbound.get(number)
    return kept is not None and kept.state is state


def _refuse(numbers: list[int], state: InboundState) -> None:
    for number in numbers:
        click.echo(f"inbound {number} is not {state}; list the mails with: maild {_COMMAND[state]} list", err=True)


@held.command("list")
@_limit
@json_option
@click.pass_obj
def list_held(session: Session, limit: int, as_json: bool) -> None:
    """List the mails that wait."""
    _print_list(session, InboundState.HELD, as_json, limit)


@held.command("show")
@click.argument("number", type=int)
@click.option("--raw", is_flag=True, help="Print the original mail.")
@json_option
@click.pass_obj
def show_held(session: Session, number: int, raw: bool, as_json: bool) -> None:
    """Show a mail that waits, with the reason."""
    _print_one(session, number, InboundState.HELD, raw, as_json)
