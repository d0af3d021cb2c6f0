"""maild quarantine and maild held: mail that could not be, or waits to be, processed."""

from __future__ import annotations

import sys

import click

from maild.cli.session import Session, json_option, print_json, print_json_line, print_table
from maild.daemon import assembly
from maild.daemon.clocks import SystemClock
from maild.ports import InboundState, KeptMail
from maild.services.enquire import inbound_document, inbound_list
from maild.services.process import Processing


@click.group()
def quarantine() -> None:
    """Mail that could not be processed; nothing of it is lost."""


@click.group()
def held() -> None:
    """Mail that waits for a person's word."""


def _print_list(session: Session, state: InboundState, as_json: bool) -> None:
    found = inbound_list(session.store, state)
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
    click.echo(f"raw bytes: maild {_NOUN[state]} show {number} --raw")


def _kept(session: Session, number: int, state: InboundState) -> KeptMail:
    with session.store(reading=True) as unit:
        kept = unit.inbound.get(number)
    if kept is None or kept.state is not state:
        click.echo(f"inbound {number} is not {state}: maild {_NOUN[state]} list", err=True)
        sys.exit(1)
    return kept


_NOUN = {InboundState.QUARANTINED: "quarantine", InboundState.HELD: "held"}


@quarantine.command("list")
@json_option
@click.pass_obj
def list_quarantined(session: Session, as_json: bool) -> None:
    """Mails that were set aside."""
    _print_list(session, InboundState.QUARANTINED, as_json)


@quarantine.command("show")
@click.argument("number", type=int)
@click.option("--raw", is_flag=True, help="The untouched mail.")
@json_option
@click.pass_obj
def show_quarantined(session: Session, number: int, raw: bool, as_json: bool) -> None:
    """One of them, with why."""
    _print_one(session, number, InboundState.QUARANTINED, raw, as_json)


@quarantine.command()
@click.argument("numbers", nargs=-1, type=int)
@click.option("--all", "every", is_flag=True)
@json_option
@click.pass_obj
def replay(session: Session, numbers: tuple[int, ...], every: bool, as_json: bool) -> None:
    """Judge mails again, as after an upgrade that can read them."""
    if not numbers and not every:
        raise click.UsageError("name the mails by their ids, or say --all")
    with session.store() as unit:
        chosen = [kept.id for kept in unit.inbound.listed(InboundState.QUARANTINED)] if every else list(numbers)
        refused = [number for number in chosen if not unit.inbound.replay(number)]
        unit.commit()
    for number in refused:
        click.echo(f"inbound {number} is not quarantined: maild quarantine list", err=True)
    with assembly.workshop(session.settings) as reader:
        processing = Processing(session.store, reader, lambda: session.helpdesk, SystemClock(), lambda: None)
        for processed in processing.round([number for number in chosen if number not in refused]):
            outcome = processed.outcome or "tried, and will be tried again"
            document = {"inbound": processed.inbound, "outcome": outcome, "ticket": processed.ticket}
            if as_json:
                print_json_line(document | {"reason": processed.reason})
            else:
                click.echo(f"inbound {processed.inbound}: {outcome} ({processed.reason})")
        processing.close()
    sys.exit(1 if refused else 0)


@held.command("list")
@json_option
@click.pass_obj
def list_held(session: Session, as_json: bool) -> None:
    """Mails that wait."""
    _print_list(session, InboundState.HELD, as_json)


@held.command("show")
@click.argument("number", type=int)
@click.option("--raw", is_flag=True, help="The untouched mail.")
@json_option
@click.pass_obj
def show_held(session: Session, number: int, raw: bool, as_json: bool) -> None:
    """One of them, with why."""
    _print_one(session, number, InboundState.HELD, raw, as_json)
