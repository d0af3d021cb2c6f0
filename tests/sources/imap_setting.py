"""How the tests of the IMAP source set one up."""

from typing import Any

from maild.ports import Clock
from maild.sources.imap import After, ImapSource, MailboxOptions, Start, Tls
from tests.rig.dovecot import LOOPBACK, PASSWORD, Dovecot
from tests.rig.hostile_imap import HostileImap
from tests.sources.contract import MemoryLedger, SetClock

MAILBOX = "support"


def options_for(server: Dovecot | HostileImap, user: str = "someone", **changes: Any) -> MailboxOptions:
    """Options that suit a test: everything is taken, and a poll comes soon."""
    settings: dict[str, Any] = {
        "name": MAILBOX,
        "host": LOOPBACK,
        "port": server.port,
        "tls": Tls.NONE,
        "user": user,
        "password": lambda: PASSWORD,
        "start": Start.ALL,
        "after": After.MOVE,
        "poll": 0.2,
        "first_retry": 0.05,
        "longest_retry": 0.5,
    }
    return MailboxOptions(**(settings | changes))


def source_for(options: MailboxOptions, ledger: MemoryLedger, clock: Clock | None = None) -> ImapSource:
    return ImapSource(options, ledger, clock or SetClock())


def mail(subject: str, body: str = "Hello.") -> bytes:
    return f"From: karen@customer.example\r\nSubject: {subject}\r\n\r\n{body}\r\n".encode()
