"""A stage for the acceptance story on this machine: the daemon in this process, SMTP in, a Maildir as the relay."""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from maild.cli.story import read_mail
from maild.config import load
from maild.daemon import Daemon
from maild.daemon.clocks import SetClock
from maild.domain.messages.message import InboundMessage, OutboundMessage
from maild.domain.people.directory import Address
from maild.services.queries.documents import ticket_list, ticket_show
from maild.sources.smtp import SmtpSource
from maild.transports.smtp import RelayOptions, SmtpTransport

CONFIG = """\
[helpdesk]
name = "Acme Support"
address = "support@acme.example"
timezone = "Europe/Berlin"
token_key = {{ file = "token-key" }}

[store]
url = "sqlite:///maild.db"

[listener]
smtp = "127.0.0.1:{port}"

[relay]
maildir = "sent"

[acknowledge]
to = "everyone"

[digest]
personal = "off"
team = "off"
manager = "off"

[[department]]
name = "support"
address = "support@acme.example"
manager = "ana"
signature = "Acme Support"

[[department]]
name = "system-administrators"

[[department]]
name = "online-banking"

[[team]]
name = "online-banking"
lead = "jane"
members = ["jane"]

[[agent]]
name = "john"
display = "John Smith"
addresses = ["john@acme.example"]
departments = ["support"]

[[agent]]
name = "jane"
display = "Jane Doe"
addresses = ["jane@acme.example"]
departments = ["online-banking"]

[[agent]]
name = "sam"
display = "Sam Oduya"
addresses = ["sam@acme.example"]
departments = ["system-administrators"]

[[agent]]
name = "ana"
display = "Ana Silva"
addresses = ["ana@acme.example"]
departments = ["system-administrators"]
role = "admin"
"""

_PATIENCE = 60.0  # seconds of real time to wait for the daemon


def write_config(folder: Path, port: int = 0) -> Path:
    """Write the demo's maild.toml and token key, and return its path."""
    folder.mkdir(parents=True, exist_ok=True)
    key = folder / "token-key"
    key.touch(mode=0o600)
    key.write_text(f"a:{secrets.token_hex(32)}\n")
    path = folder / "maild.toml"
    path.write_text(CONFIG.format(port=port))
    return path


def listening_at(daemon: Daemon) -> tuple[str, int]:
    """Return host and port of the daemon's SMTP listener. Raises TimeoutError when it does not start."""
    source = next(s for s in daemon.sources if isinstance(s, SmtpSource))
    if not source.ready.wait(_PATIENCE):
        raise TimeoutError(f"the listener did not start within {_PATIENCE:g} s")
    place = source.addresses["smtp"]
    assert not isinstance(place, str)  # the demo listens on TCP
    return place


def settled(daemon: Daemon, patience: float = _PATIENCE) -> None:
    """Wait until the daemon has nothing to judge and nothing due to send.

    Raises TimeoutError after `patience` seconds."""
    deadline = time.monotonic() + patience
    while not daemon.settled():
        if time.monotonic() > deadline:
            raise TimeoutError(f"the daemon still had work after {patience:g} s; see: maild outbox list")
        daemon.wake()
        time.sleep(0.02)


class LoopbackStage:
    """Implements story.Stage with a daemon in this process."""

    def __init__(self, folder: Path, start: datetime, print_line: Callable[[str], None]) -> None:
        self.folder = folder
        self.clock = SetClock(start)
        self.daemon = Daemon(load(write_config(folder), environ={}), self.clock)
        self._print = print_line
        self._seen: dict[Path, InboundMessage] = {}
        self._posted = 0

    def __enter__(self) -> LoopbackStage:
        self.daemon.start()
        host, port = listening_at(self.daemon)
        options = RelayOptions(name="demo", host=host, port=port, tls="none", helo="client.example")
        self._carrier = SmtpTransport(options)
        return self

    def __exit__(self, *error: object) -> None:
        self._carrier.close()
        self.daemon.drain()

    def now(self) -> datetime:
        """Return the time of the stage's clock."""
        return self.clock.now()

    def post(self, sender: Address, recipients: Sequence[Address], raw: bytes) -> None:
        """Send a person's mail to the listener by SMTP. Raises RuntimeError when it is not accepted."""
        named = tuple(str(recipient) for recipient in recipients)
        answers = self._carrier.send(OutboundMessage(str(sender), named, raw))
        self._posted += 1
        self._print(transcript(self.now(), read_mail(raw), "→"))
        if not isinstance(answers, dict) or {a.verdict.value for a in answers.values()} != {"sent"}:
            raise RuntimeError(f"the listener did not accept a mail: {answers}")

    def settle(self) -> None:
        """Wait until all mail is processed, then print the new mails."""
        settled(self.daemon)
        for mail in self._new():
            self._print(transcript(self.now(), mail, "←"))

    def pass_time(self, span: timedelta) -> None:
        """Move the clock forward, tick, and settle."""
        self.clock.advance(span)
        self.daemon.tick()
        self.settle()

    def mails_to(self, address: Address) -> list[InboundMessage]:
        """Return the mails in a person's mailbox, oldest first."""
        self._new()
        return [mail for mail in self._seen.values() if any(p.address == address for p in mail.to)]

    def tickets(self, status: str) -> list[dict[str, Any]]:
        """Return the list that `maild ticket list --status` prints."""
        return ticket_list(self.daemon.store, self.daemon.helpdesk, self.now(), status=status)

    def ticket(self, number: int) -> dict[str, Any]:
        """Return what `maild ticket show` prints. Raises LookupError when there is no such ticket."""
        found = ticket_show(self.daemon.store, self.daemon.helpdesk, number, self.now())
        if found is None:
            raise LookupError(f"there is no ticket {number}")
        return found

    def narrate(self, text: str) -> None:
        """Print a line of the story."""
        self._print(f"\n== {text}\n")

    def _new(self) -> list[InboundMessage]:
        """Return the mails that came since the last call, in the order of arrival."""
        paths = [path for path in (self.folder / "sent" / "new").glob("*") if path not in self._seen]
        found = []
        for path in sorted(paths, key=lambda p: (p.stat().st_mtime_ns, p.name)):
            self._seen[path] = read_mail(path.read_bytes())
            found.append(self._seen[path])
        return found


_SHOWN_LINES = 7


def transcript(now: datetime, mail: InboundMessage, arrow: str) -> str:
    """Return a mail in a few lines, for the terminal."""
    sender = mail.sender.shown if mail.sender else mail.from_header
    to = ", ".join(str(person.address) for person in mail.to)
    if len(to) > 48:
        to = f"{to[:30]}…"
    kind = mail.header("x-maild-reason")
    head = f"{now:%a %H:%M} UTC {arrow} {sender} to {to}{f'  [{kind}]' if kind else ''}\n    {mail.subject}"
    lines = [line for line in mail.new_text.splitlines() if line.strip()]
    shown = [f"    | {line[:100]}" for line in lines[:_SHOWN_LINES]]
    more = [f"    | … {len(lines) - _SHOWN_LINES} more lines"] if len(lines) > _SHOWN_LINES else []
    return "\n".join([head, *shown, *more])
