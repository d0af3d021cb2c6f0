"""maild inject: store mails and process them at once. It also serves as the pipe of a mail alias."""

from __future__ import annotations

import sys
import time
from datetime import timedelta
from pathlib import Path

import click

from maild.cli.session import Session, at_option, json_option, print_json_line
from maild.daemon import assembly
from maild.domain.messages.message import Envelope
from maild.ports import InboundState, IncomingMail, Receipt, TemporaryFailure
from maild.services.intake.process import ATTEMPTS, Processed, Processing
from maild.services.intake.receive import keep

_PATIENCE = 60.0  # seconds to wait for a daemon that took the mail over


@click.command()
@click.option("--mailbox", default="", help="Treat the mail as coming from this [[mailbox]].")
@at_option
@click.option("--envelope-from", "envelope_from", default=None, help='SMTP sender; "" is the null sender of a bounce.')
@click.option("--to", "recipients", multiple=True, help="SMTP recipient; may be repeated.")
@json_option
@click.argument("files", nargs=-1, required=True)
@click.pass_obj
def inject(
    session: Session,
    mailbox: str,
    at: str | None,
    envelope_from: str | None,
    recipients: tuple[str, ...],
    as_json: bool,
    files: tuple[str, ...],
) -> None:
    """Store and process mails from files.

    FILES are raw mails; - reads standard input. The mails are handled as if a source had brought them. Prints the
    outcome of each mail."""
    known = {box.name for box in session.settings.mailboxes}
    if mailbox and mailbox not in known:
        raise click.BadParameter(f"there is no mailbox {mailbox!r}; choose from: {', '.join(sorted(known)) or 'none'}")
    clock = session.clock(at)
    envelope = Envelope(envelope_from, recipients)
    for name in files:
        if name != "-" and not Path(name).is_file():
            raise click.BadParameter(f"{name}: this file does not exist")
    with assembly.worker_pool(session.settings) as reader:
        processing = Processing(
            session.store,
            reader,
            lambda: session.helpdesk,
            clock,
            lambda: None,
            pause=timedelta(0),
            scanner=assembly.scanner(session.settings),
        )
        for name in files:  # one at a time, because a backlog may not fit into memory
            mail = IncomingMail(
                raw=_read(name), source="inject", arrived_at=clock.now(), envelope=envelope, mailbox=mailbox
            )
            (receipt,) = keep([mail], session.store, clock)
            _print(_judged(session, processing, receipt), as_json)
        processing.close()


def _read(name: str) -> bytes:
    try:
        return sys.stdin.buffer.read() if name == "-" else Path(name).read_bytes()
    except OSError as error:
        raise click.BadParameter(f"{name}: {error.strerror}") from error


def _judged(session: Session, processing: Processing, receipt: Receipt) -> Processed:
    """Return the outcome of a stored mail, judged here or by a daemon that was faster."""
    if not receipt.known:
        for _ in range(ATTEMPTS):
            done = [p for p in processing.round([receipt.inbound]) if p.outcome or p.waits]
            if done:
                return done[0]
    deadline = time.monotonic() + _PATIENCE
    while time.monotonic() < deadline:
        with session.store(reading=True) as unit:
            kept = unit.inbound.get(receipt.inbound)
        if kept is not None and kept.state is not InboundState.KEPT:
            if receipt.known:
                return Processed(kept.id, "duplicate", kept.ticket, "this mail was already stored before")
            return Processed(kept.id, kept.outcome, kept.ticket, kept.reason)
        processing.round([receipt.inbound])
        time.sleep(0.05)
    raise TemporaryFailure(f"inbound {receipt.inbound} is stored, but not yet processed")


def _print(done: Processed, as_json: bool) -> None:
    outcome = done.outcome or "kept, and waits"
    if as_json:
        document = {"inbound": done.inbound, "outcome": outcome, "ticket": done.ticket, "reason": done.reason}
        print_json_line(document)
        return
    where = f" ticket {done.ticket}" if done.ticket is not None else ""
    click.echo(f"inbound {done.inbound}: {outcome}{where} ({done.reason})")
