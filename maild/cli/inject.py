"""maild inject: take mails in and process them now; also the pipe for an alias."""

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

_PATIENCE = 60.0  # seconds for a daemon that took the mail over


@click.command()
@click.option("--mailbox", default="", help="The [[mailbox]] that it counts as coming from.")
@at_option
@click.option("--envelope-from", "envelope_from", default=None, help='The SMTP sender; "" is the null one.')
@click.option("--to", "recipients", multiple=True, help="An SMTP recipient.")
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
    """Take FILES (or - for standard input) in as a source would, and judge them."""
    known = {box.name for box in session.settings.mailboxes}
    if mailbox and mailbox not in known:
        raise click.BadParameter(f"no mailbox {mailbox!r}; there are: {', '.join(sorted(known)) or 'none'}")
    clock = session.clock(at)
    envelope = Envelope(envelope_from, recipients)
    for name in files:
        if name != "-" and not Path(name).is_file():
            raise click.BadParameter(f"{name}: no such file")
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
        for name in files:  # one at a time: a backlog may be larger than the memory
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
    """What became of a kept mail: judged here, or by a daemon that was quicker."""
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
                return Processed(kept.id, "duplicate", kept.ticket, "this very mail was kept before")
            return Processed(kept.id, kept.outcome, kept.ticket, kept.reason)
        processing.round([receipt.inbound])
        time.sleep(0.05)
    raise TemporaryFailure(f"inbound {receipt.inbound} is kept, but nobody has judged it yet")


def _print(done: Processed, as_json: bool) -> None:
    outcome = done.outcome or "kept, and waits"
    if as_json:
        document = {"inbound": done.inbound, "outcome": outcome, "ticket": done.ticket, "reason": done.reason}
        print_json_line(document)
        return
    where = f" ticket {done.ticket}" if done.ticket is not None else ""
    click.echo(f"inbound {done.inbound}: {outcome}{where} ({done.reason})")
