"""A stage with real servers: Postfix carries all mail and fills people's Maildirs; the daemon reads Dovecot or LMTP."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

from maild.cli.stage import CONFIG, write_config
from maild.cli.story import read_mail
from maild.config import load
from maild.daemon import Daemon
from maild.daemon.clocks import SetClock
from maild.services.queries.documents import ticket_list, ticket_show
from tests.rig.dovecot import PASSWORD, Dovecot, running_dovecot
from tests.rig.postfix import PostfixRig, free_port, run_postfix

PEOPLE = ("john", "jane", "sam", "ana"), ("karen", "ken", "paul")
NOBODY = 65534  # the user that the mailboxes of people belong to
PATIENCE = 60.0
BOX_USER = "support"


def addresses() -> dict[str, str]:
    """Mailbox folder by address."""
    agents, customers = PEOPLE
    return {f"{n}@acme.example": f"{n}/" for n in agents} | {f"{n}@client.example": f"{n}/" for n in customers}


class DoorStage:
    """See maild.cli.story.Stage."""

    def __init__(
        self, folder: Path, mail: Path, mta: PostfixRig, daemon: Daemon, clock: SetClock, dovecot: Dovecot | None
    ):
        self.folder, self.mail, self.mta = folder, mail, mta
        self.daemon, self.clock, self.dovecot = daemon, clock, dovecot
        self.narration: list[str] = []

    def now(self):
        return self.clock.now()

    def post(self, sender, recipients, raw):
        if self.dovecot is not None:
            self.dovecot.deliver(BOX_USER, raw, at=self.clock.now())
        else:
            assert self.mta.submit(str(sender), [str(r) for r in recipients], raw) == {}

    def settle(self):
        deadline = time.monotonic() + PATIENCE
        while not self._at_rest():
            assert time.monotonic() < deadline, f"no rest: {self.mta.queue()}\n{self.mta.log[-3000:]}"
            self.daemon.wake()
            time.sleep(0.05)

    def _at_rest(self):
        if self.dovecot is not None and self.dovecot.contents(BOX_USER):
            return False
        return self.mta.delivers_all() and self.daemon.settled() and self.mta.queue_empty()

    def pass_time(self, span: timedelta):
        self.clock.advance(span)
        self.daemon.tick()
        self.settle()

    def mails_to(self, address):
        new = self.mail / address.local / "new"
        paths = sorted(new.glob("*"), key=lambda path: (path.stat().st_mtime_ns, path.name)) if new.is_dir() else []
        return [read_mail(path.read_bytes()) for path in paths]

    def tickets(self, status):
        return ticket_list(self.daemon.store, self.daemon.helpdesk, self.now(), status=status)

    def ticket(self, number):
        return ticket_show(self.daemon.store, self.daemon.helpdesk, number, self.now())

    def narrate(self, text):
        self.narration.append(text)


def _postfix_settings(mail: Path, lmtp_port: int) -> dict[str, str]:
    boxes = " ".join(f"{{ {address} = {box} }}" for address, box in addresses().items())
    return {
        "recipient_delimiter": "+",
        "virtual_mailbox_domains": "acme.example client.example",
        "virtual_mailbox_base": str(mail),
        "virtual_mailbox_maps": f"inline:{{ {boxes} {{ support@acme.example = support/ }} }}",
        "virtual_uid_maps": f"static:{NOBODY}",
        "virtual_gid_maps": f"static:{NOBODY}",
        "virtual_minimum_uid": "100",
        "virtual_mailbox_limit": "0",
        "transport_maps": f"inline:{{ {{ support@acme.example = lmtp:inet:127.0.0.1:{lmtp_port} }} }}",
    }


def _config(folder: Path, mta: PostfixRig, lmtp_port: int, dovecot: Dovecot | None) -> Path:
    path = write_config(folder)
    relay = f'[relay]\nhost = "127.0.0.1"\nport = {mta.port}\ntls = "none"\n'
    text = CONFIG.format(port=0).replace('[relay]\nmaildir = "sent"\n', relay)
    listener = '[listener]\nsmtp = "127.0.0.1:0"\n'
    assert relay in text
    assert listener in text
    if dovecot is None:
        source = f'[listener]\nlmtp = "127.0.0.1:{lmtp_port}"\n'
    else:
        source = (
            f'[[mailbox]]\nname = "support"\nhost = "127.0.0.1"\nport = {dovecot.port}\ntls = "none"\n'
            f'user = "{BOX_USER}"\npassword = "{PASSWORD}"\nstart = "all"\n'
        )
    path.write_text(text.replace(listener, source))
    return path


@contextmanager
def door_stage(folder: Path, way_in: str) -> Iterator[DoorStage]:
    """The stage with mail coming in by "imap" or "lmtp"; out by Postfix in both."""
    with ExitStack() as stack:
        dovecot = stack.enter_context(running_dovecot()) if way_in == "imap" else None
        if dovecot is not None:  # the folder must be there before the daemon looks for it
            dovecot.deliver(BOX_USER, b"Subject: x\r\n\r\n")
            next(iter((dovecot.folder(BOX_USER) / "new").iterdir())).unlink()
        lmtp_port = free_port()
        mta = stack.enter_context(run_postfix())
        mail = mta.folder / "mail"
        mail.mkdir()
        os.chown(mail, NOBODY, NOBODY)
        mta.configure(**_postfix_settings(mail, lmtp_port))
        clock = SetClock(datetime(2026, 11, 23, 8, 0, tzinfo=UTC))
        daemon = Daemon(load(_config(folder / "maild", mta, lmtp_port, dovecot), environ={}), clock)
        daemon.start()
        stack.callback(daemon.drain)
        yield DoorStage(folder, mail, mta, daemon, clock, dovecot)
