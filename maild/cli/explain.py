"""maild explain: show why a mail had its outcome, or what a mail would do."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import click

from maild.cli.session import Session, at_option, json_option, print_json
from maild.daemon import assembly
from maild.domain.messages.message import Envelope
from maild.ports import IncomingMail
from maild.services.intake.explain import explain_mail
from maild.services.queries.documents import explained


@click.command()
@click.argument("what", required=False)
@click.option("--inbound", type=int, help="A stored mail, by its number.")
@click.option("--mailbox", default="", help="Treat the file as mail from this [[mailbox]].")
@at_option
@json_option
@click.pass_obj
def explain(
    session: Session, what: str | None, inbound: int | None, mailbox: str, at: str | None, as_json: bool
) -> None:
    """Show the decisions about a mail, step by step.

    WHAT is a file with a mail, which is only read and changes nothing, or a ticket number."""
    if (what is None) == (inbound is None):
        raise click.UsageError("name one of these: a file, a ticket number, or --inbound ID")
    documents = _recorded_mail(session, inbound) if inbound is not None else _about(session, what or "", mailbox, at)
    if as_json:
        print_json(documents[0] if len(documents) == 1 else documents)
        return
    for document in documents:
        _print(document)


def _about(session: Session, what: str, mailbox: str, at: str | None) -> list[dict[str, Any]]:
    if what.isdecimal():
        with session.store(reading=True) as unit:
            found = [explained(unit, kept) for kept in unit.inbound.of_ticket(int(what))]
        return found or _fail(f"no mail is recorded for ticket {what}")
    path = Path(what)
    if not path.is_file():
        _fail(f"{what} is neither a file nor a ticket number")
    clock = session.clock(at)
    mail = IncomingMail(
        raw=path.read_bytes(), source="inject", arrived_at=clock.now(), envelope=Envelope(), mailbox=mailbox
    )
    with assembly.worker_pool(session.settings) as reader:
        return [explain_mail(mail, session.store, reader, session.helpdesk, clock.now())]


def _recorded_mail(session: Session, inbound: int) -> list[dict[str, Any]]:
    with session.store(reading=True) as unit:
        kept = unit.inbound.get(inbound)
        return [explained(unit, kept)] if kept else _fail(f"there is no inbound mail {inbound}")


def _fail(message: str) -> Any:
    click.echo(message, err=True)
    sys.exit(1)


def _print(document: dict[str, Any]) -> None:
    head = f"inbound {document['inbound']}" if document["inbound"] is not None else "dry run"
    where = f", ticket {document['ticket']}" if document["ticket"] is not None else ""
    click.echo(f"{head}: {document['outcome']}{where}")
    for step in document["steps"]:
        click.echo(f"  {step['stop']:<15} {step['verdict']:<18} {step['reason']}")
    for effect in document["effects"]:
        click.echo(f"  -> {effect}")
    if document["inbound"] is None:
        click.echo("nothing was written.")
