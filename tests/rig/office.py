"""A whole helpdesk in one process: a store in a temporary file, a clock that stands, a relay that remembers.

Mails go in as raw bytes and come out as raw bytes; everything between is the real thing. Only the reading happens in
the test's own process, where a traceback is worth something."""

import itertools
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from maild.config import load
from maild.daemon.clocks import SetClock
from maild.domain.messages.message import Envelope, InboundMessage, OutboundMessage
from maild.domain.messages.outbox import ChannelFault, DeliveryResult, OutboxState, RelayAnswer
from maild.domain.messages.reply_tokens import Key, KeyRing
from maild.mail.reading.parse import read, rewritten
from maild.mail.templates.render import Renderer
from maild.ports import IncomingMail, OutboxRow, Receipt
from maild.services.deliver import Delivered, Delivery
from maild.services.escalation.due_steps import Fired
from maild.services.helpdesk import Helpdesk
from maild.services.intake.process import ATTEMPTS, Processed, Processing
from maild.services.intake.receive import keep
from maild.services.notices.overflow import with_notices
from maild.services.queries.documents import ticket_show
from maild.services.reports.retry_later import RetryLater
from maild.services.tick import tick
from maild.store.unit_of_work import Store
from tests.rig.databases import Stores

MONDAY = datetime(2026, 5, 4, 9, 0, tzinfo=UTC)  # the office is open
RING = KeyRing((Key("a", b"a secret of at least sixteen characters"),))
PROVIDER = "mx.acme.example"  # whose word about senders counts
# What our provider writes above a mail when it takes it in; its results stand above that.
TAKEN_IN = f"from mail.sender.example (mail.sender.example [192.0.2.25]) by {PROVIDER} with ESMTPS id 4c1f"

CONFIG = """
[helpdesk]
name = "Acme Support"
address = "support@acme.example"
aliases = ["help@acme.example"]

[listener]
smtp = "127.0.0.1:2525"
trusted_authserv = ["mx.acme.example"]

[[relay]]
maildir = "sent"

[acknowledge]
to = "everyone"

[digest]  # tests that are about them switch them on
personal = "off"
team = "off"
manager = "off"

[[department]]
name = "support"
manager = "mary"
[[department]]
name = "sysadmins"
address = "sysadmins@acme.example"
manager = "mary"

[[team]]
name = "banking"
lead = "jane"
members = ["jane", "joe"]

[[agent]]
name = "john"
display = "John Smith"
addresses = ["john@acme.example", "john@home.example"]
departments = ["support"]
[[agent]]
name = "jane"
display = "Jane Doe"
addresses = ["jane@acme.example"]
departments = ["support"]
[[agent]]
name = "joe"
addresses = ["joe@acme.example"]
departments = ["sysadmins"]
[[agent]]
name = "mary"
display = "Mary Poole"
addresses = ["mary@acme.example"]
departments = []
role = "admin"
"""


@cache
def shipped_templates() -> Renderer:
    """The shipped mail texts, compiled once for all offices: that takes longer than most tests."""
    return Renderer(None)


class Here:
    """Reads mails in this process."""

    def read(self, raw: bytes) -> InboundMessage:
        return read(raw)

    def rewritten(self, raw: bytes, parts: Sequence[str]) -> bytes:
        return rewritten(raw, parts)


@dataclass
class Relay:
    """A relay that takes everything, unless told what to answer: by recipient, or for all."""

    sent: list[OutboundMessage] = field(default_factory=list)
    answers: dict[str, RelayAnswer] = field(default_factory=dict)
    fault: ChannelFault | None = None
    while_sending: Callable[[OutboundMessage], None] = lambda message: None

    def send(self, message: OutboundMessage) -> Mapping[str, RelayAnswer] | ChannelFault:
        if self.fault is not None:
            return self.fault
        self.while_sending(message)
        self.sent.append(message)
        taken = RelayAnswer(DeliveryResult.SENT, "250 taken", 250)
        return {recipient: self.answers.get(recipient, taken) for recipient in message.recipients}

    def close(self) -> None:
        pass


class Office:
    """One helpdesk with its people, and everybody who writes to it."""

    def __init__(self, folder: Path, config: str, stores: Stores) -> None:
        self.folder = folder
        self._stores = stores
        self.store = stores.open(folder / "maild.db")
        self.clock = SetClock(MONDAY)
        self.retry_later = RetryLater()
        self.relay = Relay()
        self.reader: Any = Here()
        self._numbers = itertools.count(1)
        self.configure(config)
        self.processing = self.another_processing(self.store)
        self.delivery = self.another_delivery(self.store)

    def configure(self, config: str) -> None:
        """Take over another configuration, as a reload does."""
        path = self.folder / "maild.toml"
        path.write_text(config)
        self.helpdesk = Helpdesk.of(load(path, environ={}), RING)
        folder = self.helpdesk.settings.templates.folder
        self.renderer = Renderer(folder) if folder else shipped_templates()

    def another_processing(self, store: Store) -> Processing:
        reader = self  # whichever reader is set when a mail is read
        return Processing(store, reader, lambda: self.helpdesk, self.clock, lambda: None, readers=1, pause=timedelta(0))

    def another_delivery(self, store: Store) -> Delivery:
        relay = self.helpdesk.settings.relays[0].name
        return Delivery(relay, store, self.relay, lambda: self.renderer, lambda: self.helpdesk, self.clock)

    def read(self, raw: bytes) -> InboundMessage:
        return self.reader.read(raw)

    def rewritten(self, raw: bytes, parts: Sequence[str]) -> bytes:
        return self.reader.rewritten(raw, parts)

    def close(self) -> None:
        self.processing.close()
        self.delivery.close()
        self._stores.close(self.store)

    # -- mail in ------------------------------------------------------------------------------------------------

    def mail(
        self,
        sender: str,
        text: str,
        *,
        to: str = "support@acme.example",
        subject: str = "Printer on fire",
        cc: str = "",
        proof: str = "pass",
        headers: Mapping[str, str | None] | None = None,
    ) -> bytes:
        """A mail as a person's program writes it. `proof` is what our provider says of it; "" is nothing.

        `headers` adds fields; a None takes one out."""
        number = next(self._numbers)
        domain = sender.strip("<>").rpartition("@")[2]
        fields: dict[str, str | None] = {
            "Authentication-Results": f"{PROVIDER}; dmarc={proof} header.from={domain}" if proof else None,
            "Received": f"{TAKEN_IN}; {self.clock.now():%a, %d %b %Y %H:%M:%S +0000}",
            "From": sender,
            "To": to,
            "Cc": cc or None,
            "Subject": subject,
            "Date": f"{self.clock.now():%a, %d %b %Y %H:%M:%S +0000}",
            "Message-ID": f"<mail-{number}@{domain}>",
            "Content-Type": "text/plain; charset=utf-8",
        }
        fields |= headers or {}
        head = "".join(f"{name}: {value}\r\n" for name, value in fields.items() if value is not None)
        return (head + "\r\n" + text.replace("\n", "\r\n") + "\r\n").encode()

    def answer(self, row: OutboxRow, text: str, *, sender: str = "", quote: bool = True, **more: Any) -> bytes:
        """An answer to one of our mails by whoever got it, to its Reply-To, with its References, quoting it."""
        mail = row.context["mail"]
        references = " ".join((*mail["references"], row.message_id))
        headers = {"In-Reply-To": row.message_id, "References": references} | more.pop("headers", {})
        quoted = "\n".join(f"> {line}" for line in self.words(row).splitlines()) if quote else ""
        wrote = f"\n\nOn Mon, 4 May 2026 at 09:00, Acme Support <support@acme.example> wrote:\n{quoted}"
        more = {"to": mail["reply_to"], "subject": f"Re: {row.subject}"} | more
        return self.mail(sender or str(row.to.address), text + (wrote if quote else ""), headers=headers, **more)

    def words(self, row: OutboxRow) -> str:
        """The text part of one of our mails."""
        context = {key: value for key, value in row.context.items() if key != "mail"}
        return self.renderer.render(row.template, context).text

    def keep(self, raw: bytes, **more: Any) -> Receipt:
        """Keep a mail as a source would, and judge nothing yet."""
        envelope = Envelope(more.pop("envelope_from", None), tuple(more.pop("recipients", ())))
        incoming = {"source": "smtp", "arrived_at": self.clock.now()} | more
        (receipt,) = keep([IncomingMail(raw=raw, envelope=envelope, **incoming)], self.store, self.clock)
        return receipt

    def receive(self, raw: bytes, **more: Any) -> Processed:
        """Keep and judge one mail -> what became of it."""
        receipt = self.keep(raw, **more)
        for _ in range(ATTEMPTS):
            for done in self.processing.round([receipt.inbound]):
                if done.outcome:
                    return done
        with self.store(reading=True) as unit:
            kept = unit.inbound.get(receipt.inbound)
        assert kept is not None
        return Processed(kept.id, kept.outcome, kept.ticket, kept.reason)

    def open_ticket(
        self, sender: str = "Karen Hill <karen@client.example>", text: str = "It burns.", **more: Any
    ) -> int:
        """A customer writes -> the number of the new ticket; the mails of that are delivered."""
        opened = self.receive(self.mail(sender, text, **more))
        assert (opened.outcome, opened.ticket is not None) == ("opened", True), opened
        self.deliver()
        return opened.ticket or 0

    # -- mail out -----------------------------------------------------------------------------------------------

    def outbox(self, template: str = "", to: str = "", ticket: int = 0) -> list[OutboxRow]:
        """What was ever queued, oldest first: of a template, to an address, about a ticket."""
        with self.store(reading=True) as unit:
            stored = (unit.outbox.get(row.id) for row in unit.outbox.listed(tuple(OutboxState)))
            rows = with_notices(unit, [row for row in stored if row is not None])
        return [
            row
            for row in rows
            if template in ("", row.template) and to in ("", str(row.to.address)) and ticket in (0, row.ticket)
        ]

    def last(self, template: str = "", to: str = "", ticket: int = 0) -> OutboxRow:
        """The newest of them."""
        found = self.outbox(template, to, ticket)
        assert found, f"no mail {template!r} to {to!r} was queued, only {self.told()}"
        return found[-1]

    def told(self, since: int = 0) -> list[tuple[str, str]]:
        """(template, address) of every mail queued after the outbox row `since`."""
        return [(row.template, str(row.to.address)) for row in self.outbox() if row.id > since]

    @property
    def queued(self) -> int:
        """The number of the newest outbox row: a mark for `told`."""
        return max((row.id for row in self.outbox()), default=0)

    def deliver(self, after: timedelta = timedelta(0)) -> Delivered:
        """Let time pass, and deliver what is due then."""
        self.clock.advance(after)
        return self.delivery.round()

    def sent_to(self, address: str) -> list[InboundMessage]:
        """What reached a mailbox, read."""
        return [read(message.raw) for message in self.relay.sent if address in message.recipients]

    # -- what there is ------------------------------------------------------------------------------------------

    def ticket(self, number: int) -> dict[str, Any]:
        shown = ticket_show(self.store, self.helpdesk, number, self.clock.now())
        assert shown is not None, f"there is no ticket {number}"
        return shown

    def kinds(self, number: int) -> list[str]:
        """The kinds of a ticket's events."""
        return [event["kind"] for event in self.ticket(number)["events"]]

    def tick(self, after: timedelta = timedelta(0)) -> list[Fired]:
        """Let time pass, and do what is due then."""
        self.clock.advance(after)
        return list(tick(self.store, self.helpdesk, self.clock.now(), self.retry_later).fired)


@pytest.fixture
def open_office(tmp_path: Path, stores: Stores) -> Iterator[Callable[[str], Office]]:
    """Opens an office with a configuration of the test's own."""
    opened: list[Office] = []

    def with_config(config: str) -> Office:
        folder = tmp_path / f"office-{len(opened)}"
        folder.mkdir()
        opened.append(Office(folder, config, stores))
        return opened[-1]

    yield with_config
    for office in opened:
        office.close()


@pytest.fixture
def office(open_office: Callable[[str], Office]) -> Office:
    """The office of CONFIG."""
    return open_office(CONFIG)
